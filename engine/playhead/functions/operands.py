"""How two operands of different types meet: a literal takes the column's type, numbers the type that numpy gives.

A literal is an Arrow scalar whose type says only how it was written. It is read in the type of the
column beside it where it fits (`60` beside int16 is an int16, `"2013-07-01"` beside a timestamp is
midnight in the column's zone), so that a column is never widened for the sake of a literal.
"""

from __future__ import annotations

from datetime import date, datetime, time
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from playhead.durations import microseconds
from playhead.errors import PlanError
from playhead.expr import Values

BOOLEAN, INTEGER, FLOAT, DECIMAL, STRING, BINARY = "boolean", "integer", "float", "decimal", "string", "binary"
DATE, TIME, TIMESTAMP, DURATION, NULL, DICTIONARY = "date", "time", "timestamp", "duration", "null", "dictionary"

_EXAMPLES: dict[str, tuple[pa.DataType, ...]] = {
    BOOLEAN: (pa.bool_(),),
    INTEGER: (
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
        *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
    ),
    FLOAT: (pa.float16(), pa.float32(), pa.float64()),
    DECIMAL: (pa.decimal32(1), pa.decimal64(1), pa.decimal128(1), pa.decimal256(1)),
    STRING: (pa.string(), pa.large_string(), pa.string_view()),
    BINARY: (pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(1)),
    DATE: (pa.date32(), pa.date64()),
    TIME: (pa.time32("s"), pa.time64("us")),
    TIMESTAMP: (pa.timestamp("us"),),
    DURATION: (pa.duration("us"),),
    NULL: (pa.null(),),
    DICTIONARY: (pa.dictionary(pa.int32(), pa.string()),),
}
KINDS: dict[int, str] = {data_type.id: kind for kind, types in _EXAMPLES.items() for data_type in types}
"""What sort of values an Arrow type holds, by the type's id; nested types are absent."""

NUMBERS = frozenset({INTEGER, FLOAT})
_FINER = {"s": 0, "ms": 1, "us": 2, "ns": 3}


def kind_of(values: Values) -> str:
    """What sort of values these are: "integer", "float", "string", ..."""
    data_type = values.type
    return KINDS.get(data_type.id) or str(data_type)


def decoded(values: Values) -> Values:
    """The values themselves where they are encoded as a dictionary."""
    if values.type.id != pa.lib.Type_DICTIONARY:
        return values
    return values.cast(values.type.value_type) if isinstance(values, pa.Scalar) else values.dictionary_decode()


def meet(left: Values, right: Values) -> tuple[Values, Values]:
    """Both operands in one type in which they can be compared or stand in the same column.

    Raises
    ------
    TypeError
        If there is none; the message names the remedy.
    """
    left_type, right_type = left.type, right.type
    if left_type.id == right_type.id and left_type == right_type:
        return left, right
    if isinstance(right, pa.Scalar) and not isinstance(left, pa.Scalar):
        right = read_literal(right, left_type)
    elif isinstance(left, pa.Scalar) and not isinstance(right, pa.Scalar):
        left = read_literal(left, right_type)
    if left.type == right.type:
        return left, right
    left, right = decoded(left), decoded(right)
    common = common_type(left.type, right.type)
    return convert(left, common), convert(right, common)


def convert(values: Values, data_type: pa.DataType) -> Values:
    """The values in a wider type; integers become the nearest float."""
    if values.type == data_type:
        return values
    if isinstance(values, pa.Scalar) and not values.is_valid:
        return pa.scalar(None, data_type)
    if KINDS.get(data_type.id) == FLOAT:
        return pc.cast(values, options=pc.CastOptions.unsafe(data_type))
    return pc.cast(values, data_type)


