"""Kernels of sketches: fixed 64-bit hashes of values, HyperLogLog registers, and the buckets of DDSketch.

Hashes are of the values themselves, seedless and the same in every process, since sketches are merged across them.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from playhead.batch import Bytes, Int64s
from playhead.kernels.accumulators import Float64s, Scalar, Words

PRECISION = 12
"""How many bits of a hash choose the register."""

REGISTERS = 4096
"""2 ** PRECISION."""

LEVELS = 52
"""How many bits are left to count zeros in."""


@numba.njit(cache=True, nogil=True)
def mix(word: Scalar) -> Scalar:
    """Spread 64 bits over 64 bits, one to one (the finalizer of MurmurHash3)."""
    word = np.uint64(word)
    word ^= word >> np.uint64(33)
    word *= np.uint64(0xFF51AFD7ED558CCD)
    word ^= word >> np.uint64(33)
    word *= np.uint64(0xC4CEB9FE1A85EC53)
    return word ^ (word >> np.uint64(33))


@numba.njit(cache=True, nogil=True)
def hash_words(words: Int64s, hashes: Words) -> None:
    """Write the hash of each row of `words[row, word]` to `hashes`. O(rows)."""
    for i in range(len(hashes)):
        state = np.uint64(0x9E3779B97F4A7C15)
        for j in range(words.shape[1]):
            state = mix(state ^ np.uint64(words[i, j])) + np.uint64(0x9E3779B97F4A7C15)
        hashes[i] = mix(state)


@numba.njit(cache=True, nogil=True)
def hash_bytes(offsets: Int64s, data: Bytes, hashes: Words) -> None:
    """Write the hash of each byte string `data[offsets[i] : offsets[i + 1]]` to `hashes`. O(bytes).

    Eight bytes at a time, little-endian, the last ones filled up with zeros, then the length.
    """
    for i in range(len(hashes)):
        state, word, filled = np.uint64(0x9E3779B97F4A7C15), np.uint64(0), np.uint64(0)
        for at in range(offsets[i], offsets[i + 1]):
            word |= np.uint64(data[at]) << filled
            filled += np.uint64(8)
            if filled == np.uint64(64):
                state = mix(state ^ word) + np.uint64(0x9E3779B97F4A7C15)
                word, filled = np.uint64(0), np.uint64(0)
        state = mix(state ^ word) + np.uint64(0x9E3779B97F4A7C15)
        hashes[i] = mix(state ^ np.uint64(offsets[i + 1] - offsets[i]))


@numba.njit(cache=True, nogil=True)
def raise_registers(registers: Bytes, slots: Int64s, hashes: Words, valid: Bytes) -> None:
    """Keep in `registers[slot, first bits of the hash]` the greatest place of the first 1 among the rest. O(rows)."""
    for i in range(len(slots)):
        if len(valid) and valid[i] == 0:
            continue
        word = hashes[i]
        register = np.int64(word >> np.uint64(64 - PRECISION))
        rest = word << np.uint64(PRECISION)
        place = 1
        while place <= LEVELS and (rest >> np.uint64(63)) == np.uint64(0):
            rest <<= np.uint64(1)
            place += 1
        if place > registers[slots[i], register]:
            registers[slots[i], register] = place


@numba.njit(cache=True, nogil=True)
def merge_registers(registers: Bytes, slots: Int64s, other: Bytes, other_slots: Int64s) -> None:
    """Keep the greater of each register of slot `slots[i]` and of `other`'s slot `other_slots[i]`. O(registers)."""
    for i in range(len(slots)):
        for register in range(registers.shape[1]):
            if other[other_slots[i], register] > registers[slots[i], register]:
                registers[slots[i], register] = other[other_slots[i], register]


@numba.njit(cache=True, nogil=True)
def sigma(x: float) -> float:
    """x + sum of x**(2**k) * 2**(k-1), for the registers that are still zero."""
    y, z = 1.0, x
    while True:
        x *= x
        before = z
        z += x * y
        y += y
        if z == before:
            return z


@numba.njit(cache=True, nogil=True)
def tau(x: float) -> float:
    """(1 - x - sum of (1 - x**(2**-k))**2 * 2**-k) / 3, for the registers that are full."""
    if x == 0.0 or x == 1.0:
        return 0.0
    y, z = 1.0, 1.0 - x
    while True:
        x = math.sqrt(x)
        before = z
        y *= 0.5
        z -= (1.0 - x) ** 2 * y
        if z == before:
            return z / 3.0


@numba.njit(cache=True, nogil=True)
def estimates(registers: Bytes, slots: Int64s, out: Float64s) -> None:
    """Write the estimated number of distinct values of `slots[i]` to `out[i]`. O(registers).

    The improved raw estimator of Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017),
    algorithm 6: a function of the histogram of the registers alone, without tables or ranges.
    """
    for i in range(len(slots)):
        histogram = np.zeros(LEVELS + 2)
        for register in range(REGISTERS):
            histogram[registers[slots[i], register]] += 1.0
        if histogram[0] == REGISTERS:
            out[i] = 0.0
            continue
        z = REGISTERS * tau(1.0 - histogram[LEVELS + 1] / REGISTERS)
        for level in range(LEVELS, 0, -1):
            z = 0.5 * (z + histogram[level])
        z += REGISTERS * sigma(histogram[0] / REGISTERS)
        out[i] = REGISTERS / (2.0 * math.log(2.0)) * REGISTERS / z
