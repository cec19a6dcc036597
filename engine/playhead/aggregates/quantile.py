"""quantile and median: the value that a given share of the values does not exceed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator
from playhead.aggregates.argument_types import only_argument
from playhead.aggregates.plain import PlainAggregate
from playhead.errors import PlanError

TAKES = ("integers", "floats", "decimals", "booleans", "durations", "times")


@dataclass(frozen=True)
class Quantile(PlainAggregate):
    """The value at `q` of the way through the sorted values, interpolated linearly as in pandas; null if there is none.

    Every distinct value of a group is kept, with its count; `approx_quantile` needs less.

    Examples
    --------
    >>> str(Quantile(0.9)), Quantile(0.9).result_type([pa.int64()])
    ('quantile[0.9]', DataType(double))
    """

    q: float = 0.5

    name: ClassVar[str] = "quantile"
    keeps_rows: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_share(self.name, self.q)

    def __str__(self) -> str:
        return f"{self.name}[{self.q}]"

    def result_type(self, types: Sequence[pa.DataType]) -> pa.DataType:
        """float64; of times and durations their own type, rounded down to its unit."""
        argument = only_argument(self.name, types, TAKES)
        return argument if pa.types.is_temporal(argument) else pa.float64()

    def accumulator(self, types: Sequence[pa.DataType], *, retractable: bool) -> Accumulator:
        """A multiset of values a slot."""
        from playhead.state.accumulators.quantiles import QuantileAccumulator

        return QuantileAccumulator(only_argument(self.name, types, TAKES), self.q)


@dataclass(frozen=True)
class Median(Quantile):
    """The value in the middle, or the mean of the two that are; see Quantile.

    Examples
    --------
    >>> Median().result_type([pa.duration("us")])
    DurationType(duration[us])
    """

    name: ClassVar[str] = "median"

    def __post_init__(self) -> None:
        if self.q != 0.5:
            raise PlanError(f"a median has q=0.5, not {self.q}; use quantile")

    def __str__(self) -> str:
        return self.name


def require_share(name: str, q: float) -> None:
    """Raise PlanError unless `q` is a number from 0 to 1."""
    if not isinstance(q, int | float) or not 0 <= q <= 1:
        raise PlanError(f"{name} needs a q from 0 to 1, not {q!r}")
