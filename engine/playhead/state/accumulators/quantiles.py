"""Running quantiles: exact ones from all values, and approximate ones from the buckets that they fall into."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from playhead.batch import Bytes, Int64s
from playhead.kernels import accumulators_quantiles as kernels
from playhead.kernels.accumulators import Float64s
from playhead.state.accumulators.arguments import SIGN_BIT, floats, number_column, plain
from playhead.state.accumulators.bags import BagAccumulator
from playhead.state.accumulators.ordered_words import floats_from


class QuantileAccumulator(BagAccumulator):
    """The value at `q` of the way from the smallest to the greatest, interpolated between its neighbours as in pandas.

    Decimals are read as floats. Times and durations keep their type and are rounded down to its unit.
    """

    def __init__(self, data_type: pa.DataType, q: float) -> None:
        self.data_type = pa.float64() if pa.types.is_decimal(data_type) else data_type
        self.q = q
        super().__init__([self.data_type])

    def encode(self, arguments: Sequence[pa.Array]) -> tuple[Int64s, Bytes]:
        """The words of each row; decimals become floats here."""
        array = plain(arguments[0])
        return super().encode([array.cast(pa.float64()) if pa.types.is_decimal(array.type) else array])

    def result(self, slots: Int64s) -> pa.Array:
        offsets, rows, counts = self.bags.entries(slots)
        below, above, part = np.zeros(len(slots), np.int64), np.zeros(len(slots), np.int64), np.empty(len(slots))
        kernels.order_statistics(offsets, rows[:, 0], counts, self.q, below, above, part)
        missing = part < 0
        if pa.types.is_temporal(self.data_type):
            between = below + np.floor((above - below) * part).astype(np.int64)
            return number_column(between, self.data_type, missing)
        return number_column(interpolated(self.values(below), self.values(above), part), pa.float64(), missing)

    def values(self, words: Int64s) -> Float64s:
        """What words stand for, as floats."""
        if pa.types.is_floating(self.data_type):
            return floats_from(words)
        return (
            (words ^ SIGN_BIT).view(np.uint64).astype(float) if self.data_type == pa.uint64() else words.astype(float)
        )


class ApproximateQuantile(QuantileAccumulator):
    """Quantiles of the buckets of a sketch, of which a slot has one for every 2 % that its values span."""

    def __init__(self, q: float) -> None:
        super().__init__(pa.int64(), q)

    def encode(self, arguments: Sequence[pa.Array]) -> tuple[Int64s, Bytes]:
        """The bucket of each row, and whether it has a value."""
        values, valid = floats(arguments[0])
        numbers = np.empty(len(values), dtype=np.int64)
        kernels.buckets(values, numbers)
        there = values == values
        if not there.all():
            valid = valid & there.view(np.uint8) if len(valid) else there.view(np.uint8)
        return numbers.reshape(-1, 1), valid

    def values(self, words: Int64s) -> Float64s:
        """The middle of each bucket."""
        middles = np.empty(len(words))
        kernels.bucket_values(words, middles)
        return middles


def interpolated(below: Float64s, above: Float64s, part: Float64s) -> Float64s:
    """The point between two numbers; where it is one of them, or both are infinite alike, exactly that."""
    with np.errstate(invalid="ignore", over="ignore"):
        gap = above - below
        between = below + gap * part
        beyond = below * (1 - part) + above * part  # for infinities, and gaps that are
    return np.where((part <= 0) | (below == above), below, np.where(np.isfinite(gap), between, beyond))
