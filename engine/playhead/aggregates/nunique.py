"""nunique: how many distinct values a column has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator
from playhead.aggregates.argument_types import only_argument
from playhead.aggregates.plain import PlainAggregate


@dataclass(frozen=True)
class Nunique(PlainAggregate):
    """The number of distinct values, missing ones not counted; -0.0 is 0.0.

    Every distinct value of a group is kept; `approx_nunique` needs 4 KiB instead.

    Examples
    --------
    >>> Nunique().result_type([pa.string()])
    DataType(int64)
    """

    name: ClassVar[str] = "nunique"
    keeps_rows: ClassVar[bool] = True

    def result_type(self, types: Sequence[pa.DataType]) -> pa.DataType:
        """int64."""
        only_argument(self.name, types)
        return pa.int64()

    def accumulator(self, types: Sequence[pa.DataType], *, retractable: bool) -> Accumulator:
        """A multiset of values a slot."""
        from playhead.state.accumulators.bags import DistinctCount

        return DistinctCount([only_argument(self.name, types)])
