"""Rows sorted by key and time: putting two such sequences together, and finding the latest row before another."""

from __future__ import annotations

import numba

from playhead.batch import Int64s


@numba.njit(cache=True, nogil=True)
def merged(keys: Int64s, times: Int64s, new_keys: Int64s, new_times: Int64s, out: Int64s) -> None:
    """Set `out` to the order in which the old rows (0, 1, ...) and the new ones (behind these) are sorted together.

    Both are sorted by key and time; old rows stand before new ones of the same key and time. O(rows).
    """
    old, new = 0, 0
    for position in range(len(out)):
        if new == len(new_keys):
            take_old = True
        elif old == len(keys):
            take_old = False
        else:
            take_old = keys[old] < new_keys[new] or (keys[old] == new_keys[new] and times[old] <= new_times[new])
        if take_old:
            out[position] = old
            old += 1
        else:
            out[position] = len(keys) + new
            new += 1


@numba.njit(cache=True, nogil=True)
def latest(
    keys: Int64s, times: Int64s, other_keys: Int64s, other_times: Int64s, exact: bool, tolerance: int, out: Int64s
) -> None:
    """Set `out[i]` to the last of the others with the key of row i that is not after it, or to -1.

    Both are sorted by key and time. Without `exact`, the other must be earlier; unless `tolerance` is negative, it may
    be earlier by no more than that. O(rows of both).
    """
    other = 0
    for row in range(len(keys)):
        key, time = keys[row], times[row]
        while other < len(other_keys) and (
            other_keys[other] < key
            or (other_keys[other] == key and (other_times[other] < time or (exact and other_times[other] == time)))
        ):
            other += 1
        found = other - 1
        if found >= 0 and other_keys[found] == key and (tolerance < 0 or time - other_times[found] <= tolerance):
            out[row] = found
        else:
            out[row] = -1
