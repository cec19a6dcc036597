"""What an aggregate over sessions knows of each key: which stretch of time is closed to it for good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playhead.batch import Bytes, Int64s
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.state.flags import TOUCHED, saved_ones, snapshot_taken, touched_slots
from playhead.state.growable import grown
from playhead.state.keyed_slots import KeyedSlots
from playhead.state.slot_lists import SlotLists
from playhead.state.tables import (
    REMOVED,
    column_of,
    columns_of,
    in_key_groups,
    named,
    state_table,
    without_dictionary,
)


class SessionKeys:
    """Slots for keys, and the latest session of each that was closed for good: nothing may join it or come before it.

    A key without open sessions is forgotten when no row can reach its latest closed session without being too late by
    itself. A key that comes (again) therefore takes no row that would be too late by itself at that moment.
    """

    def __init__(self, fields: Mapping[str, pa.DataType], gap: int, time_type: pa.DataType) -> None:
        self.fields, self.gap, self.time_type = fields, gap, time_type
        self.slots = KeyedSlots(list(fields.values()))
        self.closed: Int64s = np.zeros((64, 2), np.int64)
        """By key slot: the first time and the end of its latest closed session."""
        self.flags: Bytes = np.zeros(64, np.uint8)
        self._forgetting = SlotLists()
        self._closed_names = [named(f"closed_{edge}", fields) for edge in ("start", "end")]
        self._removed: list[pa.Table] | None = None

    def find_or_insert(self, keys: Sequence[pa.Array], rows: int, closed: int) -> Int64s:
        """The slot of each row's key, given that sessions which end before `closed` are closed."""
        slots, new = self.slots.find_or_insert((), keys, rows=rows)
        if len(new):
            self.closed = grown(self.closed, self.slots.capacity)
            self.flags = grown(self.flags, self.slots.capacity)
            self.closed[new] = MAX_TIME, MIN_TIME if closed == MIN_TIME else closed - self.gap - 1
            self.flags[new] = TOUCHED
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
        self.flags[slots] |= TOUCHED

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
            if self._removed is not None:
                saved = self._key_columns(saved_ones(slots, self.flags))
                self._removed.append(state_table(saved, list(self.fields), increment=True))
            self.flags[slots] = 0
            self.slots.remove(slots)
            self.slots.compact()

    @property
    def nbytes(self) -> int:
        return self.slots.nbytes + self.closed.nbytes + self.flags.nbytes + self._forgetting.nbytes

    def snapshot(self, key_groups: range | None, *, touched_only: bool) -> dict[str, pa.Table]:
        """Table `keys`: the latest closed session of each key, null where it has none."""
        slots = touched_slots(self.flags) if touched_only else self.slots.live_slots()
        columns = self._key_columns(slots)
        inside = in_key_groups(key_groups, list(columns.values()), len(slots))
        if inside is not None:
            slots = slots[inside]
            columns = self._key_columns(slots)
        for number, (name, nothing) in enumerate(zip(self._closed_names, (MAX_TIME, MIN_TIME), strict=True)):
            times = self.closed[slots, number]
            columns[name] = pa.array(times, mask=times == nothing).view(self.time_type)
        tables = {"keys": state_table(columns, list(self.fields), increment=touched_only)}
        if touched_only and self._removed:
            gone = pa.concat_tables(self._removed)
            inside = in_key_groups(key_groups, columns_of(gone, list(self.fields)), gone.num_rows)
            tables[f"{REMOVED}keys"] = gone if inside is None else gone.filter(pa.array(inside))
        return tables

    def snapshot_taken(self) -> None:
        snapshot_taken(self.flags)
        self._removed = []

    def load(self, table: pa.Table) -> Int64s:
        """Add what `snapshot` gave; returns the slots."""
        keys = [column_of(table, name, kind) for name, kind in self.fields.items()]
        slots = self.find_or_insert(keys, table.num_rows, MIN_TIME)
        for number, (name, nothing) in enumerate(zip(self._closed_names, (MAX_TIME, MIN_TIME), strict=True)):
            times = column_of(table, name).view(pa.int64())
            self.closed[slots, number] = np.asarray(times.fill_null(nothing))
        return slots

    def _key_columns(self, slots: Int64s) -> dict[str, pa.Array]:
        return dict(zip(self.fields, map(without_dictionary, self.slots.keys(slots)), strict=True))
