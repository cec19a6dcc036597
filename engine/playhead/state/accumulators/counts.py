"""Running counts: of rows, and of values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pyarrow as pa

from playhead.batch import ALL_VALID, Int64s
from playhead.kernels import accumulators_counts as kernels
from playhead.state.accumulators.arguments import floats, frozen, plain
from playhead.state.accumulators.slot_table import SlotTable, TabularAccumulator
from playhead.state.columns import as_column, valid_bytes


class SizeAccumulator(TabularAccumulator):
    """How many rows each slot has."""

    def __init__(self) -> None:
        self.counts = SlotTable(np.int64, ("rows",))
        self.tables = (self.counts,)

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        kernels.add_rows(self.counts.array, slots, ALL_VALID, frozen(weights))

    def merge(self, slots: Int64s, other: Self, other_slots: Int64s) -> None:
        kernels.merge_counts(self.counts.array, slots, other.counts.array, other_slots)

    def result(self, slots: Int64s) -> pa.Array:
        return as_column(self.counts.of(slots), pa.int64())


class CountAccumulator(SizeAccumulator):
    """How many rows of each slot have a value."""

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        array = plain(arguments[0])
        if pa.types.is_floating(array.type):
            values, valid = floats(array)
            kernels.add_numbers(self.counts.array, slots, values, valid, frozen(weights))
        else:
            kernels.add_rows(self.counts.array, slots, valid_bytes(array), frozen(weights))
