"""Doubly linked lists of slots in three arrays, as kernels.

`links` is int64 `(slots, 3)`: the slot before, the slot behind (-1 at the ends), and the list a slot is in, or -1.
`ends` is int64 `(lists, 2)`: the first and the last slot of a list, -1 if it is empty.
"""

from __future__ import annotations

import numba

from playhead.batch import Int64s

BEFORE, BEHIND, LIST = 0, 1, 2
FIRST, LAST = 0, 1


@numba.njit(cache=True, nogil=True)
def append(lists: Int64s, slots: Int64s, ends: Int64s, links: Int64s) -> int:
    """Put each of `slots` at the end of its list; returns the number done: not all if one is in a list."""
    for row in range(len(slots)):
        slot, target = slots[row], lists[row]
        if links[slot, LIST] != -1:
            return row
        last = ends[target, LAST]
        links[slot, BEFORE], links[slot, BEHIND], links[slot, LIST] = last, -1, target
        if last == -1:
            ends[target, FIRST] = slot
        else:
            links[last, BEHIND] = slot
        ends[target, LAST] = slot
    return len(slots)


@numba.njit(cache=True, nogil=True)
def unlink(slots: Int64s, ends: Int64s, links: Int64s) -> int:
    """Take each of `slots` out of its list; one that is in none stays so. Returns how many were in one."""
    taken = 0
    for slot in slots:
        target = links[slot, LIST]
        if target == -1:
            continue
        before, behind = links[slot, BEFORE], links[slot, BEHIND]
        if before == -1:
            ends[target, FIRST] = behind
        else:
            links[before, BEHIND] = behind
        if behind == -1:
            ends[target, LAST] = before
        else:
            links[behind, BEFORE] = before
        links[slot, LIST] = -1
        taken += 1
    return taken


@numba.njit(cache=True, nogil=True)
def count(lists: Int64s, ends: Int64s, links: Int64s) -> int:
    """How many slots `lists` hold together."""
    found = 0
    for target in lists:
        slot = ends[target, FIRST]
        while slot != -1:
            found += 1
            slot = links[slot, BEHIND]
    return found


@numba.njit(cache=True, nogil=True)
def drain(lists: Int64s, ends: Int64s, links: Int64s, out: Int64s) -> int:
    """Move the slots of `lists` to `out`, list by list, and leave these empty; returns how many there were."""
    row = 0
    for target in lists:
        slot = ends[target, FIRST]
        while slot != -1:
            out[row] = slot
            row += 1
            links[slot, LIST] = -1
            slot = links[slot, BEHIND]
        ends[target, FIRST] = ends[target, LAST] = -1
    return row


@numba.njit(cache=True, nogil=True)
def gather(lists: Int64s, ends: Int64s, links: Int64s, out: Int64s, rows: Int64s) -> None:
    """Write the slots of `lists` to `out`, list by list, and to `rows` which of `lists` each is from."""
    row = 0
    for number in range(len(lists)):
        slot = ends[lists[number], FIRST]
        while slot != -1:
            out[row] = slot
            rows[row] = number
            row += 1
            slot = links[slot, BEHIND]
