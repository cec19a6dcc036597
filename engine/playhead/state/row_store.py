"""Whole rows by slot, for operators that must remember rows of any type and find them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from playhead.batch import Bytes, Int64s
from playhead.state.flags import TOUCHED, saved_ones, snapshot_taken, touched_slots
from playhead.state.growable import grown
from playhead.state.key_groups import KEY_GROUPS
from playhead.state.keyed_slots import KeyedSlots
from playhead.state.tables import REMOVED, column_of, in_key_groups, named, numbers_of, state_table

FEW_ROWS = 1024
"""So many removed rows are never worth a compaction."""

MOST_BYTES = 2**30
"""Pieces are not put together beyond this, so that 32-bit offsets of strings suffice."""


class RowStore:
    """Rows of one schema, each in a slot that stays with it until it is removed and is then used again.

    Rows lie in Arrow batches of about doubling size, so that a row is copied a logarithmic number of times and
    taking rows looks at few batches. With `distinct`, equal rows share a slot.
    Whoever keeps columns by slot grows them to `capacity` after `add` and sets those of new slots.

    Examples
    --------
    >>> store = RowStore(pa.schema([("name", pa.string())]), distinct=True)
    >>> slots, new, first = store.add(pa.record_batch({"name": ["a", "b", "a"]}))
    >>> slots.tolist(), new.tolist(), first.tolist()
    ([0, 1, 0], [0, 1], [0, 1])
    >>> store.take(np.array([1, 0])).column(0).to_pylist()
    ['b', 'a']
    """

    def __init__(self, schema: pa.Schema, *, keys: Sequence[int] = (), distinct: bool = False) -> None:
        self.schema, self.keys = schema, tuple(keys)
        self.owner, self.next_number = 0, 0
        """What ids are made of: they stay with a row as long as it is there, in whatever task, and never come again."""
        self._removed: list[Int64s] | None = None
        self._begin(distinct)

    def _begin(self, distinct: bool) -> None:
        self._distinct = KeyedSlots(self.schema.types) if distinct else None
        self._pieces: list[pa.RecordBatch] = []
        self._starts: Int64s = np.zeros(1, np.int64)
        self._positions: Int64s = np.full(64, -1, np.int64)
        self._ids: Int64s = np.zeros(64, np.int64)
        self._first: Int64s = np.zeros(64 if distinct else 0, np.int64)
        self._free: Int64s = np.zeros(64, np.int64)
        self._freed, self._fresh = 0, 0
        self.flags: Bytes = np.zeros(64, np.uint8)
        """See `state.flags`."""
        self.size = 0

    @property
    def capacity(self) -> int:
        """All slots are below this."""
        return len(self._positions)

    @property
    def nbytes(self) -> int:
        """How much memory the rows take."""
        columns = (self._positions, self._ids, self._first, self._free, self.flags)
        distinct = self._distinct.nbytes if self._distinct else 0
        return distinct + sum(column.nbytes for column in columns) + sum(int(piece.nbytes) for piece in self._pieces)

    def add(self, rows: pa.RecordBatch) -> tuple[Int64s, Int64s, Int64s]:
        """The slot of each row, the slots that are new, and the number of the first row in each of these."""
        if self._distinct is None:
            new = self._new_slots(rows.num_rows)
            slots, first = new, np.arange(rows.num_rows)
        else:
            slots, new = self._distinct.find_or_insert((), rows.columns, rows=rows.num_rows)
            self._first = grown(self._first, self._distinct.capacity)
            self._first[slots[::-1]] = np.arange(rows.num_rows - 1, -1, -1)
            first = self._first[new]
        self._grow(self._distinct.capacity if self._distinct else self._fresh)
        if len(new):
            self._put(new, rows.take(pa.array(first)))
        return slots, new, first

    def take(self, slots: Int64s, columns: Sequence[int] | None = None) -> pa.RecordBatch:
        """The rows in `slots`, in that order; some of their columns or all."""
        positions = self._positions[slots]
        pieces = self._pieces if columns is None else [piece.select(list(columns)) for piece in self._pieces]
        if not pieces:
            schema = self.schema if columns is None else pa.schema([self.schema.field(i) for i in columns])
            return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)
        if len(pieces) == 1:
            return pieces[0].take(pa.array(positions))
        piece_of = np.searchsorted(self._starts, positions, side="right") - 1
        used = np.flatnonzero(np.bincount(piece_of, minlength=len(pieces)))
        parts = [pieces[i].take(pa.array(positions[piece_of == i] - self._starts[i])) for i in used]
        if len(parts) == 1:
            return parts[0]
        order = np.argsort(piece_of, kind="stable")
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return pa.concat_batches(parts or [pieces[0].slice(0, 0)]).take(pa.array(back))

    def remove(self, slots: Int64s) -> None:
        """Forget the rows in `slots`, none of which is named twice."""
        if not len(slots):
            return
        if self._removed is not None:
            self._removed.append(self._ids[saved_ones(slots, self.flags)])
        self._positions[slots] = -1
        self.flags[slots] = 0
        self.size -= len(slots)
        if self._distinct is not None:
            self._distinct.remove(slots)
            return
        self._free = grown(self._free, self._freed + len(slots))
        self._free[self._freed : self._freed + len(slots)] = slots
        self._freed += len(slots)

    def clear(self) -> None:
        """Forget all rows and give their memory back."""
        if self._removed is not None:
            self._removed.append(self._ids[saved_ones(self.live_slots(), self.flags)])
        self._begin(self._distinct is not None)

    def live_slots(self) -> Int64s:
        """The slots that hold a row, in the order in which the rows came."""
        live = np.flatnonzero(self._positions >= 0)
        return live[np.argsort(self._positions[live], kind="stable")]

    def in_order(self, slots: Int64s) -> Int64s:
        """The same slots in the order in which their rows came."""
        return slots[np.argsort(self._positions[slots], kind="stable")]

    def compact(self) -> None:
        """Give the memory of removed rows back if they are more than half. To be called between epochs."""
        if self._distinct is not None:
            self._distinct.compact()
        total = int(self._starts[-1])
        if total <= 2 * self.size + FEW_ROWS:
            return
        live = np.flatnonzero(self._positions >= 0)
        kept = np.zeros(total, bool)
        kept[self._positions[live]] = True
        self._positions[live] = (np.cumsum(kept) - 1)[self._positions[live]]
        bounds = zip(self._starts[:-1].tolist(), self._starts[1:].tolist(), strict=True)
        masks = [pa.array(kept[start:end]) for start, end in bounds]
        pieces = [piece.filter(mask) for piece, mask in zip(self._pieces, masks, strict=True)]
        self._pieces = [piece for piece in pieces if piece.num_rows]
        self._starts = np.cumsum([0, *(piece.num_rows for piece in self._pieces)])

    def _put(self, slots: Int64s, rows: pa.RecordBatch) -> None:
        self._positions[slots] = self._starts[-1] + np.arange(len(slots))
        self._ids[slots] = (self.next_number + np.arange(len(slots))) * KEY_GROUPS + self.owner
        self.next_number += len(slots)
        self.flags[slots] = TOUCHED
        self.size += len(slots)
        last = pa.RecordBatch.from_arrays(rows.columns, schema=self.schema)
        while self._pieces and self._pieces[-1].num_rows < 2 * last.num_rows:
            if self._pieces[-1].nbytes + last.nbytes > MOST_BYTES:
                break
            last = pa.concat_batches([self._pieces.pop(), last])
        self._pieces.append(last)
        self._starts = np.cumsum([0, *(piece.num_rows for piece in self._pieces)])

    def _new_slots(self, count: int) -> Int64s:
        reused = min(count, self._freed)
        self._freed -= reused
        fresh = np.arange(self._fresh, self._fresh + count - reused)
        self._fresh += count - reused
        return np.concatenate([self._free[self._freed : self._freed + reused], fresh])

    def _grow(self, capacity: int) -> None:
        self._positions = grown(self._positions, capacity, -1)
        self._ids = grown(self._ids, len(self._positions))
        self.flags = grown(self.flags, len(self._positions))

    # State

    def snapshot(
        self, name: str, key_groups: range | None, columns: Mapping[str, Int64s], *, touched_only: bool
    ) -> dict[str, pa.Table]:
        """The table `name`: the rows in `key_groups` (None: all), each with its `#id` and `columns` by slot.

        With `touched_only` there may also be a table of the ids of rows that are gone, from whatever key group.
        """
        slots = self.in_order(touched_slots(self.flags)) if touched_only else self.live_slots()
        rows = self.take(slots)
        inside = in_key_groups(key_groups, [rows.column(number) for number in self.keys], len(slots))
        if inside is not None:
            slots, rows = slots[inside], rows.filter(pa.array(inside))
        arrays = dict(zip(self.schema.names, rows.columns, strict=True))
        arrays |= {self._named(column): pa.array(values[slots]) for column, values in columns.items()}
        arrays[self._named("id")] = pa.array(self._ids[slots])
        tables = {name: state_table(arrays, [self._named("id")], increment=touched_only)}
        if touched_only and self._removed:
            gone = {self._named("id"): pa.array(np.concatenate(self._removed))}
            tables[REMOVED + name] = state_table(gone, list(gone), increment=True)
        return tables

    def snapshot_taken(self) -> None:
        """From now on "touched" means since this moment."""
        snapshot_taken(self.flags)
        self._removed = []

    def load(self, table: pa.Table, next_number: int) -> tuple[Int64s, pa.RecordBatch, dict[str, Int64s]]:
        """Add the rows of a snapshot in the order in which they once came; returns their slots, them, and the numbers
        beside them by name. Columns that the snapshot does not have are null.

        No row that comes will get a number below `next_number`.
        """
        table = table.sort_by(self._named("id"))
        arrays = [
            column_of(table, field.name, field.type)
            if field.name in table.column_names
            else pa.nulls(table.num_rows, field.type)
            for field in self.schema
        ]
        rows = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
        slots, _, _ = self.add(rows)
        beside = {
            name.lstrip("#"): numbers_of(table, name) for name in table.column_names if name not in self.schema.names
        }
        self._ids[slots] = beside["id"]
        self.next_number = max(self.next_number, next_number)
        return slots, rows, beside

    def _named(self, column: str) -> str:
        return named(column, self.schema.names)
