"""Keeps a result in memory: the table as it stands now, and the changes that led to it."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
import pyarrow as pa

from playhead.batch import Batch, Int64s, concat
from playhead.consolidate import consolidate
from playhead.errors import RowsNotKeptWarning, SinkError, frames_to_user
from playhead.expr import empty
from playhead.schema import MIN_TIME
from playhead.sinks.sink import SinkContext
from playhead.state.keyed_slots import KeyedSlots
from playhead.state.tables import column_of, named, numbers_of, without_dictionary


@dataclass(frozen=True, slots=True)
class Change:
    """What one epoch changed."""

    epoch: int
    changes: Batch
    watermark: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What the table is at the end of an epoch, and how it came from an earlier one."""

    epoch: int
    watermark: int
    table: pa.Table | None
    """The whole table; None where it was not asked for."""
    changes: tuple[Change, ...] | None
    """What happened since the epoch asked for; None where that is not kept any more, or never was."""
    rewound: int = 0
    """How often the table has been put back to an earlier epoch: numbers of epochs from before say nothing then."""


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
    _forgotten: int = 0
    """The last epoch whose changes were let go."""
    _rewound: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def __repr__(self) -> str:
        return f"<memory: epoch {self.epoch}>"

    def open(self, context: SinkContext) -> None:
        self.schema, self.mode = context.schema, context.mode
        self._table: _AddedRows | _CountedRows = _AddedRows(context.schema)
        self._since: list[Batch] | None = None
        """What was written since the last `snapshot_taken`; None before the first, or if the table was replaced."""

    def write(self, epoch: int, changes: Batch, watermark: int) -> None:
        with self._lock:
            self.epoch, self.watermark = epoch, watermark
            self._remember(Change(epoch, changes, watermark))
            if self.mode == "complete":
                self._table = _AddedRows(self.schema)
            if changes.weights is not None and isinstance(self._table, _AddedRows):
                self._table = self._table.counted()
            self._table.add(changes)
            if self._since is not None:
                self._since = None if self.mode == "complete" else [*self._since, changes]

    # State, for checkpoints: as that of an operator, without key groups

    def snapshot(self, *, touched_only: bool = False) -> dict[str, pa.Table]:
        """Table `rows`: the result as it stands, each row with `#weight`, how often it is there. With `touched_only`,
        where that is less, table `changes`: what became of it since the last `snapshot_taken`."""
        with self._lock:
            progress = pa.table({"epoch": pa.array([self.epoch]), "watermark": pa.array([self.watermark])})
            if not touched_only or self._since is None:
                return {"rows": self._weighted([self._table.weighted()]), "progress": progress}
            return {"changes": self._weighted(self._since), "progress": progress}

    def snapshot_taken(self) -> None:
        """From now on touched means since this moment."""
        with self._lock:
            self._since = []

    def restore(self, tables: Mapping[str, pa.Table]) -> None:
        """After `open`: take over what `snapshot` gave, a base and then increments in their order.

        The changelog begins anew.
        """
        with self._lock:
            self.epoch, self.watermark = (tables["progress"][name][0].as_py() for name in ("epoch", "watermark"))
            self._forgotten, self._rewound = self.epoch, self._rewound + 1
            if "rows" in tables:
                self._table = _AddedRows(self.schema)
            table = tables.get("rows", tables.get("changes"))
            assert table is not None
            arrays = [column_of(table, field.name, field.type) for field in self.schema]
            weights = numbers_of(table, named("weight", self.schema.names))
            if (weights != 1).any() and isinstance(self._table, _AddedRows):
                self._table = self._table.counted()
            self._table.add(Batch(pa.RecordBatch.from_arrays(arrays, schema=self.schema), weights))

    def restored(self) -> None:
        """All was restored."""

    def _weighted(self, batches: list[Batch]) -> pa.Table:
        """The net change of batches, with the weights as a column."""
        net = consolidate(concat(batches)) if batches else Batch(empty(self.schema))
        weights = np.ones(net.num_rows, np.int64) if net.weights is None else net.weights
        columns = dict(zip(self.schema.names, map(without_dictionary, net.rows.columns), strict=True))
        return pa.table({**columns, named("weight", self.schema.names): pa.array(weights)})

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

    def since(self, seen: Standing | None, *, table: bool = True) -> Standing:
        """The table as it stands and the changes after `seen`, both of the same moment; None: no changes."""
        with self._lock:
            changes = None
            known = seen is not None and seen.rewound == self._rewound and self.mode != "complete"
            if seen is not None and known and self._forgotten <= seen.epoch <= self.epoch:
                changes = tuple(change for change in self._changes if change.epoch > seen.epoch)
            whole = self._table.table() if table else None
            return Standing(self.epoch, self.watermark, whole, changes, self._rewound)

    def _remember(self, change: Change) -> None:
        self._changes.append(change)
        self._kept += change.changes.num_rows
        while self._kept > self.keep_changes and len(self._changes) > 1:
            oldest = self._changes.popleft()
            self._kept -= oldest.changes.num_rows
            self.dropped += oldest.changes.num_rows
            self._forgotten = oldest.epoch


def merged_view(parts: Sequence[Mapping[str, pa.Table]]) -> dict[str, pa.Table]:
    """What snapshots of a table in memory, a base and increments in their order, amount to."""
    first = next(part["rows"] if "rows" in part else part["changes"] for part in parts)
    view = MemorySink()
    view.open(SinkContext(pa.schema(list(first.schema)[:-1]), "update", None, ""))  # the last column is the weight
    for part in parts:
        view.restore(part)
    return view.snapshot()


class _AddedRows:
    """A table that only ever grows: its batches as they came."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.batches: list[pa.RecordBatch] = []

    def add(self, changes: Batch) -> None:
        self.batches.append(changes.rows)

    def table(self) -> pa.Table:
        return pa.Table.from_batches(self.batches, self.schema)

    def weighted(self) -> Batch:
        """Each row, with how often it is there."""
        return concat([Batch(rows) for rows in self.batches or [empty(self.schema)]])

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

    def weighted(self) -> Batch:
        """Each different row, with how often it is there."""
        live = self.slots.live_slots()
        rows = pa.RecordBatch.from_arrays(self.slots.keys(live), schema=self.schema)
        return Batch(rows, self.counts[live])

    def table(self) -> pa.Table:
        live = self.slots.live_slots()
        counts = self.counts[live]
        if (counts < 0).any():
            raise SinkError(f"{int((counts < 0).sum())} rows were taken back that had never been there")
        return pa.Table.from_arrays(self.slots.keys(np.repeat(live, counts)), schema=self.schema)
