"""What users write as aggregates runs over all groups at once, and errors in it name the user's line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from playhead.aggregates import UserAggregate, UserDefined
from playhead.batch import NO_WEIGHTS
from playhead.errors import PlanError, UserFunctionError


class WeightedMean(UserAggregate):
    state = {"total": "float64", "weight": "float64"}
    result_type = "float64"

    def add(self, state: Any, slots: Any, *values: Any) -> None:
        prices, sizes = values
        np.add.at(state["total"], slots, prices * sizes)
        np.add.at(state["weight"], slots, sizes)

    def take_back(self, state: Any, slots: Any, *values: Any) -> None:
        prices, sizes = values
        self.add(state, slots, prices, -sizes)

    def merge(self, state: Any, slots: Any, other: Any, other_slots: Any) -> None:
        for name in state:
            state[name][slots] += other[name][other_slots]

    def result(self, state: Any, slots: Any) -> Any:
        weight = state["weight"][slots]
        return pa.array(state["total"][slots] / np.where(weight == 0, 1, weight), mask=weight == 0)


class Lowest(UserAggregate):
    state = {"lowest": "int64"}
    result_type = staticmethod(lambda argument: argument)

    def init(self, state: Any, slots: Any) -> None:
        state["lowest"][slots] = 100

    def add(self, state: Any, slots: Any, *values: Any) -> None:
        np.minimum.at(state["lowest"], slots, values[0])

    def result(self, state: Any, slots: Any) -> Any:
        return state["lowest"][slots]


def fresh(function: UserAggregate, *types: pa.DataType, retractable: bool = False, slots: int = 2) -> Any:
    accumulator = UserDefined(function).accumulator(types, retractable=retractable)
    accumulator.grow(slots)
    return accumulator


rows = st.lists(st.tuples(st.integers(0, 1), st.integers(-9, 9) | st.none(), st.integers(1, 9)), max_size=8)


def feed(accumulator: Any, drawn: list[Any], weight: int = 1) -> None:
    slots = np.array([slot for slot, _, _ in drawn], dtype=np.int64)
    prices = pa.array([price for _, price, _ in drawn], pa.int64())
    sizes = pa.array([size for _, _, size in drawn], pa.int64())
    accumulator.add(slots, [prices, sizes], NO_WEIGHTS if weight == 1 else np.full(len(drawn), weight))


@given(kept=rows, gone=rows, merged=rows)
def test_a_users_aggregate_adds_takes_back_merges_and_is_restored(kept: Any, gone: Any, merged: Any) -> None:
    accumulator, other = (fresh(WeightedMean(), pa.int64(), pa.int64(), retractable=True) for _ in range(2))
    feed(accumulator, gone)
    feed(accumulator, kept)
    feed(accumulator, gone, weight=-1)
    feed(other, merged)
    feed(other, merged)
    accumulator.merge(np.array([0, 1, 0, 1]), other, np.array([0, 1, 0, 1]))
    restored = fresh(WeightedMean(), pa.int64(), pa.int64())
    restored.restore(np.array([1, 0]), accumulator.snapshot(np.array([1, 0])))
    for slot in range(2):
        mine = [(p, s) for at, p, s in kept + 4 * merged if at == slot and p is not None]
        expected = sum(p * s for p, s in mine) / sum(s for _, s in mine) if mine else None
        assert restored.result(np.array([slot]))[0].as_py() == pytest.approx(expected)


def test_init_says_how_a_group_begins_also_after_growing_and_resetting() -> None:
    accumulator = fresh(Lowest(), pa.int64(), slots=1)
    accumulator.grow(3)
    accumulator.add(np.array([0, 1]), [pa.array([7, 8])], NO_WEIGHTS)
    accumulator.reset(np.array([1]))
    assert accumulator.result(np.arange(3)).to_pylist() == [7, 100, 100]
    assert UserDefined(Lowest()).result_type([pa.int64()]) == pa.int64()


def test_rows_with_a_weight_are_added_that_often() -> None:
    accumulator = fresh(WeightedMean(), pa.float64(), pa.float64())
    accumulator.add(np.array([0, 0]), [pa.array([1.0, 4.0]), pa.array([1.0, 1.0])], np.array([2, 1]))
    assert accumulator.result(np.array([0]))[0].as_py() == 2.0


def test_missing_values_are_left_out_unless_the_user_wants_them() -> None:
    class Rows(UserAggregate):
        state = {"n": "int64"}
        result_type = "int64"

        def add(self, state: Any, slots: Any, *values: Any) -> None:
            np.add.at(state["n"], slots, 1)

        def result(self, state: Any, slots: Any) -> Any:
            return state["n"][slots]

    class AllRows(Rows):
        skipna = False

    values = pa.array([1.0, None, float("nan")])
    for function, expected in ((Rows(), 1), (AllRows(), 3)):
        accumulator = fresh(function, pa.float64())
        accumulator.add(np.zeros(3, np.int64), [values], NO_WEIGHTS)
        assert accumulator.result(np.array([0]))[0].as_py() == expected


def test_an_error_names_the_users_class_and_line() -> None:
    class Broken(Lowest):
        def add(self, state: Any, slots: Any, *values: Any) -> None:
            raise KeyError("price")  # here

    here = next(at for at, line in enumerate(Path(__file__).read_text().splitlines(), 1) if line.endswith("# here"))
    with pytest.raises(
        UserFunctionError, match=rf"Broken raised KeyError: 'price' at .*{__name__[-5:]}.*:{here}, for 2 rows, .*\(7\)"
    ):
        fresh(Broken(), pa.int64()).add(np.array([0, 0]), [pa.array([7, 8])], NO_WEIGHTS)


def test_a_result_of_the_wrong_length_is_an_error() -> None:
    class Short(Lowest):
        def result(self, state: Any, slots: Any) -> Any:
            return [1]

    with pytest.raises(UserFunctionError, match="1 values for 2 groups"):
        fresh(Short(), pa.int64()).result(np.arange(2))


def test_nonsense_is_refused_when_the_plan_is_built() -> None:
    class Stateless(UserAggregate):
        pass

    class Textual(UserAggregate):
        state = {"name": "str"}

    class Strange(Lowest):
        result_type = "number"

    with pytest.raises(PlanError, match="Stateless has no state"):
        UserDefined(Stateless())
    with pytest.raises(PlanError, match="state 'name' is of 'str'"):
        UserDefined(Textual())
    with pytest.raises(PlanError, match="not an Arrow type"):
        UserDefined(Strange()).result_type([pa.int64()])
    with pytest.raises(PlanError, match="take_back"):
        UserDefined(Lowest()).accumulator([pa.int64()], retractable=True)
    with pytest.raises(PlanError, match="subclass of UserAggregate"):
        UserDefined(len)  # type: ignore[arg-type]
