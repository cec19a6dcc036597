"""Comparing tables as bags of rows: the first difference in words, and floats within what adding them may cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

Row = dict[str, Any]


@dataclass(frozen=True)
class Near:
    """An expected float, and by how much a right answer may miss it."""

    value: float
    within: float

    def matches(self, other: Any) -> bool:
        """Whether a result is near enough; NaN and infinities only match themselves."""
        if not isinstance(other, float | int) or isinstance(other, bool):
            return False
        if math.isnan(self.value) or math.isinf(self.value):
            return same_value(float(other), self.value)
        return abs(other - self.value) <= self.within

    def __str__(self) -> str:
        return f"{self.value!r} (+- {self.within:.3g})"


class Bag:
    """Rows and how often each is there, equal only if equal bit by bit. Taking back what is not there is an error."""

    def __init__(self) -> None:
        self._rows: dict[tuple[Any, ...], tuple[Row, int]] = {}

    def add(self, row: Row, weight: int = 1) -> None:
        """Add a row, or with a negative weight take it back."""
        key = tuple(_bits(value) for value in row.values())
        count = self._rows.get(key, (row, 0))[1] + weight
        if count < 0:
            raise AssertionError(f"a row was taken back that is not there: {row}")
        if count:
            self._rows[key] = (row, count)
        else:
            del self._rows[key]

    def rows(self) -> list[Row]:
        """Every row as often as it is there."""
        return [row for row, count in self._rows.values() for _ in range(count)]


def assert_same_rows(actual: Iterable[Row], expected: Iterable[Row], what: str = "the result") -> None:
    """Fail with the first difference between two tables; the order of rows means nothing.

    Expected values may be `Near(value, within)`.

    Examples
    --------
    >>> assert_same_rows([{"k": "a", "n": 2}], [{"k": "a", "n": 3}])
    Traceback (most recent call last):
    AssertionError: the result differs in 'n': 2, not 3, in the row {'k': 'a', 'n': 2}
    """
    difference = first_difference(list(actual), list(expected))
    if difference:
        raise AssertionError(f"{what} {difference}")


def first_difference(actual: Sequence[Row], expected: Sequence[Row]) -> str | None:
    """In words, what `actual` has that `expected` has not, or the other way round; None if they are the same."""
    if not actual and not expected:
        return None
    vague = {name for row in expected for name, value in row.items() if isinstance(value, Near)}
    left = sorted(actual, key=lambda row: _order(row, vague))
    right = sorted(expected, key=lambda row: _order(row, vague))
    for mine, theirs in zip(left, right, strict=False):
        if list(mine) != list(theirs):
            return f"has the columns {list(mine)}, not {list(theirs)}"
        wrong = [name for name in mine if not matches(mine[name], theirs[name])]
        if wrong:
            return f"differs in {wrong[0]!r}: {mine[wrong[0]]!r}, not {_value(theirs[wrong[0]])}, in the row {mine}"
    if len(left) > len(right):
        return f"has {len(left)} rows, not {len(right)}; too many is {left[len(right)]}"
    if len(right) > len(left):
        return f"has {len(left)} rows, not {len(right)}; missing is {_shown(right[len(left)])}"
    return None


def matches(actual: Any, expected: Any) -> bool:
    """Whether one value is what was expected."""
    return expected.matches(actual) if isinstance(expected, Near) else same_value(actual, expected)


def same_value(left: Any, right: Any) -> bool:
    """Equal, and of the same kind; NaN is equal to NaN."""
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    return bool(type(left) is type(right) and left == right)


def records(rows: pa.RecordBatch | pa.Table) -> list[Row]:
    """Rows as dicts; times in UTC, so that they can be compared across the hours that a zone has twice."""
    columns: dict[str, list[Any]] = {}
    for name, column in zip(rows.schema.names, rows.columns, strict=True):
        if pa.types.is_timestamp(column.type) and column.type.tz:
            column = column.cast(pa.timestamp(column.type.unit, tz="UTC"))
        columns[name] = column.to_pylist()
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _bits(value: Any) -> Any:
    return ("float", value.hex()) if isinstance(value, float) else (type(value).__name__, str(value))


def _order(row: Mapping[str, Any], without: Iterable[str]) -> tuple[Any, ...]:
    skipped = set(without)
    exact = [_sortable(value) for name, value in row.items() if name not in skipped]
    rest = [_sortable(row[name].value if isinstance(row[name], Near) else row[name]) for name in row if name in skipped]
    return (*exact, *rest)


def _sortable(value: Any) -> tuple[str, Any]:
    if value is None:
        return ("", "")
    if isinstance(value, float) and math.isnan(value):
        return ("nan", "")
    if isinstance(value, bool | str | bytes):
        return (type(value).__name__, value)
    if isinstance(value, int | float):
        return ("number", value)
    return (type(value).__name__, str(value))


def _value(value: Any) -> str:
    return str(value) if isinstance(value, Near) else repr(value)


def _shown(row: Row) -> str:
    return "{" + ", ".join(f"{name!r}: {_value(value)}" for name, value in row.items()) + "}"
