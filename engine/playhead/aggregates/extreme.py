"""min and max: the smallest and the greatest value of a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator
from playhead.aggregates.argument_types import only_argument
from playhead.aggregates.plain import PlainAggregate


@dataclass(frozen=True)
class Max(PlainAggregate):
    """The greatest value, null if there is none; strings and binaries compare by their bytes (strings as UTF-8).

    On input that only grows, the best value so far is all that is kept; where rows can be taken back, every distinct
    value and how often it is there.

    Examples
    --------
    >>> Max().result_type([pa.date32()])
    DataType(date32[day])
    """

    name: ClassVar[str] = "max"
    greatest: ClassVar[bool] = True

    def result_type(self, types: Sequence[pa.DataType]) -> pa.DataType:
        """The type of the argument."""
        return only_argument(self.name, types)

    def accumulator(self, types: Sequence[pa.DataType], *, retractable: bool) -> Accumulator:
        """The best value a slot, or a multiset of all."""
        from playhead.state.accumulators import extremes

        return extremes.extreme(self.result_type(types), greatest=self.greatest, retractable=retractable)


@dataclass(frozen=True)
class Min(Max):
    """The smallest value, null if there is none; see Max.

    Examples
    --------
    >>> Min().result_type([pa.float32()])
    DataType(float)
    """

    name: ClassVar[str] = "min"
    greatest: ClassVar[bool] = False
