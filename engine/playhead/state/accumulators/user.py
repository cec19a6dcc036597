"""The running state of an aggregate that a user wrote."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from playhead.batch import Int64s
from playhead.errors import UserFunctionError
from playhead.state.accumulators.arguments import plain
from playhead.state.growable import grown

if TYPE_CHECKING:
    from playhead.aggregates.user import UserAggregate


class UserAccumulator:
    """The arrays of a user's aggregate, and the calls of the user's methods."""

    def __init__(self, function: UserAggregate, result_type: pa.DataType) -> None:
        self.function, self.result_type = function, result_type
        self.state = {name: np.zeros(0, dtype) for name, dtype in function.state.items()}
        self.capacity = 0

    def grow(self, capacity: int) -> None:
        """Make room for slots 0 to capacity - 1."""
        if capacity <= self.capacity:
            return
        held = self.capacity
        self.state = {name: grown(array, capacity) for name, array in self.state.items()}
        self.capacity = len(next(iter(self.state.values())))
        self._call(self.function.init, self.state, np.arange(held, self.capacity))

    def reset(self, slots: Int64s) -> None:
        """Forget everything about `slots`."""
        for array in self.state.values():
            array[slots] = 0
        self._call(self.function.init, self.state, slots)

    def add(self, slots: Int64s, arguments: Sequence[pa.Array], weights: Int64s) -> None:
        arrays = [plain(array) for array in arguments]
        if self.function.skipna:
            slots, arrays, weights = without_missing(slots, arrays, weights)
        if len(weights) == 0:
            self._apply(self.function.add, slots, arrays)
            return
        for method, times in ((self.function.take_back, -weights), (self.function.add, weights)):
            rows = np.repeat(np.arange(len(slots)), np.maximum(times, 0))
            if len(rows):
                self._apply(method, slots[rows], [array.take(pa.array(rows)) for array in arrays])

    def merge(self, slots: Int64s, other: Self, other_slots: Int64s) -> None:
        while len(slots):  # a slot at a time once, so that the user's method may write state[slots] += ...
            _, rows = np.unique(slots, return_index=True)
            self._call(self.function.merge, self.state, slots[rows], other.state, other_slots[rows])
            slots, other_slots = np.delete(slots, rows), np.delete(other_slots, rows)

    def result(self, slots: Int64s) -> pa.Array:
        return self._call(self._column, slots)

    def snapshot(self, slots: Int64s) -> dict[str, pa.Array]:
        """The arrays of the state."""
        return {name: pa.array(array[slots]) for name, array in self.state.items()}

    def restore(self, slots: Int64s, columns: Mapping[str, pa.Array]) -> None:
        """Set fresh `slots` to what `snapshot` gave."""
        for name, array in self.state.items():
            array[slots] = columns[name].to_numpy(zero_copy_only=False)

    @property
    def nbytes(self) -> int:
        """How much memory the arrays take."""
        return sum(array.nbytes for array in self.state.values())

    def _apply(self, method: Callable[..., None], slots: Int64s, arrays: Sequence[pa.Array]) -> None:
        self._call(method, self.state, slots, *(array.to_numpy(zero_copy_only=False) for array in arrays))

    def _column(self, slots: Int64s) -> pa.Array:
        values = self.function.result(self.state, slots)
        column = values if isinstance(values, pa.Array) else pa.array(np.asarray(values))
        if len(column) != len(slots):
            raise ValueError(f"result gave {len(column)} values for {len(slots)} groups")
        return column.cast(self.result_type)

    def _call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return method(*arguments)
        except Exception as error:
            raise UserFunctionError(
                f"the aggregate {self.function.name} raised {type(error).__name__}: {error} at {self._line(error)}"
                f"{_rows_shown(arguments)}"
            ) from error

    def _line(self, error: BaseException) -> str:
        """The deepest line that is in the file of the user's class, else the deepest one."""
        module = sys.modules.get(type(self.function).__module__)
        codes = [getattr(vars(type(self.function)).get(name), "__code__", None) for name in ("add", "result", "merge")]
        files = {code.co_filename for code in codes if code} | {getattr(module, "__file__", None)}
        trace, line = error.__traceback__, ""
        while trace is not None:
            file = trace.tb_frame.f_code.co_filename
            if file in files or not line:
                line = f"{file}:{trace.tb_lineno}"
            trace = trace.tb_next
        return line


def _rows_shown(arguments: Sequence[Any]) -> str:
    """How many rows a method was called with, and what it was given of the first; nothing if it takes no rows."""
    columns = [argument for argument in arguments[2:] if isinstance(argument, np.ndarray)]
    if not columns or len(columns) < len(arguments) - 2 or not len(columns[0]):
        return ""
    first = ", ".join(repr(column[:1].tolist()[0]) for column in columns)
    return f", for {len(columns[0])} rows, the first of which has ({first})"


def without_missing(
    slots: Int64s, arrays: Sequence[pa.Array], weights: Int64s
) -> tuple[Int64s, list[pa.Array], Int64s]:
    """The rows in which no argument is null or NaN."""
    keep: npt.NDArray[np.bool_] = np.ones(len(slots), dtype=bool)
    for array in arrays:
        floating = pa.types.is_floating(array.type)
        if array.null_count or floating:
            keep &= ~pc.is_null(array, nan_is_null=floating).to_numpy(zero_copy_only=False)
    if keep.all():
        return slots, list(arrays), weights
    mask = pa.array(keep)
    return slots[keep], [array.filter(mask) for array in arrays], weights[keep] if len(weights) else weights
