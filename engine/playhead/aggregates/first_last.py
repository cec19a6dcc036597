"""first and last: the value that came first, or last, in event time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator
from playhead.aggregates.argument_types import ANY_ORDER, kind_of, only_argument
from playhead.aggregates.plain import PlainAggregate
from playhead.errors import TypeMismatchError


@dataclass(frozen=True)
class Last(PlainAggregate):
    """The value with the greatest order key, null if there is none; missing values are passed over.

    The arguments are the value, the event time and the source's sequence columns. Among equal order keys the greatest
    value is the last, so that the answer does not depend on arrival. On input that only grows, the last row so far is
    all that is kept; where rows can be taken back, every distinct one.

    Examples
    --------
    >>> Last().result_type([pa.float64(), pa.timestamp("us", "UTC")])
    DataType(double)
    """

    name: ClassVar[str] = "last"
    order_dependent: ClassVar[bool] = True
    greatest: ClassVar[bool] = True

    def result_type(self, types: Sequence[pa.DataType]) -> pa.DataType:
        """The type of the first argument."""
        self._key_types(types)
        return only_argument(self.name, types[:1])

    def accumulator(self, types: Sequence[pa.DataType], *, retractable: bool) -> Accumulator:
        """The last row a slot, or a multiset of all."""
        from playhead.state.accumulators.order import order_accumulator

        row = [*self._key_types(types), self.result_type(types)]
        return order_accumulator(row, greatest=self.greatest, retractable=retractable)

    def _key_types(self, types: Sequence[pa.DataType]) -> list[pa.DataType]:
        if len(types) < 2 or not pa.types.is_timestamp(types[1]):
            raise TypeMismatchError(
                f"{self.name} takes a column, the event time and the sequence columns, not {[*types]}"
            )
        for key in types[1:]:
            if kind_of(key) not in ANY_ORDER:
                raise TypeMismatchError(f"{self.name} cannot order rows by a column of {key}")
        return [only_argument(self.name, [key]) for key in types[1:]]


@dataclass(frozen=True)
class First(Last):
    """The value with the smallest order key; among equal ones the smallest value. See Last.

    Examples
    --------
    >>> First().result_type([pa.string(), pa.timestamp("us", "UTC"), pa.int64()])
    DataType(string)
    """

    name: ClassVar[str] = "first"
    greatest: ClassVar[bool] = False
