"""Arithmetic on columns: + - * / // % ** and what has one operand, with pandas' results and checked integers.

`/` of integers is float64, `//` and `%` follow the sign of the divisor, an integer that does not fit its
type is an error instead of a wrapped one. Times and durations are subtracted, shifted and scaled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from playhead.expr import Function, Values
from playhead.functions.operands import (
    BINARY,
    BOOLEAN,
    DATE,
    DECIMAL,
    DURATION,
    FLOAT,
    INTEGER,
    NULL,
    NUMBERS,
    STRING,
    TIMESTAMP,
    convert,
    decoded,
    kind_of,
    meet,
    null_like,
    read_literal,
)
from playhead.functions.through_numpy import apply_ufunc, as_floats, without_garbage

_DATES = frozenset({DATE, TIMESTAMP})
_COUNTED = frozenset({INTEGER, FLOAT, BOOLEAN})
_FLOAT64 = pa.float64()
_TEXT = frozenset({STRING, BINARY})


def _kinds(left: Values, right: Values) -> tuple[str, str]:
    """The kinds of both operands; an untyped null counts as the other's kind."""
    left_kind, right_kind = kind_of(left), kind_of(right)
    return (right_kind if left_kind == NULL else left_kind), (left_kind if right_kind == NULL else right_kind)


def _refuse(symbol: str, left: Values, right: Values) -> TypeError:
    remedy = "; .astype(...) one side" if {kind_of(left), kind_of(right)} & _TEXT else ""
    return TypeError(f"there is no {left.type} {symbol} {right.type}{remedy}")


def _booleans_as_integers(left: Values, right: Values) -> tuple[Values, Values]:
    """Booleans count as 0 and 1 beside numbers."""
    if kind_of(left) == BOOLEAN:
        left = convert(left, pa.int8())
    if kind_of(right) == BOOLEAN:
        right = convert(right, pa.int8())
    return left, right


def add(left: Values, right: Values) -> Values:
    """Sum of numbers, a time shifted by a duration, strings joined; booleans are or-ed, as in pandas."""
    left, right = decoded(left), decoded(right)
    match _kinds(left, right):
        case (a, b) if a in NUMBERS and b in NUMBERS:
            return pc.add_checked(*meet(left, right))
        case ("boolean", "boolean"):
            return pc.or_(*meet(left, right))
        case (a, b) if a in _TEXT and a == b:
            left, right = meet(left, right)
            return pc.binary_join_element_wise(left, right, convert(pa.scalar(""), left.type))
        case ("duration", "duration"):
            return _checked(pc.add_checked, *meet(left, right))
        case (a, "duration") if a in _DATES:
            return _checked(pc.add_checked, left, _coarse(right, left))
        case ("duration", b) if b in _DATES:
            return _checked(pc.add_checked, _coarse(left, right), right)
        case (a, b) if DECIMAL in (a, b) or {a, b} <= _COUNTED:
            return pc.add_checked(*_decimals(left, right, "+"))
    raise _refuse("+", left, right)


def subtract(left: Values, right: Values) -> Values:
    """Difference of numbers, the time between two times, a time shifted back by a duration."""
    match _kinds(left, right):
        case (a, b) if a in NUMBERS and b in NUMBERS:
            return pc.subtract_checked(*meet(left, right))
        case (a, "duration") if a in _DATES:
            return _checked(pc.subtract_checked, left, _coarse(right, left))
        case (a, b) if (a in _DATES and b in _DATES) or a == b == DURATION:
            return _checked(pc.subtract_checked, *meet(left, right))
        case (a, b) if (DECIMAL in (a, b) or {a, b} <= _COUNTED) and (a, b) != (BOOLEAN, BOOLEAN):
            return pc.subtract_checked(*_decimals(left, right, "-"))
    raise _refuse("-", left, right)


def multiply(left: Values, right: Values) -> Values:
    """Product of numbers, a duration scaled by a number; booleans are and-ed, as in pandas."""
    match _kinds(left, right):
        case (a, b) if a in NUMBERS and b in NUMBERS:
            return pc.multiply_checked(*meet(left, right))
        case ("boolean", "boolean"):
            return pc.and_(*meet(left, right))
        case ("duration", b) if b in _COUNTED:
            return _scale(left, right)
        case (a, "duration") if a in _COUNTED:
            return _scale(right, left)
        case (a, b) if DECIMAL in (a, b) or {a, b} <= _COUNTED:
            return pc.multiply_checked(*_decimals(left, right, "*"))
    raise _refuse("*", left, right)


def divide(left: Values, right: Values) -> Values:
    """Quotient: float64 for integers (infinite or NaN by zero), a duration for a duration by a number."""
    left, right = _booleans_as_integers(left, right) if kind_of(left) != kind_of(right) else (left, right)
    match _kinds(left, right):
        case (a, b) if a in NUMBERS and b in NUMBERS:
            if a == b == INTEGER:
                return pc.divide(_as_float(left), _as_float(right))
            return pc.divide(*meet(left, right))
        case ("duration", "duration"):
            left, right = meet(left, right)
            return pc.divide(*(convert(convert(side, pa.int64()), pa.float64()) for side in (left, right)))
        case ("duration", "integer"):
            return pc.divide(left, convert(right, pa.int64()))
        case ("duration", "float"):
            return _scale(left, pc.divide(convert(pa.scalar(1.0), right.type), right))
        case (a, b) if DECIMAL in (a, b):
            return pc.divide(*_decimals(left, right, "/"))
    raise _refuse("/", left, right)


def _as_float(values: Values) -> Values:
    return read_literal(values, _FLOAT64) if isinstance(values, pa.Scalar) else convert(values, _FLOAT64)


