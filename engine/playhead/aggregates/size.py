"""size: how many rows a group has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator
from playhead.aggregates.plain import PlainAggregate
from playhead.errors import TypeMismatchError


@dataclass(frozen=True)
class Size(PlainAggregate):
    """The number of rows, missing values or not; it has no arguments.

    Examples
    --------
    >>> Size().result_type([])
    DataType(int64)
    """

    name: ClassVar[str] = "size"

    def result_type(self, types: Sequence[pa.DataType]) -> pa.DataType:
        """int64."""
        if types:
            raise TypeMismatchError(f"size takes no column, not {len(types)}; count counts the values of one")
        return pa.int64()

    def accumulator(self, types: Sequence[pa.DataType], *, retractable: bool) -> Accumulator:
        """One count a slot."""
        from playhead.state.accumulators.counts import SizeAccumulator

        self.result_type(types)
        return SizeAccumulator()
