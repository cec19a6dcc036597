"""Running estimates of how many distinct values there are: HyperLogLog registers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playhead.batch import ALL_VALID, Bytes, Int64s
from playhead.kernels import accumulators_sketches as kernels
from playhead.state.accumulators.arguments import decimals, integers, plain
from playhead.state.accumulators.ordered_words import is_interned, ordered_floats
from playhead.state.columns import valid_bytes


class DistinctEstimate:
    """4096 registers of one byte for each slot that has been used; slots that were only made room for take nothing."""

    def __init__(self) -> None:
        self.capacity = 0
        self.registers: Bytes = np.zeros((0, kernels.REGISTERS), dtype=np.uint8)

    def grow(self, capacity: int) -> None:
        """Make room for slots 0 to capacity - 1."""
        self.capacity = max(self.capacity, capacity)

    def reset(self, slots: Int64s) -> None:
        """Forget everything about `slots`."""
        self.registers[slots[slots < len(self.registers)]] = 0

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        self._reserve(slots)
        hashes, valid = hashed(plain(arguments[0]))
        kernels.raise_registers(self.registers, slots, hashes, valid)

    def merge(self, slots: Int64s, other: Self, other_slots: Int64s) -> None:
        self._reserve(slots)
        other._reserve(other_slots)
        kernels.merge_registers(self.registers, slots, other.registers, other_slots)

    def result(self, slots: Int64s) -> pa.Array:
        self._reserve(slots)
        estimates = np.empty(len(slots))
        kernels.estimates(self.registers, slots, estimates)
        return pa.array(np.rint(estimates).astype(np.int64))

    def snapshot(self, slots: Int64s) -> dict[str, pa.Array]:
        """The registers of `slots`, one byte string a slot."""
        self._reserve(slots)
        data = pa.py_buffer(self.registers[slots])
        width = pa.binary(kernels.REGISTERS)
        return {"registers": pa.Array.from_buffers(width, len(slots), [None, data])}

    def restore(self, slots: Int64s, columns: Mapping[str, pa.Array]) -> None:
        """Set fresh `slots` to what `snapshot` gave."""
        self._reserve(slots)
        column = columns["registers"]
        rows = np.frombuffer(column.buffers()[1], np.uint8).reshape(-1, kernels.REGISTERS)
        self.registers[slots] = rows[column.offset : column.offset + len(column)]

    @property
    def nbytes(self) -> int:
        """How much memory the registers take."""
        return self.registers.nbytes

    def _reserve(self, slots: Int64s) -> None:
        needed = int(slots.max()) + 1 if len(slots) else 0
        held = len(self.registers)
        if needed > held:
            registers = np.zeros((max(needed, min(2 * held, self.capacity)), kernels.REGISTERS), dtype=np.uint8)
            registers[:held] = self.registers
            self.registers = registers


def hashed(array: pa.Array) -> tuple[npt.NDArray[np.uint64], Bytes]:
    """The 64-bit hash of each value, and which are there; equal values of all integer types have equal hashes."""
    hashes = np.empty(len(array), dtype=np.uint64)
    if len(array) == 0:
        return hashes, ALL_VALID
    if is_interned(array.type):
        array = array.cast(pa.large_binary())
        offsets = np.frombuffer(array.buffers()[1], np.int64, len(array) + 1, 8 * array.offset)
        data = np.frombuffer(array.buffers()[2] or b"", np.uint8)
        kernels.hash_bytes(offsets, data, hashes)
        return hashes, valid_bytes(array)
    if pa.types.is_decimal128(array.type):
        words, valid = decimals(array)
    else:
        values, valid = ordered_floats(array) if pa.types.is_floating(array.type) else integers(array)
        words = values.reshape(-1, 1)
    kernels.hash_words(words, hashes)
    return hashes, valid
