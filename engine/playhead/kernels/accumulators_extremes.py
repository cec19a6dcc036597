"""Kernels that keep the greatest value of each slot; the smallest is the greatest of the values turned round."""

from __future__ import annotations

import numba

from playhead.batch import Bytes, Int64s
from playhead.kernels.accumulators import Float64s


@numba.njit(cache=True, nogil=True)
def keep_greatest(best: Int64s, seen: Bytes, slots: Int64s, values: Int64s, valid: Bytes, flip: int) -> None:
    """Keep the greatest `values[i] ^ flip` in `best[slot, 0]`, and in `seen[slot, 0]` whether there was any. O(rows).

    `flip` is -1 for the smallest value, 0 for the greatest, and has its first bit turned if values are uint64.
    """
    for i in range(len(slots)):
        if len(valid) and valid[i] == 0:
            continue
        row, word = slots[i], values[i] ^ flip
        seen[row, 0] = 1
        if word > best[row, 0]:
            best[row, 0] = word


@numba.njit(cache=True, nogil=True)
def keep_greatest_float(
    best: Float64s, seen: Bytes, slots: Int64s, values: Float64s, valid: Bytes, sign: float
) -> None:
    """Keep the greatest `values[i] * sign` that is not NaN, as `keep_greatest` does. O(rows)."""
    for i in range(len(slots)):
        if len(valid) and valid[i] == 0:
            continue
        row, value = slots[i], values[i] * sign
        if value == value:
            seen[row, 0] = 1
        if value > best[row, 0]:
            best[row, 0] = value


@numba.njit(cache=True, nogil=True)
def merge_greatest(best: Int64s, seen: Bytes, slots: Int64s, other: Int64s, other_seen: Bytes, sources: Int64s) -> None:
    """Keep the greater of slot `slots[i]` and `other`'s slot `sources[i]`; one column is compared. O(slots)."""
    for i in range(len(slots)):
        row, source = slots[i], sources[i]
        seen[row, 0] |= other_seen[source, 0]
        if other[source, 0] > best[row, 0]:
            best[row, 0] = other[source, 0]
