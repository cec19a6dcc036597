"""Kernels for quantiles: which two values of a bag to interpolate, and the buckets of a sketch of relative accuracy.

The sketch is DDSketch (Masson, Rim, Lee, "DDSketch", VLDB 2019), with a logarithm that a cubic interpolates, so that
the bucket of a value follows from its bits by additions and multiplications alone, the same on every machine.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from playhead.batch import Int64s
from playhead.kernels.accumulators import Float64s, Scalar

ACCURACY = 0.01
"""The relative error of a value that is read from its bucket."""

BUCKETS_PER_OCTAVE = 0.7 / math.log((1 + ACCURACY) / (1 - ACCURACY))
"""The cubic rises by at least 10/7 per unit of the natural logarithm, so that no bucket is wider than it may be."""

FIRST = 100_000
"""Added to the number of a positive value's bucket, so that all of these are positive."""

INFINITE = 1_000_000
"""The bucket of infinity; 0 is that of zero, and negative values have negative buckets."""


@numba.njit(cache=True, nogil=True)
def order_statistics(
    offsets: Int64s, words: Int64s, counts: Int64s, q: float, below: Int64s, above: Int64s, part: Float64s
) -> None:
    """For each bag of ascending words the words around position q * (n - 1), and how far it is between them. O(words).

    `part[i]` is -1 where a bag is empty. Words that do not count more than 0 times are passed over.
    """
    for i in range(len(below)):
        rows = 0
        for at in range(offsets[i], offsets[i + 1]):
            rows += max(counts[at], 0)
        if rows == 0:
            part[i] = -1.0
            continue
        position = q * (rows - 1)
        lower = np.int64(math.floor(position))
        part[i] = position - lower
        passed, found = np.int64(0), False
        for at in range(offsets[i], offsets[i + 1]):
            if counts[at] <= 0:
                continue
            passed += counts[at]
            if not found and passed > lower:
                below[i], found = words[at], True
            if found:
                above[i] = words[at]
                if passed > lower + 1:
                    break


@numba.njit(cache=True, nogil=True)
def logarithm(value: float) -> Scalar:
    """About the binary logarithm of a positive number: exact at powers of 2, a cubic between them."""
    mantissa, exponent = math.frexp(value)
    s = 2.0 * mantissa - 1.0
    return exponent - 1 + ((6.0 / 35.0 * s - 3.0 / 5.0) * s + 10.0 / 7.0) * s


@numba.njit(cache=True, nogil=True)
def exponential(logarithm_of_value: float) -> Scalar:
    """The inverse of `logarithm`, by halving the interval."""
    exponent = math.floor(logarithm_of_value)
    rest, low, high = logarithm_of_value - exponent, 0.0, 1.0
    for _ in range(52):
        s = 0.5 * (low + high)
        if ((6.0 / 35.0 * s - 3.0 / 5.0) * s + 10.0 / 7.0) * s <= rest:
            low = s
        else:
            high = s
    return math.ldexp(1.0 + low, int(exponent))


@numba.njit(cache=True, nogil=True)
def buckets(values: Float64s, out: Int64s) -> None:
    """Write the bucket of each value to `out`; buckets are in the order of the values. O(values)."""
    for i in range(len(values)):
        size = abs(values[i])
        if size == 0.0 or size != size:
            out[i] = 0
            continue
        bucket = INFINITE if size == np.inf else FIRST + int(math.floor(BUCKETS_PER_OCTAVE * logarithm(size)))
        out[i] = bucket if values[i] > 0.0 else -bucket


@numba.njit(cache=True, nogil=True)
def bucket_values(numbers: Int64s, out: Float64s) -> None:
    """Write to `out` the value that is at most ACCURACY from all of a bucket, relative to them. O(buckets)."""
    for i in range(len(numbers)):
        bucket = abs(numbers[i])
        if bucket == 0 or bucket == INFINITE:
            size = np.inf if bucket else 0.0
        else:
            least = exponential((bucket - FIRST) / BUCKETS_PER_OCTAVE)
            most = exponential((bucket - FIRST + 1) / BUCKETS_PER_OCTAVE)
            size = least * (2.0 / (1.0 + least / most))
        out[i] = size if numbers[i] >= 0 else -size
