"""Kernels that sum integers exactly: two 64-bit words a slot for integers, three for decimals.

A sum is a two's complement number, its lowest word first; whether it fits its type is judged when it is read.
"""

from __future__ import annotations

import numba
import numpy as np

from playhead.batch import Bytes, Int64s
from playhead.kernels.accumulators import Float64s, Scalar, Words

LOW, HIGH, ROWS = 0, 1, 2
"""The columns of an integer sum."""

WIDE_ROWS = 3
"""Where a decimal sum, of three words, counts its rows."""


@numba.njit(cache=True, nogil=True)
def multiply_high(a: Scalar, b: Scalar, signed: Scalar) -> Scalar:
    """The upper word of the 128-bit product a * b; `a` is an int64 if `signed` is -1 and a uint64 if it is 0."""
    mask = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    ua, ub = np.uint64(a), np.uint64(b)
    a_low, a_high, b_low, b_high = ua & mask, ua >> shift, ub & mask, ub >> shift
    middle = a_high * b_low + ((a_low * b_low) >> shift)
    other = a_low * b_high + (middle & mask)
    high = a_high * b_high + (middle >> shift) + (other >> shift)
    if a < 0 and signed != 0:
        high -= ub
    if b < 0:
        high -= ua
    return np.int64(high)


@numba.njit(cache=True, nogil=True)
def add_integers(state: Int64s, slots: Int64s, values: Int64s, valid: Bytes, weights: Int64s, signed: Scalar) -> None:
    """Add `values` to `state[slot]` = (low, high, rows). O(rows).

    `signed` is -1, or 0 if the values are the bits of uint64.
    """
    if len(weights) == 0 and len(valid) == 0:
        for i in range(len(slots)):
            row, value = slots[i], values[i]
            low = np.uint64(state[row, 0]) + np.uint64(value)
            state[row, 0] = np.int64(low)
            state[row, 1] += ((value >> 63) & signed) + np.int64(low < np.uint64(value))
            state[row, 2] += 1
        return
    for i in range(len(slots)):
        if len(valid) and valid[i] == 0:
            continue
        row, value = slots[i], values[i]
        weight = weights[i] if len(weights) else np.int64(1)
        product = np.uint64(value) * np.uint64(weight)
        low = np.uint64(state[row, 0]) + product
        state[row, 0] = np.int64(low)
        state[row, 1] += multiply_high(value, weight, signed) + np.int64(low < product)
        state[row, 2] += weight


@numba.njit(cache=True, nogil=True)
def merge_integers(state: Int64s, slots: Int64s, other: Int64s, other_slots: Int64s) -> None:
    """Add sum `other_slots[i]` of `other` to sum `slots[i]` of `state`. O(slots)."""
    for i in range(len(slots)):
        row, source = slots[i], other_slots[i]
        added = np.uint64(other[source, 0])
        low = np.uint64(state[row, 0]) + added
        state[row, 0] = np.int64(low)
        state[row, 1] += other[source, 1] + np.int64(low < added)
        state[row, 2] += other[source, 2]


@numba.njit(cache=True, nogil=True)
def add_wide(state: Int64s, row: Scalar, low: Scalar, high: Scalar, top: Scalar) -> None:
    """Add one three-word number to the sum of one slot."""
    first = np.uint64(state[row, 0]) + np.uint64(low)
    carry = np.uint64(first < np.uint64(low))
    second = np.uint64(state[row, 1]) + np.uint64(high)
    over = np.uint64(second < np.uint64(high))
    third = second + carry
    over += np.uint64(third < carry)
    state[row, 0] = np.int64(first)
    state[row, 1] = np.int64(third)
    state[row, 2] += top + np.int64(over)


