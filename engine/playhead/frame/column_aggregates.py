"""The aggregates of a column: what `agg(mean=frame.price.mean())` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from playhead.aggregates import NAMES
from playhead.errors import PlanError
from playhead.expr import Expr
from playhead.frame.pandas_arguments import refuse

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

    def count(self, **pandas: Any) -> Self:
        """How many values are there, missing ones not counted."""
        refuse(pandas)
        return self._named("count")

    def size(self, **pandas: Any) -> Self:
        """How many rows there are."""
        refuse(pandas)
        if "size" not in NAMES:
            return self._named("size")
        return self._aggregate(NAMES["size"])

    def sum(self, **pandas: Any) -> Self:
        """The sum; 0 of nothing."""
        refuse(pandas)
        return self._named("sum")

    def mean(self, **pandas: Any) -> Self:
        """The mean; null of nothing."""
        refuse(pandas)
        return self._named("mean")

    def min(self, **pandas: Any) -> Self:
        """The smallest value."""
        refuse(pandas)
        return self._named("min")

    def max(self, **pandas: Any) -> Self:
        """The greatest value."""
        refuse(pandas)
        return self._named("max")

    def first(self, **pandas: Any) -> Self:
        """The value of the first row in event time."""
        refuse(pandas)
        return self._named("first")

    def last(self, **pandas: Any) -> Self:
        """The value of the last row in event time."""
        refuse(pandas)
        return self._named("last")

    def std(self, **pandas: Any) -> Self:
        """The standard deviation of a sample."""
        refuse(pandas)
        return self._named("std")

    def var(self, **pandas: Any) -> Self:
        """The variance of a sample."""
        refuse(pandas)
        return self._named("var")

    def median(self, **pandas: Any) -> Self:
        """The value in the middle."""
        refuse(pandas)
        return self._named("median")

    def nunique(self, **pandas: Any) -> Self:
        """How many different values there are."""
        refuse(pandas)
        return self._named("nunique")

    def any(self, **pandas: Any) -> Self:
        """Whether any value is true."""
        refuse(pandas)
        return self._named("any")

    def all(self, **pandas: Any) -> Self:
        """Whether every value is true."""
        refuse(pandas)
        return self._named("all")

    def quantile(self, q: float = 0.5, **pandas: Any) -> Self:
        """The value below which the part `q` of the values lies, interpolated as pandas does."""
        refuse(pandas)
        from playhead.aggregates.quantile import Quantile

        quantile: Any = Quantile
        return self._aggregate(quantile(q), self.expr)
