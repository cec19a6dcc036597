"""mean: the average of the values of a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator
from playhead.aggregates.argument_types import only_argument
from playhead.aggregates.plain import PlainAggregate
from playhead.aggregates.sum import TAKES


@dataclass(frozen=True)
class Mean(PlainAggregate):
    """The mean of the values, null if there are none; of booleans it is the share that is true.

    The sum behind it is that of `sum`, so exact but for floats. A mean of durations is rounded down to their unit.

    Examples
    --------
    >>> Mean().result_type([pa.bool_()])
    DataType(double)
    """

    name: ClassVar[str] = "mean"

    def result_type(self, types: Sequence[pa.DataType]) -> pa.DataType:
        """float64; of durations the same duration."""
        argument = only_argument(self.name, types, TAKES)
        return argument if pa.types.is_duration(argument) else pa.float64()

    def accumulator(self, types: Sequence[pa.DataType], *, retractable: bool) -> Accumulator:
        """A sum and a count a slot."""
        from playhead.state.accumulators import means

        argument = only_argument(self.name, types, TAKES)
        if pa.types.is_duration(argument):
            return means.DurationMean(argument)
        if pa.types.is_floating(argument):
            return means.FloatMean()
        if pa.types.is_decimal128(argument):
            return means.DecimalMean(pa.decimal128(38, argument.scale))
        return means.IntegerMean(pa.uint64() if pa.types.is_unsigned_integer(argument) else pa.int64())
