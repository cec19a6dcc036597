"""Choosing between values: where, mask, fillna, clip."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from playhead.expr import Function, Values
from playhead.functions.comparison import GREATER, LESS, is_missing
from playhead.functions.operands import BOOLEAN, FLOAT, NULL, convert, decoded, kind_of, meet


def where(condition: Values, values: Values, other: Values) -> Values:
    """`values` where the condition is true, `other` where it is false or null."""
    return pc.if_else(_true(condition), *_alike(values, other))


def mask(condition: Values, values: Values, other: Values) -> Values:
    """`other` where the condition is true or null, `values` where it is false."""
    condition = _boolean(condition)
    return pc.if_else(pc.fill_null(condition, True), *_alike(other, values))


def fill_missing(values: Values, replacement: Values) -> Values:
    """`values`, and `replacement` where they are null or NaN."""
    if not isinstance(values, pa.Scalar) and values.null_count == 0 and kind_of(values) != FLOAT:
        return _alike(values, replacement)[0]
    values, replacement = _alike(values, replacement)
    if kind_of(values) != FLOAT:
        return pc.coalesce(values, replacement)
    return pc.if_else(is_missing(values), replacement, values)


def clip(values: Values, lower: Values, upper: Values) -> Values:
    """`values`, no less than `lower` and no more than `upper`; a null bound does not bound."""
    for bound, beyond in ((lower, LESS), (upper, GREATER)):
        if kind_of(bound) == NULL:
            continue
        outside = _true(beyond.evaluate(values, bound))
        values, bound = _alike(values, bound)
        values = pc.if_else(outside, bound, values)
    return values


def _alike(left: Values, right: Values) -> tuple[Values, Values]:
    """Both in one type; of two dictionaries the values."""
    left, right = meet(left, right)
    return decoded(left), decoded(right)


def _boolean(condition: Values) -> Values:
    if kind_of(condition) not in (BOOLEAN, NULL):
        raise TypeError(f"the condition is {condition.type}, not boolean; compare it with something")
    return convert(condition, pa.bool_())


def _true(condition: Values) -> Values:
    condition = _boolean(condition)
    if not isinstance(condition, pa.Scalar) and condition.null_count == 0:
        return condition
    return pc.fill_null(condition, False)


WHERE = Function("where", where)
MASK = Function("mask", mask)
FILL_MISSING = Function("fillna", fill_missing)
CLIP = Function("clip", clip)
