"""Running minima and maxima where nothing is ever taken back: the best value so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from playhead.batch import Int64s
from playhead.kernels import accumulators_extremes as kernels
from playhead.state.accumulators.arguments import SIGN_BIT, floats, integers, number_column
from playhead.state.accumulators.best_in_bags import BestInBag
from playhead.state.accumulators.best_rows import BestRow
from playhead.state.accumulators.ordered_words import is_interned
from playhead.state.accumulators.slot_table import SlotTable, TabularAccumulator

if TYPE_CHECKING:
    from playhead.aggregates.aggregate import Accumulator

LOWEST = -(2**63)


class IntegerExtreme(TabularAccumulator):
    """The greatest or smallest integer, boolean, time or duration of each slot.

    Words are kept turned round by `flip`, so that the best is always the greatest.
    """

    def __init__(self, data_type: pa.DataType, *, greatest: bool) -> None:
        self.data_type = data_type
        self.flip = (0 if greatest else -1) ^ (SIGN_BIT if data_type == pa.uint64() else 0)
        self.best = SlotTable(np.int64, ("best",), empty=LOWEST)
        self.seen = SlotTable(np.uint8, ("seen",))
        self.tables = (self.best, self.seen)

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        values, valid = integers(arguments[0])
        kernels.keep_greatest(self.best.array, self.seen.array, slots, values, valid, self.flip)

    def merge(self, slots: Int64s, other: Self, other_slots: Int64s) -> None:
        kernels.merge_greatest(self.best.array, self.seen.array, slots, other.best.array, other.seen.array, other_slots)

    def result(self, slots: Int64s) -> pa.Array:
        words = self.best.of(slots) ^ self.flip
        return number_column(words, self.data_type, self.seen.of(slots) == 0)


class FloatExtreme(TabularAccumulator):
    """The greatest or smallest float of each slot; NaN is missing, and -0.0 is 0.0."""

    def __init__(self, data_type: pa.DataType, *, greatest: bool) -> None:
        self.data_type = data_type
        self.sign = 1.0 if greatest else -1.0
        self.best = SlotTable(np.float64, ("best",), empty=-np.inf)
        self.seen = SlotTable(np.uint8, ("seen",))
        self.tables = (self.best, self.seen)

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        values, valid = floats(arguments[0])
        kernels.keep_greatest_float(self.best.array, self.seen.array, slots, values, valid, self.sign)

    def merge(self, slots: Int64s, other: Self, other_slots: Int64s) -> None:
        kernels.merge_greatest(self.best.array, self.seen.array, slots, other.best.array, other.seen.array, other_slots)

    def result(self, slots: Int64s) -> pa.Array:
        values = self.best.of(slots) * self.sign + 0.0
        return number_column(values, self.data_type, self.seen.of(slots) == 0)


def extreme(data_type: pa.DataType, *, greatest: bool, retractable: bool) -> Accumulator:
    """The accumulator for the minimum or maximum of values of `data_type`."""
    if retractable:
        return BestInBag([data_type], greatest=greatest)
    if pa.types.is_floating(data_type):
        return FloatExtreme(data_type, greatest=greatest)
    if pa.types.is_decimal128(data_type) or is_interned(data_type):
        return BestRow([data_type], greatest=greatest)
    return IntegerExtreme(data_type, greatest=greatest)
