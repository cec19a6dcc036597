"""The first or last row of each slot in the order of its columns, where rows can be taken back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from playhead.batch import ALL_VALID, Bytes, Int64s
from playhead.kernels import accumulators_order as kernels
from playhead.state.accumulators.arguments import frozen
from playhead.state.accumulators.bags import BagAccumulator
from playhead.state.accumulators.slot_table import SlotTable


class BestInBag(BagAccumulator):
    """The greatest or smallest row of each slot, as `BestRow` keeps it, from all rows that are there.

    The best row so far is kept as well, so that only slots that have lost a row that was as good look for another.
    """

    def __init__(self, types: Sequence[pa.DataType], *, greatest: bool) -> None:
        super().__init__(types)
        self.greatest = greatest
        self.best = SlotTable(np.int64, [f"word_{at}" for at in range(self.bags.codec.width)])
        self.seen = SlotTable(np.uint8, ("seen",))
        self.stale = SlotTable(np.uint8, ("stale",))

    def grow(self, capacity: int) -> None:
        """Make room for slots 0 to capacity - 1."""
        super().grow(capacity)
        for table in (self.best, self.seen, self.stale):
            table.grow(capacity)

    def reset(self, slots: Int64s) -> None:
        """Forget everything about `slots`."""
        super().reset(slots)
        self.seen.reset(slots)
        self.stale.reset(slots)

    def put(self, slots: Int64s, rows: Int64s, weights: Int64s) -> None:
        """Add rows that are words already."""
        self.bags.put(slots, rows, weights)
        added = ALL_VALID
        if len(weights):
            added = (weights > 0).view(np.uint8)
            self._mark_stale(slots, rows, added)
        self._keep(slots, rows, added)
        if self.bags.compact():
            self.seen.array[:] = 0
            self.stale.array[:] = 1

    def result(self, slots: Int64s) -> pa.Array:
        self._look_again(slots[self.stale.array[slots, 0] != 0])
        return self.bags.codec.decode(self.best.array[slots], self.seen.array[slots, 0] == 0)

    @property
    def nbytes(self) -> int:
        """How much memory bags and best rows take."""
        return super().nbytes + self.best.nbytes + self.seen.nbytes + self.stale.nbytes

    def _look_again(self, slots: Int64s) -> None:
        if len(slots) == 0:
            return
        offsets, rows, counts = self.bags.entries(slots)
        self.seen.reset(slots)
        self.stale.reset(slots)
        self._keep(np.repeat(slots, np.diff(offsets)), rows, (counts > 0).view(np.uint8))

    def _keep(self, slots: Int64s, rows: Int64s, valid: Bytes) -> None:
        codec = self.bags.codec
        kernels.keep_greatest_rows(
            self.best.array,
            self.seen.array,
            slots,
            rows,
            frozen(valid),
            not self.greatest,
            codec.interned,
            codec.interner.ends,
            codec.interner.arena,
        )

    def _mark_stale(self, slots: Int64s, rows: Int64s, added: Bytes) -> None:
        codec = self.bags.codec
        kernels.mark_stale(
            self.best.array,
            self.seen.array,
            self.stale.array,
            slots,
            rows,
            frozen(added),
            not self.greatest,
            codec.interned,
            codec.interner.ends,
            codec.interner.arena,
        )
