"""Key columns of any type as tuples of int64 words, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from playhead.batch import Bytes, Int64s
from playhead.errors import DataError, PlanError, TypeMismatchError
from playhead.state.columns import valid_bytes
from playhead.state.interner import can_intern
from playhead.state.key_columns import KeyColumn, RememberingColumn, key_column

MOST_COLUMNS = 63
"""One bit a column in the word that says which values are null."""


class KeyEncoder:
    """Words for the rows of key columns; rows are the same key exactly if their words are equal.

    Columns take one word each, decimal128 two. Until a key column has had its first null there is no word for nulls;
    from then on one more word, the last, has bit i set where column i is null. Whoever keeps words calls `admit` before
    it encodes, and makes its old words one longer, by 0, when that says so. `KeyedSlots` does that; use it where
    you can.

    Examples
    --------
    >>> encoder = KeyEncoder([pa.string(), pa.int64()])
    >>> encoder.encode([pa.array(["UA", "DL", "UA"]), pa.array([10, 20, 30])])
    array([[ 0,  1,  0],
           [10, 20, 30]])
    >>> encoder.encode([pa.array(["DL", None]), pa.array([20, 20])])
    array([[ 1,  0],
           [20, 20],
           [ 0,  1]])
    """

    def __init__(self, types: Sequence[pa.DataType]) -> None:
        if len(types) > MOST_COLUMNS:
            raise PlanError(f"{len(types)} key columns are too many; there may be {MOST_COLUMNS}")
        self.types = tuple(types)
        self.has_nulls = False
        """Whether the last word says which columns are null."""
        self._columns: list[KeyColumn] = [key_column(_value_type(type_)) for type_ in types]
        self._remembering = [column for column in self._columns if isinstance(column, RememberingColumn)]

    @property
    def width(self) -> int:
        """The number of words of a key."""
        return sum(column.words for column in self._columns) + self.has_nulls

    @property
    def nbytes(self) -> int:
        """How much memory the interned values take."""
        return sum(column.nbytes for column in self._columns)

    def admit(self, arrays: Sequence[pa.Array]) -> bool:
        """Look for the first null; True if keys have become one word longer just now."""
        if self.has_nulls or not any(_may_have_nulls(array) for array in arrays):
            return False
        self.has_nulls = any(array.null_count for array in self._plain(arrays))
        return self.has_nulls

    def encode(self, arrays: Sequence[pa.Array], *, rows: int | None = None) -> Int64s:
        """The words of each row, as `words[word, row]`; `rows` is needed where there are no columns."""
        self.admit(arrays)
        out = np.empty((self.width, _rows_of(arrays, rows)), dtype=np.int64)
        self.encode_into(arrays, out, 0)
        return out

    def encode_into(self, arrays: Sequence[pa.Array], out: Int64s, first_word: int) -> None:
        """Write the words to `out[first_word:]`, which has `width` such; call `admit` before."""
        word = first_word
        nulls: Int64s | None = None
        for bit, (column, array) in enumerate(zip(self._columns, self._plain(arrays), strict=True)):
            target = out[word : word + column.words]
            column.write(array, target)
            if array.null_count:
                missing = valid_bytes(array) == 0
                target[:, missing] = 0
                flags = missing.astype(np.int64) << bit
                nulls = flags if nulls is None else nulls | flags
            word += column.words
        if self.has_nulls:
            out[word] = 0 if nulls is None else nulls
        elif nulls is not None:
            raise ValueError("there are nulls among the keys that the encoder was not told of; call admit() first")

    def encode_apart(self, arrays: Sequence[pa.Array]) -> list[Int64s]:
        """The words of each row, an array for each word, without copying what is kept like that already.

        Call `admit` before; for keys among which there has been no null.
        """
        words: list[Int64s] = []
        for column, array in zip(self._columns, self._plain(arrays), strict=True):
            only = column.as_words(array)
            if only is None:
                several = np.empty((column.words, len(array)), dtype=np.int64)
                column.write(array, several)
                words.extend(several)
            else:
                words.append(only)
        return words

    def decode(self, words: Int64s) -> list[pa.Array]:
        """The columns that `words[word, row]` stand for, each of its declared type."""
        arrays, word = [], 0
        for bit, (column, type_) in enumerate(zip(self._columns, self.types, strict=True)):
            array = column.read(words[word : word + column.words])
            if self.has_nulls:
                array = _with_nulls(array, (words[-1] >> bit) & 1)
            arrays.append(as_dictionary(array, type_) if pa.types.is_dictionary(type_) else array)
            word += column.words
        return arrays

    def reclaim(self, words: Int64s, *, most_values: int) -> bool:
        """Forget interned values that are not in `words`, which are all keys there are, in columns with over
        `most_values`. Writes the new ids to `words`; False if nothing was to be done."""
        word, changed = 0, False
        for bit, column in enumerate(self._columns):
            if isinstance(column, RememberingColumn) and column.size > most_values:
                present = ((words[-1] >> bit) & 1) == 0 if self.has_nulls else slice(None)
                words[word, present] = column.renew(words[word, present])
                changed = True
            word += column.words
        return changed

    @property
    def most_interned(self) -> int:
        """The number of values of the column that has interned most."""
        return max((column.size for column in self._remembering), default=0)

    def _plain(self, arrays: Sequence[pa.Array]) -> list[pa.Array]:
        if len(arrays) != len(self.types):
            raise ValueError(f"{len(arrays)} columns for a key of {len(self.types)}")
        return [_plain(array, type_) for array, type_ in zip(arrays, self.types, strict=True)]


def _plain(array: pa.Array, type_: pa.DataType) -> pa.Array:
    """The array without its dictionary, unless that is small and made of bytes: then it is interned as a whole."""
    if array.type != type_ and _value_type(array.type) != _value_type(type_):
        raise TypeMismatchError(f"a column of {array.type} where keys are of {type_}")
    if not pa.types.is_dictionary(array.type):
        return array
    dictionary = array.dictionary
    small = len(dictionary) <= len(array) and dictionary.null_count == 0
    if small and can_intern(dictionary.type):
        return array
    return array.dictionary_decode()


def _may_have_nulls(array: pa.Array) -> bool:
    return bool(array.null_count) or (pa.types.is_dictionary(array.type) and bool(array.dictionary.null_count))


def _value_type(type_: pa.DataType) -> pa.DataType:
    return type_.value_type if pa.types.is_dictionary(type_) else type_


def _rows_of(arrays: Sequence[pa.Array], rows: int | None) -> int:
    if rows is not None:
        return rows
    if not arrays:
        raise ValueError("a key without columns needs to be told the number of rows")
    return len(arrays[0])


def _with_nulls(array: pa.Array, missing: Int64s) -> pa.Array:
    if not missing.any() or pa.types.is_null(array.type):
        return array
    if pa.types.is_nested(array.type):
        return array.take(pa.array(np.arange(len(array)), mask=missing != 0))
    valid: Bytes = np.packbits(missing == 0, bitorder="little")
    return pa.Array.from_buffers(array.type, len(array), [pa.py_buffer(valid), *array.buffers()[1:]])


def as_dictionary(array: pa.Array, type_: pa.DictionaryType) -> pa.Array:
    """The values of a plain array as the dictionary type."""
    encoded = array.dictionary_encode()
    try:
        indices = encoded.indices.cast(type_.index_type)
    except pa.ArrowInvalid:
        raise DataError(f"{len(encoded.dictionary)} distinct values are too many for a column of {type_}") from None
    return pa.DictionaryArray.from_arrays(indices, encoded.dictionary, ordered=type_.ordered)
