"""Comparison, logic and what is missing: everything whose result is true, false or null.

A comparison with null is null, logic is Kleene's (null and false is false), NaN is a value that equals
nothing. Only `isna`, `notna` and `isin` look at what is missing: both null and NaN are.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from playhead.expr import Function, Values
from playhead.functions.operands import (
    BINARY,
    BOOLEAN,
    DECIMAL,
    FLOAT,
    INTEGER,
    KINDS,
    NULL,
    STRING,
    convert,
    decoded,
    kind_of,
    meet,
    read_literal,
)

_EXACT_INTEGER = pa.decimal128(20, 0)


def _comparison(name: str, kernel: str) -> Function:
    call = getattr(pc, kernel)

    def compare(left: Values, right: Values) -> Values:
        return call(*_comparable(left, right))

    compare.__name__ = compare.__qualname__ = kernel
    compare.__doc__ = f"Whether `left {name} right`; null where either is."
    return Function(name, compare)


def _comparable(left: Values, right: Values) -> tuple[Values, Values]:
    left_type, right_type = left.type, right.type
    if left_type.id == right_type.id and left_type == right_type:
        return left, right
    met_left, met_right = meet(left, right)
    if KINDS.get(met_left.type.id) == FLOAT and kind_of(left) == kind_of(right) == INTEGER:
        return convert(left, _EXACT_INTEGER), convert(right, _EXACT_INTEGER)  # uint64 beside int64
    return met_left, met_right


EQUAL = _comparison("==", "equal")
NOT_EQUAL = _comparison("!=", "not_equal")
LESS = _comparison("<", "less")
LESS_EQUAL = _comparison("<=", "less_equal")
GREATER = _comparison(">", "greater")
GREATER_EQUAL = _comparison(">=", "greater_equal")


def _logic(symbol: str, kernel: Callable[..., Any], bitwise: Callable[..., Any]) -> Callable[[Values, Values], Values]:
    def combine(left: Values, right: Values) -> Values:
        if left.type.id == right.type.id == pa.lib.Type_BOOL:
            return kernel(left, right)
        kinds = {kind_of(left), kind_of(right)}
        if kinds <= {BOOLEAN, NULL}:
            return kernel(convert(left, pa.bool_()), convert(right, pa.bool_()))
        if kinds == {INTEGER}:
            return bitwise(*meet(left, right))
        raise TypeError(
            f"{symbol} joins conditions, and these are {left.type} and {right.type}; "
            f"put each comparison in parentheses: (a > 1) {symbol} (b < 2)"
        )

    return combine


AND = Function("&", _logic("&", pc.and_kleene, pc.bit_wise_and))
OR = Function("|", _logic("|", pc.or_kleene, pc.bit_wise_or))
XOR = Function("^", _logic("^", pc.xor, pc.bit_wise_xor))


def invert(values: Values) -> Values:
    """Not; of integers every bit."""
    if kind_of(values) in (BOOLEAN, NULL):
        return pc.invert(convert(values, pa.bool_()))
    if kind_of(values) == INTEGER:
        return pc.bit_wise_not(values)
    raise TypeError(f"~ turns a condition round, and this is {values.type}")


def is_missing(values: Values) -> Values:
    """Whether a value is null or NaN."""
    if values.type.id == pa.lib.Type_DICTIONARY:
        values = decoded(values)
    return pc.is_null(values, nan_is_null=True)


def is_present(values: Values) -> Values:
    """Whether a value is neither null nor NaN."""
    return pc.invert(is_missing(values))


def is_in(values: Values, choices: pa.ListScalar, *, missing: bool = False) -> Values:
    """Whether a value is one of `choices`; `missing` says whether null counts as one of them."""
    values = decoded(values)
    result = pc.is_in(values, value_set=_choices_as(choices, values.type), skip_nulls=True)
    return pc.or_(result, pc.is_null(values)) if missing else result


@lru_cache(maxsize=256)
def _choices_as(choices: pa.ListScalar, data_type: pa.DataType) -> pa.Array:
    """The choices that a column of `data_type` can hold, in its type; no other could be in it."""
    if choices.values.type == data_type and KINDS.get(data_type.id) != FLOAT:
        return choices.values
    fitting = [fitting_choice(choice, data_type) for choice in choices.values]
    found = [choice.as_py() for choice in fitting if choice is not None]
    return pa.array([value for choice in found for value in both_zeros(choice)], data_type)


def both_zeros(value: Any) -> tuple[Any, ...]:
    """The value as all that equal it: a lookup does not know that 0.0 and -0.0 do."""
    return (0.0, -0.0) if isinstance(value, float) and value == 0 else (value,)


def _equal_number(value: float | Decimal, data_type: pa.DataType) -> pa.Scalar | None:
    """A float or decimal as the value of another type of numbers that equals it, or None where there is none."""
    target = KINDS[data_type.id]
    if target == FLOAT:
        return pa.scalar(float(value), data_type)
    if not isfinite(value) or (target == INTEGER and value % 1):
        return None
    try:
        return pa.scalar(int(value) if target == INTEGER else Decimal(repr(value)), data_type)
    except (pa.ArrowInvalid, OverflowError):
        return None


def fitting_choice(choice: pa.Scalar, data_type: pa.DataType) -> pa.Scalar | None:
    """A literal as the value of `data_type` that equals it, or None where there is none."""
    kind, target = KINDS.get(choice.type.id), KINDS.get(data_type.id)
    if kind in (FLOAT, DECIMAL) and target in (INTEGER, FLOAT, DECIMAL) and kind != target:
        return _equal_number(choice.as_py(), data_type)
    elif kind in (INTEGER, FLOAT) and target == BOOLEAN and choice.as_py() in (0, 1):
        choice = pa.scalar(choice.as_py() == 1)
    read = read_literal(choice, data_type)
    if read.type != data_type and KINDS.get(read.type.id) == target and target in (FLOAT, STRING, BINARY):
        return convert(read, data_type)
    return read if read.type == data_type else None


INVERT = Function("~", invert)
IS_MISSING = Function("isna", is_missing)
IS_PRESENT = Function("notna", is_present)
IS_IN = Function("isin", is_in)
