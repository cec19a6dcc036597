"""Aggregates that users write: numpy arrays of state, and the functions that add to them, merge and read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator
from playhead.errors import PlanError

State = Mapping[str, npt.NDArray[Any]]
Slots = npt.NDArray[np.int64]


class UserAggregate:
    """Subclass this to write an aggregate of your own, vectorised over rows and groups.

    The state of all groups together is one numpy array for each entry of `state`, and a group is a position in them,
    its slot. `add` gets the slots of many rows at once; a slot may repeat, so use `np.add.at` and its like. In the
    other methods a slot never repeats. State begins with zeros, or as `init` says.

    Attributes
    ----------
    state : mapping from str to str
        The arrays of the state, by name, with their numpy types.
    result_type : str, pyarrow.DataType or function
        The type of the result, as Arrow calls it, or a function from the argument types to it.
    skipna : bool, default True
        Whether rows with a missing argument (null or NaN) are left out before `add`.

    Examples
    --------
    >>> class GeometricMean(UserAggregate):
    ...     state = {"log_sum": "float64", "n": "int64"}
    ...     result_type = "float64"
    ...     def add(self, state, slots, prices):
    ...         np.add.at(state["log_sum"], slots, np.log(prices))
    ...         np.add.at(state["n"], slots, 1)
    ...     def merge(self, state, slots, other, other_slots):
    ...         for name in state:
    ...             state[name][slots] += other[name][other_slots]
    ...     def result(self, state, slots):
    ...         return np.exp(state["log_sum"][slots] / state["n"][slots])
    >>> running = UserDefined(GeometricMean()).accumulator([pa.float64()], retractable=False)
    >>> running.grow(1)
    >>> running.add(np.array([0, 0]), [pa.array([2.0, 8.0])], np.array([], dtype=np.int64))
    >>> round(running.result(np.array([0]))[0].as_py(), 12)
    4.0
    """

    state: ClassVar[Mapping[str, str]] = {}
    result_type: Any = "float64"
    skipna: bool = True

    def init(self, state: State, slots: Slots) -> None:
        """Set `slots` to the state of a group without rows; they are zeros already."""

    def add(self, state: State, slots: Slots, *values: npt.NDArray[Any]) -> None:
        """Add row i, the i-th of each of `values`, to slot `slots[i]`."""
        raise NotImplementedError(f"{self.name} has no method add(state, slots, *values)")

    def merge(self, state: State, slots: Slots, other: State, other_slots: Slots) -> None:
        """Add the whole of slot `other_slots[i]` of `other` to slot `slots[i]`."""
        raise NotImplementedError(f"{self.name} has no method merge(state, slots, other, other_slots)")

    def result(self, state: State, slots: Slots) -> Any:
        """The value of each of `slots`, as a numpy or Arrow array."""
        raise NotImplementedError(f"{self.name} has no method result(state, slots)")

    def take_back(self, state: State, slots: Slots, *values: npt.NDArray[Any]) -> None:
        """Undo `add`. Without it the aggregate works only where no row is ever taken back."""
        raise NotImplementedError(f"{self.name} has no method take_back(state, slots, *values)")

    @property
    def name(self) -> str:
        """The name of the class."""
        return type(self).__name__


@dataclass(frozen=True)
class UserDefined:
    """What a user wrote, as a plan knows aggregates."""

    function: UserAggregate

    order_dependent: ClassVar[bool] = False
    keeps_rows: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not isinstance(self.function, UserAggregate):
            raise PlanError(f"an aggregate is an instance of a subclass of UserAggregate, not {self.function!r}")
        if not self.function.state:
            raise PlanError(f'{self.name} has no state; write state = {{"total": "float64"}} or the like in the class')
        for field, dtype in self.function.state.items():
            if not _is_number(dtype):
                raise PlanError(f"{self.name}: state {field!r} is of {dtype!r}; it must be a numpy type of numbers")

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name of the user's class."""
        return self.function.name

    @property
    def can_take_back(self) -> bool:
        """Whether the user wrote `take_back`."""
        return type(self.function).take_back is not UserAggregate.take_back

    def result_type(self, types: Sequence[pa.DataType]) -> pa.DataType:
        """What the user's `result_type` says."""
        declared = self.function.result_type
        if callable(declared):
            declared = declared(types[0]) if len(types) == 1 else declared(*types)
        try:
            return pa.type_for_alias(declared) if isinstance(declared, str) else pa.field("result", declared).type
        except (TypeError, ValueError) as error:
            raise PlanError(f"{self.name}: result_type {declared!r} is not an Arrow type or its name") from error

    def accumulator(self, types: Sequence[pa.DataType], *, retractable: bool) -> Accumulator:
        """The user's arrays."""
        from playhead.state.accumulators.user import UserAccumulator

        if retractable and not self.can_take_back:
            raise PlanError(f"{self.name} cannot take rows back; give it a method take_back(state, slots, *values)")
        return UserAccumulator(self.function, self.result_type(types))


def _is_number(dtype: object) -> bool:
    try:
        return np.dtype(dtype).kind in "biuf"  # type: ignore[call-overload]
    except TypeError:
        return False
