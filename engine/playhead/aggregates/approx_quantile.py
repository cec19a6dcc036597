"""approx_quantile: about the value that a given share of the values does not exceed, in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator
from playhead.aggregates.argument_types import only_argument
from playhead.aggregates.plain import PlainAggregate
from playhead.aggregates.quantile import require_share

TAKES = ("integers", "floats", "decimals", "booleans")


@dataclass(frozen=True)
class ApproxQuantile(PlainAggregate):
    """The quantile, each of the values that it is interpolated from being off by at most 1 % of itself.

    DDSketch: values are counted in buckets, of which one covers 2 %, so that a group takes some hundreds of counts
    whatever the number of its rows. Negative values, zero and infinities have buckets too. The same values give the
    same answer in any order, and rows can be taken back.

    Examples
    --------
    >>> str(ApproxQuantile(0.99)), ApproxQuantile(0.99).result_type([pa.float32()])
    ('approx_quantile[0.99]', DataType(double))
    """

    q: float = 0.5

    name: ClassVar[str] = "approx_quantile"

    def __post_init__(self) -> None:
        require_share(self.name, self.q)

    def __str__(self) -> str:
        return f"{self.name}[{self.q}]"

    def result_type(self, types: Sequence[pa.DataType]) -> pa.DataType:
        """float64."""
        only_argument(self.name, types, TAKES)
        return pa.float64()

    def accumulator(self, types: Sequence[pa.DataType], *, retractable: bool) -> Accumulator:
        """Counts of buckets a slot."""
        from playhead.state.accumulators.quantiles import ApproximateQuantile

        self.result_type(types)
        return ApproximateQuantile(self.q)
