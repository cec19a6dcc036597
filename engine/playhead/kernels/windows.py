"""Which window each row is in, and whether it comes too late for it."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def assign_fixed(times, size, origin, closed, starts):  # type: ignore[no-untyped-def]
    """Write the start of each row's window `[start, start + size)`; return how many rows are late.

    Parameters
    ----------
    times : int64[n]
        Event times in microseconds.
    size, origin : int64
        Windows begin at `origin + k * size`.
    closed : int64
        Windows with `end <= closed` are closed for good; a row in one is late.
    starts : int64[n], written

    Notes
    -----
    O(n). Neighbouring rows are mostly in the same window, so a division is only made where it changes.
    """
    late = 0
    start = origin
    for i in range(times.shape[0]):
        time = times[i]
        if time < start or time - start >= size:
            start = origin + (time - origin) // size * size
        starts[i] = start
        if start <= closed - size:
            late += 1
    return late


@numba.njit(cache=True, nogil=True)
def assign_bounds(times, bounds, closed, starts):  # type: ignore[no-untyped-def]
    """Like `assign_fixed` for windows between ascending `bounds`, which must enclose all times.

    Returns the number of late rows; O(n log len(bounds)) at worst, mostly O(n).
    """
    late = 0
    where = 0
    for i in range(times.shape[0]):
        time = times[i]
        if not (bounds[where] <= time < bounds[where + 1]):
            where = np.searchsorted(bounds, time, side="right") - 1
        starts[i] = bounds[where]
        if bounds[where + 1] <= closed:
            late += 1
    return late
