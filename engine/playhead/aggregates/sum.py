"""sum: the values of a column added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator
from playhead.aggregates.argument_types import only_argument
from playhead.aggregates.plain import PlainAggregate

TAKES = ("integers", "floats", "decimals", "durations", "booleans")


@dataclass(frozen=True)
class Sum(PlainAggregate):
    """The sum of the values; the sum of none is 0.

    Integers, booleans, durations and decimals are added exactly, in more bits than they have; a sum that does not
    fit the result type is an error when it is read, not on the way. Floats of any width are added as float64 with
    compensation (Neumaier), which leaves an error of about 2**-52 of the result and 2**-100 of the sum of absolute
    values; once they leave the range of float64 on the way they stay infinite.

    Examples
    --------
    >>> Sum().result_type([pa.int8()]), Sum().result_type([pa.float32()])
    (DataType(int64), DataType(double))
    """

    name: ClassVar[str] = "sum"

    def result_type(self, types: Sequence[pa.DataType]) -> pa.DataType:
        """int64 for signed integers and booleans, uint64 for unsigned, float64, decimal128(38), the same duration."""
        argument = only_argument(self.name, types, TAKES)
        if pa.types.is_duration(argument):
            return argument
        if pa.types.is_decimal128(argument):
            return pa.decimal128(38, argument.scale)
        if pa.types.is_floating(argument):
            return pa.float64()
        return pa.uint64() if pa.types.is_unsigned_integer(argument) else pa.int64()

    def accumulator(self, types: Sequence[pa.DataType], *, retractable: bool) -> Accumulator:
        """A sum a slot; its inverse is subtraction, so there is one form."""
        from playhead.state.accumulators import sums

        result_type = self.result_type(types)
        if pa.types.is_floating(result_type):
            return sums.FloatSum()
        if pa.types.is_decimal128(result_type):
            return sums.DecimalSum(result_type)
        return sums.IntegerSum(result_type)
