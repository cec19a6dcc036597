"""Running firsts and lasts: rows compared by their order key, then by their value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from playhead.batch import Bytes, Int64s
from playhead.state.accumulators.best_in_bags import BestInBag
from playhead.state.accumulators.best_rows import BestRow

if TYPE_CHECKING:
    from playhead.aggregates.aggregate import Accumulator


class BestValue(BestRow):
    """The value of the best row; it is given first and compared last."""

    def encode(self, arguments: Sequence[pa.Array]) -> tuple[Int64s, Bytes]:
        """The words of each row, its value last."""
        return super().encode([*arguments[1:], arguments[0]])


class BestValueInBag(BestInBag):
    """The value of the best row that is left; it is given first and compared last."""

    def encode(self, arguments: Sequence[pa.Array]) -> tuple[Int64s, Bytes]:
        """The words of each row, its value last."""
        return super().encode([*arguments[1:], arguments[0]])


def order_accumulator(types: Sequence[pa.DataType], *, greatest: bool, retractable: bool) -> Accumulator:
    """The accumulator for rows of `types`: the order key, then the value."""
    return (BestValueInBag if retractable else BestValue)(types, greatest=greatest)
