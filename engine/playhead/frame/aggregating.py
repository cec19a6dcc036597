"""Aggregates as functions of columns, for expressions inside `agg`: `ph.sum("price") / ph.count("price")`."""

from __future__ import annotations

from playhead.aggregates import NAMES, ApproxQuantile, Quantile, UserAggregate, UserDefined
from playhead.aggregates.aggregate import Aggregate
from playhead.errors import PlanError
from playhead.expr import AggregateCall, Col, Expr
from playhead.frame.column import Column, common_frame, to_expr

ColumnOrName = Column | str


def _call(aggregate: Aggregate, *columns: ColumnOrName) -> Column:
    arguments: list[Expr] = [Col(column) if isinstance(column, str) else to_expr(column) for column in columns]
    return Column(AggregateCall(aggregate, tuple(arguments)), common_frame(columns))


def size() -> Column:
    """The number of rows."""
    return _call(NAMES["size"])


def count(column: ColumnOrName) -> Column:
    """How many values are not missing."""
    return _call(NAMES["count"], column)


def sum(column: ColumnOrName) -> Column:
    """The sum; 0 of nothing. Integers exactly, floats compensated.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> trades = ph.from_pandas(pd.DataFrame({"price": [10.0, 20.0], "size": [1, 3]}))
    >>> trades.agg(vwap=ph.sum(ph.col("price") * ph.col("size")) / ph.sum("size")).compute()
       vwap
    0  17.5
    """
    return _call(NAMES["sum"], column)


def mean(column: ColumnOrName) -> Column:
    """The mean; null of nothing."""
    return _call(NAMES["mean"], column)


def min(column: ColumnOrName) -> Column:
    """The smallest value; null of nothing."""
    return _call(NAMES["min"], column)


def max(column: ColumnOrName) -> Column:
    """The greatest value; null of nothing."""
    return _call(NAMES["max"], column)


def first(column: ColumnOrName) -> Column:
    """The value of the first row in event time (then `sequence=` columns, then the value)."""
    return _call(NAMES["first"], column)


def last(column: ColumnOrName) -> Column:
    """The value of the last row in event time (then `sequence=` columns, then the value)."""
    return _call(NAMES["last"], column)


def std(column: ColumnOrName) -> Column:
    """The standard deviation of a sample (ddof=1)."""
    return _call(NAMES["std"], column)


def var(column: ColumnOrName) -> Column:
    """The variance of a sample (ddof=1)."""
    return _call(NAMES["var"], column)


def median(column: ColumnOrName) -> Column:
    """The middle value, or the mean of the two in the middle."""
    return _call(NAMES["median"], column)


def quantile(column: ColumnOrName, q: float) -> Column:
    """The value below which the share `q` of the values lies, interpolated linearly."""
    return _call(Quantile(q), column)


def nunique(column: ColumnOrName) -> Column:
    """How many different values there are."""
    return _call(NAMES["nunique"], column)


def any(column: ColumnOrName) -> Column:
    """Whether any value is true; false of nothing."""
    return _call(NAMES["any"], column)


def all(column: ColumnOrName) -> Column:
    """Whether all values are true; true of nothing."""
    return _call(NAMES["all"], column)


def approx_nunique(column: ColumnOrName) -> Column:
    """About how many different values there are, in bounded memory (HyperLogLog)."""
    return _call(NAMES["approx_nunique"], column)


def approx_quantile(column: ColumnOrName, q: float) -> Column:
    """About the quantile `q`, in bounded memory (DDSketch: within 1 % of the value)."""
    return _call(ApproxQuantile(q), column)


def aggregate(function: UserAggregate, *columns: ColumnOrName) -> Column:
    """An aggregate of your own over some columns."""
    if not isinstance(function, UserAggregate):
        raise PlanError(f"aggregate() takes an instance of a subclass of ph.UserAggregate, not {function!r}")
    return _call(UserDefined(function), *columns)


__all__ = [
    "aggregate",
    "all",
    "any",
    "approx_nunique",
    "approx_quantile",
    "count",
    "first",
    "last",
    "max",
    "mean",
    "median",
    "min",
    "nunique",
    "quantile",
    "size",
    "std",
    "sum",
    "var",
]
