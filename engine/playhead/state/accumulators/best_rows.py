"""The first or last row of each slot in the order of its columns, where nothing is ever taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import pyarrow as pa

from playhead.batch import ALL_VALID, Bytes, Int64s
from playhead.kernels import accumulators_order as kernels
from playhead.state.accumulators.ordered_words import OrderedWords
from playhead.state.accumulators.slot_table import SlotTable

FEW_VALUES = 1024
"""So many superseded byte strings are never worth a compaction."""


class BestRow:
    """The greatest or smallest row of each slot; rows are columns of `types`, the last of which is the result.

    This is `min` and `max` for one column of strings or decimals, and `first` and `last` for the columns of the order
    key and the value. Rows whose value is missing do not count.
    """

    def __init__(self, types: Sequence[pa.DataType], *, greatest: bool) -> None:
        self.greatest = greatest
        self.codec = OrderedWords(types)
        self.best = SlotTable(np.int64, [f"word_{at}" for at in range(self.codec.width)])
        self.seen = SlotTable(np.uint8, ("seen",))
        self._most_values = FEW_VALUES

    def grow(self, capacity: int) -> None:
        """Make room for slots 0 to capacity - 1."""
        self.best.grow(capacity)
        self.seen.grow(capacity)

    def reset(self, slots: Int64s) -> None:
        """Forget everything about `slots`."""
        self.seen.reset(slots)

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        words, valid = self.encode(arguments)
        self._keep(slots, words, valid)

    def encode(self, arguments: Sequence[pa.Array]) -> tuple[Int64s, Bytes]:
        """The words of each row, and whether it has a value."""
        return self.codec.encode(arguments)

    def merge(self, slots: Int64s, other: Self, other_slots: Int64s) -> None:
        there = other.seen.array[other_slots, 0] != 0
        words = self.codec.translate(other.best.array[other_slots[there]], other.codec)
        self._keep(slots[there], words, ALL_VALID)

    def result(self, slots: Int64s) -> pa.Array:
        return self.codec.decode(self.best.array[slots], self.seen.array[slots, 0] == 0)

    def snapshot(self, slots: Int64s) -> dict[str, pa.Array]:
        """The best row of each of `slots`, null where there is none."""
        there = self.seen.array[slots, 0] != 0
        columns = self.codec.to_columns(self.best.array[slots[there]])
        index = pa.array(np.cumsum(there) - 1, mask=~there)
        return {name: column.take(index) for name, column in columns.items()}

    def restore(self, slots: Int64s, columns: Mapping[str, pa.Array]) -> None:
        """Set fresh `slots` to what `snapshot` gave."""
        there = columns["word_0"].is_valid().to_numpy(zero_copy_only=False)
        self.seen.array[slots[there], 0] = 1
        self.best.array[slots[there]] = self.codec.from_columns({n: c.drop_null() for n, c in columns.items()})

    @property
    def nbytes(self) -> int:
        """How much memory rows and byte strings take."""
        return self.best.nbytes + self.seen.nbytes + self.codec.nbytes

    def _keep(self, slots: Int64s, words: Int64s, valid: Bytes) -> None:
        interner = self.codec.interner
        kernels.keep_greatest_rows(
            self.best.array,
            self.seen.array,
            slots,
            words,
            valid,
            not self.greatest,
            self.codec.interned,
            interner.ends,
            interner.arena,
        )
        if interner.size > self._most_values:
            live = self.seen.array[:, 0] != 0
            words = self.best.array[live]
            self.codec.compact(words)
            self.best.array[live] = words
            self._most_values = 2 * interner.size + FEW_VALUES
