"""Counting and listing the entries of bags, as kernels; how entries are linked is told in `kernels.slot_lists`."""

from __future__ import annotations

import numba

from playhead.batch import Int64s

BEHIND = 1
DISTINCT, TOTAL = 0, 1


@numba.njit(cache=True, nogil=True)
def add(slots: Int64s, entries: Int64s, weights: Int64s, counts: Int64s, tallies: Int64s) -> None:
    """Add `weights[row]`, or 1 if there are none, to `counts[entries[row]]`.

    `tallies` is int64 `(slots, 2)`: how many entries of a slot count more than 0, and the sum of all its counts.
    """
    for row in range(len(slots)):
        weight = weights[row] if len(weights) > 0 else 1
        before = counts[entries[row]]
        after = before + weight
        counts[entries[row]] = after
        tallies[slots[row], DISTINCT] += int(after > 0) - int(before > 0)
        tallies[slots[row], TOTAL] += weight


@numba.njit(cache=True, nogil=True)
def lengths(heads: Int64s, links: Int64s, out: Int64s) -> None:
    """Set `out`, one longer than `heads`, to where each chain begins when they are written one behind the other."""
    out[0] = 0
    for row in range(len(heads)):
        found, entry = 0, heads[row]
        while entry != -1:
            found += 1
            entry = links[entry, BEHIND]
        out[row + 1] = out[row] + found


@numba.njit(cache=True, nogil=True)
def gather(heads: Int64s, links: Int64s, out: Int64s) -> None:
    """Set `out` to the entries of all chains, one behind the other."""
    at = 0
    for entry in heads:
        while entry != -1:
            out[at] = entry
            at += 1
            entry = links[entry, BEHIND]
