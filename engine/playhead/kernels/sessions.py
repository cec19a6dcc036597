"""Sessions in lists by key, as kernels: which of them rows join, and putting new ones in their places.

The lists are those of `kernels.slot_lists`, one a key, in order of time. `bounds` is int64 `(slots, 2)`: the times of
the first and the last row of a session.
"""

from __future__ import annotations

import numba

from playhead.batch import Int64s

BEFORE, BEHIND, LIST = 0, 1, 2
FIRST, LAST = 0, 1
OPEN = 2


@numba.njit(cache=True, nogil=True)
def join(
    keys: Int64s,
    times: Int64s,
    gap: int,
    bounds: Int64s,
    ends: Int64s,
    links: Int64s,
    groups: Int64s,
    spans: Int64s,
    absorbed: Int64s,
    absorbed_groups: Int64s,
) -> tuple[int, int]:
    """Put together rows and sessions of a key that are at most `gap` apart, directly or over others.

    Parameters
    ----------
    keys, times : int64[n]
        Of the rows, sorted by key and time.
    groups : int64[n], written
        The number of each row's group; groups are numbered from the last row to the first.
    spans : int64[n, 3], written
        The first and the last time of each group, and 1 if it holds a session that was there.
    absorbed, absorbed_groups : int64[2 * n], written
        The slots of these sessions, and their groups.

    Returns
    -------
    (int, int)
        How many groups and how many absorbed sessions there are.

    Notes
    -----
    O(rows + sessions that are behind the first row of their key): both are walked once, backwards.
    """
    group, found, session = -1, 0, -1
    for row in range(len(keys) - 1, -1, -1):
        time = times[row]
        same_key = group >= 0 and keys[row] == keys[row + 1]
        if same_key and time + gap >= spans[group, FIRST]:
            spans[group, FIRST] = min(spans[group, FIRST], time)
        else:
            if not same_key:
                session = ends[keys[row], LAST]
            group += 1
            spans[group, FIRST], spans[group, LAST], spans[group, OPEN] = time, time, 0
            while session != -1 and bounds[session, FIRST] > time + gap:
                session = links[session, BEFORE]
        while session != -1 and bounds[session, LAST] + gap >= spans[group, FIRST]:
            absorbed[found], absorbed_groups[found] = session, group
            found += 1
            spans[group, FIRST] = min(spans[group, FIRST], bounds[session, FIRST])
            spans[group, LAST] = max(spans[group, LAST], bounds[session, LAST])
            spans[group, OPEN] = 1
            session = links[session, BEFORE]
        groups[row] = group
    return group + 1, found


@numba.njit(cache=True, nogil=True)
def insert(slots: Int64s, keys: Int64s, bounds: Int64s, ends: Int64s, links: Int64s) -> None:
    """Put sessions, sorted by key and within a key from the last to the first, into the lists of their keys.

    O(sessions that are behind the first one of their key).
    """
    for row in range(len(slots)):
        slot, key = slots[row], keys[row]
        if row == 0 or keys[row - 1] != key:
            behind, before = -1, ends[key, LAST]
        else:
            behind, before = slots[row - 1], links[slots[row - 1], BEFORE]
        while before != -1 and bounds[before, FIRST] > bounds[slot, FIRST]:
            behind, before = before, links[before, BEFORE]
        links[slot, BEFORE], links[slot, BEHIND], links[slot, LIST] = before, behind, key
        if before == -1:
            ends[key, FIRST] = slot
        else:
            links[before, BEHIND] = slot
        if behind == -1:
            ends[key, LAST] = slot
        else:
            links[behind, BEFORE] = slot
