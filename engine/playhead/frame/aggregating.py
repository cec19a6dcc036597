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
    """The number of rows.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [1.0, None, 4.0, 4.0]}))
    >>> frame.agg(n=ph.size()).compute().n.item()
    4
    """
    return _call(NAMES["size"])


def count(column: ColumnOrName) -> Column:
    """How many values are not missing.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [1.0, None, 4.0, 4.0]}))
    >>> ph.count(frame.x).compute()
    3
    """
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
    """The mean; null of nothing.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [1.0, None, 4.0, 4.0]}))
    >>> ph.mean(frame.x).compute()
    3.0
    """
    return _call(NAMES["mean"], column)


def min(column: ColumnOrName) -> Column:
    """The smallest value; null of nothing.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [1.0, None, 4.0, 4.0]}))
    >>> ph.min(frame.x).compute()
    1.0
    """
    return _call(NAMES["min"], column)


def max(column: ColumnOrName) -> Column:
    """The greatest value; null of nothing.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [1.0, None, 4.0, 4.0]}))
    >>> ph.max(frame.x).compute()
    4.0
    """
    return _call(NAMES["max"], column)


def first(column: ColumnOrName) -> Column:
    """The value of the first row in event time (then `sequence=` columns, then the value).

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> rows = pd.DataFrame({"at": pd.to_datetime(["2013-01-02", "2013-01-01"]), "x": [5, 7]})
    >>> frame = ph.from_pandas(rows, time="at")
    >>> ph.first(frame.x).compute()
    7
    """
    return _call(NAMES["first"], column)


def last(column: ColumnOrName) -> Column:
    """The value of the last row in event time (then `sequence=` columns, then the value).

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> rows = pd.DataFrame({"at": pd.to_datetime(["2013-01-02", "2013-01-01"]), "x": [5, 7]})
    >>> frame = ph.from_pandas(rows, time="at")
    >>> ph.last(frame.x).compute()
    5
    """
    return _call(NAMES["last"], column)


def std(column: ColumnOrName) -> Column:
    """The standard deviation of a sample (ddof=1).

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [1.0, None, 4.0, 4.0]}))
    >>> (ph.std(frame.x) ** 2).round(6).compute()
    3.0
    """
    return _call(NAMES["std"], column)


def var(column: ColumnOrName) -> Column:
    """The variance of a sample (ddof=1).

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [1.0, None, 4.0, 4.0]}))
    >>> ph.var(frame.x).compute()
    3.0
    """
    return _call(NAMES["var"], column)


def median(column: ColumnOrName) -> Column:
    """The middle value, or the mean of the two in the middle.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [1.0, None, 4.0, 4.0]}))
    >>> ph.median(frame.x).compute()
    4.0
    """
    return _call(NAMES["median"], column)


def quantile(column: ColumnOrName, q: float) -> Column:
    """The value below which the share `q` of the values lies, interpolated linearly.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [1.0, None, 4.0, 4.0]}))
    >>> ph.quantile(frame.x, 0.25).compute()
    2.5
    """
    return _call(Quantile(q), column)


def nunique(column: ColumnOrName) -> Column:
    """How many different values there are.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [1.0, None, 4.0, 4.0]}))
    >>> ph.nunique(frame.x).compute()
    2
    """
    return _call(NAMES["nunique"], column)


def any(column: ColumnOrName) -> Column:
    """Whether any value is true; false of nothing.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"delay": [0, 70]}))
    >>> ph.any(frame.delay > 60).compute()
    True
    """
    return _call(NAMES["any"], column)


def all(column: ColumnOrName) -> Column:
    """Whether all values are true; true of nothing.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"delay": [0, 70]}))
    >>> ph.all(frame.delay > 60).compute()
    False
    """
    return _call(NAMES["all"], column)


def approx_nunique(column: ColumnOrName) -> Column:
    """About how many different values there are, in bounded memory (HyperLogLog).

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [1.0, None, 4.0, 4.0]}))
    >>> ph.approx_nunique(frame.x).compute()
    2
    """
    return _call(NAMES["approx_nunique"], column)


def approx_quantile(column: ColumnOrName, q: float) -> Column:
    """About the quantile `q`, in bounded memory (DDSketch: within 1 % of the value).

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [1.0, None, 4.0, 4.0]}))
    >>> ph.approx_quantile(frame.x, 0.5).round(1).compute()
    4.0
    """
    return _call(ApproxQuantile(q), column)


def aggregate(function: UserAggregate, *columns: ColumnOrName) -> Column:
    """An aggregate of your own over some columns.

    Parameters
    ----------
    function : UserAggregate
        An instance of your subclass.
    *columns : Column or str
        What its `add` gets.

    Examples
    --------
    >>> import numpy as np, pandas as pd, playhead as ph
    >>> class Product(ph.UserAggregate):
    ...     state = {"product": "float64"}
    ...     def init(self, state, slots):
    ...         state["product"][slots] = 1
    ...     def add(self, state, slots, values):
    ...         np.multiply.at(state["product"], slots, values)
    ...     def merge(self, state, slots, other, other_slots):
    ...         state["product"][slots] *= other["product"][other_slots]
    ...     def result(self, state, slots):
    ...         return state["product"][slots]
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [2.0, 3.0, 7.0]}))
    >>> ph.aggregate(Product(), frame.x).compute()
    42.0
    """
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
