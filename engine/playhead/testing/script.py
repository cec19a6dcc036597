"""Sources that do what a script says: these rows, then this watermark, then silence, an end or a crash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from playhead.durations import microseconds
from playhead.errors import PlanError
from playhead.frame.frame import Frame
from playhead.schema import MAX_TIME, MIN_TIME, EventTime, require_column
from playhead.sources.source import Chunk, Rejected, Split, Stop

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Rows:
    """The next rows of a split, which travel as one batch."""

    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Watermark:
    """The split promises that no later row has an event time before `time`."""

    time: Any


@dataclass(frozen=True)
class Idle:
    """The split says that it will be silent for a while and must not be waited for."""


@dataclass(frozen=True)
class Malformed:
    """Input that cannot become rows."""

    text: str
    reason: str


@dataclass(frozen=True)
class Crash:
    """Reading fails."""

    where: str


@dataclass(frozen=True)
class End:
    """The split ends, even in a script that is otherwise endless."""


Step = Rows | Watermark | Idle | Malformed | Crash | End


def rows(*rows: Mapping[str, Any]) -> Rows:
    """The next rows of a split, each a dict. Times may be text, datetimes or microseconds since 1970."""
    return Rows(tuple(rows))


def watermark(time: Any) -> Watermark:
    """A promise of the split that no later row has an event time before `time`."""
    return Watermark(time)


def idle() -> Idle:
    """The split is silent until its next rows and does not hold the watermark back."""
    return Idle()


def malformed(text: str, reason: str = "cannot be read") -> Malformed:
    """A piece of input that cannot become a row and goes to `query.rejected`."""
    return Malformed(text, reason)


def crash(where: str = "here") -> Crash:
    """Reading fails at this point; the error says `where`."""
    return Crash(where)


def end() -> End:
    """The end of a split. A bounded script ends by itself after its last step."""
    return End()


def scripted(
    schema: pa.Schema | Mapping[str, Any],
    *splits: Sequence[Step],
    time: str | None = None,
    out_of_order: Any = None,
    bounded: bool = True,
    sequence: Sequence[str] = (),
    arrival: str | None = None,
    idle_timeout: Any = None,
    name: str = "script",
) -> Frame:
    """A frame whose source plays a script: a list of steps for each split.

    Parameters
    ----------
    schema : pyarrow.Schema or mapping
        The columns and their Arrow types; event times are `timestamp[us, zone]`.
    *splits : list of steps
        What each split does: `rows(...)`, `watermark(t)`, `idle()`, `malformed(text)`, `crash("here")`, `end()`.
    bounded : bool
        Whether planner and engine see a source that ends. An endless script waits after its last step.

    Examples
    --------
    >>> from playhead.testing import rows, scripted
    >>> us = pa.timestamp("us", "UTC")
    >>> clicks = scripted({"at": us, "user": pa.string()}, [rows({"at": "2024-01-01 12:00", "user": "ann"})], time="at")
    >>> clicks.groupby("user").agg(n=("at", "count")).compute()
      user  n
    0  ann  1
    """
    columns = schema if isinstance(schema, pa.Schema) else pa.schema(list(schema.items()))
    event_time = None
    if time is not None:
        kind = require_column(time, columns).type
        if not (pa.types.is_timestamp(kind) and kind.unit == "us" and kind.tz):
            raise PlanError(f"the event time {time!r} of a script is timestamp[us, zone], not {kind}")
        event_time = EventTime(time)
    source = ScriptedSource(name, columns, splits or ((),), event_time, bounded)
    source.sequence, source.arrival = tuple(sequence), arrival
    source.out_of_order = None if out_of_order is None else microseconds(out_of_order, "out_of_order")
    source.idle_timeout = None if idle_timeout is None else microseconds(idle_timeout, "idle_timeout")
    return Frame.from_source(source)


class ScriptedSource:
    """A source that plays a script; one step is one chunk, and a position is a number of steps."""

    grows = False

    def __init__(
        self, name: str, schema: pa.Schema, splits: Sequence[Sequence[Step]], time: EventTime | None, bounded: bool
    ) -> None:
        self.name, self.schema, self.time, self.bounded = name, schema, time, bounded
        self.scripts = [_until_end(split) for split in splits]
        self.open = [not bounded and not (split and isinstance(split[-1], End)) for split in splits]
        """Which splits wait after their last step."""
        self.out_of_order: int | None = None
        self.idle_timeout: int | None = None
        self.sequence: tuple[str, ...] = ()
        self.arrival: str | None = None
        self._chunks = [self._played(number, script) for number, script in enumerate(self.scripts)]

    def splits(self) -> list[Split]:
        """One for each list of steps."""
        firsts = [self._times(chunks) if self.bounded else [] for chunks in self._chunks]
        return [
            Split(f"split {number}", min(times, default=MAX_TIME if self.bounded else MIN_TIME), number)
            for number, times in enumerate(firsts)
        ]

    def read(self, split: Split, columns: Sequence[str], position: Any, stop: Stop) -> Iterator[Chunk]:
        """Play a split from step `position`."""
        number = int(split.details)
        for chunk in self._chunks[number][position or 0 :]:
            if isinstance(chunk, Crash):
                raise RuntimeError(f"crash {chunk.where}")
            yield _with_columns(chunk, columns)
        while self.open[number] and not stop.wait(0.05):
            pass

    def batches(self, split: int) -> list[pa.RecordBatch]:
        """The rows of a split with all their columns, up to a crash."""
        chunks = self._chunks[split]
        crashes = [at for at, chunk in enumerate(chunks) if isinstance(chunk, Crash)]
        return [chunk.rows for chunk in chunks[: crashes[0] if crashes else None] if isinstance(chunk, Chunk)]

    def _played(self, number: int, script: Sequence[Step]) -> list[Chunk | Crash]:
        chunks: list[Chunk | Crash] = []
        rest = MAX_TIME if self.bounded else MIN_TIME
        for position in range(len(script), 0, -1):
            chunk = self._chunk(number, position, script[position - 1], rest)
            chunks.insert(0, chunk)
            if isinstance(chunk, Chunk) and self.bounded:
                rest = min([rest, *self._times([chunk])])
        return chunks

    def _chunk(self, number: int, position: int, step: Step, rest: int) -> Chunk | Crash:
        nothing = pa.RecordBatch.from_pylist([], schema=self.schema)
        match step:
            case Rows(rows):
                return Chunk(self._batch(rows), position, rest)
            case Watermark(time):
                kind = self.schema.field(self.time.column).type if self.time else pa.timestamp("us", "UTC")
                return Chunk(nothing, position, rest, watermark=_microseconds_of(time, kind.tz))
            case Malformed(text, reason):
                bad = Rejected([f"split {number}, step {position}"], [text], [reason])
                return Chunk(nothing, position, rest, rejected=bad)
            case Idle():
                return Chunk(nothing, position, rest, idle=True)
            case Crash():
                return step
            case End():
                return Chunk(nothing, position, rest)

    def _batch(self, rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
        columns = []
        for field in self.schema:
            values = [row.get(field.name) for row in rows]
            if pa.types.is_timestamp(field.type):
                values = [None if value is None else _microseconds_of(value, field.type.tz) for value in values]
            if self.time is not None and field.name == self.time.column and None in values:
                raise PlanError(f"a row of the script has no {field.name!r}, which is its event time")
            columns.append(pa.array(values, field.type))
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _times(self, chunks: Sequence[Chunk | Crash]) -> list[int]:
        if self.time is None:
            return [MIN_TIME]
        column = self.time.column
        parts = [chunk.rows.column(column) for chunk in chunks if isinstance(chunk, Chunk)]
        return [value for part in parts for value in part.view(pa.int64()).to_pylist()]


def _with_columns(chunk: Chunk, columns: Sequence[str]) -> Chunk:
    rows = chunk.rows.select(list(columns))
    return Chunk(rows, chunk.position, chunk.rest_min_time, chunk.watermark, chunk.idle, chunk.rejected)


def _until_end(script: Sequence[Step]) -> tuple[Step, ...]:
    ends = [at for at, step in enumerate(script) if isinstance(step, End)]
    if ends and ends[0] != len(script) - 1:
        raise PlanError("a split ends with end(); nothing can follow it")
    return tuple(script)


def _microseconds_of(time: Any, zone: str | None) -> int:
    """Microseconds since 1970, UTC, from a number, a datetime or text; naive ones are in `zone`."""
    if isinstance(time, int):
        return time
    moment = datetime.fromisoformat(time) if isinstance(time, str) else time
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone or "UTC"))
    return int((moment - EPOCH) // timedelta(microseconds=1))
