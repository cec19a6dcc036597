"""The hash table behind `KeyIndex`, as kernels over two arrays.

`table` is int64: `HEADER` cells of bookkeeping, then a power of two of cells, each 0 (empty) or
`tag << 32 | slot + 1`. The tag is 31 bits of the key's hash and the home of an entry is `tag & mask`, so growing and
removing look at no key. An entry stands at its home or behind it with no empty cell between (linear probing).

`keys` is int64 `(slots, width)`. The slots that were given back form a chain from `table[FREE]`, linked through their
first word. Half of the cells are never filled, so `len(keys)` is half the number of cells.

A kernel calls kernels of its own file only: numba's cache is keyed by the file of the outer one, and would go on
using the old code of an inner one that was changed elsewhere.
"""

from __future__ import annotations

import numba
import numpy as np

from playhead.batch import Bytes, Int64s

Integer = int | np.int64

HEADER = 8
SIZE = 0
"""Where the number of keys is kept."""
FRESH = 1
"""Where the first slot that was never used is kept."""
FREE = 2
"""Where the slot that was given back last is kept, or -1."""
CREATED = 3
"""Where the number of slots is kept that the running call created."""

SLOT = 0xFFFFFFFF

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
LAST = np.uint64(0xD6E8FEB86659FD93)
FOLD = np.uint64(29)
TAG_SHIFT = np.uint64(33)


@numba.njit(cache=True, nogil=True)
def _stirred(word: np.uint64) -> np.uint64:
    """A 64-bit word with every bit of it spread over the upper ones, and those folded into the lower ones.

    The fold is for floats, which differ in their upper bits alone.
    """
    product = word * GOLDEN
    return product ^ (product >> FOLD)


@numba.njit(cache=True, nogil=True)
def _tag_of_one(first: Integer) -> Integer:
    """The 31-bit tag of a key of one word; for tables in memory only, free to change."""
    return np.int64((_stirred(np.uint64(first)) * LAST) >> TAG_SHIFT)


@numba.njit(cache=True, nogil=True)
def _tag_of_two(first: Integer, second: Integer) -> Integer:
    """The tag of a key of two words."""
    return np.int64((_stirred(_stirred(np.uint64(first)) ^ np.uint64(second)) * LAST) >> TAG_SHIFT)


@numba.njit(cache=True, nogil=True)
def _tag_of_column(words: Int64s, column: Integer) -> Integer:
    """The tag of the key in `words[:, column]`; equal to `_tag_of_one` and `_tag_of_two` at their widths."""
    mixed = np.uint64(0)
    for word in range(words.shape[0]):
        mixed = _stirred(mixed ^ np.uint64(words[word, column]))
    return np.int64((mixed * LAST) >> TAG_SHIFT)


@numba.njit(cache=True, nogil=True)
def _tag_of_row(keys: Int64s, row: Integer, width: Integer) -> Integer:
    """The tag of the key in `keys[row, :width]`."""
    mixed = np.uint64(0)
    for word in range(width):
        mixed = _stirred(mixed ^ np.uint64(keys[row, word]))
    return np.int64((mixed * LAST) >> TAG_SHIFT)


@numba.njit(cache=True, nogil=True)
def _new_slot(table: Int64s, keys: Int64s, cell: Integer, tag: Integer) -> np.int64:
    """A slot for a new key whose entry goes to `cell`, or -1 when half the cells are taken."""
    if table[SIZE] == len(keys):
        return np.int64(-1)
    slot: np.int64 = table[FREE]
    if slot >= 0:
        table[FREE] = keys[slot, 0]
    else:
        slot = table[FRESH]
        table[FRESH] = slot + 1
    table[SIZE] += 1
    table[cell] = (tag << 32) | (slot + 1)
    return slot


@numba.njit(cache=True, nogil=True)
def insert_one(firsts: Int64s, table: Int64s, keys: Int64s, out: Int64s, start: int) -> int:
    """`insert` for keys of one word, given as an array of them."""
    rows: int = len(firsts)
    mask, first_cell, one = np.uint64(len(table) - HEADER - 1), np.uint64(HEADER), np.uint64(1)
    for row in range(start, rows):
        first = firsts[row]
        tag = _tag_of_one(first)
        place = np.uint64(tag) & mask  # unsigned: numba would ask of a signed index whether it is negative
        while True:
            entry = table[first_cell + place]
            if entry == 0:
                slot = _new_slot(table, keys, HEADER + np.int64(place), tag)
                if slot < 0:
                    return row
                keys[slot, 0] = first
                out[rows + table[CREATED]] = slot
                table[CREATED] += 1
                break
            if entry >> 32 == tag:
                slot = (entry & SLOT) - 1
                if keys[slot, 0] == first:
                    break
            place = (place + one) & mask
        out[row] = slot
    return rows


@numba.njit(cache=True, nogil=True)
def insert_two(firsts: Int64s, seconds: Int64s, table: Int64s, keys: Int64s, out: Int64s, start: int) -> int:
    """`insert` for keys of two words, given as two arrays, which need not lie beside each other."""
    rows: int = len(firsts)
    mask, first_cell, one = np.uint64(len(table) - HEADER - 1), np.uint64(HEADER), np.uint64(1)
    for row in range(start, rows):
        first, second = firsts[row], seconds[row]
        tag = _tag_of_two(first, second)
        place = np.uint64(tag) & mask  # unsigned: numba would ask of a signed index whether it is negative
        while True:
            entry = table[first_cell + place]
            if entry == 0:
                slot = _new_slot(table, keys, HEADER + np.int64(place), tag)
                if slot < 0:
                    return row
                keys[slot, 0], keys[slot, 1] = first, second
                out[rows + table[CREATED]] = slot
                table[CREATED] += 1
                break
            if entry >> 32 == tag:
                slot = (entry & SLOT) - 1
                if keys[slot, 0] == first and keys[slot, 1] == second:
                    break
            place = (place + one) & mask
        out[row] = slot
    return rows


