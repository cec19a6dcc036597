"""Kernels that keep the greatest row of several words of each slot, for decimals, strings, `first` and `last`.

A row is compared word by word, the first one first. A word where `interned` is 1 is the number of a byte string in
`arena`, laid out as in `kernels.bytes`, and compares as that.
"""

from __future__ import annotations

import numba

from playhead.batch import Bytes, Int64s
from playhead.kernels.accumulators import Scalar


@numba.njit(cache=True, nogil=True)
def compare_bytes(first: Scalar, second: Scalar, ends: Int64s, arena: Bytes) -> Scalar:
    """Negative, 0 or positive as byte string `first` is less than, equal to or greater than `second`."""
    begin, other = ends[first], ends[second]
    length, other_length = ends[first + 1] - begin, ends[second + 1] - other
    for at in range(min(length, other_length)):
        if arena[begin + at] != arena[other + at]:
            return -1 if arena[begin + at] < arena[other + at] else 1
    return length - other_length


@numba.njit(cache=True, nogil=True)
def is_greater(
    words: Int64s, row: Scalar, others: Int64s, other: Scalar, interned: Bytes, ends: Int64s, arena: Bytes
) -> Scalar:
    """Whether `words[row]` is greater than `others[other]`. O(words, and their bytes)."""
    for j in range(words.shape[1]):
        word, than = words[row, j], others[other, j]
        if word == than:
            continue
        if interned[j] == 0:
            return word > than
        return compare_bytes(word, than, ends, arena) > 0
    return False


@numba.njit(cache=True, nogil=True)
def keep_greatest_rows(
    best: Int64s,
    seen: Bytes,
    slots: Int64s,
    words: Int64s,
    valid: Bytes,
    turned: bool,
    interned: Bytes,
    ends: Int64s,
    arena: Bytes,
) -> None:
    """Keep the greatest `words[i]` in `best[slot]`, the smallest if `turned`; `seen[slot, 0]` is 1 if any. O(rows)."""
    for i in range(len(slots)):
        if len(valid) and valid[i] == 0:
            continue
        row = slots[i]
        if seen[row, 0] == 0:
            seen[row, 0] = 1
        elif turned:
            if not is_greater(best, row, words, i, interned, ends, arena):
                continue
        elif not is_greater(words, i, best, row, interned, ends, arena):
            continue
        for j in range(words.shape[1]):
            best[row, j] = words[i, j]


@numba.njit(cache=True, nogil=True)
def mark_stale(
    best: Int64s,
    seen: Bytes,
    stale: Bytes,
    slots: Int64s,
    words: Int64s,
    added: Bytes,
    turned: bool,
    interned: Bytes,
    ends: Int64s,
    arena: Bytes,
) -> None:
    """Set `stale[slot, 0]` where a row that is not `added` but taken back was no worse than the best. O(rows)."""
    for i in range(len(slots)):
        row = slots[i]
        if added[i] != 0 or stale[row, 0] != 0:
            continue
        if seen[row, 0] == 0:
            stale[row, 0] = 1
        elif turned:
            stale[row, 0] = not is_greater(words, i, best, row, interned, ends, arena)
        else:
            stale[row, 0] = not is_greater(best, row, words, i, interned, ends, arena)
