"""Byte strings as dense numbers: the hash table and the arena behind `Interner`, as kernels.

A byte string number `i` is `arena[ends[i] : ends[i + 1]]`, with `ends[0] = 0`. `table` is laid out as that of
`kernels.key_index`: its header counts the strings, its entries are `tag << 32 | id + 1`.
"""

from __future__ import annotations

import numba
import numpy as np

from playhead.batch import Bytes, Int64s

Integer = int | np.int64

HEADER = 8
SIZE = 0
ID = 0xFFFFFFFF

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
LAST = np.uint64(0xD6E8FEB86659FD93)
FOLD = np.uint64(29)
TAG_SHIFT = np.uint64(33)
BYTE = np.uint64(8)


@numba.njit(cache=True, nogil=True)
def _tag(data: Bytes, begin: Integer, end: Integer) -> Integer:
    """A 31-bit hash of `data[begin:end]`, eight bytes at a time; for tables in memory only, free to change."""
    mixed = np.uint64(end - begin)
    at, stop, one = np.uint64(begin), np.uint64(end), np.uint64(1)
    while at + BYTE <= stop:
        word = (
            np.uint64(data[at])
            | np.uint64(data[at + one]) << np.uint64(8)
            | np.uint64(data[at + np.uint64(2)]) << np.uint64(16)
            | np.uint64(data[at + np.uint64(3)]) << np.uint64(24)
            | np.uint64(data[at + np.uint64(4)]) << np.uint64(32)
            | np.uint64(data[at + np.uint64(5)]) << np.uint64(40)
            | np.uint64(data[at + np.uint64(6)]) << np.uint64(48)
            | np.uint64(data[at + np.uint64(7)]) << np.uint64(56)
        )
        mixed = (mixed ^ word) * GOLDEN
        mixed ^= mixed >> FOLD
        at += BYTE
    word = np.uint64(0)
    while at < stop:
        word = word << BYTE | np.uint64(data[at])
        at += one
    mixed = (mixed ^ word) * GOLDEN
    mixed ^= mixed >> FOLD
    return np.int64((mixed * LAST) >> TAG_SHIFT)


@numba.njit(cache=True, nogil=True)
def _same(data: Bytes, begin: Integer, end: Integer, arena: Bytes, other_begin: Integer, other_end: Integer) -> bool:
    if end - begin != other_end - other_begin:
        return False
    shift = other_begin - begin
    for at in range(begin, end):  # noqa: SIM110 - numba has no generators
        if data[at] != arena[at + shift]:
            return False
    return True


@numba.njit(cache=True, nogil=True)
def intern(offsets: Int64s, data: Bytes, table: Int64s, ends: Int64s, arena: Bytes, out: Int64s, start: int) -> int:
    """Set `out[row]` to the number of the string `data[offsets[row] : offsets[row + 1]]`, new ones getting the next.

    Returns the row at which the table (half full), `ends` or `arena` had no room left, or the number of rows.
    """
    rows, mask = len(out), len(table) - HEADER - 1
    limit = min((mask + 1) // 2, len(ends) - 1)
    for row in range(start, rows):
        begin, end = offsets[row], offsets[row + 1]
        tag = _tag(data, begin, end)
        cell = tag & mask
        while True:
            entry = table[HEADER + cell]
            if entry == 0:
                number = table[SIZE]
                written = ends[number]
                if number == limit or written + end - begin > len(arena):
                    return row
                for at in range(begin, end):
                    arena[written + at - begin] = data[at]
                ends[number + 1] = written + end - begin
                table[HEADER + cell] = (tag << 32) | (number + 1)
                table[SIZE] = number + 1
                break
            if entry >> 32 == tag:
                number = (entry & ID) - 1
                if _same(data, begin, end, arena, ends[number], ends[number + 1]):
                    break
            cell = (cell + 1) & mask
        out[row] = number
    return rows


@numba.njit(cache=True, nogil=True)
def offsets_of(ids: Int64s, ends: Int64s, out: Int64s) -> None:
    """Set `out`, one longer than `ids`, to where each string begins when they are written one behind the other."""
    out[0] = 0
    for row in range(len(ids)):
        out[row + 1] = out[row] + ends[ids[row] + 1] - ends[ids[row]]


@numba.njit(cache=True, nogil=True)
def gather(ids: Int64s, ends: Int64s, arena: Bytes, offsets: Int64s, out: Bytes) -> None:
    """Write the strings of `ids` to `out`, at `offsets`."""
    for row in range(len(ids)):
        begin = ends[ids[row]]
        for at in range(offsets[row + 1] - offsets[row]):
            out[offsets[row] + at] = arena[begin + at]


@numba.njit(cache=True, nogil=True)
def renumber(old: Int64s, remap: Int64s, new: Int64s) -> None:
    """Fill the empty `new` table with the entries of `old` whose number lives on: `remap[number]` is not -1."""
    mask = len(new) - HEADER - 1
    for position in range(HEADER, len(old)):
        entry = old[position]
        if entry != 0 and remap[(entry & ID) - 1] >= 0:
            tag = entry >> 32
            cell = tag & mask
            while new[HEADER + cell] != 0:
                cell = (cell + 1) & mask
            new[HEADER + cell] = (tag << 32) | (remap[(entry & ID) - 1] + 1)
            new[SIZE] += 1


@numba.njit(cache=True, nogil=True)
def compare(first: int, second: int, ends: Int64s, arena: Bytes) -> int:
    """-1, 0 or 1 as string number `first` is less than, equal to or greater than `second`, byte by byte."""
    begin, other = ends[first], ends[second]
    length, other_length = ends[first + 1] - begin, ends[second + 1] - other
    for at in range(min(length, other_length)):
        if arena[begin + at] != arena[other + at]:
            return -1 if arena[begin + at] < arena[other + at] else 1
    if length == other_length:
        return 0
    return -1 if length < other_length else 1
