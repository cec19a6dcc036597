"""The arguments of aggregates as the few kinds of arrays that kernels take: int64 words, float64 and pairs of words."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playhead.batch import Bytes, Int64s
from playhead.kernels.accumulators import Float64s
from playhead.state.columns import as_column, decimal128_words, storage, valid_bytes, values_and_valid

SIGN_BIT = -(2**63)
"""Turning this bit makes unsigned words compare as signed ones."""


def integers(array: pa.Array) -> tuple[Int64s, Bytes]:
    """Integers, booleans, times and durations as int64 words; uint64 keeps its bits."""
    values, valid = values_and_valid(plain(array))
    return values.view(np.int64), valid


def floats(array: pa.Array) -> tuple[Float64s, Bytes]:
    """Numbers of any kind as float64; decimals and 64-bit integers are rounded."""
    array = plain(array)
    values, valid = values_and_valid(array.cast(pa.float64()) if pa.types.is_decimal(array.type) else array)
    return values if values.dtype == np.float64 else frozen(values.astype(np.float64)), valid


def decimals(array: pa.Array) -> tuple[Int64s, Bytes]:
    """128-bit decimals as two words a row, `words[row] = (low, high)`."""
    array = plain(array)
    return decimal128_words(array), valid_bytes(array)


def decimals_from(words: Int64s, data_type: pa.DataType, missing: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """A decimal column from two words a row; null where `missing`."""
    words = np.ascontiguousarray(words, dtype=np.int64)
    valid = None
    if missing is not None and missing.any():
        valid = pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(data_type, len(words), [valid, pa.py_buffer(words)])


def plain(array: pa.Array) -> pa.Array:
    """The array without its dictionary, if it has one."""
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array as read-only, so that every kernel is compiled for one kind of array."""
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def number_column(values: npt.NDArray[Any], data_type: pa.DataType, missing: npt.NDArray[np.bool_]) -> pa.Array:
    """Words or floats as a column of `data_type`, null where `missing`; the inverse of `integers` and `floats`."""
    dtype = storage(data_type)
    if dtype is None:
        return pa.array(values != 0, mask=missing if missing.any() else None)
    if np.dtype(dtype).itemsize < 8:
        with np.errstate(over="ignore"):
            values = values.astype(dtype)
    return as_column(values, data_type, missing)
