"""Hash functions for keys: a quick one for tables in memory, and one for good that decides where state lives."""

from __future__ import annotations

import numba
import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
LAST = np.uint64(0xD6E8FEB86659FD93)
FOLD = np.uint64(29)
TAG_SHIFT = np.uint64(33)


@numba.njit(cache=True, nogil=True)
def stirred(word):
    """A 64-bit word with every bit of it spread over the upper ones, and those folded into the lower ones.

    The fold is for floats, which differ in their upper bits alone.
    """
    product = word * GOLDEN
    return product ^ (product >> FOLD)


@numba.njit(cache=True, nogil=True)
def tag_of_one(first):
    """The 31-bit tag of a key of one word; for tables in memory only, free to change."""
    return np.int64((stirred(np.uint64(first)) * LAST) >> TAG_SHIFT)


@numba.njit(cache=True, nogil=True)
def tag_of_two(first, second):
    """The tag of a key of two words."""
    return np.int64((stirred(stirred(np.uint64(first)) ^ np.uint64(second)) * LAST) >> TAG_SHIFT)


@numba.njit(cache=True, nogil=True)
def tag_of_column(words, column):
    """The tag of the key in `words[:, column]`; equal to `tag_of_one` and `tag_of_two` at their widths."""
    mixed = np.uint64(0)
    for word in range(words.shape[0]):
        mixed = stirred(mixed ^ np.uint64(words[word, column]))
    return np.int64((mixed * LAST) >> TAG_SHIFT)


@numba.njit(cache=True, nogil=True)
def tag_of_row(keys, row, width):
    """The tag of the key in `keys[row, :width]`."""
    mixed = np.uint64(0)
    for word in range(width):
        mixed = stirred(mixed ^ np.uint64(keys[row, word]))
    return np.int64((mixed * LAST) >> TAG_SHIFT)
