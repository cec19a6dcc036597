"""Runs a query epoch by epoch, exactly as a schedule says, and tells what each epoch read and showed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from playhead.batch import Batch
from playhead.frame.frame import Frame
from playhead.preparing import QuerySettings, prepare
from playhead.runtime.coordinator import OpenEpoch
from playhead.runtime.feed import Cut, Feed
from playhead.runtime.reader import SplitReader
from playhead.runtime.run import Run
from playhead.schema import MAX_TIME
from playhead.sinks.sink import SinkContext
from playhead.testing.clock import ManualClock
from playhead.testing.compare import Bag, Row, records
from playhead.testing.schedule import Schedule, takes_of

PATIENCE = 30.0
"""Seconds to wait for a source to decode what it has."""


@dataclass(frozen=True)
class EpochResult:
    """What one epoch read and what the query showed after it. All times are datetimes in UTC."""

    epoch: int
    changes: list[tuple[Row, int]]
    """The epoch's changelog: rows with weights, take-backs first. In complete mode the whole table."""
    table: list[Row]
    """The result as it stands."""
    consumed: list[list[Row]]
    """All rows read so far, by source in the plan's order; with all their columns."""
    fresh: list[list[Row]]
    """The rows read in this epoch, by source."""
    watermarks: list[int]
    """By source, at the end of the epoch, in microseconds since 1970."""
    late: list[Row]
    """Late rows of this epoch, each with the window that it missed; with the columns that the query reads."""
    counts: dict[str, int] = field(default_factory=dict)
    """Rows so far by what befell them: "late", "missing key", ..."""
    state_bytes: int = 0

    @property
    def watermark(self) -> int:
        """The smallest of the sources' watermarks."""
        return min(self.watermarks)

    @property
    def final(self) -> bool:
        """Whether this is the last epoch of a bounded input, at the end of time."""
        return self.watermark == MAX_TIME


def trace(
    frame: Frame, schedule: Schedule | None = None, *, mode: str = "update", known_watermark: bool = False
) -> list[EpochResult]:
    """Run a frame as a schedule says and return what every epoch showed.

    Parameters
    ----------
    frame : Frame
        Any query over scripted or other bounded sources.
    schedule : Schedule, optional
        How many rows each epoch takes from each split, the size of batches, and how many tasks share the work.
        Default: everything in one epoch, and the end in another.
    mode : {"update", "append", "complete"}
        What a sink would see.
    known_watermark : bool
        Derive watermarks as `compute()` does: from what is known about the rest of the input, not from `out_of_order`.

    Examples
    --------
    >>> import playhead as ph
    >>> from playhead.testing import Schedule, rows, scripted, trace
    >>> at = pa.timestamp("us", "UTC")
    >>> three = rows({"at": 0}, {"at": 1_000_000}, {"at": 9_000_000})
    >>> hits = scripted({"at": at}, [three], time="at", out_of_order="0s")
    >>> counts = hits.groupby(ph.tumbling("5s")).agg(n=("at", "count"))
    >>> [sorted(row["n"] for row in epoch.table) for epoch in trace(counts, Schedule.cuts(1, 1, 1))]
    [[1], [2], [1, 2], [1, 2]]
    """
    return list(epochs(frame, schedule, mode=mode, known_watermark=known_watermark))


def epochs(
    frame: Frame, schedule: Schedule | None = None, *, mode: str = "update", known_watermark: bool = False
) -> Iterator[EpochResult]:
    """Like `trace`, one epoch at a time: for sources that crash, and for looking in between."""
    schedule = schedule or Schedule()
    sink = _LastChanges()
    settings = QuerySettings(mode, "time", known_watermark, schedule.parallelism, clock=ManualClock())
    run = prepare(frame.node, [sink], settings, "trace")
    run.delivery.open()
    reading = replace(run.settings.reading, all_at_once=True)
    run.feed = Feed(run._sources(), reading, settings.clock, run.changed)
    try:
        yield from _Tracing(run, run.feed, schedule, sink).epochs()
    finally:
        run.feed.close()
        run.tasks.close()
        run.delivery.close(failed=False)


@dataclass
class _LastChanges:
    """A sink that holds what it was given last."""

    modes: tuple[str, ...] = ("update", "append", "complete")
    guarantee: str = "keeps one epoch"
    changes: Batch | None = None

    def open(self, context: SinkContext) -> None:
        self.mode = context.mode

    def write(self, epoch: int, changes: Batch, watermark: int) -> None:
        self.changes = changes

    def close(self, *, failed: bool) -> None:
        pass