@lru_cache(maxsize=4096)
def common_type(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    """The type in which values of both types can stand beside each other."""
    left_kind, right_kind = KINDS.get(left.id), KINDS.get(right.id)
    if left == right or right_kind == NULL:
        return left
    if left_kind == NULL:
        return right
    kinds = {left_kind, right_kind}
    if kinds <= {BOOLEAN, INTEGER, FLOAT}:
        return pa.from_numpy_dtype(np.result_type(left.to_pandas_dtype(), right.to_pandas_dtype()))
    if DECIMAL in kinds and kinds <= {DECIMAL, INTEGER, BOOLEAN}:
        return _common_decimal(left, right)
    if kinds == {DECIMAL, FLOAT}:
        return pa.float64()
    if kinds == {STRING}:
        return pa.large_string()
    if kinds == {BINARY}:
        return pa.large_binary()
    return _common_time(left, right, kinds)


def _common_decimal(left: pa.DataType, right: pa.DataType) -> pa.DataType:
    sizes = [
        (t.precision, t.scale) if KINDS[t.id] == DECIMAL else (20 if t == pa.uint64() else 19, 0) for t in (left, right)
    ]
    scale = max(scale for _, scale in sizes)
    precision = scale + max(precision - scale for precision, scale in sizes)
    return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(min(precision, 76), scale)


def _common_time(left: pa.DataType, right: pa.DataType, kinds: set[str | None]) -> pa.DataType:
    if kinds == {TIMESTAMP}:
        if (left.tz is None) != (right.tz is None):
            raise TypeError("one time has a zone and the other has none; give it one with .dt.tz_localize(zone)")
        return pa.timestamp(max(left.unit, right.unit, key=_FINER.__getitem__), tz=left.tz)
    if kinds == {DURATION}:
        return pa.duration(max(left.unit, right.unit, key=_FINER.__getitem__))
    if kinds == {TIME}:
        return pa.time64("ns" if pa.time64("ns") in (left, right) else "us")
    if kinds == {DATE}:
        return pa.date32()
    if kinds == {DATE, TIMESTAMP}:
        instant = left if KINDS[left.id] == TIMESTAMP else right
        if instant.tz is None:
            return instant
        raise TypeError("a date has no zone and the time has one; compare with .dt.date, or .astype('datetime64[us]')")
    if STRING in kinds and kinds & {INTEGER, FLOAT, DECIMAL, BOOLEAN}:
        raise TypeError("a number is not a string; use a number, or .astype(...) on one side")
    raise TypeError(f"{left} and {right} do not fit together; .astype(...) one of them")


@lru_cache(maxsize=4096)
def _read_cached(literal: pa.Scalar, data_type: pa.DataType) -> pa.Scalar:
    return _read(literal, data_type)


def read_literal(literal: pa.Scalar, data_type: pa.DataType) -> pa.Scalar:
    """A literal as a value of the column type beside it, or as it was where that would change its value."""
    if KINDS.get(literal.type.id) == FLOAT:  # not cached: 0.0 and -0.0 would be one key
        return _read(literal, data_type)
    return _read_cached(literal, data_type)


def _read(literal: pa.Scalar, data_type: pa.DataType) -> pa.Scalar:
    if not literal.is_valid:
        return pa.scalar(None, data_type)
    kind, target = KINDS.get(literal.type.id), KINDS.get(data_type.id)
    if target == DICTIONARY:
        return _read(literal, data_type.value_type)
    if kind == STRING and target in (TIMESTAMP, DATE, TIME, DURATION):
        return _read_text(literal.as_py(), data_type)
    if kind in (TIMESTAMP, DATE) and target == TIMESTAMP:
        return in_zone(literal.cast(pa.timestamp(_literal_unit(literal, data_type), tz=_zone(literal))), data_type)
    fits = (kind == target and kind not in (TIMESTAMP, FLOAT)) or (kind == INTEGER and target in (FLOAT, DECIMAL))
    if kind == FLOAT and target == FLOAT:
        return pa.scalar(literal.as_py(), data_type)
    if kind == BOOLEAN and target == INTEGER:
        return pa.scalar(int(literal.as_py()), data_type)
    if not fits:
        return literal
    try:
        if kind == INTEGER:
            return pa.scalar(literal.as_py(), data_type)
        return literal.cast(data_type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError):
        return literal


def _zone(literal: pa.Scalar) -> str | None:
    return literal.type.tz if KINDS[literal.type.id] == TIMESTAMP else None


def _literal_unit(literal: pa.Scalar, data_type: pa.DataType) -> str:
    """The column's unit, or the literal's own where the column's is too coarse for the literal."""
    if KINDS[literal.type.id] == DATE:
        return str(data_type.unit)
    try:
        literal.cast(pa.timestamp(data_type.unit, tz=literal.type.tz))
    except pa.ArrowInvalid:
        return str(literal.type.unit)
    return str(data_type.unit)


def in_zone(instant: pa.Scalar, data_type: pa.DataType) -> pa.Scalar:
    """A naive time is read in the zone of `data_type`; one with a zone stays the same instant."""
    if data_type.tz is None:
        if instant.type.tz is not None:
            raise TypeError(
                f"{instant} has a zone and the column has none; use a time without zone, or .dt.tz_localize"
            )
        return instant
    if instant.type.tz is None:
        return _localized(instant, data_type.tz)
    return instant.cast(pa.timestamp(instant.type.unit, tz=data_type.tz))


def _localized(instant: pa.Scalar, zone: str) -> pa.Scalar:
    try:
        return pc.assume_timezone(instant, zone)
    except pa.ArrowInvalid as error:
        often = "occurs twice" if "ambiguous" in str(error) else "never occurs"
        time = instant.as_py()
        raise TypeError(f"{time} {often} in {zone}; write it with its offset, such as '{time}-04:00'") from error


def _read_text(text: str, data_type: pa.DataType) -> pa.Scalar:
    target = KINDS[data_type.id]
    try:
        if target == DURATION:
            return pa.scalar(microseconds(text), pa.duration("us")).cast(data_type)
        if target == TIME:
            return pa.scalar(time.fromisoformat(text.strip()), data_type)
        if target == DATE:
            return pa.scalar(date.fromisoformat(text.strip()), data_type)
        return _read(_instant(datetime.fromisoformat(text.strip()), data_type), data_type)
    except PlanError:
        raise
    except ValueError as error:
        wanted = {DURATION: "'90s' or '1h'", TIME: "'09:45'", DATE: "'2013-07-01'"}.get(target, "'2013-07-01 09:45'")
        raise TypeError(f"{text!r} is not a {target}; write it as {wanted}") from error


def _instant(value: datetime, data_type: pa.DataType) -> pa.Scalar:
    zone = None if value.tzinfo is None else "UTC"
    return pa.scalar(value, pa.timestamp("us", tz=zone))


def null_like(values: Values) -> pa.Scalar:
    """The missing value of the same type."""
    return _null_of(values.type)


@lru_cache(maxsize=1024)
def _null_of(data_type: pa.DataType) -> Any:
    return pa.scalar(None, data_type)
