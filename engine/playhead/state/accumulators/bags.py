"""All rows of each slot, counted: what is kept where an answer cannot be had, or taken back, from less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import pyarrow as pa

from playhead.batch import Bytes, Int64s
from playhead.state.accumulators.ordered_words import OrderedWords
from playhead.state.key_index import KeyIndex
from playhead.state.multiset import Multiset

FEW_VALUES = 1024
"""So many values that are in no bag any more are never worth a compaction."""


class Bags:
    """For each slot a multiset of rows; rows are words as `OrderedWords` makes them.

    A row of one word is kept as that, one of several as the number that it has in an index of distinct rows.
    """

    def __init__(self, codec: OrderedWords) -> None:
        self.codec = codec
        self.capacity = 0
        self._multiset = Multiset()
        self._rows = KeyIndex(codec.width)
        self._most_values = FEW_VALUES

    def grow(self, capacity: int) -> None:
        """Make room for slots 0 to capacity - 1."""
        self.capacity = max(self.capacity, capacity)
        self._multiset.grow(capacity)

    def put(self, slots: Int64s, rows: Int64s, weights: Int64s) -> None:
        """Put `rows[i]` into the bag of `slots[i]`, `weights[i]` times."""
        self._multiset.add(slots, self._words(rows), weights)

    def entries(self, slots: Int64s) -> tuple[Int64s, Int64s, Int64s]:
        """`(offsets, rows, counts)`: bag i is `[offsets[i] : offsets[i + 1]]` of the others; single words ascend."""
        offsets, words, counts = self._multiset.entries(slots)
        rows = self._rows.keys_of(words).T if self.codec.width > 1 else words.reshape(-1, 1)
        return offsets, np.ascontiguousarray(rows), counts

    def distinct(self, slots: Int64s) -> Int64s:
        """How many different rows each bag has."""
        return self._multiset.distinct(slots)

    def reset(self, slots: Int64s) -> None:
        """Empty the bags of `slots`."""
        self._multiset.reset(slots)

    def compact(self) -> bool:
        """Forget values that are in no bag any more, if they may be many; True if rows have got other words."""
        values = self.codec.interner.size + (self._rows.size if self.codec.width > 1 else 0)
        if values <= self._most_values:
            return False
        everyone = np.arange(self.capacity)
        offsets, rows, counts = self.entries(everyone)
        if self.codec.has_bytes:
            self.codec.compact(rows)
        self._multiset, self._rows = Multiset(), KeyIndex(self.codec.width)
        self._multiset.grow(self.capacity)
        self.put(np.repeat(everyone, np.diff(offsets)), rows, counts)
        self._most_values = FEW_VALUES + 2 * (self.codec.interner.size + self._rows.size)
        return True

    def snapshot(self, slots: Int64s) -> dict[str, pa.Array]:
        """The bags of `slots` as lists of values and of counts."""
        offsets, rows, counts = self.entries(slots)
        begins = pa.array(offsets)
        columns = {**self.codec.to_columns(rows), "counts": pa.array(counts)}
        return {name: pa.LargeListArray.from_arrays(begins, column) for name, column in columns.items()}

    def restore(self, columns: Mapping[str, pa.Array]) -> tuple[Int64s, Int64s, Int64s]:
        """`(lengths, rows, counts)` of what `snapshot` gave, to be put into the bags of fresh slots."""
        lengths = columns["counts"].value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
        flat = {name: column.flatten() for name, column in columns.items()}
        return lengths, self.codec.from_columns(flat), flat["counts"].to_numpy(zero_copy_only=False)

    @property
    def nbytes(self) -> int:
        """How much memory bags, rows and byte strings take."""
        return self._multiset.nbytes + self._rows.nbytes + self.codec.nbytes

    def _words(self, rows: Int64s) -> Int64s:
        if self.codec.width == 1:
            return rows[:, 0]
        return self._rows.find_or_insert(np.ascontiguousarray(rows.T))[0]


class BagAccumulator:
    """What accumulators share whose state is a bag of rows for each slot."""

    def __init__(self, types: Sequence[pa.DataType]) -> None:
        self.bags = Bags(OrderedWords(types))

    def grow(self, capacity: int) -> None:
        """Make room for slots 0 to capacity - 1."""
        self.bags.grow(capacity)

    def reset(self, slots: Int64s) -> None:
        """Forget everything about `slots`."""
        self.bags.reset(slots)

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        """Add row i to `slots[i]`, `weights[i]` times, if it has a value."""
        rows, valid = self.encode(arguments)
        if len(valid):
            keep = np.flatnonzero(valid)
            slots, rows, weights = slots[keep], rows[keep], weights[keep] if len(weights) else weights
        self.put(slots, rows, weights)

    def encode(self, arguments: Sequence[pa.Array]) -> tuple[Int64s, Bytes]:
        """The words of each row, and whether it has a value."""
        return self.bags.codec.encode(arguments)

    def put(self, slots: Int64s, rows: Int64s, weights: Int64s) -> None:
        """Add rows that are words already."""
        self.bags.put(slots, rows, weights)
        self.bags.compact()

    def merge(self, slots: Int64s, other: Self, other_slots: Int64s) -> None:
        """Add the bag of each of `other_slots` to that of `slots`."""
        offsets, rows, counts = other.bags.entries(other_slots)
        rows = self.bags.codec.translate(rows, other.bags.codec)
        self.put(np.repeat(slots, np.diff(offsets)), rows, counts)

    def snapshot(self, slots: Int64s) -> dict[str, pa.Array]:
        """The bags of `slots`."""
        return self.bags.snapshot(slots)

    def restore(self, slots: Int64s, columns: Mapping[str, pa.Array]) -> None:
        """Set fresh `slots` to what `snapshot` gave."""
        lengths, rows, counts = self.bags.restore(columns)
        self.put(np.repeat(slots, lengths), rows, counts)

    @property
    def nbytes(self) -> int:
        """How much memory the bags take."""
        return self.bags.nbytes


class DistinctCount(BagAccumulator):
    """How many distinct values each slot has."""

    def result(self, slots: Int64s) -> pa.Array:
        return pa.array(self.bags.distinct(slots))
