"""One input of an as-of join: its rows, and in which order they are by key and time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from playhead.batch import Batch, Int64s
from playhead.kernels import asof as kernels
from playhead.operators.late_rows import event_times
from playhead.plan import Node, require_event_time
from playhead.state.row_store import RowStore

NOTHING: Int64s = np.empty(0, np.int64)


class AsofSide:
    """Rows by slot; `keys`, `times` and `slots` list them sorted by key slot and time."""

    def __init__(self, node: Node, keys: Sequence[str]) -> None:
        time = require_event_time(node, "merge_asof")
        self.key_columns = [node.schema.get_field_index(name) for name in keys]
        self.time, self.time_offset = node.schema.get_field_index(time.column), time.offset
        self.kind = node.schema.field(self.time).type
        self.rows = RowStore(node.schema, keys=self.key_columns)
        self.keys = self.times = self.slots = NOTHING
        self._new: list[tuple[Int64s, Int64s, Int64s]] = []
        self._order = order_columns(node)

    def key_arrays(self, rows: pa.RecordBatch) -> list[pa.Array]:
        return [rows.column(number) for number in self.key_columns]

    def times_of(self, batch: Batch) -> Int64s:
        return event_times(batch, self.time, self.time_offset)

    def add(self, rows: pa.RecordBatch, key_slots: Int64s, times: Int64s) -> Int64s:
        """Remember rows, which `arrange` then puts in order; returns their slots."""
        slots, _, _ = self.rows.add(rows)
        self.put(slots, key_slots, times)
        return slots

    def put(self, slots: Int64s, key_slots: Int64s, times: Int64s) -> None:
        """Let `arrange` put rows in order that are remembered already."""
        self._new.append((key_slots.copy(), times, slots))

    def arrange(self) -> bool:
        """Put the rows that came since the last time in order; whether there were any."""
        if not self._new:
            return False
        keys, times, slots = (np.concatenate(parts) for parts in zip(*self._new, strict=True))
        self._new = []
        order = np.lexsort((times, keys))
        keys, times, slots = keys[order], times[order], slots[order]
        together = np.empty(len(self.keys) + len(keys), np.int64)
        kernels.merged(self.keys, self.times, keys, times, together)
        self.keys = np.concatenate([self.keys, keys])[together]
        self.times = np.concatenate([self.times, times])[together]
        self.slots = np.concatenate([self.slots, slots])[together]
        return True

    def drop_all_but_last_of_a_time(self) -> Int64s:
        """Take all rows of one key and time but the last by the order key out of the order; returns their slots."""
        same = (self.keys[1:] == self.keys[:-1]) & (self.times[1:] == self.times[:-1])
        if not same.any():
            return NOTHING
        tied = np.zeros(len(self.keys), bool)
        tied[1:] |= same
        tied[:-1] |= same
        rows = np.flatnonzero(tied)
        runs = np.cumsum(np.concatenate([[True], ~same]))[rows]
        by_value = rows[self._sorted(runs, self.slots[rows])]
        self.slots[rows] = self.slots[by_value]
        last = np.append(runs[1:] != runs[:-1], True)
        losers = rows[~last]
        gone: Int64s = self.slots[losers]
        kept = np.ones(len(self.keys), bool)
        kept[losers] = False
        self.keep(kept)
        return gone

    def _sorted(self, runs: Int64s, slots: Int64s) -> Int64s:
        """The order of rows by run, then by order key."""
        values = [column.cast(_sortable(column.type)) for column in self.rows.take(slots, self._order).columns]
        sortable = pa.table([pa.array(runs), *values], names=[str(number) for number in range(len(values) + 1)])
        order = pc.sort_indices(sortable, sort_keys=[(name, "ascending") for name in sortable.column_names])
        return np.asarray(order).astype(np.int64)

    def keep(self, kept: npt.NDArray[np.bool_]) -> None:
        """Take the others out of the order; their rows stay."""
        self.keys, self.times, self.slots = self.keys[kept], self.times[kept], self.slots[kept]

    @property
    def nbytes(self) -> int:
        return self.rows.nbytes + self.keys.nbytes + self.times.nbytes + self.slots.nbytes


def order_columns(node: Node) -> list[int]:
    """The columns that say which of two rows of equal time is the last: the sources' sequence columns, then all others.

    Lists and maps have no order, and nulls are all the same: they decide nothing.
    """
    ordered = [field.name for field in node.schema if not _is_unordered(field.type)]
    return [node.schema.get_field_index(name) for name in dict.fromkeys([*node.sequence, *ordered])]


def _is_unordered(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_is_unordered(field.type) for field in kind)
    return bool(pa.types.is_nested(kind) or pa.types.is_null(kind))


def _sortable(kind: pa.DataType) -> pa.DataType:
    """A type that Arrow can sort, which orders the same values alike."""
    if pa.types.is_dictionary(kind):
        return _sortable(kind.value_type)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_sortable(field.type)) for field in kind])
    return pa.float32() if pa.types.is_float16(kind) else kind
