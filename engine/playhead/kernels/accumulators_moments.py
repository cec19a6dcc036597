"""Kernels for variances: compensated sums of values and of their squares, from which rows can be taken back.

Both sums are kept as a rounded part and what was rounded away, the square of a float being exact as a product and its
error, so that the difference that makes the variance keeps its digits. See `accumulators_floats` for the sources.
"""

from __future__ import annotations

import numba
import numpy as np

from playhead.batch import Bytes, Int64s
from playhead.kernels.accumulators import Float64s, Scalar

LARGEST = 2.0**490
"""From here on squares are not computed; such values, infinities among them, are only counted."""

EXACT = 2**53
"""Below this every integer is a float."""

NOISE = 2.0**-103
"""What is less than this much of the sum of squares is rounding, not variance."""


@numba.njit(cache=True, nogil=True)
def product_error(a: float, b: float, product: float) -> float:
    """What was rounded away in product = a * b, exactly unless it under- or overflows."""
    a_big, b_big = 134217729.0 * a, 134217729.0 * b  # 2**27 + 1 cuts a double in two halves
    a_high, b_high = a_big - (a_big - a), b_big - (b_big - b)
    a_low, b_low = a - a_high, b - b_high
    return a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


@numba.njit(cache=True, nogil=True)
def add_product(sums: Float64s, row: Scalar, column: Scalar, a: float, b: float) -> None:
    """Add a * b to the pair of columns that begins with `column`, without losing the product's error."""
    product = a * b
    old = sums[row, column]
    new = old + product
    part = new - old
    sums[row, column] = new
    sums[row, column + 1] += ((old - (new - part)) + (product - part)) + product_error(a, b, product)


@numba.njit(cache=True, nogil=True)
def add_products(sums: Float64s, row: Scalar, a: float, b: float, times: float) -> None:
    """Add a * b * times to the squares, exactly but for the last rounding."""
    product = a * b
    add_product(sums, row, 2, product, times)
    add_product(sums, row, 2, product_error(a, b, product), times)


@numba.njit(cache=True, nogil=True)
def add_moments(sums: Float64s, counts: Int64s, slots: Int64s, values: Float64s, valid: Bytes, weights: Int64s) -> None:
    """Add floats to `sums[slot]` = (sum, lost, squares, lost) and `counts[slot]` = (finite, too large). O(rows)."""
    for i in range(len(slots)):
        if len(valid) and valid[i] == 0:
            continue
        row, value = slots[i], values[i]
        weight = weights[i] if len(weights) else np.int64(1)
        if abs(value) < LARGEST:
            times = np.float64(weight)
            counts[row, 0] += weight
            add_product(sums, row, 0, value, times)
            if abs(times) == 1.0:
                add_product(sums, row, 2, value * times, value)
            else:
                add_products(sums, row, value, value, times)
        elif value == value:
            counts[row, 1] += weight


@numba.njit(cache=True, nogil=True)
def add_integer_moments(
    sums: Float64s, counts: Int64s, slots: Int64s, values: Int64s, valid: Bytes, weights: Int64s, signed: Scalar
) -> None:
    """Add integers as `add_moments` adds floats; they are the bits of uint64 if `signed` is 0, else it is -1. O(rows).

    A large integer is the sum of two floats of 32 bits each, so that it and its square lose nothing either.
    """
    for i in range(len(slots)):
        if len(valid) and valid[i] == 0:
            continue
        row, word = slots[i], values[i]
        times = np.float64(weights[i]) if len(weights) else 1.0
        counts[row, 0] += weights[i] if len(weights) else 1
        if abs(times) == 1.0 and word < EXACT and (word >= 0 or (signed != 0 and word > -EXACT)):
            value = np.float64(word)
            add_product(sums, row, 0, value, times)
            add_product(sums, row, 2, value * times, value)
            continue
        top = (word >> 32) if signed != 0 else np.int64(np.uint64(word) >> np.uint64(32))
        high, low = top * 4294967296.0, np.float64(word & 0xFFFFFFFF)
        add_product(sums, row, 0, high, times)
        add_product(sums, row, 0, low, times)
        add_products(sums, row, high, high, times)
        add_products(sums, row, high, 2.0 * low, times)
        add_products(sums, row, low, low, times)


@numba.njit(cache=True, nogil=True)
def merge_moments(
    sums: Float64s, counts: Int64s, slots: Int64s, other: Float64s, other_counts: Int64s, other_slots: Int64s
) -> None:
    """Add the sums and counts of `other_slots[i]` to those of `slots[i]`. O(slots)."""
    for i in range(len(slots)):
        row, source = slots[i], other_slots[i]
        for column in range(0, 4, 2):
            add_product(sums, row, column, other[source, column], 1.0)
            sums[row, column + 1] += other[source, column + 1]
        for column in range(2):
            counts[row, column] += other_counts[source, column]


@numba.njit(cache=True, nogil=True)
def variances(sums: Float64s, counts: Int64s, slots: Int64s, ddof: Scalar, out: Float64s) -> None:
    """Write the variance of the values of `slots[i]` to `out[i]`, 0 where they are not more than `ddof`. O(slots)."""
    scratch = np.zeros((1, 2))
    for i in range(len(slots)):
        row = slots[i]
        rows = np.float64(counts[row, 0])
        out[i] = 0.0
        if rows <= ddof:
            continue
        total = sums[row, 0] + sums[row, 1]
        rest = sums[row, 1] - (total - sums[row, 0])
        scratch[0, 0] = scratch[0, 1] = 0.0
        add_product(scratch, 0, 0, total, total)
        square, square_rest = scratch[0, 0], scratch[0, 1] + 2.0 * total * rest
        quotient = square / rows
        scratch[0, 0], scratch[0, 1] = square, square_rest
        add_product(scratch, 0, 0, -quotient, rows)
        quotient_rest = (scratch[0, 0] + scratch[0, 1]) / rows
        spread = (sums[row, 2] - quotient) + (sums[row, 3] - quotient_rest)
        if spread > NOISE * sums[row, 2]:
            out[i] = spread / (rows - ddof)