@numba.njit(cache=True, nogil=True)
def add_decimals(state: Int64s, slots: Int64s, words: Int64s, valid: Bytes, weights: Int64s) -> None:
    """Add decimals `words[i]` = (low, high) to `state[slot]` = (low, high, top, rows). O(rows)."""
    for i in range(len(slots)):
        if len(valid) and valid[i] == 0:
            continue
        low, high = words[i, 0], words[i, 1]
        if len(weights) == 0:
            add_wide(state, slots[i], low, high, high >> 63)
            state[slots[i], 3] += 1
            continue
        weight = weights[i]
        carried = multiply_high(low, weight, 0)
        product = np.int64(np.uint64(high) * np.uint64(weight))
        add_wide(state, slots[i], np.int64(np.uint64(low) * np.uint64(weight)), carried, carried >> 63)
        add_wide(state, slots[i], 0, product, multiply_high(high, weight, -1))
        state[slots[i], 3] += weight


@numba.njit(cache=True, nogil=True)
def merge_decimals(state: Int64s, slots: Int64s, other: Int64s, other_slots: Int64s) -> None:
    """Add sum `other_slots[i]` of `other` to sum `slots[i]` of `state`. O(slots)."""
    for i in range(len(slots)):
        source = other_slots[i]
        add_wide(state, slots[i], other[source, 0], other[source, 1], other[source, 2])
        state[slots[i], 3] += other[source, 3]


@numba.njit(cache=True, nogil=True)
def wide_magnitudes(state: Int64s, slots: Int64s, magnitudes: Words) -> None:
    """Write the absolute value of the three-word sum of `slots[i]` to `magnitudes[i]`. O(slots)."""
    zero = np.uint64(0)
    for i in range(len(slots)):
        row = slots[i]
        negative = state[row, 2] < 0
        carry = np.uint64(1)
        for j in range(3):
            word = np.uint64(state[row, j])
            if negative:
                word = ~word + carry
                carry = np.uint64(1) if carry == 1 and word == zero else zero
            magnitudes[i, j] = word


@numba.njit(cache=True, nogil=True)
def integer_totals(state: Int64s, slots: Int64s, totals: Float64s, rows: Int64s) -> None:
    """Write the sum of each slot, rounded to a float, to `totals` and its number of values to `rows`. O(slots)."""
    for i in range(len(slots)):
        low, high = state[slots[i], 0], state[slots[i], 1]
        if high == low >> 63:
            totals[i] = low
        else:
            totals[i] = high * 18446744073709551616.0 + np.float64(np.uint64(low))
        rows[i] = state[slots[i], 2]


@numba.njit(cache=True, nogil=True)
def floor_means(state: Int64s, slots: Int64s, means: Int64s) -> None:
    """Write low and high word divided by the rows, rounded down, to `means[i]`, 0 if there are no rows. O(slots)."""
    for i in range(len(slots)):
        low, high, rows = state[slots[i], 0], state[slots[i], 1], state[slots[i], 2]
        if rows <= 0:
            means[i] = 0
        elif high == low >> 63:
            means[i] = low // rows
        else:
            means[i] = long_division(low, high, rows)


@numba.njit(cache=True, nogil=True)
def long_division(low: Scalar, high: Scalar, divisor: Scalar) -> Scalar:
    """(low, high) divided by a positive `divisor`, rounded down, if the result is an int64. O(128 bits)."""
    negative = high < 0
    one = np.uint64(1)
    first, second = np.uint64(low), np.uint64(high)
    if negative:  # floor(-a / d) = -1 - floor((a - 1) / d), and a - 1 is the complement of -a
        first, second = ~first, ~second
    quotient, rest, by = np.uint64(0), np.uint64(0), np.uint64(divisor)
    for step in range(128):
        bit = np.uint64(127 - step)
        word = second if step < 64 else first
        rest = (rest << one) | ((word >> (bit & np.uint64(63))) & one)
        quotient <<= one
        if rest >= by:
            rest -= by
            quotient |= one
    return ~np.int64(quotient) if negative else np.int64(quotient)
