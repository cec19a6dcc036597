"""any and all: whether some, or every, value of a column is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator
from playhead.aggregates.argument_types import only_argument
from playhead.aggregates.plain import PlainAggregate

TAKES = ("booleans", "integers", "floats", "durations")


@dataclass(frozen=True)
class Any(PlainAggregate):
    """Whether some value is true, of numbers whether some is not 0; of nothing false.

    Examples
    --------
    >>> Any().result_type([pa.bool_()])
    DataType(bool)
    """

    name: ClassVar[str] = "any"
    every: ClassVar[bool] = False

    def result_type(self, types: Sequence[pa.DataType]) -> pa.DataType:
        """bool."""
        only_argument(self.name, types, TAKES)
        return pa.bool_()

    def accumulator(self, types: Sequence[pa.DataType], *, retractable: bool) -> Accumulator:
        """How many values are true and how many false."""
        from playhead.state.accumulators.truths import TruthAccumulator

        self.result_type(types)
        return TruthAccumulator(every=self.every)


@dataclass(frozen=True)
class All(Any):
    """Whether every value is true, of numbers whether none is 0; of nothing true.

    Examples
    --------
    >>> All().result_type([pa.int64()])
    DataType(bool)
    """

    name: ClassVar[str] = "all"
    every: ClassVar[bool] = True
