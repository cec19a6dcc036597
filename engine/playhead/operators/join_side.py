"""One input of a join: its rows, chained by key, with how often each is there now and was when the epoch began."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playhead.batch import Batch, Int64s
from playhead.errors import PlanError
from playhead.kernels import joins as kernels
from playhead.kernels import slot_lists
from playhead.kernels.touched import mark_touched
from playhead.operators.late_rows import event_times
from playhead.plan import Node
from playhead.schema import MIN_TIME
from playhead.state.flags import IN_EPOCH
from playhead.state.growable import grown
from playhead.state.row_store import RowStore
from playhead.state.slot_lists import SlotLists

NOTHING: Int64s = np.empty(0, np.int64)


class JoinSide:
    """Rows by slot, in chains by key slot. `weights` and `before` are equal for rows not touched in this epoch."""

    def __init__(self, node: Node, keys: Sequence[str], *, retractable: bool, ttl: int | None) -> None:
        self.schema = node.schema
        self.keys = [node.schema.get_field_index(name) for name in keys]
        self.ttl = ttl
        time = node.time if ttl is not None else None
        self.time = node.schema.get_field_index(time.column) if time else None
        self.time_offset = time.offset if time else 0
        if retractable:
            _require_comparable(node.schema)
        self.rows = RowStore(node.schema, keys=self.keys, distinct=retractable)
        self.keeps_rows = True
        """Whether rows stay beyond their epoch; they need not once no row of the other side can come or go."""
        self._touched: list[Int64s] = []
        self._begin(64)

    def _begin(self, key_capacity: int) -> None:
        self.weights = self.before = self.matches = np.zeros(0, np.int64)
        self.times = np.zeros(0, np.int64)
        self.links = np.full((64, 3), -1, np.int64)
        self.ends = np.full((64, 2), -1, np.int64)
        self._expiry = SlotLists()
        self._grow(key_capacity)

    def key_arrays(self, rows: pa.RecordBatch) -> list[pa.Array]:
        return [rows.column(number) for number in self.keys]

    def add(self, batch: Batch, key_slots: Int64s, key_capacity: int, times: Int64s) -> None:
        """Add rows to the chains of `key_slots`, or take them back."""
        slots = self._insert(batch.rows, key_slots, key_capacity, times)
        first = np.empty(len(slots), np.int64)
        count = mark_touched(slots, self.rows.flags, 3, first)
        if count:
            self._touched.append(first[:count].copy())
        np.add.at(self.weights, slots, 1 if batch.weights is None else batch.weights)

    def _insert(self, rows: pa.RecordBatch, key_slots: Int64s, key_capacity: int, times: Int64s) -> Int64s:
        slots, new, first = self.rows.add(rows)
        self._grow(key_capacity)
        if len(new):
            for column in (self.weights, self.before, self.matches):
                column[new] = 0
            slot_lists.append(key_slots[first], new, self.ends, self.links)
            if self.ttl is not None:
                self.times[new] = times[first]
                self._expiry.add(self.times[new], new)
        return slots

    def touched(self) -> Int64s:
        """The slots touched in this epoch."""
        return np.concatenate(self._touched) if self._touched else NOTHING

    def partners(self, slots: Int64s, other: JoinSide, *, touched: bool) -> tuple[Int64s, Int64s]:
        """Each of `slots` with every row of `other` that has its key: all of them, or only those not touched."""
        lists, times = self.links[slots, slot_lists.LIST], self.times[slots] if self.ttl is not None else NOTHING
        reach = -1 if self.ttl is None else self.ttl
        room = 2 * len(slots) + 1024
        while True:
            rows, found = np.empty(room, np.int64), np.empty(room, np.int64)
            skipped = 0 if touched else IN_EPOCH
            pairs = kernels.probe(
                lists, times, other.ends, other.links, other.times, reach, other.rows.flags, skipped, rows, found
            )
            if pairs <= room:
                return slots[rows[:pairs]], found[:pairs]
            room = pairs

    def expired(self, watermark: int) -> Int64s:
        """The slots of rows whose time to live is over, which are in no list any more."""
        if self.ttl is None or watermark < MIN_TIME + self.ttl + 1:
            return NOTHING
        return self._expiry.pop_until(watermark - self.ttl - 1)

    def remove(self, slots: Int64s) -> Int64s:
        """Forget the rows in `slots`; returns the key slots of which this side now has no row."""
        keys = np.unique(self.links[slots, slot_lists.LIST])
        slot_lists.unlink(slots, self.ends, self.links)
        self._expiry.remove(slots)
        self.rows.remove(slots)
        return keys[self.has_no(keys)]

    def end_epoch(self) -> Int64s:
        """Begin a new epoch; rows that were taken back or need not be kept are forgotten. Returns as `remove` does."""
        touched, self._touched = self.touched(), []
        self.rows.flags[touched] &= 0xFF - IN_EPOCH
        self.before[touched] = self.weights[touched]
        gone = touched[self.weights[touched] == 0] if self.keeps_rows else touched
        keys = self.remove(gone) if len(gone) else NOTHING
        self.rows.compact()
        return keys

    def stop_keeping(self) -> Int64s:
        """Between epochs: forget all rows, and from now on each at the end of its epoch. Returns as `remove` does."""
        keys = np.unique(self.links[self.rows.live_slots(), slot_lists.LIST])
        self.keeps_rows = False
        self.rows.clear()
        self._begin(len(self.ends))
        return keys

    def has_no(self, keys: Int64s) -> npt.NDArray[np.bool_]:
        """For which key slots there is no row."""
        nothing: npt.NDArray[np.bool_] = self.ends[keys, slot_lists.FIRST] == -1
        return nothing

    def grow_keys(self, key_capacity: int) -> None:
        self.ends = grown(self.ends, key_capacity, -1)

    # State

    def snapshot(
        self, name: str, key_groups: range | None, *, with_matches: bool, touched_only: bool
    ) -> dict[str, pa.Table]:
        """The table `name`: rows, each with how often it is there and, if asked for, how many partners it has."""
        columns = {"weight": self.weights} | ({"matches": self.matches} if with_matches else {})
        return self.rows.snapshot(name, key_groups, columns, touched_only=touched_only)

    def load(self, table: pa.Table, next_number: int) -> pa.RecordBatch:
        """Add the rows of a snapshot, which are then to be put into chains by `chain`; returns them."""
        slots, rows, beside = self.rows.load(table, next_number)
        self._grow(0)
        self.weights[slots] = self.before[slots] = beside["weight"]
        if "matches" in beside:
            self.matches[slots] = beside["matches"]
        return rows

    def chain(self, rows: pa.RecordBatch, key_slots: Int64s, key_capacity: int) -> None:
        """Put all rows, which have just been loaded in this order, into the chains of `key_slots`."""
        self._grow(key_capacity)
        slots = self.rows.live_slots()
        slot_lists.append(key_slots, slots, self.ends, self.links)
        if self.ttl is not None:
            self.times[slots] = self.times_of(Batch(rows))
            self._expiry.add(self.times[slots], slots)

    def times_of(self, batch: Batch) -> Int64s:
        assert self.time is not None
        return event_times(batch, self.time, self.time_offset)

    @property
    def nbytes(self) -> int:
        columns = (self.weights, self.before, self.matches, self.times, self.links, self.ends)
        return self.rows.nbytes + self._expiry.nbytes + sum(column.nbytes for column in columns)

    def _grow(self, key_capacity: int) -> None:
        capacity = self.rows.capacity
        self.weights, self.before = grown(self.weights, capacity), grown(self.before, capacity)
        self.matches = grown(self.matches, capacity)
        self.links = grown(self.links, capacity, -1)
        if self.ttl is not None:
            self.times = grown(self.times, capacity)
        self.grow_keys(key_capacity)


def _require_comparable(schema: pa.Schema) -> None:
    for field in schema:
        if pa.types.is_nested(field.type):
            raise PlanError(
                f"merge: this input takes rows back, so that rows are compared, and {field.name!r} is {field.type}; "
                "leave the column out before the merge"
            )
