"""Aggregate functions: what each is called, takes and gives. Their running state is in `state.accumulators`."""

from __future__ import annotations

from playhead.aggregates.aggregate import Accumulator, Aggregate
from playhead.aggregates.approx_nunique import ApproxNunique
from playhead.aggregates.approx_quantile import ApproxQuantile
from playhead.aggregates.count import Count
from playhead.aggregates.extreme import Max, Min
from playhead.aggregates.first_last import First, Last
from playhead.aggregates.mean import Mean
from playhead.aggregates.nunique import Nunique
from playhead.aggregates.quantile import Median, Quantile
from playhead.aggregates.size import Size
from playhead.aggregates.sum import Sum
from playhead.aggregates.truth import All, Any
from playhead.aggregates.user import UserAggregate, UserDefined
from playhead.aggregates.variance import Std, Var

_ALL: tuple[Aggregate, ...] = (
    Size(),
    Count(),
    Sum(),
    Mean(),
    Min(),
    Max(),
    First(),
    Last(),
    Std(),
    Var(),
    Median(),
    Nunique(),
    Any(),
    All(),
    ApproxNunique(),
)

NAMES: dict[str, Aggregate] = {aggregate.name: aggregate for aggregate in _ALL}
"""The aggregates that a name is enough for, as in `agg(n=("flight", "count"))`."""

__all__ = [
    "NAMES",
    "Accumulator",
    "Aggregate",
    "All",
    "Any",
    "ApproxNunique",
    "ApproxQuantile",
    "Count",
    "First",
    "Last",
    "Max",
    "Mean",
    "Median",
    "Min",
    "Nunique",
    "Quantile",
    "Size",
    "Std",
    "Sum",
    "UserAggregate",
    "UserDefined",
    "Var",
]
