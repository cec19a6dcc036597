"""How one key column becomes int64 words and back, by type."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa

from playhead.batch import Int64s
from playhead.errors import TypeMismatchError
from playhead.state.columns import decimal128_words, storage, valid_bytes, values_and_valid
from playhead.state.interner import Interner, can_intern, without_views

MINUS_ZERO = -(2**63)
NAN = int(np.array(np.nan).view(np.int64))


class KeyColumn(Protocol):
    """The words of one column. Equal values have equal words; where a value is missing, any will do."""

    words: int

    def write(self, array: pa.Array, out: Int64s) -> None:
        """Write the values of `array` to `out[word, row]`."""
        ...

    def as_words(self, array: pa.Array) -> Int64s | None:
        """The one word of each value of an array without nulls, where that is there without copying; else None."""
        ...

    def read(self, words: Int64s) -> pa.Array:
        """The values that `words[word, row]` stand for, without nulls."""
        ...

    @property
    def nbytes(self) -> int:
        """How much memory this column takes beside the words."""
        ...


def key_column(type_: pa.DataType) -> KeyColumn:
    """The words for values of `type_`; raises TypeMismatchError where there are none."""
    if pa.types.is_floating(type_):
        return FloatColumn(type_)
    if storage(type_) is not None or pa.types.is_boolean(type_) or pa.types.is_null(type_):
        return IntegerColumn(type_)
    if pa.types.is_decimal128(type_):
        return DecimalColumn(type_)
    if can_intern(type_):
        return InternedColumn(type_)
    from playhead.state.nested_columns import nested_column  # which is made of key columns itself

    nested = nested_column(type_)
    if nested is not None:
        return nested
    raise TypeMismatchError(f"a column of {type_} cannot be a key")


@runtime_checkable
class RememberingColumn(KeyColumn, Protocol):
    """A column that gives ids to values and remembers them."""

    @property
    def size(self) -> int:
        """The number of values that are remembered."""
        ...

    def renew(self, ids: Int64s) -> Int64s:
        """Forget all values but those of `ids`; returns their new ids."""
        ...


class IntegerColumn:
    """Integers, booleans, dates, times, durations: the number itself, one word; uint64 by its bits."""

    words = 1
    nbytes = 0

    def __init__(self, type_: pa.DataType) -> None:
        self.type = type_

    def write(self, array: pa.Array, out: Int64s) -> None:
        out[0] = values_and_valid(array)[0].view(np.int64)

    def as_words(self, array: pa.Array) -> Int64s | None:
        return None if storage(array.type) is None else values_and_valid(array)[0].view(np.int64)

    def read(self, words: Int64s) -> pa.Array:
        dtype = storage(self.type)
        if dtype is not None:
            return _fixed_width(self.type, words.shape[1], words[0].astype(dtype))
        if pa.types.is_boolean(self.type):
            return _fixed_width(self.type, words.shape[1], np.packbits(words[0] != 0, bitorder="little"))
        return pa.nulls(words.shape[1])


class FloatColumn:
    """Floats of any width: the bits of the float64, with one zero and one NaN."""

    words = 1
    nbytes = 0

    def __init__(self, type_: pa.DataType) -> None:
        self.type = type_

    def write(self, array: pa.Array, out: Int64s) -> None:
        values, _ = values_and_valid(array)
        bits = out[0]
        bits[:] = values.view(np.int64)
        bits[bits == MINUS_ZERO] = 0
        bits[np.isnan(values)] = NAN

    def as_words(self, array: pa.Array) -> Int64s | None:
        return None

    def read(self, words: Int64s) -> pa.Array:
        dtype = storage(self.type)
        return _fixed_width(self.type, words.shape[1], words[0].copy().view(np.float64).astype(dtype))


class DecimalColumn:
    """decimal128: the two halves of the unscaled number."""

    words = 2
    nbytes = 0

    def __init__(self, type_: pa.DataType) -> None:
        self.type = type_

    def write(self, array: pa.Array, out: Int64s) -> None:
        out[:] = decimal128_words(array).T

    def as_words(self, array: pa.Array) -> Int64s | None:
        return None

    def read(self, words: Int64s) -> pa.Array:
        return _fixed_width(self.type, words.shape[1], np.ascontiguousarray(words.T))


class InternedColumn:
    """Strings and other bytes: the id that an Interner of this column gives them."""

    words = 1

    def __init__(self, type_: pa.DataType) -> None:
        self.type = type_
        self.interner = Interner(type_)

    @property
    def size(self) -> int:
        return self.interner.size

    @property
    def nbytes(self) -> int:
        return self.interner.nbytes

    def renew(self, ids: Int64s) -> Int64s:
        return self.interner.compact(ids)[ids]

    def write(self, array: pa.Array, out: Int64s) -> None:
        if pa.types.is_dictionary(array.type):
            self._write_dictionary(array, out)
        elif array.null_count:
            out[0, valid_bytes(array) != 0] = self.interner.intern(without_views(array).drop_null())
        else:
            out[0] = self.interner.intern(array)

    def as_words(self, array: pa.Array) -> Int64s | None:
        return None if pa.types.is_dictionary(array.type) else self.interner.intern(array)

    def read(self, words: Int64s) -> pa.Array:
        if self.interner.size == 0:
            return pa.nulls(words.shape[1], self.type)
        return self.interner.values(np.ascontiguousarray(words[0]))

    def _write_dictionary(self, array: pa.DictionaryArray, out: Int64s) -> None:
        ids = self.interner.intern(array.dictionary)
        indices, valid = values_and_valid(array.indices)
        if len(valid) == 0:
            out[0] = ids[indices]
        else:
            out[0, valid != 0] = ids[indices[valid != 0]]


def _fixed_width(type_: pa.DataType, rows: int, values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> pa.Array:
    return pa.Array.from_buffers(type_, rows, [None, pa.py_buffer(np.ascontiguousarray(values))])
