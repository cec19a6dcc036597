"""Arrow columns as the plain numpy arrays that kernels take."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playhead.batch import ALL_VALID, Bytes, Int64s
from playhead.errors import TypeMismatchError

Values = npt.NDArray[Any]

_STORAGE: dict[int, type[np.number[Any]]] = {
    pa.lib.Type_INT8: np.int8,
    pa.lib.Type_INT16: np.int16,
    pa.lib.Type_INT32: np.int32,
    pa.lib.Type_INT64: np.int64,
    pa.lib.Type_UINT8: np.uint8,
    pa.lib.Type_UINT16: np.uint16,
    pa.lib.Type_UINT32: np.uint32,
    pa.lib.Type_UINT64: np.uint64,
    pa.lib.Type_HALF_FLOAT: np.float16,
    pa.lib.Type_FLOAT: np.float32,
    pa.lib.Type_DOUBLE: np.float64,
    pa.lib.Type_DATE32: np.int32,
    pa.lib.Type_DATE64: np.int64,
    pa.lib.Type_TIME32: np.int32,
    pa.lib.Type_TIME64: np.int64,
    pa.lib.Type_TIMESTAMP: np.int64,
    pa.lib.Type_DURATION: np.int64,
    pa.lib.Type_DECIMAL32: np.int32,
    pa.lib.Type_DECIMAL64: np.int64,
}
"""How Arrow keeps one value of a type, for the types that are one number each."""


def storage(type_: pa.DataType) -> type[np.number[Any]] | None:
    """How Arrow keeps one value of `type_`, or None if that is not one plain number (so also for bool)."""
    return _STORAGE.get(type_.id)


def values_and_valid(array: pa.Array) -> tuple[Values, Bytes]:
    """The values of a fixed-width column and a byte a row that says whether there is one.

    Values are int64 (bool as 0 and 1, dates, times and durations in their own unit), uint64 for that type alone, or
    float64; they are not copied if they are kept like that already. Where a value is missing there may be anything.
    `valid` is of length 0 if none is missing. Both are contiguous, aligned and read-only.

    Examples
    --------
    >>> values_and_valid(pa.array([7, None, 9], pa.int32()))[1]
    array([1, 0, 1], dtype=uint8)
    """
    dtype = _STORAGE.get(array.type.id)
    if dtype is None:
        values = _values_of_other_types(array)
    elif array.buffers()[1] is None:
        values = np.zeros(len(array), dtype)
    else:
        width = array.type.byte_width
        values = np.frombuffer(array.buffers()[1], dtype, len(array), array.offset * width)
    return _as_kernels_take_it(values), valid_bytes(array)


def as_column(values: Values, data_type: pa.DataType, missing: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Values in the type's own storage as a column of it, null where `missing`; not copied if they lie side by side.

    Examples
    --------
    >>> as_column(np.array([60, 7]), pa.duration("s"), np.array([False, True])).to_pylist()
    [datetime.timedelta(seconds=60), None]
    """
    valid = None
    if missing is not None and missing.any():
        valid = pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(data_type, len(values), [valid, pa.py_buffer(np.ascontiguousarray(values))])


def valid_bytes(array: pa.Array) -> Bytes:
    """A byte a row, 0 where the value is missing; of length 0 if none is. Read-only."""
    if array.null_count == 0:
        return ALL_VALID
    bitmap = array.buffers()[0]
    valid = np.zeros(len(array), np.uint8) if bitmap is None else _unpacked(bitmap, array.offset, len(array))
    valid.setflags(write=False)
    return valid


def decimal128_words(array: pa.Array) -> Int64s:
    """The values of a decimal128 column as int64 `(rows, 2)`: the lower 64 bits (as if signed), then the upper ones."""
    data = array.buffers()[1]
    if data is None:
        return np.zeros((len(array), 2), np.int64)
    words = np.frombuffer(data, np.int64, 2 * len(array), 16 * array.offset)
    return _as_kernels_take_it(words).reshape(len(array), 2)


def _values_of_other_types(array: pa.Array) -> Values:
    if array.type.id == pa.lib.Type_BOOL:
        data = array.buffers()[1]
        return np.zeros(0, np.uint8) if data is None else _unpacked(data, array.offset, len(array))
    if array.type.id == pa.lib.Type_NA:
        return np.zeros(len(array), np.int64)
    raise TypeMismatchError(f"a column of {array.type} is not one of numbers, times or booleans")


def _as_kernels_take_it(values: Values) -> Values:
    if values.dtype.itemsize < 8:
        wide = np.float64 if values.dtype.kind == "f" else np.int64
        with np.errstate(invalid="ignore"):  # a signalling NaN
            values = values.astype(wide)
    elif not values.flags.aligned:  # as it may come out of a file or a socket
        values = values.copy()
    values.setflags(write=False)
    return values


def _unpacked(bitmap: pa.Buffer, offset: int, length: int) -> Bytes:
    first = offset // 8
    packed = np.frombuffer(bitmap, np.uint8, (offset + length + 7) // 8 - first, first)
    bits = np.unpackbits(packed, bitorder="little")
    return bits[offset - 8 * first : offset - 8 * first + length].copy() if offset % 8 else bits[:length]
