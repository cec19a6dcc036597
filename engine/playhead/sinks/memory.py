"""Keeps a result in memory: the table as it stands now, and the changes that led to it."""

from __future__ import annotations

import warnings
from collections import deque
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
import pyarrow as pa

from playhead.batch import Batch, Int64s
from playhead.errors import RowsNotKeptWarning, SinkError, frames_to_user
from playhead.schema import MIN_TIME
from playhead.sinks.sink import SinkContext
from playhead.state.keyed_slots import KeyedSlots


@dataclass(frozen=True, slots=True)
class Change:
    """What one epoch changed."""

    epoch: int
    changes: Batch
    watermark: int


@dataclass
class MemorySink:
    """The latest table and the last changes; may be asked from any thread while the query runs."""

    keep_changes: int = 100_000
    """How many rows of the changelog are kept at most; the epoch just written is always kept whole."""
    modes: tuple[str, ...] = ("update", "append", "complete")
    guarantee: str = "kept in memory: gone with the process"
    epoch: int = 0
    watermark: int = MIN_TIME
    dropped: int = 0
    """How many rows of the changelog were let go."""
    _changes: deque[Change] = field(default_factory=deque, repr=False)
    _kept: int = 0
    _said_so: bool = False
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __repr__(self) -> str:
        return f"<memory: epoch {self.epoch}>"

    def open(self, context: SinkContext) -> None:
        self.schema, self.mode = context.schema, context.mode
        self._table: _AddedRows | _CountedRows = _AddedRows(context.schema)

    def write(self, epoch: int, changes: Batch, watermark: int) -> None:
        with self._lock:
            self.epoch, self.watermark = epoch, watermark
            self._remember(Change(epoch, changes, watermark))
            if self.mode == "complete":
                self._table = _AddedRows(self.schema)
            if changes.weights is not None and isinstance(self._table, _AddedRows):
                self._table = self._table.counted()
            self._table.add(changes)

    def close(self, *, failed: bool) -> None:
        """What was there stays readable."""

    def latest(self) -> pa.Table:
        """The result as it stands after the last epoch; the order of rows means nothing."""
        with self._lock:
            return self._table.table()

    def changelog(self) -> list[Change]:
        """The last changes, oldest first; a warning says so, once, if those before them are no longer there."""
        with self._lock:
            changes, say_so = list(self._changes), self.dropped > 0 and not self._said_so
            self._said_so |= say_so
        if say_so:
            warnings.warn(
                f"the first {self.dropped:,} rows of the changelog are no longer there; "
                "ph.to_memory(keep_changes=...) keeps more, a ph.to_callback(...) sees all",
                RowsNotKeptWarning,
                stacklevel=frames_to_user(),
            )
        return changes

    def _remember(self, change: Change) -> None:
        self._changes.append(change)
        self._kept += change.changes.num_rows
        while self._kept > self.keep_changes and len(self._changes) > 1:
            oldest = self._changes.popleft().changes.num_rows
            self._kept -= oldest
            self.dropped += oldest


class _AddedRows:
    """A table that only ever grows: its batches as they came."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.batches: list[pa.RecordBatch] = []

    def add(self, changes: Batch) -> None:
        self.batches.append(changes.rows)

    def table(self) -> pa.Table:
        return pa.Table.from_batches(self.batches, self.schema)

    def counted(self) -> _CountedRows:
        """The same rows in a form that can take rows back."""
        counted = _CountedRows(self.schema)
        for rows in self.batches:
            counted.add(Batch(rows))
        return counted


class _CountedRows:
    """A table whose rows can be taken back: each distinct row once, with how often it is there."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.slots = KeyedSlots([column.type for column in schema])
        self.counts: Int64s = np.zeros(self.slots.capacity, dtype=np.int64)

    def add(self, changes: Batch) -> None:
        slots, _ = self.slots.find_or_insert((), changes.rows.columns, rows=changes.num_rows)
        if self.slots.capacity > len(self.counts):
            self.counts = np.concatenate([self.counts, np.zeros(self.slots.capacity - len(self.counts), np.int64)])
        np.add.at(self.counts, slots, 1 if changes.weights is None else changes.weights)
        gone = np.unique(slots[self.counts[slots] == 0])
        if len(gone):
            self.slots.remove(gone)
            self.slots.compact()

    def table(self) -> pa.Table:
        live = self.slots.live_slots()
        counts = self.counts[live]
        if (counts < 0).any():
            raise SinkError(f"{int((counts < 0).sum())} rows were taken back that had never been there")
        return pa.Table.from_arrays(self.slots.keys(np.repeat(live, counts)), schema=self.schema)
