"""Numpy's functions over Arrow numbers, nulls kept: what Arrow has no kernel for, bit for bit as pandas has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from playhead.expr import Values
from playhead.functions.operands import convert, null_like


def apply_ufunc(ufunc: Callable[..., Any], *arguments: Values) -> Values:
    """`ufunc` over the values; null where an argument is null.

    Zero and undefined results are what pandas gives without a warning; an integer that does not fit is an error.
    """
    if all(isinstance(argument, pa.Scalar) for argument in arguments):
        return apply_ufunc(ufunc, *[pa.array([argument.as_py()], argument.type) for argument in arguments])[0]
    try:
        with np.errstate(divide="ignore", invalid="ignore", under="ignore", over="raise"):
            result = ufunc(*[_view(argument) for argument in arguments])
    except FloatingPointError:
        result = _overflowing(ufunc, arguments)
    return _with_nulls(pa.array(result), arguments)


def _overflowing(ufunc: Callable[..., Any], arguments: tuple[Values, ...]) -> Any:
    """The result after all, if floats became infinite or what overflowed lies under a null."""
    views = [_view(without_garbage(argument)) for argument in arguments]
    try:
        with np.errstate(all="ignore", over="raise"):
            return ufunc(*views)
    except FloatingPointError:
        with np.errstate(all="ignore"):
            result = ufunc(*views)
    if result.dtype.kind in "iu":
        raise pa.ArrowInvalid("overflow")
    return result


def without_garbage(values: Values) -> Values:
    """The values with 1 where null: anything may lie there, and not every kernel looks away."""
    if isinstance(values, pa.Scalar) or not values.null_count:
        return values
    return pc.fill_null(values, pa.scalar(1, pa.int64()).cast(values.type))


def _view(values: Values) -> Any:
    """The values as numpy sees them, whatever lies under the nulls; no copy."""
    if isinstance(values, pa.Scalar):
        dtype = np.dtype(values.type.to_pandas_dtype())
        return dtype.type(values.as_py() if values.is_valid else 1)
    if values.type.id == pa.lib.Type_BOOL:
        return pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    data = values.buffers()[1]
    dtype = np.dtype(values.type.to_pandas_dtype())
    if data is None:
        return np.empty(0, dtype)
    return np.frombuffer(data, dtype, count=len(values), offset=values.offset * dtype.itemsize)


def _with_nulls(result: pa.Array, arguments: tuple[Values, ...]) -> Values:
    for argument in arguments:
        if isinstance(argument, pa.Scalar):
            if not argument.is_valid:
                return pa.nulls(len(result), result.type)
        elif argument.null_count:
            result = pc.if_else(pc.is_valid(argument), result, null_like(result))
    return result


def as_floats(values: Values) -> Values:
    """Numbers as float64, float32 as it is; for functions whose results are no integers.

    Raises
    ------
    TypeError
        If the values are no numbers.
    """
    if values.type.id in (pa.lib.Type_DOUBLE, pa.lib.Type_FLOAT):
        return values
    if pa.types.is_integer(values.type) or pa.types.is_decimal(values.type) or pa.types.is_floating(values.type):
        return convert(values, pa.float64())
    raise TypeError(f"{values.type} is not a number")
