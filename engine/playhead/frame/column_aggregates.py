"""The aggregates of a column: what `agg(mean=frame.price.mean())` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from playhead.aggregates import NAMES
from playhead.errors import PlanError
from playhead.expr import Expr

if TYPE_CHECKING:
    from playhead.aggregates.aggregate import Aggregate


class Aggregations:
    """One value for all rows of a group inside `agg`, for all rows of the frame outside of it."""

    __slots__ = ()

    expr: Expr

    def _aggregate(self, aggregate: Aggregate, *arguments: Expr) -> Self:
        raise NotImplementedError

    def _named(self, name: str) -> Self:
        if name not in NAMES:
            raise PlanError(f"there is no aggregate {name!r}; there are {sorted(NAMES)}")
        return self._aggregate(NAMES[name], self.expr)

    def count(self) -> Self:
        """How many values are there, missing ones not counted."""
        return self._named("count")

    def size(self) -> Self:
        """How many rows there are."""
        if "size" not in NAMES:
            return self._named("size")
        return self._aggregate(NAMES["size"])

    def sum(self) -> Self:
        """The sum; 0 of nothing."""
        return self._named("sum")

    def mean(self) -> Self:
        """The mean; null of nothing."""
        return self._named("mean")

    def min(self) -> Self:
        """The smallest value."""
        return self._named("min")

    def max(self) -> Self:
        """The greatest value."""
        return self._named("max")

    def first(self) -> Self:
        """The value of the first row in event time."""
        return self._named("first")

    def last(self) -> Self:
        """The value of the last row in event time."""
        return self._named("last")

    def std(self) -> Self:
        """The standard deviation of a sample."""
        return self._named("std")

    def var(self) -> Self:
        """The variance of a sample."""
        return self._named("var")

    def median(self) -> Self:
        """The value in the middle."""
        return self._named("median")

    def nunique(self) -> Self:
        """How many different values there are."""
        return self._named("nunique")

    def any(self) -> Self:
        """Whether any value is true."""
        return self._named("any")

    def all(self) -> Self:
        """Whether every value is true."""
        return self._named("all")

    def quantile(self, q: float = 0.5) -> Self:
        """The value below which the part `q` of the values lies, interpolated as pandas does."""
        from playhead.aggregates.quantile import Quantile

        quantile: Any = Quantile
        return self._aggregate(quantile(q), self.expr)
