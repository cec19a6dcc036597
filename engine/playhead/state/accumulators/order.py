"""Running firsts and lasts: rows compared by their order key, then by their value."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator
from playhead.batch import Int64s
from playhead.state.accumulators.best_rows import BestRow


class BestValue(BestRow):
    """The value of the best row; it is given first and compared last."""

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        super().add(slots, [*arguments[1:], arguments[0]], weights)


def order_accumulator(types: Sequence[pa.DataType], *, greatest: bool, retractable: bool) -> Accumulator:
    """The accumulator for rows of `types`: the order key, then the value."""
    if retractable:
        raise NotImplementedError("first or last on input that takes rows back")
    return BestValue(types, greatest=greatest)
