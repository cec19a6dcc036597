"""Kernels that count rows: per slot, all of them, those with a value, or those that are true and false."""

from __future__ import annotations

import numba

from playhead.batch import Bytes, Int64s
from playhead.kernels.accumulators import Float64s


@numba.njit(cache=True, nogil=True)
def add_rows(state: Int64s, slots: Int64s, valid: Bytes, weights: Int64s) -> None:
    """Count the rows that are valid into `state[slot, 0]`. O(rows)."""
    if len(weights) == 0 and len(valid) == 0:
        for i in range(len(slots)):
            state[slots[i], 0] += 1
    elif len(weights) == 0:
        for i in range(len(slots)):
            state[slots[i], 0] += valid[i]
    elif len(valid) == 0:
        for i in range(len(slots)):
            state[slots[i], 0] += weights[i]
    else:
        for i in range(len(slots)):
            state[slots[i], 0] += valid[i] * weights[i]


@numba.njit(cache=True, nogil=True)
def add_numbers(state: Int64s, slots: Int64s, values: Float64s, valid: Bytes, weights: Int64s) -> None:
    """Count the rows that are valid and not NaN into `state[slot, 0]`. O(rows)."""
    if len(weights) == 0 and len(valid) == 0:
        for i in range(len(slots)):
            state[slots[i], 0] += values[i] == values[i]
        return
    for i in range(len(slots)):
        if (len(valid) == 0 or valid[i] != 0) and values[i] == values[i]:
            state[slots[i], 0] += weights[i] if len(weights) else 1


@numba.njit(cache=True, nogil=True)
def add_truths(state: Int64s, slots: Int64s, truths: Bytes, valid: Bytes, weights: Int64s) -> None:
    """Count false rows into `state[slot, 0]` and true ones into `state[slot, 1]`. O(rows)."""
    if len(weights) == 0 and len(valid) == 0:
        for i in range(len(slots)):
            state[slots[i], truths[i]] += 1
        return
    for i in range(len(slots)):
        if len(valid) == 0 or valid[i] != 0:
            state[slots[i], truths[i]] += weights[i] if len(weights) else 1


@numba.njit(cache=True, nogil=True)
def merge_counts(state: Int64s, slots: Int64s, other: Int64s, other_slots: Int64s) -> None:
    """Add row `other_slots[i]` of `other` to row `slots[i]` of `state`, whatever the columns count. O(slots)."""
    for i in range(len(slots)):
        for j in range(state.shape[1]):
            state[slots[i], j] += other[other_slots[i], j]
