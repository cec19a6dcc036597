"""A table of numbers with one row a slot, and the part of an accumulator that consists of nothing but such tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playhead.batch import Int64s
from playhead.state.growable import grown


class SlotTable:
    """Named columns of one number type; `array[slot, column]`, so that a slot's numbers lie side by side.

    Examples
    --------
    >>> table = SlotTable(np.int64, ("low", "high"))
    >>> table.grow(2)
    >>> table.array[1] = 7, 8
    >>> table.snapshot(np.array([1]))["high"].to_pylist()
    [8]
    """

    def __init__(self, dtype: npt.DTypeLike, names: Sequence[str], *, empty: float = 0) -> None:
        self.names = tuple(names)
        self.empty = empty
        self.array: npt.NDArray[Any] = np.empty((0, len(self.names)), dtype=dtype)

    def grow(self, capacity: int) -> None:
        """Make room for slots 0 to capacity - 1; new rows are empty."""
        self.array = grown(self.array, capacity, self.empty)

    def of(self, slots: Int64s, column: int = 0) -> npt.NDArray[Any]:
        """One column of the rows of `slots`."""
        if len(self.names) == 1:
            return self.array.reshape(-1)[slots]
        values: npt.NDArray[Any] = self.array[slots, column]
        return values

    def reset(self, slots: Int64s) -> None:
        """Make the rows of `slots` empty again."""
        self.array[slots] = self.empty

    def snapshot(self, slots: Int64s) -> dict[str, pa.Array]:
        """The rows of `slots` as Arrow columns by name."""
        rows = self.array[slots]
        return {name: pa.array(rows[:, column]) for column, name in enumerate(self.names)}

    def restore(self, slots: Int64s, columns: Mapping[str, pa.Array]) -> None:
        """Set the rows of `slots` to what `snapshot` gave."""
        for column, name in enumerate(self.names):
            self.array[slots, column] = columns[name].to_numpy(zero_copy_only=False)

    @property
    def nbytes(self) -> int:
        """How much memory the table takes."""
        return self.array.nbytes


class TabularAccumulator:
    """What accumulators share whose whole state is a few slot tables."""

    tables: tuple[SlotTable, ...]

    def grow(self, capacity: int) -> None:
        """Make room for slots 0 to capacity - 1."""
        for table in self.tables:
            table.grow(capacity)

    def reset(self, slots: Int64s) -> None:
        """Forget everything about `slots`."""
        for table in self.tables:
            table.reset(slots)

    def snapshot(self, slots: Int64s) -> dict[str, pa.Array]:
        """The state of `slots` as Arrow columns."""
        return {name: column for table in self.tables for name, column in table.snapshot(slots).items()}

    def restore(self, slots: Int64s, columns: Mapping[str, pa.Array]) -> None:
        """Set fresh `slots` to what `snapshot` gave."""
        for table in self.tables:
            table.restore(slots, columns)

    @property
    def nbytes(self) -> int:
        """How much memory the state takes."""
        return sum(table.nbytes for table in self.tables)
