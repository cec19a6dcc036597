"""The contract of an aggregate function, and of the columns that hold its state.

An `Aggregate` is a description: a frozen dataclass that goes into a plan. Its `Accumulator` is the
running state of that aggregate for all groups at once: columns indexed by slot, a slot being the
dense number of a group. Nothing here knows windows, keys or where the groups come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, Self

import pyarrow as pa

from playhead.batch import Int64s


class Aggregate(Protocol):
    """What an aggregate is: types in, type out, and how its state begins. Implementations are frozen dataclasses."""

    @property
    def name(self) -> str:
        """The name that users call it by, for messages and `explain`."""
        ...

    @property
    def order_dependent(self) -> bool:
        """Whether it asks which row came first in event time (`first`, `last`): its arguments are then
        the value, the event time and the source's sequence columns, in this order."""
        ...

    @property
    def keeps_rows(self) -> bool:
        """Whether its state grows with the rows of a group even if none is ever taken back (median, nunique)."""
        ...

    @property
    def can_take_back(self) -> bool:
        """Whether there is any way to take a row back (there is none for HyperLogLog)."""
        ...

    def result_type(self, types: Sequence[pa.DataType]) -> pa.DataType:
        """The type of the result for arguments of `types`; raises TypeMismatchError where there is none."""
        ...

    def accumulator(self, types: Sequence[pa.DataType], *, retractable: bool) -> Accumulator:
        """Fresh state for arguments of `types`; `retractable` if rows may come with negative weights."""
        ...


class Accumulator(Protocol):
    """The state of one aggregate for all groups: columns indexed by slot.

    Slots are int64 arrays; a slot may repeat within one call of `add` and never within the others.
    A fresh or reset slot is the aggregate of nothing.
    """

    def grow(self, capacity: int) -> None:
        """Make room for slots 0 to capacity - 1; new ones are empty. Never shrinks."""
        ...

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        """Add row i of `arguments` to `slots[i]`, `weights[i]` times; no weights (length 0) means once each."""
        ...

    def merge(self, slots: Int64s, other: Self, other_slots: Int64s) -> None:
        """Add the whole of `other`'s slot `other_slots[i]` to `slots[i]`; both are of the same aggregate and types.
        `slots` may repeat here."""
        ...

    def reset(self, slots: Int64s) -> None:
        """Forget everything about `slots`."""
        ...

    def result(self, slots: Int64s) -> pa.Array:
        """The aggregate's value for each of `slots`; the same state gives the same bits."""
        ...

    def snapshot(self, slots: Int64s) -> dict[str, pa.Array]:
        """The state of `slots` as Arrow columns of `len(slots)` rows (lists where a slot holds many values)."""
        ...

    def restore(self, slots: Int64s, columns: Mapping[str, pa.Array]) -> None:
        """Set `slots`, fresh ones, to what `snapshot` gave."""
        ...

    @property
    def nbytes(self) -> int:
        """How much memory the state takes."""
        ...
