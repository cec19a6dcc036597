"""Aggregates say at once which types they cannot take, and keep their promises at the edges of the types they can."""

from __future__ import annotations

import math
import subprocess
import sys
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from playhead.aggregates import NAMES, Aggregate, Quantile, Var
from playhead.batch import NO_WEIGHTS
from playhead.errors import DataError, PlanError, TypeMismatchError

TIME = pa.timestamp("us", "UTC")


def answer(aggregate: Aggregate, array: pa.Array) -> Any:
    accumulator = aggregate.accumulator([array.type], retractable=False)
    accumulator.grow(1)
    accumulator.add(np.zeros(len(array), np.int64), [array], NO_WEIGHTS)
    return accumulator.result(np.array([0]))[0].as_py()


def test_a_sum_of_strings_is_refused_with_what_sum_takes() -> None:
    with pytest.raises(TypeMismatchError) as caught:
        NAMES["sum"].result_type([pa.string()])
    expected = "sum cannot work on string; it takes integers, floats, decimals, durations, booleans"
    assert str(caught.value) == expected


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("size", "count")])
def test_lists_are_refused_where_values_matter(name: str) -> None:
    types = [pa.list_(pa.int64()), TIME] if NAMES[name].order_dependent else [pa.list_(pa.int64())]
    with pytest.raises(TypeMismatchError, match=f"{name} cannot work on list"):
        NAMES[name].result_type(types)


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_number_of_columns_is_refused(name: str) -> None:
    with pytest.raises(TypeMismatchError, match=f"{name} takes"):
        NAMES[name].result_type([pa.int64()] if name in ("size", "first", "last") else [pa.int64(), pa.int64()])


def test_values_of_lists_can_be_counted() -> None:
    assert answer(NAMES["count"], pa.array([[1], None, []])) == 2


@pytest.mark.parametrize(
    "values",
    [pa.array([2**63 - 1, 1]), pa.array([-(2**63), -1]), pa.array([2**64 - 1, 1], pa.uint64()), pa.array([2**62] * 2)],
)
def test_a_sum_that_does_not_fit_names_the_slot(values: pa.Array) -> None:
    accumulator = NAMES["sum"].accumulator([values.type], retractable=True)
    accumulator.grow(2)
    accumulator.add(np.array([1, 1]), [values], NO_WEIGHTS)
    with pytest.raises(DataError, match="a sum overflows u?int64") as caught:
        accumulator.result(np.array([0, 1]))
    assert caught.value.slot == 1  # type: ignore[attr-defined]
    accumulator.add(np.array([1]), [values.slice(1)], np.array([-1]))
    assert accumulator.result(np.array([1]))[0].as_py() == values[0].as_py()


def test_a_decimal_sum_beyond_all_its_words_is_an_error_too() -> None:
    largest = pa.array([Decimal(10**38 - 1)] * 4, pa.decimal128(38))
    with pytest.raises(DataError, match="overflows decimal128"):
        answer(NAMES["sum"], largest)


@pytest.mark.parametrize("name", ["min", "max", "nunique", "sum"])
@pytest.mark.parametrize("zeros", [[0.0, -0.0], [-0.0, 0.0], [-0.0]])
def test_minus_zero_is_zero(name: str, zeros: list[float]) -> None:
    found = answer(NAMES[name], pa.array(zeros))
    assert found == (1 if name == "nunique" else 0) and math.copysign(1, found) == 1


def test_what_large_values_left_behind_is_gone_when_a_group_is_empty() -> None:
    accumulator = NAMES["sum"].accumulator([pa.float64()], retractable=True)
    accumulator.grow(1)
    large, one = pa.array([1e16, 1.1, 1e-30]), np.zeros(3, np.int64)
    accumulator.add(one, [large], NO_WEIGHTS)
    accumulator.add(one, [large.take(pa.array([2, 0, 1]))], np.array([-1, -1, -1]))
    assert accumulator.result(np.array([0]))[0].as_py() == 0.0
    accumulator.add(one[:1], [pa.array([5e-324])], NO_WEIGHTS)
    assert accumulator.result(np.array([0]))[0].as_py() == 5e-324


def test_a_variance_keeps_its_digits_far_from_zero() -> None:
    assert answer(NAMES["var"], pa.array([10**15 + n for n in range(1, 4)])) == 1.0
    assert answer(NAMES["var"], pa.array([1e9 + n for n in range(1, 4)])) == 1.0
    assert answer(NAMES["std"], pa.array([0.1] * 7)) == 0.0
    assert math.isnan(answer(NAMES["var"], pa.array([1.0, 1e200])))


def test_equal_order_keys_are_decided_by_the_value() -> None:
    time, sequence = pa.array([5, 5, 5], TIME), pa.array([1, 1, None])
    for name, expected in (("first", "z"), ("last", "b")):
        accumulator = NAMES[name].accumulator([pa.string(), TIME, pa.int64()], retractable=False)
        accumulator.grow(1)
        accumulator.add(np.zeros(3, np.int64), [pa.array(["b", "a", "z"]), time, sequence], NO_WEIGHTS)
        assert accumulator.result(np.array([0]))[0].as_py() == expected


def test_options_that_make_no_sense_are_refused() -> None:
    for make in (lambda: Var(ddof=-1), lambda: Quantile(2.0)):
        with pytest.raises(PlanError):
            make()


def test_descriptions_are_values() -> None:
    assert Quantile(0.9) == Quantile(0.9) != Quantile(0.5)
    assert len({Var(), NAMES["var"], NAMES["std"]}) == 2
    assert [str(Quantile(0.9)), str(Var()), str(Var(ddof=0))] == ["quantile[0.9]", "var", "var[ddof=0]"]


def test_describing_aggregates_compiles_nothing() -> None:
    code = "import sys, playhead.aggregates; sys.exit('numba' in sys.modules or 'playhead.state' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
