"""Sketches are as accurate as they say, beside Apache DataSketches, and the same for any order of the rows."""

from __future__ import annotations

import math
import random
from typing import Any

import datasketches
import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from playhead.aggregates import Aggregate, ApproxNunique, ApproxQuantile
from playhead.batch import NO_WEIGHTS
from playhead.errors import PlanError

ZERO = np.array([0])
numbers = st.floats(-1e300, 1e300) | st.sampled_from([0.0, -0.0, 1e-300, 5e-324, math.inf, -math.inf, math.nan])


def running(aggregate: Aggregate, arrays: list[pa.Array]) -> Any:
    accumulator = aggregate.accumulator([arrays[0].type], retractable=False)
    accumulator.grow(1)
    for array in arrays:
        accumulator.add(np.zeros(len(array), np.int64), [array], NO_WEIGHTS)
    return accumulator


def answer(accumulator: Any) -> Any:
    return accumulator.result(ZERO)[0].as_py()


def text(values: Any) -> pa.Array:
    return pa.array([f"user {value}" for value in values], pa.string())


def floating(values: Any) -> pa.Array:
    return pa.array(values / 8)


@pytest.mark.parametrize(
    "make", [pa.array, text, lambda v: pa.array(v).cast(pa.float64())], ids=["int", "str", "float"]
)
@pytest.mark.parametrize("distinct", [0, 1, 10, 1_000, 10_000, 100_000])
def test_distinct_estimates_are_within_four_standard_errors(distinct: int, make: Any) -> None:
    estimate = answer(running(ApproxNunique(), [make(np.arange(distinct))]))
    assert abs(estimate - distinct) <= 4 * 0.0163 * distinct


def test_distinct_estimates_err_as_much_as_those_of_datasketches() -> None:
    ours, theirs = [], []
    for seed in range(40):
        values = np.random.default_rng(seed).integers(-(2**63), 2**63, 5_000)
        ours.append(answer(running(ApproxNunique(), [pa.array(values)])) / 5_000 - 1)
        sketch = datasketches.hll_sketch(12, datasketches.tgt_hll_type.HLL_8)
        for value in values.tolist():
            sketch.update(value)
        theirs.append(sketch.get_estimate() / 5_000 - 1)
    assert np.std(ours) <= 1.5 * np.std(theirs)
    assert abs(np.mean(ours)) <= 0.0163 / math.sqrt(40) * 4


@given(values=st.lists(st.integers(0, 50) | st.none(), max_size=60), at=st.integers(0, 60), seed=st.integers(0, 9))
def test_distinct_estimates_do_not_depend_on_order_or_division(values: list[Any], at: int, seed: int) -> None:
    shuffled = random.Random(seed).sample(values, len(values))
    whole = running(ApproxNunique(), [pa.array(values, pa.int64())])
    parts = [running(ApproxNunique(), [pa.array(part, pa.int32())]) for part in (shuffled[:at], shuffled[at:])]
    parts[0].merge(ZERO, parts[1], ZERO)
    restored = ApproxNunique().accumulator([pa.int64()], retractable=False)
    restored.grow(1)
    restored.restore(ZERO, parts[0].snapshot(ZERO))
    assert restored.snapshot(ZERO) == whole.snapshot(ZERO)
    assert answer(restored) == answer(whole)
    assert abs(answer(whole) - len(set(values) - {None})) <= 1


def test_zeros_are_one_value_and_nan_is_none() -> None:
    assert answer(running(ApproxNunique(), [pa.array([0.0, -0.0, math.nan, None])])) == 1


def test_a_slot_without_rows_takes_no_memory_in_a_distinct_estimate() -> None:
    accumulator = ApproxNunique().accumulator([pa.int64()], retractable=False)
    accumulator.grow(1_000_000)
    accumulator.add(np.array([3]), [pa.array([7])], NO_WEIGHTS)
    assert accumulator.nbytes <= 64 * 1024
    assert accumulator.result(np.array([3, 999_999])).to_pylist() == [1, 0]


def test_distinct_estimates_refuse_input_that_takes_rows_back() -> None:
    assert not ApproxNunique().can_take_back
    with pytest.raises(PlanError, match="use nunique"):
        ApproxNunique().accumulator([pa.int64()], retractable=True)


def exact_neighbours(values: list[float], q: float) -> tuple[float, float]:
    ordered = sorted(value for value in values if value == value)
    low = int(q * (len(ordered) - 1))
    return ordered[low], ordered[min(low + 1, len(ordered) - 1)]


@given(values=st.lists(numbers, min_size=1, max_size=30), q=st.sampled_from([0.0, 0.25, 0.5, 0.99, 1.0]))
def test_approximate_quantiles_are_between_their_neighbours_within_one_percent(values: list[float], q: float) -> None:
    estimate = answer(running(ApproxQuantile(q), [pa.array(values)]))
    if all(value != value for value in values):
        assert estimate is None
        return
    below, above = exact_neighbours(values, q)
    if below == -math.inf and above == math.inf:
        assert estimate != estimate or estimate == -math.inf
    elif math.isinf(below) or math.isinf(above):
        assert estimate in (below, above) or not math.isinf(estimate)
    else:
        tiny = 1e-323
        assert below - 0.010001 * abs(below) - tiny <= estimate <= above + 0.010001 * abs(above) + tiny


@pytest.mark.parametrize("q", [0.01, 0.5, 0.9, 0.999])
def test_approximate_quantiles_of_many_values_are_within_one_percent_where_datasketches_is_near(q: float) -> None:
    values = np.random.default_rng(7).lognormal(3, 2, 50_000)
    estimate = answer(running(ApproxQuantile(q), [pa.array(values)]))
    assert abs(estimate / np.quantile(values, q) - 1) <= 0.01
    sketch = datasketches.kll_doubles_sketch(800)
    sketch.update(values)
    below = sketch.get_quantile(q - 0.02) if q > 0.02 else sketch.get_min_value()
    above = sketch.get_quantile(q + 0.02) if q < 0.98 else sketch.get_max_value()
    assert below * 0.99 <= estimate <= above * 1.01  # theirs is random, ours is not


@given(values=st.lists(numbers, min_size=1, max_size=20), gone=st.lists(numbers, max_size=20), at=st.integers(0, 20))
def test_approximate_quantiles_forget_what_is_taken_back(values: list[float], gone: list[float], at: int) -> None:
    accumulator = ApproxQuantile(0.75).accumulator([pa.float64()], retractable=True)
    accumulator.grow(1)
    for rows, weight in ((gone[:at], 1), (values, 1), (gone[at:], 1), (gone, -1)):
        weights = np.full(len(rows), weight)
        accumulator.add(np.zeros(len(rows), np.int64), [pa.array(rows, pa.float64())], weights)
    assert accumulator.snapshot(ZERO) == running(ApproxQuantile(0.75), [pa.array(values)]).snapshot(ZERO)
    assert str(answer(accumulator)) == str(answer(running(ApproxQuantile(0.75), [pa.array(values[::-1])])))


@pytest.mark.parametrize("q", [-0.1, 1.1, math.nan, "half"])
def test_a_quantile_needs_a_share(q: Any) -> None:
    with pytest.raises(PlanError, match="from 0 to 1"):
        ApproxQuantile(q)
