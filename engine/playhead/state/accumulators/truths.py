"""Whether any or all values are true, from counts of either kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pyarrow as pa

from playhead.batch import Int64s
from playhead.kernels import accumulators_counts as kernels
from playhead.state.accumulators.arguments import frozen, plain
from playhead.state.accumulators.slot_table import SlotTable, TabularAccumulator
from playhead.state.columns import values_and_valid


class TruthAccumulator(TabularAccumulator):
    """Whether no value of a slot is false (`every`), or whether some is true; numbers other than 0 are true."""

    def __init__(self, *, every: bool) -> None:
        self.every = every
        self.counts = SlotTable(np.int64, ("false", "true"))
        self.tables = (self.counts,)

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        values, valid = values_and_valid(plain(arguments[0]))
        if values.dtype.kind == "f" and np.isnan(values).any():
            there = (values == values).view(np.uint8)
            valid = valid & there if len(valid) else there
        truths = (values != 0).view(np.uint8)
        kernels.add_truths(self.counts.array, slots, truths, frozen(valid), frozen(weights))

    def merge(self, slots: Int64s, other: Self, other_slots: Int64s) -> None:
        kernels.merge_counts(self.counts.array, slots, other.counts.array, other_slots)

    def result(self, slots: Int64s) -> pa.Array:
        false, true = self.counts.array[slots].T
        return pa.array(false <= 0 if self.every else true > 0)
