"""Finding the partners of rows, as kernels; how rows are chained by key is told in `kernels.slot_lists`."""

from __future__ import annotations

import numba

from playhead.batch import Bytes, Int64s

FIRST = 0
BEHIND = 1


@numba.njit(cache=True, nogil=True)
def probe(
    lists: Int64s,
    times: Int64s,
    ends: Int64s,
    links: Int64s,
    other_times: Int64s,
    reach: int,
    flags: Bytes,
    skipped: int,
    rows: Int64s,
    found: Int64s,
) -> int:
    """Write the pairs of row i and every row in the chain `lists[i]` to `rows` and `found`; return how many there are.

    There may be more than there is room for: then the rest is counted only. Rows of the chain that have a bit of
    `skipped` in their flags are left out. If `reach` is not negative, so are those more than `reach` from `times[i]`;
    if it is, `times` and `other_times` may be of length 0. O(pairs looked at), in the order of rows and of chains.
    """
    pairs = 0
    for row in range(len(lists)):
        other = ends[lists[row], FIRST]
        while other != -1:
            if flags[other] & skipped == 0 and (reach < 0 or abs(times[row] - other_times[other]) <= reach):
                if pairs < len(found):
                    rows[pairs], found[pairs] = row, other
                pairs += 1
            other = links[other, BEHIND]
    return pairs
