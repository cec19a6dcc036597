"""The operators of a column: arithmetic, comparison, logic, and numpy's functions of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn, Self

import numpy as np

from playhead.errors import PlanError
from playhead.expr import Function
from playhead.functions import arithmetic, comparison
from playhead.functions.mathematics import ufunc_function

_UFUNCS: dict[np.ufunc, Function] = {
    np.add: arithmetic.ADD,
    np.subtract: arithmetic.SUBTRACT,
    np.multiply: arithmetic.MULTIPLY,
    np.divide: arithmetic.DIVIDE,
    np.floor_divide: arithmetic.FLOOR_DIVIDE,
    np.remainder: arithmetic.MODULO,
    np.power: arithmetic.POWER,
    np.negative: arithmetic.NEGATE,
    np.absolute: arithmetic.ABSOLUTE,
    np.equal: comparison.EQUAL,
    np.not_equal: comparison.NOT_EQUAL,
    np.less: comparison.LESS,
    np.less_equal: comparison.LESS_EQUAL,
    np.greater: comparison.GREATER,
    np.greater_equal: comparison.GREATER_EQUAL,
    np.bitwise_and: comparison.AND,
    np.logical_and: comparison.AND,
    np.bitwise_or: comparison.OR,
    np.logical_or: comparison.OR,
    np.bitwise_xor: comparison.XOR,
    np.logical_xor: comparison.XOR,
    np.invert: comparison.INVERT,
    np.logical_not: comparison.INVERT,
}
"""Numpy's functions that are operators of ours."""


class Operators:
    """What Python's operators mean between columns and values; `Column` says how they are applied."""

    __slots__ = ()

    def _apply(self, function: Function, *values: Any) -> Self:
        raise NotImplementedError

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Self:
        if method != "__call__" or options:
            raise PlanError(
                f"numpy's {ufunc.__name__} works on a column only as a plain call, np.{ufunc.__name__}(column)"
            )
        return self._apply(_UFUNCS.get(ufunc) or ufunc_function(ufunc), *inputs)

    def __array__(self, *options: Any, **more: Any) -> NoReturn:
        raise PlanError(f"{self} is not computed yet, so it is no array; compute() the frame first")

    # arithmetic

    def __add__(self, other: Any) -> Self:
        return self._apply(arithmetic.ADD, self, other)

    def __radd__(self, other: Any) -> Self:
        return self._apply(arithmetic.ADD, other, self)

    def __sub__(self, other: Any) -> Self:
        return self._apply(arithmetic.SUBTRACT, self, other)

    def __rsub__(self, other: Any) -> Self:
        return self._apply(arithmetic.SUBTRACT, other, self)

    def __mul__(self, other: Any) -> Self:
        return self._apply(arithmetic.MULTIPLY, self, other)

    def __rmul__(self, other: Any) -> Self:
        return self._apply(arithmetic.MULTIPLY, other, self)

    def __truediv__(self, other: Any) -> Self:
        return self._apply(arithmetic.DIVIDE, self, other)

    def __rtruediv__(self, other: Any) -> Self:
        return self._apply(arithmetic.DIVIDE, other, self)

    def __floordiv__(self, other: Any) -> Self:
        return self._apply(arithmetic.FLOOR_DIVIDE, self, other)

    def __rfloordiv__(self, other: Any) -> Self:
        return self._apply(arithmetic.FLOOR_DIVIDE, other, self)

    def __mod__(self, other: Any) -> Self:
        return self._apply(arithmetic.MODULO, self, other)

    def __rmod__(self, other: Any) -> Self:
        return self._apply(arithmetic.MODULO, other, self)

    def __pow__(self, other: Any) -> Self:
        return self._apply(arithmetic.POWER, self, other)

    def __rpow__(self, other: Any) -> Self:
        return self._apply(arithmetic.POWER, other, self)

    def __neg__(self) -> Self:
        return self._apply(arithmetic.NEGATE, self)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self._apply(arithmetic.ABSOLUTE, self)

    # comparison and logic

    def __eq__(self, other: object) -> Self:  # type: ignore[override]
        return self._apply(comparison.EQUAL, self, other)

    def __ne__(self, other: object) -> Self:  # type: ignore[override]
        return self._apply(comparison.NOT_EQUAL, self, other)

    def __lt__(self, other: Any) -> Self:
        return self._apply(comparison.LESS, self, other)

    def __le__(self, other: Any) -> Self:
        return self._apply(comparison.LESS_EQUAL, self, other)

    def __gt__(self, other: Any) -> Self:
        return self._apply(comparison.GREATER, self, other)

    def __ge__(self, other: Any) -> Self:
        return self._apply(comparison.GREATER_EQUAL, self, other)

    def __and__(self, other: Any) -> Self:
        return self._apply(comparison.AND, self, other)

    def __rand__(self, other: Any) -> Self:
        return self._apply(comparison.AND, other, self)

    def __or__(self, other: Any) -> Self:
        return self._apply(comparison.OR, self, other)

    def __ror__(self, other: Any) -> Self:
        return self._apply(comparison.OR, other, self)

    def __xor__(self, other: Any) -> Self:
        return self._apply(comparison.XOR, self, other)

    def __rxor__(self, other: Any) -> Self:
        return self._apply(comparison.XOR, other, self)

    def __invert__(self) -> Self:
        return self._apply(comparison.INVERT, self)

    def __bool__(self) -> NoReturn:
        raise PlanError(
            f"{self} is a column, not a truth value; join conditions with & | ~ instead of and, or, not"
            " (each in parentheses), and write a.between(low, high) for low <= a <= high"
        )

    def __len__(self) -> NoReturn:
        raise PlanError(f"{self} is not computed yet, so it has no length; count the rows with count().compute()")

    def __iter__(self) -> Iterator[Any]:
        raise PlanError(f"{self} is not computed yet, so there is nothing to loop over; compute() the frame first")
