"""The contract of a source: where rows come from, split by split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from playhead.schema import MIN_TIME, EventTime


@dataclass(frozen=True, slots=True)
class Split:
    """A part of a source that is read on its own, in order: a file, a partition, a generator."""

    name: str
    """Unique within the source and the same in every run: a path, a partition number."""
    min_time: int = MIN_TIME
    """No row of the split has an event time below this (from statistics); MIN_TIME if unknown."""
    details: Any = None
    """What the source needs to open it."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Input that could not become rows: kept for `query.rejected`, one entry a piece of input."""

    position: Sequence[str]
    """Where each stood: file and line, partition and offset."""
    text: Sequence[str]
    """The input itself, shortened where it is long."""
    reason: Sequence[str]
    """What was wrong with it."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a reader yields: some decoded rows, and where the reader stands after them."""

    rows: pa.RecordBatch
    """Exactly the requested columns in the requested order; the event time is timestamp[us, zone] without nulls."""
    position: Any
    """JSON-able; `read(..., position)` continues with the row after this chunk. Positions inside a chunk are
    derived by the runner as (position before the chunk, rows taken)."""
    rest_min_time: int = MIN_TIME
    """No row of this split after this chunk has an event time below this, as far as the source *knows*
    (statistics, declared order); MIN_TIME if it does not know, MAX_TIME at the end."""
    watermark: int | None = None
    """For sources that carry watermarks of their own (scripted ones): the promise after this chunk."""
    idle: bool = False
    """The split says of itself that it will be silent for a while and must not hold the watermark back."""
    rejected: Rejected | None = None
    """Malformed input met on the way to these rows."""


class Source(Protocol):
    """Where rows come from. A source is a description; reading it is `read`'s job, on a thread of its own.

    Sources are compared by identity. `schema` has the event time (if `time` is set) as timestamp[us, zone].
    """

    name: str
    """For messages and `explain`: `flights.parquet`, `push`, `rate(1000/s)`."""
    schema: pa.Schema
    time: EventTime | None
    bounded: bool
    grows: bool
    """New splits may appear while it is read; a source that does not grow ends when its splits have ended."""
    out_of_order: int | None
    """How many microseconds a row may be behind the greatest event time before it in its split; None: not declared."""
    sequence: tuple[str, ...]
    """Columns that order rows of equal event time."""
    arrival: str | None
    """The column that says when a row became known; replays follow it."""
    idle_timeout: int | None
    """Microseconds of the injected clock after which a split without rows no longer holds the watermark back."""

    def splits(self) -> list[Split]:
        """The splits known now, in reading order. Unbounded sources may answer more later."""
        ...

    def read(self, split: Split, columns: Sequence[str], position: Any, stop: Stop) -> Iterator[Chunk]:
        """Decode `columns` of a split from `position` (None: its start). Ends where a bounded split ends.
        A reader that waits for more looks at `stop` at least every 50 ms and returns when it is set."""
        ...


class Stop(Protocol):
    """Says that a reader should return: a `threading.Event` does."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool: ...


@dataclass
class SourceOptions:
    """The properties that every source shares, filled in by `playhead.io`."""

    time: EventTime | None = None
    out_of_order: int | None = None
    sequence: tuple[str, ...] = ()
    arrival: str | None = None
    idle_timeout: int | None = None
    columns: tuple[str, ...] = field(default=())
