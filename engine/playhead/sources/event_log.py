"""Rows from an event log: one split a partition, read by offset, without an end or up to now."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

import pyarrow as pa

from playhead.errors import PlanError
from playhead.logs.bell import Bell
from playhead.logs.log import EventLog
from playhead.logs.reading import Reader
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.sources.clock import LISTEN_SECONDS
from playhead.sources.columns import chosen
from playhead.sources.declared_source import DeclaredSource
from playhead.sources.source import Chunk, Split, Stop
from playhead.sources.timing import Declared, timing

ROWS = 65_536
"""How many rows are read at once, at most."""


class EventLogSource(DeclaredSource):
    """The partitions of an event log; a position is the offset of the next row.

    The first chunk of a split that is read from its start is empty: it says at which offset that is.
    """

    def __init__(
        self,
        log: EventLog,
        declared: Declared,
        columns: Sequence[str] | None = None,
        *,
        since: Mapping[int, int] | None = None,
        until: Mapping[int, int] | None = None,
    ) -> None:
        self.path, self.since, self.until = log.path, since, until
        self.bounded = until is not None
        self.partitions = len(log.partitions)
        self.columns = chosen(log.schema, columns)
        self.knows_times = log.time is not None and (declared.time, declared.tz, declared.unit) == (
            log.time,
            None,
            None,
        )
        """Whether the log's own event times are those of this source."""
        _require_partitions(self.partitions, since, "since")
        super().__init__(f"event log {log.path}", timing(declared, self.columns, bounded=self.bounded))

    def until_now(self) -> EventLogSource:
        """The same rows, up to the last one that is there at this moment."""
        ended, reader = copy(self), Reader(self.path)
        try:
            ended.until, ended.bounded = reader.ends(), True
        finally:
            reader.close()
        return ended

    def splits(self) -> list[Split]:
        reader = Reader(self.path)
        try:
            starts = reader.starts()
            return [
                Split(str(number), self._rests(reader, number, start).of(start))
                for number in range(self.partitions)
                for start in [self._start(number, starts)]
            ]
        finally:
            reader.close()

    def _start(self, partition: int, starts: Mapping[int, int]) -> int:
        return starts[partition] if self.since is None else self.since[partition]

    def _rests(self, reader: Reader, partition: int, offset: int) -> _Rests:
        """What is known of the event times of the rows to come; nothing where more may be appended."""
        if self.until is None or not self.knows_times:
            return _Rests(MAX_TIME if self.until is None else self.until[partition])
        until = self.until[partition]
        batches = reader.least_times(partition, offset, until)
        least = [MAX_TIME if time is None else time for _, time in batches]
        return _Rests(until, [first for first, _ in batches], list(accumulate(reversed(least), min))[::-1])

    def read(self, split: Split, columns: Sequence[str], position: Any, stop: Stop) -> Iterator[Chunk]:
        names, partition = self.to_decode(columns), int(split.name)
        schema = chosen(self.columns, names)
        reader = Reader(self.path)
        try:
            offset = self._start(partition, reader.starts()) if position is None else int(position)
            rests = self._rests(reader, partition, offset)
            if position is None:
                empty = pa.RecordBatch.from_pylist([], schema=chosen(self.schema, columns))
                yield Chunk(empty, offset, rests.of(offset))
            end = None if self.until is None else self.until[partition]
            for rows, after in self._pieces(reader, partition, offset, schema, end, stop):
                checked, rejected = self.timing.check(rows, partial(_place, partition, offset))
                yield Chunk(checked.select(list(columns)), after, rests.of(after), rejected=rejected)
                offset = after
        finally:
            reader.close()

    def _pieces(
        self, reader: Reader, partition: int, offset: int, schema: pa.Schema, until: int | None, stop: Stop
    ) -> Iterator[tuple[pa.RecordBatch, int]]:
        """(rows, offset behind them) from `offset` on, as they come."""
        bell, seen = None, None
        try:
            while not stop.is_set() and offset != until:
                found = reader.read(partition, offset, schema, ROWS, until)
                if found.next > offset:
                    yield found.rows, found.next
                    offset = found.next
                elif bell is None:
                    bell, seen = Bell(self.path), reader.version()  # and look once more: nothing rang until now
                else:
                    while not bell.wait(LISTEN_SECONDS) and not stop.is_set() and reader.version() == seen:
                        pass
                    seen = reader.version()
        finally:
            if bell is not None:
                bell.close()


@dataclass(frozen=True, slots=True)
class _Rests:
    """The least event time of the rows of a partition from an offset on, as far as it is known."""

    until: int
    firsts: Sequence[int] = ()
    """The first offsets of batches; none where nothing is known."""
    least: Sequence[int] = ()
    """The least event time from each batch on."""

    def of(self, offset: int) -> int:
        if offset >= self.until:
            return MAX_TIME
        return self.least[bisect_right(self.firsts, offset) - 1] if self.firsts else MIN_TIME


def _place(partition: int, offset: int, row: int) -> str:
    return f"partition {partition}, offset {offset + row}"


def _require_partitions(count: int, offsets: Mapping[int, int] | None, what: str) -> None:
    if offsets is not None and sorted(offsets) != list(range(count)):
        raise PlanError(f"{what}={dict(offsets)!r} is to name an offset for each of the partitions 0 to {count - 1}")
