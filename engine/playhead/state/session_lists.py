"""The open sessions of each key, in order of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from playhead.batch import Int64s
from playhead.kernels import sessions as kernels
from playhead.kernels import slot_lists
from playhead.state.growable import grown
from playhead.state.slot_lists import SlotLists


@dataclass(frozen=True)
class Joined:
    """Rows and open sessions that belong together."""

    groups: Int64s
    """By row: the number of its group."""
    firsts: Int64s
    """By group: the time of its first row."""
    lasts: Int64s
    is_open: npt.NDArray[np.bool_]
    """By group: whether it joins a session that is open."""
    absorbed: Int64s
    """The slots of the sessions that are joined, which are still in their lists."""
    absorbed_groups: Int64s


class SessionLists:
    """Sessions by slot, listed by key and by when they end.

    Examples
    --------
    >>> sessions = SessionLists(gap=10)
    >>> sessions.insert(np.array([1, 0]), np.array([7, 7]), np.array([30, 0]), np.array([35, 5]))
    >>> joined = sessions.join(np.array([7, 7, 7]), np.array([15, 25, 60]))
    >>> joined.groups.tolist(), joined.firsts.tolist(), joined.lasts.tolist(), joined.absorbed.tolist()
    ([1, 1, 0], [60, 0], [60, 35], [1, 0])
    """

    def __init__(self, gap: int) -> None:
        self.gap = gap
        self.bounds: Int64s = np.zeros((64, 2), np.int64)
        self._closing = SlotLists()
        self._ends: Int64s = np.full((64, 2), -1, np.int64)
        self._links: Int64s = np.full((64, 3), -1, np.int64)

    def join(self, keys: Int64s, times: Int64s) -> Joined:
        """What belongs together of rows, sorted by key and time, and the open sessions."""
        self._grow(0, int(keys.max(initial=-1)) + 1)
        rows = len(keys)
        groups, spans = np.empty(rows, np.int64), np.empty((rows, 3), np.int64)
        absorbed, absorbed_groups = np.empty(2 * rows, np.int64), np.empty(2 * rows, np.int64)
        count, found = kernels.join(
            keys, times, self.gap, self.bounds, self._ends, self._links, groups, spans, absorbed, absorbed_groups
        )
        firsts, lasts, is_open = spans[:count].T
        return Joined(groups, firsts.copy(), lasts.copy(), is_open != 0, absorbed[:found], absorbed_groups[:found])

    def insert(self, slots: Int64s, keys: Int64s, firsts: Int64s, lasts: Int64s) -> None:
        """List sessions that are in no list; they come sorted by key and, within a key, from the last to the first."""
        if not len(slots):
            return
        self._grow(int(slots.max()) + 1, int(keys.max()) + 1)
        self.bounds[slots, kernels.FIRST], self.bounds[slots, kernels.LAST] = firsts, lasts
        kernels.insert(slots, keys, self.bounds, self._ends, self._links)
        self._closing.add(lasts + self.gap, slots)

    def remove(self, slots: Int64s) -> None:
        """Take sessions out of their lists."""
        slot_lists.unlink(slots, self._ends, self._links)
        self._closing.remove(slots)

    def keys_of(self, slots: Int64s) -> Int64s:
        """The keys of sessions that are in lists."""
        keys: Int64s = self._links[slots, slot_lists.LIST]
        return keys

    def pop_until(self, end: int) -> tuple[Int64s, Int64s]:
        """Take out the sessions that end at or before this; their slots and keys, by end."""
        slots = self._closing.pop_until(end)
        keys = self.keys_of(slots)
        slot_lists.unlink(slots, self._ends, self._links)
        return slots, keys

    def without_sessions(self, keys: Int64s) -> Int64s:
        """Which of `keys` have no open session."""
        self._grow(0, int(keys.max(initial=-1)) + 1)
        found: Int64s = keys[self._ends[keys, slot_lists.FIRST] == -1]
        return found

    @property
    def nbytes(self) -> int:
        """How much memory the lists take."""
        return self.bounds.nbytes + self._closing.nbytes + self._ends.nbytes + self._links.nbytes

    def _grow(self, slots: int, keys: int) -> None:
        self.bounds = grown(self.bounds, slots)
        self._links = grown(self._links, slots, -1)
        self._ends = grown(self._ends, keys, -1)
