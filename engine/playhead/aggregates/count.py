"""count: how many values of a column are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator
from playhead.aggregates.plain import PlainAggregate
from playhead.errors import TypeMismatchError


@dataclass(frozen=True)
class Count(PlainAggregate):
    """The number of values that are neither null nor NaN, of any type.

    Examples
    --------
    >>> Count().result_type([pa.string()])
    DataType(int64)
    """

    name: ClassVar[str] = "count"

    def result_type(self, types: Sequence[pa.DataType]) -> pa.DataType:
        """int64."""
        if len(types) != 1:
            raise TypeMismatchError(f"count takes one column, not {len(types)}")
        return pa.int64()

    def accumulator(self, types: Sequence[pa.DataType], *, retractable: bool) -> Accumulator:
        """One count a slot."""
        from playhead.state.accumulators.counts import CountAccumulator

        self.result_type(types)
        return CountAccumulator()
