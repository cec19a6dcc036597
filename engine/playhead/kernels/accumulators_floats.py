"""Kernels that sum floats: compensated, so that what is taken back leaves next to nothing behind.

A sum is the pair of the rounded sum and all that was rounded away (Neumaier, 1974; the error of an addition comes
from Knuth's TwoSum, that of a product from Dekker's TwoProduct). NaN is a missing value. Infinities are only
counted.
"""

from __future__ import annotations

import numba
import numpy as np

from playhead.batch import Bytes, Int64s
from playhead.kernels.accumulators import Float64s, Scalar

ROWS, UP, DOWN = 0, 1, 2
"""The columns of the counts beside a float sum: finite values, +inf, -inf."""


@numba.njit(cache=True, nogil=True)
def product_error(a: float, b: float, product: float) -> float:
    """What was rounded away in product = a * b, exactly unless it under- or overflows."""
    a_big, b_big = 134217729.0 * a, 134217729.0 * b  # 2**27 + 1 cuts a double in two halves
    a_high, b_high = a_big - (a_big - a), b_big - (b_big - b)
    a_low, b_low = a - a_high, b - b_high
    return a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


@numba.njit(cache=True, nogil=True)
def add_float(sums: Float64s, row: Scalar, value: float) -> None:
    """Add one finite value to the sum of one slot."""
    old = sums[row, 0]
    new = old + value
    part = new - old
    sums[row, 0] = new
    sums[row, 1] += (old - (new - part)) + (value - part)


@numba.njit(cache=True, nogil=True)
def count_infinity(counts: Int64s, row: Scalar, value: float, weight: Scalar) -> None:
    """Count a value that is not finite; NaN is no value at all."""
    if value > 0:
        counts[row, 1] += weight
    elif value < 0:
        counts[row, 2] += weight


@numba.njit(cache=True, nogil=True)
def add_floats(sums: Float64s, counts: Int64s, slots: Int64s, values: Float64s, valid: Bytes, weights: Int64s) -> None:
    """Add `values` to `sums[slot]` = (sum, rounded away) and `counts[slot]` = (finite, +inf, -inf). O(rows)."""
    if len(weights) == 0 and len(valid) == 0:
        for i in range(len(slots)):
            row, value = slots[i], values[i]
            if value - value == 0.0:
                add_float(sums, row, value)
                counts[row, 0] += 1
            else:
                count_infinity(counts, row, value, 1)
        return
    for i in range(len(slots)):
        if len(valid) and valid[i] == 0:
            continue
        row, value = slots[i], values[i]
        weight = weights[i] if len(weights) else np.int64(1)
        if value - value != 0.0:
            count_infinity(counts, row, value, weight)
            continue
        counts[row, 0] += weight
        product = value * weight
        add_float(sums, row, product)
        if weight != 1 and weight != -1:
            sums[row, 1] += product_error(value, np.float64(weight), product)


@numba.njit(cache=True, nogil=True)
def merge_floats(
    sums: Float64s, counts: Int64s, slots: Int64s, other: Float64s, other_counts: Int64s, other_slots: Int64s
) -> None:
    """Add sum `other_slots[i]` of `other` to sum `slots[i]`, and the counts likewise. O(slots)."""
    for i in range(len(slots)):
        row, source = slots[i], other_slots[i]
        add_float(sums, row, other[source, 0])
        sums[row, 1] += other[source, 1]
        for j in range(3):
            counts[row, j] += other_counts[source, j]


@numba.njit(cache=True, nogil=True)
def float_totals(sums: Float64s, counts: Int64s, slots: Int64s, totals: Float64s, rows: Int64s) -> None:
    """Write the sum of each slot to `totals` and its number of values to `rows`, infinities among them. O(slots).

    A slot without finite values starts again from exactly zero, whatever rounding has left in it.
    """
    for i in range(len(slots)):
        row = slots[i]
        if counts[row, 0] == 0:
            sums[row, 0] = sums[row, 1] = 0.0
        total, up, down = sums[row, 0], counts[row, 1] > 0, counts[row, 2] > 0
        if up or down:
            total = np.nan if up and down else (np.inf if up else -np.inf)
        elif total - total == 0.0:
            total += sums[row, 1]
        totals[i] = total
        rows[i] = counts[row, 0] + counts[row, 1] + counts[row, 2]
