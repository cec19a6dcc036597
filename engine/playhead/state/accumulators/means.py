"""Running means: the running sums, read as averages."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from playhead.batch import Int64s
from playhead.kernels import accumulators_integers as kernels
from playhead.kernels.accumulators import Float64s
from playhead.state.accumulators.arguments import number_column
from playhead.state.accumulators.sums import DecimalSum, FloatSum, IntegerSum
from playhead.state.columns import as_column


class FloatMean(FloatSum):
    """Means of floats."""

    def result(self, slots: Int64s) -> pa.Array:
        return averages(*self.totals(slots))


class IntegerMean(IntegerSum):
    """Means of integers and booleans, from their exact sums."""

    def result(self, slots: Int64s) -> pa.Array:
        totals, rows = np.empty(len(slots)), np.empty(len(slots), dtype=np.int64)
        kernels.integer_totals(self.words.array, slots, totals, rows)
        return averages(totals, rows)


class DurationMean(IntegerSum):
    """Means of durations, rounded down to their unit."""

    def result(self, slots: Int64s) -> pa.Array:
        means = np.empty(len(slots), dtype=np.int64)
        kernels.floor_means(self.words.array, slots, means)
        return number_column(means, self.result_type, self.words.array[slots, kernels.ROWS] <= 0)


class DecimalMean(DecimalSum):
    """Means of decimals as floats, from their exact sums."""

    def result(self, slots: Int64s) -> pa.Array:
        low, high, top = self.magnitudes(slots).astype(np.float64).T
        total = ((top * 2.0**64 + high) * 2.0**64 + low) / 10.0**self.result_type.scale
        negative = self.words.array[slots, 2] < 0
        return averages(np.where(negative, -total, total), self.words.array[slots, kernels.WIDE_ROWS])


def averages(totals: Float64s, rows: Int64s) -> pa.Array:
    """Sums divided by their numbers of values, null where there are none."""
    missing = rows <= 0
    return as_column(totals / (np.where(missing, 1, rows) if missing.any() else rows), pa.float64(), missing)