def floor_divide(left: Values, right: Values) -> Values:
    """Quotient rounded down; of integers by zero it is 0, as pandas' Int64 has it."""
    return _numpy_division(np.floor_divide, "//", left, right)


def modulo(left: Values, right: Values) -> Values:
    """What `//` leaves, with the sign of the divisor; of integers by zero it is 0, as pandas' Int64 has it."""
    return _numpy_division(remainder, "%", left, right)


def remainder(left: Any, right: Any) -> Any:
    """`np.remainder`, by way of the quotient where the divisor is one positive integer: numpy is fast at that alone."""
    if isinstance(right, np.integer) and right > 0:
        return left - np.floor_divide(left, right) * right
    return np.remainder(left, right)


def _numpy_division(ufunc: Callable[..., Any], symbol: str, left: Values, right: Values) -> Values:
    kinds = _kinds(left, right)
    if kinds == (DURATION, DURATION):
        left, right = meet(left, right)
        result = apply_ufunc(ufunc, convert(left, pa.int64()), convert(right, pa.int64()))
        return convert(result, left.type) if symbol == "%" else result
    if kinds == (DURATION, INTEGER) and symbol == "//":
        return convert(apply_ufunc(ufunc, convert(left, pa.int64()), convert(right, pa.int64())), left.type)
    left, right = _booleans_as_integers(left, right) if kinds != (BOOLEAN, BOOLEAN) else (left, right)
    if kind_of(left) in NUMBERS | {NULL} and kind_of(right) in NUMBERS | {NULL} and kinds != (NULL, NULL):
        return apply_ufunc(ufunc, *meet(left, right))
    raise _refuse(symbol, left, right)


def power(left: Values, right: Values) -> Values:
    """`left` to the power `right`; an integer to a negative power is an error, as in pandas."""
    left, right = meet(*_booleans_as_integers(left, right))
    match _kinds(left, right):
        case ("integer", "integer"):
            return pc.power_checked(left, right)
        case ("float", "float"):
            return apply_ufunc(np.power, left, right)
        case ("decimal", "decimal"):
            return apply_ufunc(np.power, as_floats(left), as_floats(right))
    raise _refuse("**", left, right)


def negate(values: Values) -> Values:
    """The values with the other sign."""
    if kind_of(values) in (BOOLEAN, STRING):
        raise TypeError(f"there is no -{values.type}" + ("; use ~" if kind_of(values) == BOOLEAN else ""))
    return pc.negate_checked(values)


def absolute(values: Values) -> Values:
    """The values without their sign."""
    return values if kind_of(values) == BOOLEAN else pc.abs_checked(values)


def round_half_to_even(values: Values, *, decimals: int = 0) -> Values:
    """Rounded to `decimals` digits, halves to the even neighbour, as numpy and pandas round."""
    kind = kind_of(values)
    if kind == BOOLEAN or (kind == INTEGER and decimals >= 0):
        return values
    if kind not in (INTEGER, FLOAT, DECIMAL):
        raise TypeError(f"there is no round for {values.type}" + ("; use .dt.round" if kind == TIMESTAMP else ""))
    return pc.round(values, ndigits=decimals, round_mode="half_to_even")


def _checked(kernel: Callable[[Values, Values], Values], left: Values, right: Values) -> Values:
    """Arrow's kernels for times see an overflow in what lies under a null, such as pandas' NaT."""
    try:
        return kernel(left, right)
    except pa.ArrowInvalid:
        result = kernel(without_garbage(left), without_garbage(right))
    for operand in (left, right):
        if isinstance(operand, pa.Scalar):
            result = result if operand.is_valid else pa.nulls(len(result), result.type)
        elif operand.null_count:
            result = pc.if_else(pc.is_valid(operand), result, null_like(result))
    return result


def _coarse(duration: Values, instants: Values) -> Values:
    """The duration in the unit of the times where nothing is lost, so that microseconds stay microseconds."""
    if kind_of(duration) == NULL:
        return pa.scalar(None, pa.duration("us"))
    if isinstance(duration, pa.Scalar) and kind_of(instants) == TIMESTAMP and duration.type.unit != instants.type.unit:
        try:
            return duration.cast(pa.duration(instants.type.unit))
        except pa.ArrowInvalid:
            return duration
    return duration


def _scale(duration: Values, factor: Values) -> Values:
    if kind_of(factor) != FLOAT:
        return _checked(pc.multiply_checked, duration, convert(factor, pa.int64()))
    ticks = convert(convert(duration, pa.int64()), pa.float64())
    product = pc.trunc(pc.multiply(ticks, convert(factor, pa.float64())))
    finite = pc.if_else(pc.is_finite(product), product, pa.scalar(None, pa.float64()))
    return pc.cast(pc.cast(finite, pa.int64()), duration.type)


def _decimals(left: Values, right: Values, symbol: str) -> tuple[Values, Values]:
    """Decimals stay decimals beside integers and become floats beside floats; booleans count as integers."""
    left, right = _booleans_as_integers(left, right)
    kinds = {kind_of(left), kind_of(right)}
    if not kinds <= {DECIMAL, INTEGER, FLOAT, NULL}:
        raise _refuse(symbol, left, right)
    if kinds == {DECIMAL, FLOAT}:
        return convert(left, pa.float64()), convert(right, pa.float64())
    if kinds <= {DECIMAL, INTEGER}:
        return left, right
    return meet(left, right)


ADD = Function("+", add)
SUBTRACT = Function("-", subtract)
MULTIPLY = Function("*", multiply)
DIVIDE = Function("/", divide)
FLOOR_DIVIDE = Function("//", floor_divide)
MODULO = Function("%", modulo)
POWER = Function("**", power)
NEGATE = Function("-", negate)
ABSOLUTE = Function("abs", absolute)
ROUND = Function("round", round_half_to_even)
