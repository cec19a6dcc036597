"""Which key group a key belongs to: a fixed hash of its values, the same in every process, version and place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from playhead.batch import Int64s
from playhead.errors import TypeMismatchError
from playhead.kernels import key_groups as kernels
from playhead.state.columns import valid_bytes
from playhead.state.interner import can_intern, offsets_and_data
from playhead.state.key_columns import key_column

INTEGER, BOOLEAN, FLOAT, STRING, BINARY, DATE, TIME, TIMESTAMP, DURATION, DECIMAL = range(1, 11)

KEY_GROUPS = 128
"""Into how many buckets key values are hashed: the unit in which state moves between tasks."""

UNITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
DAY_IN_MS = 86_400_000


def key_groups(arrays: Sequence[pa.Array], count: int = KEY_GROUPS, *, rows: int | None = None) -> Int64s:
    """The key group of each row of the key columns, from 0 to `count` - 1; `rows` is needed where there are no columns.

    This is the definition, which savepoints depend on. `step` is `kernels.key_groups.stepped`.

    The hash of a key begins as 0 and is stepped by the hash of each value; the group is that, unsigned, modulo `count`.
    The hash of a value begins as 0 and is stepped by words of 64 bits: for a null 0, else the kind and then

    ==  =========  ==========================================================================================
    1   integer    the value, whatever its width; uint64 by its bits
    2   bool       0 or 1
    3   float      the bits of the value as float64; -0.0 as 0.0, every NaN as 0x7FF8000000000000
    4   string     the length in bytes, then the UTF-8 bytes as little-endian words, the last filled with zeros
    5   binary     the same over the bytes, of fixed size or not
    6   date       days since 1970
    7   time       the value in its unit
    8   timestamp  the value in its unit; the zone does not count
    9   duration   the value in its unit
    10  decimal    the unscaled value as 256-bit two's complement, lowest word first
    ==  =========  ==========================================================================================

    where the kind of 7, 8 and 9 has 256 times 0, 3, 6 or 9 added for s, ms, us or ns, and the kind of 10 has 256 times
    the scale added (the scale modulo 256). A dictionary column hashes as its values.

    Examples
    --------
    >>> key_groups([pa.array(["UA", "DL", None]), pa.array([1, 1, 1], pa.int16())]).tolist()
    [117, 88, 14]
    """
    if rows is None:
        if not arrays:
            raise ValueError("a key without columns needs to be told the number of rows")
        rows = len(arrays[0])
    hashes = np.zeros(rows, dtype=np.uint64)
    for array in arrays:
        kernels.fold(_hashes(array), hashes)
    return (hashes % np.uint64(count)).astype(np.int64)


def _hashes(array: pa.Array) -> kernels.Hashes:
    if pa.types.is_dictionary(array.type):
        return _hashes_of_dictionary(array)
    out = np.empty(len(array), dtype=np.uint64)
    kind, valid = _kind(array.type), valid_bytes(array)
    if kind in (STRING, BINARY):
        offsets, data = offsets_and_data(array)
        kernels.hash_bytes(offsets, data, valid, kind, out)
    else:
        kernels.hash_words(_words(array), valid, kind, out)
    return out


def _hashes_of_dictionary(array: pa.DictionaryArray) -> kernels.Hashes:
    if len(array.dictionary) > len(array):
        return _hashes(array.dictionary_decode())
    null = _hashes(pa.nulls(1))
    of_values = np.concatenate([_hashes(array.dictionary), null])
    indices = array.indices.cast(pa.int64()).fill_null(len(array.dictionary))
    hashes: kernels.Hashes = of_values[indices.to_numpy(zero_copy_only=False)]
    return hashes


def _words(array: pa.Array) -> Int64s:
    if pa.types.is_decimal(array.type):
        wide = array.cast(pa.decimal256(76, array.type.scale))
        offsets, data = offsets_and_data(wide)
        words = data[offsets[0] : offsets[-1]].view(np.int64)
        return np.array(words.reshape(len(array), 4).T, order="C")
    words = np.empty((1, len(array)), dtype=np.int64)
    key_column(array.type).write(array, words)
    if pa.types.is_date64(array.type):
        words //= DAY_IN_MS
    return words


def _kind(type_: pa.DataType) -> int:
    if pa.types.is_decimal(type_):
        return DECIMAL + 256 * (int(type_.scale) % 256)
    for kind, belongs in KINDS.items():
        if belongs(type_):
            return kind + 256 * UNITS[type_.unit] if kind in (TIME, TIMESTAMP, DURATION) else kind
    raise TypeMismatchError(f"a column of {type_} cannot be a key")


KINDS = {
    INTEGER: lambda type_: pa.types.is_integer(type_) or pa.types.is_null(type_),
    BOOLEAN: pa.types.is_boolean,
    FLOAT: pa.types.is_floating,
    STRING: lambda type_: can_intern(type_) and "string" in str(type_),
    BINARY: can_intern,
    DATE: pa.types.is_date,
    TIME: pa.types.is_time,
    TIMESTAMP: pa.types.is_timestamp,
    DURATION: pa.types.is_duration,
}
