"""Which slots are due at which time, so that closing a window touches its own slots only."""

from __future__ import annotations

import numpy as np

from playhead.batch import Int64s
from playhead.kernels import slot_lists as kernels
from playhead.state.growable import grown
from playhead.state.key_index import KeyIndex
from playhead.state.timers import TimerQueue


class SlotLists:
    """Slots, each listed by one time.

    Examples
    --------
    >>> closing = SlotLists()
    >>> closing.add(np.array([120, 60, 60]), np.array([0, 1, 2]))
    array([120,  60])
    >>> closing.first
    60
    >>> closing.pop_until(60).tolist()
    [1, 2]
    """

    def __init__(self) -> None:
        self._lists = KeyIndex(1)
        self._timers = TimerQueue()
        self._size = 0
        self._ends: Int64s = np.full((64, 2), -1, dtype=np.int64)
        self._links: Int64s = np.full((64, 3), -1, dtype=np.int64)

    @property
    def first(self) -> int | None:
        """The soonest time of a list, None if there is none. Its slots may all have been removed."""
        return self._timers.first

    @property
    def nbytes(self) -> int:
        """How much memory lists and timers take."""
        return self._lists.nbytes + self._timers.nbytes + self._ends.nbytes + self._links.nbytes

    def add(self, times: Int64s, slots: Int64s) -> Int64s:
        """List each of `slots`, which are in no list, by its time; returns the times that are new."""
        if len(slots) == 0:
            return times
        lists, new = self._lists.find_or_insert(times.reshape(1, -1))
        new_times = self._lists.word_of(new, 0)
        if len(new):
            self._ends = grown(self._ends, self._lists.capacity, -1)
            self._timers.push(new_times)
        self._links = grown(self._links, int(slots.max()) + 1, -1)
        done = kernels.append(lists, slots, self._ends, self._links)
        if done < len(slots):
            raise ValueError(f"slot {slots[done]} is listed already")
        self._size += len(slots)
        return new_times

    def remove(self, slots: Int64s) -> None:
        """Take `slots` out of their lists; those that are in none stay so."""
        self._size -= kernels.unlink(slots[slots < len(self._links)], self._ends, self._links)

    def listed(self, times: Int64s) -> tuple[Int64s, Int64s]:
        """The slots listed by each of `times`, which stay in their lists, and for each which of `times` it is from."""
        lists = self._lists.find(times.reshape(1, -1))
        there = np.flatnonzero(lists >= 0)
        lists = lists[there]
        slots = np.empty(kernels.count(lists, self._ends, self._links), dtype=np.int64)
        rows = np.empty(len(slots), dtype=np.int64)
        kernels.gather(lists, self._ends, self._links, slots, rows)
        return slots, there[rows]

    def pop_until(self, watermark: int) -> Int64s:
        """Take out the slots of all times up to and including `watermark`, by time and then as they were added."""
        due = self._timers.pop_until(watermark)
        if len(due) == 0:
            return due
        lists = self._lists.find(due.reshape(1, -1))
        slots = np.empty(self._size, dtype=np.int64)
        count = kernels.drain(lists, self._ends, self._links, slots)
        self._lists.remove(lists)
        self._size -= count
        return slots[:count].copy() if count < len(slots) // 2 else slots[:count]