class _Tracing:
    """A run that is cut into epochs by hand."""

    def __init__(self, run: Run, feed: Feed, schedule: Schedule, sink: _LastChanges) -> None:
        self.run, self.feed, self.schedule, self.sink = run, feed, schedule, sink
        self.table = Bag()
        self.consumed: list[list[Row]] = [[] for _ in feed.sources]
        self.all_rows = {id(reader): _rows_of(reader) for reader in feed.readers}
        self.epoch = 0

    def epochs(self) -> Iterator[EpochResult]:
        for takes in self.schedule.epochs:
            self._decode()
            counts = takes_of(takes, len(self.feed.readers))
            if any(counts):
                yield self._epoch(counts)
        while self._decode() or any(reader.ready for reader in self.feed.readers):
            yield self._epoch([1 << 60] * len(self.feed.readers))
        if self.feed.finished:
            yield self._processed(Cut([[] for _ in self.feed.sources], [MAX_TIME] * len(self.feed.sources)), [])

    def _epoch(self, counts: Sequence[int]) -> EpochResult:
        before = [reader.consumed for reader in self.feed.readers]
        cut = self.feed.cut_of(list(zip(self.feed.readers, counts, strict=True)))
        return self._processed(cut, before)

    def _processed(self, cut: Cut, before: Sequence[int]) -> EpochResult:
        fresh = self._fresh(before)
        if self.schedule.batch_rows:
            cut.rows = [_pieces(part, self.schedule.batch_rows) for part in cut.rows]
        late_before = len(self.run.late.parts)
        self.epoch, self.sink.changes = self.epoch + 1, None
        self.run._submit(OpenEpoch(self.epoch, cut.count), cut)
        self.run._collect(drain=True)
        late = [row for part, _ in list(self.run.late.parts)[late_before:] for row in records(part)]
        return EpochResult(
            self.epoch,
            self._changes(),
            self.table.rows(),
            [list(rows) for rows in self.consumed],
            fresh,
            list(cut.watermarks),
            late,
            self.run.counts(),
            sum(self.run.tasks.state_bytes().values()),
        )

    def _fresh(self, before: Sequence[int]) -> list[list[Row]]:
        fresh: list[list[Row]] = [[] for _ in self.feed.sources]
        sources = [number for number, source in enumerate(self.feed.sources) for _ in source.readers]
        for number, reader, start in zip(sources, self.feed.readers, before, strict=False):
            fresh[number] += self.all_rows[id(reader)][start : reader.consumed]
        for consumed, rows in zip(self.consumed, fresh, strict=True):
            consumed += rows
        return fresh

    def _changes(self) -> list[tuple[Row, int]]:
        batch = self.sink.changes
        if batch is None:
            return []
        weights = [1] * batch.num_rows if batch.weights is None else batch.weights.tolist()
        changes = list(zip(records(batch.rows), weights, strict=True))
        if self.sink.mode == "complete":
            self.table = Bag()
        for row, weight in changes:
            self.table.add(row, weight)
        return changes

    def _decode(self) -> bool:
        """Let the readers that are open decode all they have; returns whether another split was opened since."""
        self.feed._open_more()
        deadline = time.monotonic() + PATIENCE
        with self.run.changed:
            while not all(_decoded(reader) for reader in self.feed.readers if reader.started):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"a source has not decoded its rows within {PATIENCE:g} s")
                self.run.changed.wait(0.02)
        return any(not reader.started for reader in self.feed.readers)


def _decoded(reader: SplitReader) -> bool:
    """Whether everything that a split has is in its buffer, or has been taken."""
    if reader._ended:
        return True
    scripts = getattr(reader.source, "scripts", None)
    if scripts is None:
        return False
    last = reader._buffer[-1].chunk.position if reader._buffer else reader.position
    return bool((last or 0) == len(scripts[reader.split.details]))


def _rows_of(reader: SplitReader) -> list[Row]:
    source: Any = reader.source
    if hasattr(source, "batches"):
        return [row for batch in source.batches(reader.split.details) for row in records(batch)]
    chunks = source.read(reader.split, source.schema.names, None, threading.Event())
    return [row for chunk in chunks for row in records(chunk.rows)]


def _pieces(batches: Sequence[pa.RecordBatch], most: int) -> list[pa.RecordBatch]:
    return [rows.slice(start, most) for rows in batches for start in range(0, rows.num_rows, most)]
