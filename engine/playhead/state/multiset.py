"""For each slot a bag of int64 words, for aggregates that must know all their values to take one back."""

from __future__ import annotations

import numpy as np

from playhead.batch import NO_WEIGHTS, Int64s
from playhead.kernels import multiset as kernels
from playhead.kernels import slot_lists
from playhead.state.growable import grown
from playhead.state.key_index import KeyIndex


class Multiset:
    """How often each word is in the bag of each slot.

    A word whose count becomes 0 leaves the bag. Within an epoch a count may be below 0, as a row may be taken back
    before it is added; such a word is among the entries and in the total, but not among the distinct.

    Examples
    --------
    >>> bags = Multiset()
    >>> bags.add(np.array([0, 0, 1, 0]), np.array([70, 30, 30, 70]))
    >>> bags.distinct(np.array([0, 1])).tolist(), bags.total(np.array([0, 1])).tolist()
    ([2, 1], [3, 1])
    >>> offsets, words, counts = bags.entries(np.array([0]))
    >>> words.tolist(), counts.tolist()
    ([30, 70], [1, 2])
    """

    def __init__(self) -> None:
        self._index = KeyIndex(2)
        self._counts: Int64s = np.zeros(64, dtype=np.int64)
        self._links: Int64s = np.full((64, 3), -1, dtype=np.int64)
        self._ends: Int64s = np.full((64, 2), -1, dtype=np.int64)
        self._tallies: Int64s = np.zeros((64, 2), dtype=np.int64)

    @property
    def nbytes(self) -> int:
        """How much memory the bags take."""
        columns = (self._counts, self._links, self._ends, self._tallies)
        return self._index.nbytes + sum(column.nbytes for column in columns)

    def grow(self, capacity: int) -> None:
        """Make room for slots 0 to `capacity` - 1; new bags are empty."""
        self._ends = grown(self._ends, capacity, -1)
        self._tallies = grown(self._tallies, capacity)

    def add(self, slots: Int64s, words: Int64s, weights: Int64s = NO_WEIGHTS) -> None:
        """Put word i into the bag of `slots[i]`, `weights[i]` times; no weights (length 0) means once each."""
        if len(slots) == 0:
            return
        self.grow(int(slots.max()) + 1)
        keys = np.stack([slots, words])
        entries, new = self._index.find_or_insert(keys)
        if len(new):
            self._counts = grown(self._counts, self._index.capacity)
            self._links = grown(self._links, self._index.capacity, -1)
            slot_lists.append(self._index.word_of(new, 0), new, self._ends, self._links)
        weights = weights if weights.flags.writeable else weights.copy()  # one kind of array: one compilation
        kernels.add(keys[0], entries, weights, self._counts, self._tallies)
        self._forget(np.unique(entries[self._counts[entries] == 0]))

    def distinct(self, slots: Int64s) -> Int64s:
        """How many different words are in each bag."""
        found: Int64s = self._tallies[slots, kernels.DISTINCT]
        return found

    def total(self, slots: Int64s) -> Int64s:
        """How many words are in each bag, equal ones counted."""
        found: Int64s = self._tallies[slots, kernels.TOTAL]
        return found

    def entries(self, slots: Int64s) -> tuple[Int64s, Int64s, Int64s]:
        """`(offsets, words, counts)`: bag i is `[offsets[i] : offsets[i + 1]]` of the others, words ascending."""
        offsets, entries = self._chains(slots)
        words = self._index.word_of(entries, 1)
        order = np.lexsort((words, np.repeat(np.arange(len(slots)), np.diff(offsets))))
        return offsets, words[order], self._counts[entries[order]]

    def reset(self, slots: Int64s) -> None:
        """Empty the bags of `slots`, none of which is named twice."""
        self._forget(self._chains(slots)[1])
        self._tallies[slots] = 0

    def merge(self, slots: Int64s, other: Multiset, other_slots: Int64s) -> None:
        """Add the bag of `other_slots[i]` of `other` to that of `slots[i]`; slots may repeat."""
        offsets, words, counts = other.entries(other_slots)
        self.add(np.repeat(slots, np.diff(offsets)), words, counts)

    def _chains(self, slots: Int64s) -> tuple[Int64s, Int64s]:
        heads: Int64s = self._ends[slots, slot_lists.FIRST]
        offsets = np.empty(len(slots) + 1, dtype=np.int64)
        kernels.lengths(heads, self._links, offsets)
        entries = np.empty(offsets[-1], dtype=np.int64)
        kernels.gather(heads, self._links, entries)
        return offsets, entries

    def _forget(self, entries: Int64s) -> None:
        if len(entries):
            slot_lists.unlink(entries, self._ends, self._links)
            self._counts[entries] = 0
            self._index.remove(entries)
