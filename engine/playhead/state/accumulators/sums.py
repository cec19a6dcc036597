"""Running sums: exact for integers and decimals, compensated for floats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playhead.batch import Int64s
from playhead.kernels import accumulators_floats as float_kernels
from playhead.kernels import accumulators_integers as kernels
from playhead.kernels.accumulators import Float64s
from playhead.state.accumulators.arguments import decimals, decimals_from, floats, frozen, integers
from playhead.state.accumulators.overflow import require_fit
from playhead.state.accumulators.slot_table import SlotTable, TabularAccumulator

DECIMAL_LIMIT = 10**38
"""The first number that decimal128(38) cannot hold, less its scale."""


class IntegerSum(TabularAccumulator):
    """Sums of integers, booleans and durations in two words, and how many values went into them."""

    def __init__(self, result_type: pa.DataType) -> None:
        self.result_type = result_type
        self.unsigned = pa.types.is_unsigned_integer(result_type)
        self.words = SlotTable(np.int64, ("low", "high", "rows"))
        self.tables = (self.words,)

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        values, valid = integers(arguments[0])
        signed = 0 if self.unsigned else -1
        kernels.add_integers(self.words.array, slots, values, valid, frozen(weights), signed)

    def merge(self, slots: Int64s, other: Self, other_slots: Int64s) -> None:
        kernels.merge_integers(self.words.array, slots, other.words.array, other_slots)

    def result(self, slots: Int64s) -> pa.Array:
        low, high = self.words.array[slots, kernels.LOW], self.words.array[slots, kernels.HIGH]
        require_fit(high == (0 if self.unsigned else low >> 63), slots, self.result_type)
        return pa.array(low.view(np.uint64) if self.unsigned else low).view(self.result_type)


class FloatSum(TabularAccumulator):
    """Compensated sums of floats, and counts of finite values and infinities."""

    def __init__(self) -> None:
        self.sums = SlotTable(np.float64, ("sum", "rounded_away"))
        self.counts = SlotTable(np.int64, ("finite", "positive_infinities", "negative_infinities"))
        self.tables = (self.sums, self.counts)

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        values, valid = floats(arguments[0])
        float_kernels.add_floats(self.sums.array, self.counts.array, slots, values, valid, frozen(weights))

    def merge(self, slots: Int64s, other: Self, other_slots: Int64s) -> None:
        float_kernels.merge_floats(
            self.sums.array, self.counts.array, slots, other.sums.array, other.counts.array, other_slots
        )

    def totals(self, slots: Int64s) -> tuple[Float64s, Int64s]:
        """Each slot's sum and number of values; a slot that turns out to be empty starts again from exactly zero."""
        totals, rows = np.empty(len(slots)), np.empty(len(slots), dtype=np.int64)
        float_kernels.float_totals(self.sums.array, self.counts.array, slots, totals, rows)
        return totals, rows

    def result(self, slots: Int64s) -> pa.Array:
        return pa.array(self.totals(slots)[0])


class DecimalSum(TabularAccumulator):
    """Sums of decimals in three words, since two are full after two large values, and how many went into them."""

    def __init__(self, result_type: pa.DataType) -> None:
        self.result_type = result_type
        self.words = SlotTable(np.int64, ("low", "high", "top", "rows"))
        self.tables = (self.words,)

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        words, valid = decimals(arguments[0])
        kernels.add_decimals(self.words.array, slots, words, valid, frozen(weights))

    def merge(self, slots: Int64s, other: Self, other_slots: Int64s) -> None:
        kernels.merge_decimals(self.words.array, slots, other.words.array, other_slots)

    def magnitudes(self, slots: Int64s) -> npt.NDArray[np.uint64]:
        """The absolute value of each slot's sum, as three words."""
        words = np.empty((len(slots), 3), dtype=np.uint64)
        kernels.wide_magnitudes(self.words.array, slots, words)
        return words

    def result(self, slots: Int64s) -> pa.Array:
        low, high, top = self.magnitudes(slots).T
        limit_high, limit_low = np.uint64(DECIMAL_LIMIT >> 64), np.uint64(DECIMAL_LIMIT & (2**64 - 1))
        fits = (top == 0) & ((high < limit_high) | ((high == limit_high) & (low < limit_low)))
        require_fit(fits, slots, self.result_type)
        return decimals_from(self.words.array[slots, :2], self.result_type)
