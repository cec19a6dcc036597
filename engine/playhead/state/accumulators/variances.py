"""Running variances and standard deviations, from compensated sums of values and squares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pyarrow as pa

from playhead.batch import Int64s
from playhead.kernels import accumulators_moments as kernels
from playhead.state.accumulators.arguments import floats, frozen, integers, number_column
from playhead.state.accumulators.slot_table import SlotTable, TabularAccumulator


class VarianceAccumulator(TabularAccumulator):
    """The variance of each slot, or its root; null where there are not more than `ddof` values, NaN with infinities."""

    def __init__(self, data_type: pa.DataType, *, ddof: int, root: bool) -> None:
        self.ddof, self.root = ddof, root
        self.whole = pa.types.is_integer(data_type) or pa.types.is_boolean(data_type)
        self.signed = 0 if data_type == pa.uint64() else -1
        self.sums = SlotTable(np.float64, ("sum", "sum_rounded_away", "squares", "squares_rounded_away"))
        self.counts = SlotTable(np.int64, ("finite", "too_large"))
        self.tables = (self.sums, self.counts)

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        state, weights = (self.sums.array, self.counts.array), frozen(weights)
        if self.whole:
            words, valid = integers(arguments[0])
            kernels.add_integer_moments(*state, slots, words, valid, weights, self.signed)
        else:
            values, valid = floats(arguments[0])
            kernels.add_moments(*state, slots, values, valid, weights)

    def merge(self, slots: Int64s, other: Self, other_slots: Int64s) -> None:
        kernels.merge_moments(
            self.sums.array, self.counts.array, slots, other.sums.array, other.counts.array, other_slots
        )

    def result(self, slots: Int64s) -> pa.Array:
        finite, too_large = self.counts.array[slots].T
        self.sums.array[slots[finite == 0]] = 0
        variances = np.empty(len(slots))
        kernels.variances(self.sums.array, self.counts.array, slots, self.ddof, variances)
        variances[too_large > 0] = np.nan
        return number_column(
            np.sqrt(variances) if self.root else variances, pa.float64(), finite + too_large <= self.ddof
        )
