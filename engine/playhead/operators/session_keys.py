"""What an aggregate over sessions knows of each key: which stretch of time is closed to it for good."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playhead.batch import Bytes, Int64s
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.state.growable import grown
from playhead.state.key_groups import key_groups as key_groups_of
from playhead.state.keyed_slots import KeyedSlots
from playhead.state.slot_lists import SlotLists


class SessionKeys:
    """Slots for keys, and the latest session of each that was closed for good: nothing may join it or come before it.

    A key without open sessions is forgotten when no row can reach its latest closed session without being too late by
    itself. A key that comes (again) therefore takes no row that would be too late by itself at that moment.
    """

    def __init__(self, types: Sequence[pa.DataType], gap: int) -> None:
        self.slots = KeyedSlots(types)
        self.gap = gap
        self.closed: Int64s = np.zeros((64, 2), np.int64)
        """By key slot: the first time and the end of its latest closed session."""
        self._touched: Bytes = np.zeros(64, np.uint8)
        self._forgetting = SlotLists()

    def find_or_insert(self, keys: Sequence[pa.Array], rows: int, closed: int) -> Int64s:
        """The slot of each row's key, given that sessions which end before `closed` are closed."""
        slots, new = self.slots.find_or_insert((), keys, rows=rows)
        if len(new):
            self.closed = grown(self.closed, self.slots.capacity)
            self._touched = grown(self._touched, self.slots.capacity)
            self.closed[new] = MAX_TIME, MIN_TIME if closed == MIN_TIME else closed - self.gap - 1
            self._touched[new] = 1
        return slots

    def unreachable(self, slots: Int64s, times: Int64s) -> npt.NDArray[np.bool_]:
        """Which rows would join a closed session or come before one."""
        result: npt.NDArray[np.bool_] = times <= self.closed[slots, 1]
        return result

    def missed(self, slots: Int64s, times: Int64s, closed: int) -> tuple[Int64s, Int64s]:
        """The session that each late row would have been by itself or, if that is still open, would have joined."""
        first, end = self.closed[slots].T
        joins = (times + self.gap >= closed) & (first <= times)
        return np.where(joins, first, times), np.where(joins, end, times + self.gap)

    def close(self, slots: Int64s, firsts: Int64s, ends: Int64s) -> None:
        """Remember closed sessions; those of one key come in order."""
        last = len(slots) - 1 - np.unique(slots[::-1], return_index=True)[1]
        self.closed[slots[last], 0], self.closed[slots[last], 1] = firsts[last], ends[last]
        self._touched[slots] = 1

    def forget_later(self, slots: Int64s) -> None:
        """Keys without open sessions are to be forgotten when their closed ones do not matter any more."""
        self._forgetting.remove(slots)
        self._forgetting.add(self.closed[slots, 1] + self.gap, slots)

    def due(self, closed: int) -> Int64s:
        """Keys to be forgotten unless they have open sessions again."""
        return self._forgetting.pop_until(closed if closed == MAX_TIME else closed - 1)

    def forget(self, slots: Int64s) -> None:
        """Forget keys."""
        if len(slots):
            self.slots.remove(slots)
            self.slots.compact()

    @property
    def nbytes(self) -> int:
        return self.slots.nbytes + self.closed.nbytes + self._touched.nbytes + self._forgetting.nbytes

    def snapshot(self, key_groups: range, *, touched_only: bool) -> pa.Table:
        """The closed sessions of keys in `key_groups`."""
        slots = self.slots.live_slots()
        if touched_only:
            slots = slots[self._touched[slots] != 0]
        keys = self.slots.keys(slots)
        groups = key_groups_of(keys) if keys else np.zeros(len(slots), np.int64)
        within = (groups >= key_groups.start) & (groups < key_groups.stop)
        columns = {f"key{number}": column for number, column in enumerate(keys)}
        columns |= {name: pa.array(self.closed[slots, number]) for number, name in enumerate(("first", "end"))}
        return pa.table(columns).filter(pa.array(within))

    def snapshot_taken(self) -> None:
        self._touched[:] = 0

    def restore(self, table: pa.Table) -> Int64s:
        """Add what `snapshot` gave; returns the slots."""
        keys = [table[f"key{number}"].combine_chunks() for number in range(table.num_columns - 2)]
        slots = self.find_or_insert(keys, table.num_rows, MIN_TIME)
        for number, name in enumerate(("first", "end")):
            self.closed[slots, number] = np.asarray(table[name])
        return slots
