"""Numba loops behind the charts: merging changes into sorted points, and choosing the points that a screen can show."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]


@numba.njit(cache=True)
def merge_points(
    x: Floats, bits: Int64s, begin: int, end: int, new_x: Floats, new_bits: Int64s, weights: Int64s, out: Int64s
) -> int:
    """Merge changes into points sorted by x, then by the bits of their values; both sides sorted, changes distinct.

    `bits` is (values, points), `new_bits` (values, changes). Writes to `out` which point stays (its number) or is added
    (-1 - the number of the change) and returns how many there are. Linear in `end - begin` and the changes.
    """
    values = bits.shape[0]
    count = 0
    here = begin
    for change in range(len(new_x)):
        weight = weights[change]
        while here < end:
            order = 0
            if x[here] != new_x[change]:
                order = -1 if x[here] < new_x[change] else 1
            else:
                for value in range(values):
                    if bits[value, here] != new_bits[value, change]:
                        order = -1 if bits[value, here] < new_bits[value, change] else 1
                        break
            if order > 0:
                break
            if order == 0 and weight < 0:
                weight += 1  # this one is taken back
            else:
                out[count] = here
                count += 1
            here += 1
        for _ in range(weight):
            out[count] = -1 - change
            count += 1
    while here < end:
        out[count] = here
        count += 1
        here += 1
    return count


@numba.njit(cache=True)
def choose_points(
    x: Floats, y: Floats, begin: int, end: int, low: float, high: float, buckets: int, out: Int64s
) -> int:
    """M4: of each of `buckets` stretches between `low` and `high` the first, lowest, highest and last point.

    A line through them looks like one through all points (Jugel et al., VLDB 2014). NaN is a gap; one of each stretch
    is kept. `x` is sorted; writes the numbers of the points to `out` (5 * buckets long) and returns how many.
    Linear in `end - begin`.
    """
    count = 0
    here = begin
    scale = buckets / (high - low) if high > low else 0.0
    while here < end:
        bucket = min(max(int((x[here] - low) * scale), 0), buckets - 1)
        first = lowest = highest = last = gap = -1
        while here < end and min(max(int((x[here] - low) * scale), 0), buckets - 1) == bucket:
            if np.isnan(y[here]):
                gap = here
            else:
                if first < 0:
                    first = lowest = highest = here
                if y[here] < y[lowest]:
                    lowest = here
                if y[here] > y[highest]:
                    highest = here
                last = here
            here += 1
        chosen = np.sort(np.array([first, lowest, highest, last, gap]))
        for each in range(5):
            if chosen[each] >= 0 and (each == 0 or chosen[each] != chosen[each - 1]):
                out[count] = chosen[each]
                count += 1
    return count
