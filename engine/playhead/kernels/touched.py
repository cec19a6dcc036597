"""Remembering which slots were touched."""

from __future__ import annotations

import numba


@numba.njit(cache=True, nogil=True)
def mark_touched(slots, flags, bits, first):  # type: ignore[no-untyped-def]
    """Set `bits` in the flags of `slots`; write those that lacked bit 1 to `first`, in order; return how many.

    Parameters
    ----------
    slots : int64[n]
    flags : uint8[capacity], changed
        Bit 1: touched in this epoch. Bit 2: touched since the last snapshot.
    bits : uint8
    first : int64[n], written
    """
    count = 0
    for i in range(slots.shape[0]):
        slot = slots[i]
        flag = flags[slot]
        if flag & 1 == 0:
            first[count] = slot
            count += 1
        if flag & bits != bits:
            flags[slot] = flag | bits
    return count