@numba.njit(cache=True, nogil=True)
def _same_key(words: Int64s, row: Integer, keys: Int64s, slot: Integer) -> bool:
    for word in range(words.shape[0]):  # noqa: SIM110 - numba has no generators
        if words[word, row] != keys[slot, word]:
            return False
    return True


@numba.njit(cache=True, nogil=True)
def insert(words: Int64s, table: Int64s, keys: Int64s, out: Int64s, start: int) -> int:
    """Look the keys `words[:, start:]` up, adding those that are missing.

    `words` is int64 `(width, rows)`; `out` is int64 of twice `rows`: `out[row]` becomes the row's slot, and the slots
    that this call creates are appended from `out[rows + table[CREATED]]` on. Returns the row at which the table was
    full, to go on from after growing, or `rows`. Expected time is constant per row. Words are read-only.
    """
    rows: int = words.shape[1]
    mask = len(table) - HEADER - 1
    for row in range(start, rows):
        tag = _tag_of_column(words, row)
        cell = HEADER + (tag & mask)
        while True:
            entry = table[cell]
            if entry == 0:
                slot = _new_slot(table, keys, cell, tag)
                if slot < 0:
                    return row
                for word in range(words.shape[0]):
                    keys[slot, word] = words[word, row]
                out[rows + table[CREATED]] = slot
                table[CREATED] += 1
                break
            if entry >> 32 == tag:
                slot = (entry & SLOT) - 1
                if _same_key(words, row, keys, slot):
                    break
            cell = HEADER + ((cell - HEADER + 1) & mask)
        out[row] = slot
    return rows


@numba.njit(cache=True, nogil=True)
def find(words: Int64s, table: Int64s, keys: Int64s, out: Int64s) -> None:
    """Set `out[row]` to the slot of `words[:, row]`, or to -1."""
    mask = len(table) - HEADER - 1
    for row in range(words.shape[1]):
        tag = _tag_of_column(words, row)
        cell = tag & mask
        out[row] = -1
        while True:
            entry = table[HEADER + cell]
            if entry == 0:
                break
            if entry >> 32 == tag and _same_key(words, row, keys, (entry & SLOT) - 1):
                out[row] = (entry & SLOT) - 1
                break
            cell = (cell + 1) & mask


@numba.njit(cache=True, nogil=True)
def rehash(old: Int64s, new: Int64s) -> None:
    """Copy header and entries to a larger, empty table; reads no key."""
    new[:HEADER] = old[:HEADER]
    mask = len(new) - HEADER - 1
    for position in range(HEADER, len(old)):
        entry = old[position]
        if entry != 0:
            _place(new, mask, entry)


@numba.njit(cache=True, nogil=True)
def _place(table: Int64s, mask: Integer, entry: Integer) -> None:
    cell = (entry >> 32) & mask
    while table[HEADER + cell] != 0:
        cell = (cell + 1) & mask
    table[HEADER + cell] = entry


@numba.njit(cache=True, nogil=True)
def reindex(table: Int64s, keys: Int64s, width: int, slots: Int64s) -> None:
    """Fill the emptied cells of `table` anew from the keys of the live `slots`, which have changed."""
    mask = len(table) - HEADER - 1
    for slot in slots:
        _place(table, mask, (_tag_of_row(keys, slot, width) << 32) | (slot + 1))


@numba.njit(cache=True, nogil=True)
def remove(slots: Int64s, table: Int64s, keys: Int64s, width: int) -> int:
    """Take the keys of `slots` out and chain the slots up for reuse.

    Returns the number done: less than `len(slots)` if the next one is not a live slot. The hole that an entry leaves
    is filled with the next entry behind it that may stand there (backward shift), so no tombstones stay.
    """
    mask = len(table) - HEADER - 1
    for done in range(len(slots)):
        slot = slots[done]
        if slot < 0 or slot >= table[FRESH]:
            return done
        cell = _tag_of_row(keys, slot, width) & mask
        while table[HEADER + cell] & SLOT != slot + 1:
            if table[HEADER + cell] == 0:
                return done
            cell = (cell + 1) & mask
        _close_hole(table, mask, cell)
        keys[slot, 0] = table[FREE]
        table[FREE] = slot
        table[SIZE] -= 1
    return len(slots)


@numba.njit(cache=True, nogil=True)
def _close_hole(table: Int64s, mask: Integer, hole: Integer) -> None:
    cell = (hole + 1) & mask
    entry = table[HEADER + cell]
    while entry != 0:
        home = (entry >> 32) & mask
        if ((cell - home) & mask) >= ((cell - hole) & mask):
            table[HEADER + hole] = entry
            hole = cell
        cell = (cell + 1) & mask
        entry = table[HEADER + cell]
    table[HEADER + hole] = 0


@numba.njit(cache=True, nogil=True)
def mark_free(table: Int64s, keys: Int64s, live: Bytes) -> None:
    """Set `live[slot]`, a byte a slot, to 0 for every slot that was given back."""
    slot: np.int64 = table[FREE]
    while slot >= 0:
        live[slot] = 0
        slot = keys[slot, 0]


@numba.njit(cache=True, nogil=True)
def gather_keys(slots: Int64s, keys: Int64s, out: Int64s) -> None:
    """Set `out[:, row]` to the key of `slots[row]`; the width is that of `out`."""
    for row in range(len(slots)):
        for word in range(out.shape[0]):
            out[word, row] = keys[slots[row], word]
