"""Strings and other bytes as small dense numbers, each distinct value kept once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from playhead.batch import Bytes, Int64s
from playhead.errors import TypeMismatchError
from playhead.kernels import bytes as kernels

LARGE = {pa.string(): pa.large_string(), pa.binary(): pa.large_binary()}
VIEWS = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
MOST_BYTES_OF_SMALL_OFFSETS = 2**31 - 1


def can_intern(type_: pa.DataType) -> bool:
    """Whether an Interner takes values of `type_`: strings, binaries and decimal256."""
    return type_ in VIEWS or type_ in LARGE or type_ in LARGE.values() or _fixed_width(type_) is not None


def without_views(array: pa.Array) -> pa.Array:
    """String views as strings, binary views as binaries; Arrow can do little with views."""
    return array.cast(VIEWS[array.type]) if array.type in VIEWS else array


class Interner:
    """Dense int64 ids for values of a type that is made of bytes; equal bytes have equal ids.

    Ids begin at 0 in order of first appearance and are private to one Interner: what leaves the process is values.

    Examples
    --------
    >>> carriers = Interner(pa.string())
    >>> carriers.intern(pa.array(["UA", "DL", "UA"])).tolist()
    [0, 1, 0]
    >>> carriers.values(np.array([1])).to_pylist()
    ['DL']
    """

    def __init__(self, type_: pa.DataType) -> None:
        if not can_intern(type_):
            raise TypeMismatchError(f"{type_} is not made of bytes, so it cannot be interned")
        self.type = type_
        self._start_empty(64, 1024)

    @property
    def size(self) -> int:
        """The number of distinct values."""
        return int(self._table[kernels.SIZE])

    @property
    def nbytes(self) -> int:
        """How much memory values and table take."""
        return int(self._table.nbytes + self.ends.nbytes + self.arena.nbytes)

    def intern(self, array: pa.Array) -> Int64s:
        """The id of each value of `array`, which has no nulls; new values get the next ids."""
        ids = np.empty(len(array), dtype=np.int64)
        offsets, data = offsets_and_data(array)
        done = kernels.intern(offsets, data, self._table, self.ends, self.arena, ids, 0)
        while done < len(ids):
            self._grow(int(offsets[done + 1] - offsets[done]))
            done = kernels.intern(offsets, data, self._table, self.ends, self.arena, ids, done)
        return ids

    def values(self, ids: Int64s) -> pa.Array:
        """The values with these ids."""
        offsets = np.empty(len(ids) + 1, dtype=np.int64)
        kernels.offsets_of(ids, self.ends, offsets)
        data = np.empty(offsets[-1], dtype=np.uint8)
        kernels.gather(ids, self.ends, self.arena, offsets, data)
        return _array_of(self.type, offsets, data)

    def compact(self, live: Int64s) -> Int64s:
        """Forget all values but those with the ids in `live` (in any order, repeated or not), and give memory back.

        Returns the new id of each old one, -1 for those forgotten. New ids keep the order of the old ones.
        """
        kept = np.zeros(self.size, dtype=bool)
        kept[live] = True
        remap = np.where(kept, np.cumsum(kept) - 1, -1)
        old_ids = np.flatnonzero(kept).astype(np.int64, copy=False)
        old_table, old_ends, old_arena = self._table, self.ends, self.arena
        offsets = np.empty(len(old_ids) + 1, dtype=np.int64)
        kernels.offsets_of(old_ids, old_ends, offsets)
        self._start_empty(len(old_ids), int(offsets[-1]))
        self.ends[: len(offsets)] = offsets
        kernels.gather(old_ids, old_ends, old_arena, offsets, self.arena)
        kernels.renumber(old_table, remap, self._table)
        return remap

    def _start_empty(self, values: int, data_bytes: int) -> None:
        slots = 1 << max(6, (values - 1).bit_length())
        self._table = np.zeros(kernels.HEADER + 2 * slots, dtype=np.int64)
        self.ends: Int64s = np.zeros(slots + 1, dtype=np.int64)
        """Value number i is `arena[ends[i] : ends[i + 1]]`; for kernels that compare or copy values."""
        self.arena: Bytes = np.zeros(max(data_bytes, 64), dtype=np.uint8)
        """The bytes of all values, one behind the other."""

    def _grow(self, needed: int) -> None:
        size = self.size
        if size == len(self.ends) - 1:
            table = np.zeros(kernels.HEADER + 2 * (len(self._table) - kernels.HEADER), dtype=np.int64)
            kernels.renumber(self._table, np.arange(size), table)
            self._table = table
            self.ends = np.concatenate([self.ends, np.zeros(size, dtype=np.int64)])
        used = int(self.ends[size])
        if used + needed > len(self.arena):
            arena = np.zeros(max(2 * len(self.arena), used + needed), dtype=np.uint8)
            arena[:used] = self.arena[:used]
            self.arena = arena


def _fixed_width(type_: pa.DataType) -> int | None:
    """The bytes of one value where all have the same number."""
    if pa.types.is_fixed_size_binary(type_) or pa.types.is_decimal256(type_):
        return int(type_.byte_width)
    return None


def offsets_and_data(array: pa.Array) -> tuple[Int64s, Bytes]:
    """Where each value begins in the data; the latter read-only, as Arrow gives it."""
    array = without_views(array)
    width = _fixed_width(array.type)
    data = array.buffers()[-1]
    if width is None:
        dtype = np.int64 if array.type not in LARGE else np.int32
        offsets = _offsets(array, dtype)
    else:
        offsets = np.arange(array.offset, array.offset + len(array) + 1, dtype=np.int64) * width
    values = np.frombuffer(data if data is not None else b"", np.uint8)
    values.setflags(write=False)
    return offsets, values


def _offsets(array: pa.Array, dtype: type[np.int32] | type[np.int64]) -> Int64s:
    buffer = array.buffers()[1]
    if buffer is None or buffer.size == 0:  # Arrow allows both for an empty array
        return np.zeros(1, dtype=np.int64)
    return np.frombuffer(buffer, dtype, len(array) + 1, array.offset * dtype().itemsize).astype(np.int64)


def _array_of(type_: pa.DataType, offsets: Int64s, data: Bytes) -> pa.Array:
    rows, values = len(offsets) - 1, pa.py_buffer(data)
    if _fixed_width(type_) is not None:
        return pa.Array.from_buffers(type_, rows, [None, values])
    small = VIEWS.get(type_, type_)
    if small not in LARGE:
        return pa.Array.from_buffers(type_, rows, [None, pa.py_buffer(offsets), values])
    if offsets[-1] > MOST_BYTES_OF_SMALL_OFFSETS:
        large = pa.Array.from_buffers(LARGE[small], rows, [None, pa.py_buffer(offsets), values])
        return large.cast(type_)
    array = pa.Array.from_buffers(small, rows, [None, pa.py_buffer(offsets.astype(np.int32)), values])
    return array if small == type_ else array.cast(type_)
