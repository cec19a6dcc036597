"""Which types an aggregate takes, and the error that says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from playhead.errors import TypeMismatchError
from playhead.schema import is_orderable

KINDS: dict[str, Callable[[pa.DataType], bool]] = {
    "integers": pa.types.is_integer,
    "floats": pa.types.is_floating,
    "decimals": pa.types.is_decimal128,
    "durations": pa.types.is_duration,
    "booleans": pa.types.is_boolean,
    "times": lambda data_type: pa.types.is_temporal(data_type) and not pa.types.is_duration(data_type),
    "strings": lambda data_type: pa.types.is_string(data_type) or pa.types.is_large_string(data_type),
    "binaries": lambda data_type: (
        pa.types.is_binary(data_type) or pa.types.is_large_binary(data_type) or pa.types.is_fixed_size_binary(data_type)
    ),
}
"""The kinds of values, by the word that messages use for them."""

ANY_ORDER = tuple(KINDS)
"""All kinds whose values can be compared."""


def value_type(data_type: pa.DataType) -> pa.DataType:
    """What a column is a column of: dictionary-encoded strings are strings."""
    return data_type.value_type if pa.types.is_dictionary(data_type) else data_type


def kind_of(data_type: pa.DataType) -> str | None:
    """The kind of a type, None if it has no order."""
    plain = value_type(data_type)
    if not is_orderable(plain):
        return None
    return next((kind for kind, belongs in KINDS.items() if belongs(plain)), None)


def only_argument(name: str, types: Sequence[pa.DataType], kinds: Sequence[str] = ANY_ORDER) -> pa.DataType:
    """The type of the one argument of aggregate `name`; raises TypeMismatchError unless it is of one of `kinds`.

    Examples
    --------
    >>> only_argument("sum", [pa.string()], ["integers", "floats"])
    Traceback (most recent call last):
    playhead.errors.TypeMismatchError: sum cannot work on string; it takes integers, floats
    """
    if len(types) != 1:
        raise TypeMismatchError(f"{name} takes one column, not {len(types)}")
    if kind_of(types[0]) not in kinds:
        raise TypeMismatchError(f"{name} cannot work on {types[0]}; it takes {', '.join(kinds)}")
    return value_type(types[0])
