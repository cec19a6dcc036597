"""Aggregate functions: what each is called, takes and gives. Their running state is in `state.accumulators`."""

from __future__ import annotations

from playhead.aggregates.aggregate import Accumulator, Aggregate
from playhead.aggregates.count import Count
from playhead.aggregates.extreme import Max, Min
from playhead.aggregates.mean import Mean
from playhead.aggregates.size import Size
from playhead.aggregates.sum import Sum

_ALL: tuple[Aggregate, ...] = (Size(), Count(), Sum(), Mean(), Min(), Max())

NAMES: dict[str, Aggregate] = {aggregate.name: aggregate for aggregate in _ALL}
"""The aggregates that a name is enough for, as in `agg(n=("flight", "count"))`."""

__all__ = ["NAMES", "Accumulator", "Aggregate", "Count", "Max", "Mean", "Min", "Size", "Sum"]
