"""The hash that decides where the state of a key lives; it is part of the format of savepoints and must not change.

`stepped(hash, word)` is the finaliser of splitmix64 over `(hash + 0x9E3779B97F4A7C15) ^ word`. All hashes are uint64.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from playhead.batch import Bytes, Int64s

Hashes = npt.NDArray[np.uint64]

BYTE = np.uint64(8)
NULL = np.uint64(0)
"""The one word of a value that is missing; the first word of all others is not 0."""


@numba.njit(cache=True, nogil=True)
def stepped(mixed: np.uint64, word: np.uint64) -> np.uint64:
    """The hash `mixed` after one more word."""
    mixed = (mixed + np.uint64(0x9E3779B97F4A7C15)) ^ word
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@numba.njit(cache=True, nogil=True)
def hash_words(words: Int64s, valid: Bytes, kind: int, out: Hashes) -> None:
    """Set `out[row]` to the hash of `kind` and then `words[:, row]`, or to that of null."""
    first, missing = stepped(np.uint64(0), np.uint64(kind)), stepped(np.uint64(0), NULL)
    for row in range(len(out)):
        if len(valid) > 0 and valid[row] == 0:
            out[row] = missing
            continue
        mixed = first
        for word in range(words.shape[0]):
            mixed = stepped(mixed, np.uint64(words[word, row]))
        out[row] = mixed


@numba.njit(cache=True, nogil=True)
def hash_bytes(offsets: Int64s, data: Bytes, valid: Bytes, kind: int, out: Hashes) -> None:
    """Set `out[row]` to the hash of `kind`, the length, and the bytes as little-endian words filled up with 0."""
    first, missing = stepped(np.uint64(0), np.uint64(kind)), stepped(np.uint64(0), NULL)
    for row in range(len(out)):
        if len(valid) > 0 and valid[row] == 0:
            out[row] = missing
            continue
        begin, end = offsets[row], offsets[row + 1]
        mixed = stepped(first, np.uint64(end - begin))
        word, shift = np.uint64(0), np.uint64(0)
        for at in range(begin, end):
            word |= np.uint64(data[at]) << shift
            shift += BYTE
            if shift == np.uint64(64):
                mixed = stepped(mixed, word)
                word, shift = np.uint64(0), np.uint64(0)
        out[row] = stepped(mixed, word) if shift > np.uint64(0) else mixed


@numba.njit(cache=True, nogil=True)
def fold(values: Hashes, out: Hashes) -> None:
    """Step each hash in `out` by the hash of one more column."""
    for row in range(len(out)):
        out[row] = stepped(out[row], values[row])
