"""Values of any type as int64 words that compare as the values do, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playhead.batch import ALL_VALID, Bytes, Int64s
from playhead.state.accumulators.arguments import (
    SIGN_BIT,
    decimals,
    decimals_from,
    floats,
    frozen,
    integers,
    number_column,
    plain,
)
from playhead.state.columns import valid_bytes
from playhead.state.interner import Interner

MAGNITUDE = 2**63 - 1
"""All bits but the sign."""


def ordered_floats(array: pa.Array) -> tuple[Int64s, Bytes]:
    """Floats as int64 words in the same order; -0.0 is 0.0, and NaN is missing."""
    values, valid = floats(array)
    bits = (values + 0.0).view(np.int64)
    words = np.where(bits < 0, bits ^ MAGNITUDE, bits)
    there = values == values
    if there.all():
        return words, valid
    return words, valid & there.view(np.uint8) if len(valid) else there.view(np.uint8)


def floats_from(words: Int64s) -> npt.NDArray[np.float64]:
    """The inverse of `ordered_floats`."""
    return np.where(words < 0, words ^ MAGNITUDE, words).view(np.float64)


def is_interned(data_type: pa.DataType) -> bool:
    """Whether values of `data_type` are kept as numbers of byte strings."""
    return not (
        pa.types.is_floating(data_type)
        or pa.types.is_decimal128(data_type)
        or pa.types.is_integer(data_type)
        or pa.types.is_boolean(data_type)
        or pa.types.is_temporal(data_type)
    )


class OrderedWords:
    """Rows of columns of any type as rows of words, `words[row, word]`, in the order of the values, first column first.

    A column is one word, a decimal two. Byte strings are interned, so their words are to be compared by kernels that
    know the interner. The last column is the value: where it is missing (null or NaN), `encode` says so; anything
    missing in another column comes before all that is there.

    Examples
    --------
    >>> codec = OrderedWords([pa.int64(), pa.float64()])
    >>> words, valid = codec.encode([pa.array([3, 2]), pa.array([-1.5, 2.5])])
    >>> codec.decode(words, np.array([False, True])).to_pylist()
    [-1.5, None]
    """

    def __init__(self, types: Sequence[pa.DataType]) -> None:
        self.types = tuple(types)
        self.interner = Interner(pa.binary())
        flags = [flag for data_type in types for flag in self._flags(data_type)]
        self.interned = np.array(flags, dtype=np.uint8)

    @staticmethod
    def _flags(data_type: pa.DataType) -> list[int]:
        if pa.types.is_decimal128(data_type):
            return [0, 0]
        return [int(is_interned(data_type))]

    @property
    def width(self) -> int:
        """How many words a row has."""
        return len(self.interned)

    @property
    def has_bytes(self) -> bool:
        """Whether any word is the number of a byte string."""
        return bool(self.interned.any())

    def encode(self, arrays: Sequence[pa.Array]) -> tuple[Int64s, Bytes]:
        """The words of each row, and for which rows there is a value."""
        words = np.empty((len(arrays[-1]), self.width), dtype=np.int64)
        at, valid = 0, ALL_VALID
        for array, data_type in zip(arrays, self.types, strict=True):
            columns, valid = self._column(plain(array), data_type)
            for column in columns:
                words[:, at] = column
                at += 1
            if len(valid) and at < self.width:
                words[valid == 0, at - len(columns) : at] = self._before_all(data_type)
        return words, frozen(valid)

    def decode(self, words: Int64s, missing: npt.NDArray[np.bool_]) -> pa.Array:
        """The values, the last column, of rows of words; null where `missing`."""
        data_type, last = self.types[-1], words[:, -1]
        if pa.types.is_decimal128(data_type):
            return decimals_from(np.column_stack([last ^ SIGN_BIT, words[:, -2]]), data_type, missing)
        if pa.types.is_floating(data_type):
            return number_column(floats_from(last), data_type, missing)
        if not is_interned(data_type):
            return number_column(last ^ (SIGN_BIT if data_type == pa.uint64() else 0), data_type, missing)
        there = np.flatnonzero(~missing)
        values = self.interner.values(np.ascontiguousarray(last[there])).cast(data_type)
        if len(there) == len(missing):
            return values
        return values.take(pa.array(np.cumsum(~missing) - 1, mask=missing))

    def _column(self, array: pa.Array, data_type: pa.DataType) -> tuple[list[Int64s], Bytes]:
        if pa.types.is_floating(data_type):
            words, valid = ordered_floats(array)
            return [words], valid
        if pa.types.is_decimal128(data_type):
            pairs, valid = decimals(array)
            return [pairs[:, 1], pairs[:, 0] ^ SIGN_BIT], valid
        if is_interned(data_type):
            return [self._ids(array)], valid_bytes(array)
        words, valid = integers(array)
        return [words ^ SIGN_BIT if data_type == pa.uint64() else words], valid

    def _ids(self, array: pa.Array) -> Int64s:
        if array.null_count == 0:
            return self.interner.intern(array.cast(pa.binary()))
        ids = np.zeros(len(array), dtype=np.int64)
        ids[valid_bytes(array) != 0] = self.interner.intern(array.drop_null().cast(pa.binary()))
        return ids

    def _before_all(self, data_type: pa.DataType) -> int:
        if is_interned(data_type):
            return int(self.interner.intern(pa.array([b""]))[0])
        return SIGN_BIT

    def translate(self, words: Int64s, other: OrderedWords) -> Int64s:
        """The words here for rows of words of `other`."""
        return words if other is self or not self.has_bytes else self.from_columns(other.to_columns(words))

    def to_columns(self, words: Int64s) -> dict[str, pa.Array]:
        """Rows of words as Arrow columns that mean the same in another process."""
        columns = [np.ascontiguousarray(column) for column in words.T]
        return {
            f"word_{at}": self.interner.values(column) if self.interned[at] else pa.array(column)
            for at, column in enumerate(columns)
        }

    def from_columns(self, columns: Mapping[str, pa.Array]) -> Int64s:
        """The inverse of `to_columns`."""
        words = np.empty((len(columns["word_0"]), self.width), dtype=np.int64)
        for at in range(self.width):
            column = columns[f"word_{at}"]
            words[:, at] = self.interner.intern(column) if self.interned[at] else column.to_numpy()
        return words

    def compact(self, words: Int64s) -> None:
        """Forget the byte strings that are not among `words`, which are all there are; writes their new numbers."""
        columns = np.flatnonzero(self.interned)
        words[:, columns] = self.interner.compact(words[:, columns].ravel())[words[:, columns]]

    @property
    def nbytes(self) -> int:
        """How much memory the byte strings take."""
        return self.interner.nbytes if self.has_bytes else 0
