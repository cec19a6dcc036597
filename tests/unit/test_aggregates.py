"""Every aggregate, over every type, keeps the answer of plain Python while rows come, go, merge and are restored."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from playhead.aggregates import NAMES, Aggregate, Quantile, Std, Var
from playhead.batch import NO_WEIGHTS
from playhead.errors import DataError

SLOTS = 3


def integers(bits: int, *, signed: bool = True) -> st.SearchStrategy[int]:
    lowest, highest = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return st.integers(-3 if signed else 0, 3) | st.integers(lowest, highest) | st.sampled_from([lowest, highest])


def floats(width: int) -> st.SearchStrategy[float]:
    bounded = st.floats(-(2.0**99), 2.0**99, width=width) if width == 32 else st.floats(-1e100, 1e100)
    few = st.sampled_from([0.0, -0.0, 0.5, 1.5, -2.0, math.inf, -math.inf, math.nan])
    return few | bounded if width > 16 else few


EPOCH = datetime.datetime(1970, 1, 1)
UTC = datetime.UTC
WIDE = Context(prec=60)
MICROSECOND = datetime.timedelta(microseconds=1)
TYPES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.int8(): integers(8),
    pa.int32(): integers(32),
    pa.int64(): integers(64),
    pa.uint16(): integers(16, signed=False),
    pa.uint64(): integers(64, signed=False),
    pa.float16(): floats(16),
    pa.float32(): floats(32),
    pa.float64(): floats(64),
    pa.bool_(): st.booleans(),
    pa.decimal128(9, 2): st.integers(-(10**9) + 1, 10**9 - 1).map(lambda n: Decimal(n).scaleb(-2)),
    pa.decimal128(38, 0): st.sampled_from([Decimal(10**38 - 1), Decimal(1 - 10**38), Decimal(2**64), Decimal(-1)]),
    pa.duration("us"): st.integers(-5, 5).map(lambda n: datetime.timedelta(microseconds=n)),
    pa.date32(): st.dates(),
    pa.time64("us"): st.times(),
    pa.timestamp("us", "UTC"): st.integers(-9, 9).map(lambda n: EPOCH.replace(tzinfo=UTC) + datetime.timedelta(n)),
    pa.string(): st.text("aé𝄞", max_size=2),
    pa.large_string(): st.text("ab", max_size=12),
    pa.binary(): st.binary(max_size=2),
    pa.binary(2): st.binary(min_size=2, max_size=2),
    pa.dictionary(pa.int32(), pa.string()): st.sampled_from(["x", "y", "zz"]),
}
NUMBERS = [t for t in TYPES if pa.types.is_integer(t) or pa.types.is_floating(t) or pa.types.is_decimal(t)]
SUMMED = [*NUMBERS, pa.bool_(), pa.duration("us")]
SPREAD = [*NUMBERS, pa.bool_()]
ORDERED = [*TYPES]


def there(values: list[Any]) -> list[Any]:
    return [value for value in values if value is not None and value == value]


@pytest.fixture(autouse=True, scope="module")
def values_are_reclaimed_all_the_time() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("playhead.state.accumulators.best_rows.FEW_VALUES", 2)
        patch.setattr("playhead.state.accumulators.bags.FEW_VALUES", 2)
        yield


class Overflow:
    """Stands for the answer of a sum that does not fit."""


def sum_of(values: list[Any], data_type: pa.DataType) -> Any:
    if pa.types.is_floating(data_type):
        infinities = set(there([value for value in values if math.isinf(value)]))
        if infinities:
            return math.nan if len(infinities) == 2 else infinities.pop()
        return math.fsum(values)
    if pa.types.is_duration(data_type):
        return sum(values, datetime.timedelta())
    if pa.types.is_decimal(data_type):
        total = sum(int(WIDE.scaleb(value, data_type.scale)) for value in values)
        return WIDE.scaleb(Decimal(total), -data_type.scale) if abs(total) < 10**38 else Overflow
    total = sum(map(int, values))
    fits = 0 <= total < 2**64 if pa.types.is_unsigned_integer(data_type) else -(2**63) <= total < 2**63
    return total if fits else Overflow


def mean_of(values: list[Any], data_type: pa.DataType) -> Any:
    if not values:
        return None
    if pa.types.is_duration(data_type):
        return sum(values, datetime.timedelta()) // len(values)
    if pa.types.is_floating(data_type):
        return sum_of(values, data_type) / len(values)
    return float(sum(map(Fraction, values)) / len(values))


def variance_of(values: list[Any], ddof: int) -> Any:
    if len(values) <= ddof:
        return None
    if any(isinstance(value, float) and math.isinf(value) for value in values):
        return math.nan
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    return float(sum((value - mean) ** 2 for value in exact) / (len(exact) - ddof))


def quantile_of(values: list[Any], q: float, data_type: pa.DataType) -> Any:
    if not values:
        return None
    ordered = sorted(values)
    position = q * (len(values) - 1)
    low, part = int(position), Fraction(position - int(position))
    below, above = ordered[low], ordered[min(low + 1, len(values) - 1)]
    if isinstance(below, float) and (math.isinf(below) or math.isinf(above)):
        return below if part == 0 or below == above else below * float(1 - part) + above * float(part)
    if isinstance(below, datetime.timedelta):
        return below + datetime.timedelta(microseconds=math.floor((above - below) / MICROSECOND * part))
    return float(Fraction(below) + (Fraction(above) - Fraction(below)) * part)


def first_of(rows: list[tuple[Any, ...]], *, last: bool) -> Any:
    present = [(row[1:], row[0]) for row in rows if there([row[0]])]
    return (max(present) if last else min(present))[1] if present else None


Oracle = Callable[[list[tuple[Any, ...]], pa.DataType], Any]


def of_values(function: Callable[..., Any]) -> Oracle:
    return lambda rows, data_type: function(there([row[0] for row in rows]), data_type)


ORACLES: dict[str, tuple[Aggregate, list[pa.DataType], Oracle]] = {
    "size": (NAMES["size"], [pa.int64()], lambda rows, _: len(rows)),
    "count": (NAMES["count"], ORDERED, of_values(lambda values, _: len(values))),
    "sum": (NAMES["sum"], SUMMED, of_values(sum_of)),
    "mean": (NAMES["mean"], SUMMED, of_values(mean_of)),
    "min": (NAMES["min"], ORDERED, of_values(lambda values, _: min(values, default=None))),
    "max": (NAMES["max"], ORDERED, of_values(lambda values, _: max(values, default=None))),
    "first": (NAMES["first"], ORDERED, lambda rows, _: first_of(rows, last=False)),
    "last": (NAMES["last"], ORDERED, lambda rows, _: first_of(rows, last=True)),
    "var": (NAMES["var"], SPREAD, of_values(lambda values, _: variance_of(values, 1))),
    "var of all": (Var(ddof=0), SPREAD, of_values(lambda values, _: variance_of(values, 0))),
    "any": (NAMES["any"], [pa.bool_(), pa.int32(), pa.float64()], of_values(lambda values, _: any(values))),
    "all": (NAMES["all"], [pa.bool_(), pa.int32(), pa.float64()], of_values(lambda values, _: all(values))),
    "median": (NAMES["median"], SUMMED, of_values(lambda values, t: quantile_of(values, 0.5, t))),
    "quantile": (Quantile(0.9), SUMMED, of_values(lambda values, t: quantile_of(values, 0.9, t))),
    "nunique": (NAMES["nunique"], ORDERED, of_values(lambda values, _: len(set(values)))),
}


class Model:
    """The rows of each slot, and the running accumulator that should know as much."""

    def __init__(self, name: str, data_type: pa.DataType, *, retractable: bool) -> None:
        self.aggregate, _, self.oracle = ORACLES[name]
        self.data_type, self.retractable = data_type, retractable
        self.types = [] if name == "size" else [data_type]
        if self.aggregate.order_dependent:
            self.types += [pa.timestamp("us", "UTC"), pa.int64()]
        self.rows: list[list[tuple[Any, ...]]] = [[] for _ in range(SLOTS)]
        self.ever: list[list[Any]] = [[] for _ in range(SLOTS)]
        self.running = self.fresh()

    def fresh(self) -> Any:
        accumulator = self.aggregate.accumulator(self.types, retractable=self.retractable)
        accumulator.grow(1)
        accumulator.grow(SLOTS)
        return accumulator

    def feed(self, accumulator: Any, slots: list[int], rows: list[tuple[Any, ...]], weights: list[int]) -> None:
        columns = zip(*rows, strict=True) if rows else [[]] * len(self.types)
        arrays = [pa.array(list(column), data_type) for column, data_type in zip(columns, self.types, strict=False)]
        some = np.array(weights, dtype=np.int64)
        accumulator.add(np.array(slots, dtype=np.int64), arrays, NO_WEIGHTS if all(some == 1) else some)

    def add(self, slots: list[int], rows: list[tuple[Any, ...]], weights: list[int]) -> None:
        self.feed(self.running, slots, rows, weights)
        self.remember(slots, rows, weights)

    def remember(self, slots: list[int], rows: list[tuple[Any, ...]], weights: list[int]) -> None:
        for slot, row, weight in zip(slots, rows, weights, strict=True):
            self.rows[slot] += [row] * weight
            self.ever[slot] += there([row[0]]) * weight

    def take_back(self, slot: int, indices: list[int]) -> None:
        gone = Counter(index % len(self.rows[slot]) for index in indices)
        rows = [self.rows[slot][index] for index in gone]
        self.feed(self.running, [slot] * len(rows), rows, [-1] * len(rows))
        self.rows[slot] = [row for index, row in enumerate(self.rows[slot]) if index not in gone]

    def merge(self, slots: list[int], rows: list[tuple[Any, ...]], weights: list[int]) -> None:
        other = self.fresh()
        self.feed(other, [SLOTS - 1 - slot for slot in slots], rows, weights)
        everyone = np.arange(SLOTS)
        self.running.merge(everyone, other, SLOTS - 1 - everyone)
        self.remember(slots, rows, weights)

    def merge_within(self, source: int, target: int) -> None:
        self.running.merge(np.array([target]), self.running, np.array([source]))
        self.running.reset(np.array([source]))
        self.rows[target] += self.rows[source]
        self.ever[target] += self.ever[source]
        self.rows[source] = []

    def reset(self, slot: int) -> None:
        self.running.reset(np.array([slot]))
        self.rows[slot] = []

    def restore(self) -> None:
        halves = [np.array([2, 0]), np.array([1])]
        before = [self.state_of(self.running, half) for half in halves]
        fresh = self.fresh()
        for half in halves:
            fresh.restore(half, self.running.snapshot(half))
        assert [self.state_of(fresh, half) for half in halves] == before
        self.running = fresh

    def state_of(self, accumulator: Any, slots: Any) -> Any:
        columns = [column.to_pylist() for column in accumulator.snapshot(slots).values()]
        states = list(zip(*columns, strict=True))
        return [
            sorted(map(str, zip(*state, strict=True))) if isinstance(state[0], list) else str(state) for state in states
        ]

    def check(self) -> None:
        for slot in range(SLOTS):
            expected = self.oracle(self.rows[slot], self.data_type)
            if expected is Overflow:
                with pytest.raises(DataError) as caught:
                    self.running.result(np.array([slot]))
                assert caught.value.slot == slot
                continue
            column = self.running.result(np.array([slot]))
            assert column.type == self.aggregate.result_type(self.types)
            self.compare(column[0].as_py(), expected, slot)

    def compare(self, found: Any, expected: Any, slot: int) -> None:
        if not isinstance(expected, float) or self.aggregate.name in ("min", "max", "first", "last"):
            assert found == expected
        elif math.isnan(expected) or math.isinf(expected):
            assert str(found) == str(expected)
        else:
            assert abs(Fraction(found) - Fraction(expected)) <= self.tolerance(expected, slot)

    def tolerance(self, expected: float, slot: int) -> Fraction:
        sizes = [abs(Fraction(value)) for value in self.ever[slot] if math.isfinite(value)]
        if self.aggregate.name == "var":
            squares = sum(size**2 for size in sizes)
            return Fraction(1e-13) * Fraction(expected) + len(sizes) * squares / 2**100 + Fraction(1e-300)
        if self.aggregate.name in ("sum", "mean"):
            return sum(sizes, Fraction()) / 10**12
        return Fraction(1e-14) * (max(sizes, default=Fraction()) + abs(Fraction(expected)))


def rows_of(aggregate: Aggregate, data_type: pa.DataType) -> st.SearchStrategy[tuple[Any, ...]]:
    value = st.none() | TYPES[data_type]
    if aggregate.order_dependent:
        times = st.integers(0, 2).map(lambda n: EPOCH.replace(tzinfo=UTC) + datetime.timedelta(seconds=n))
        return st.tuples(value, times, st.integers(0, 1))
    return st.tuples(value)


def batch_of(data: st.DataObject, model: Model) -> tuple[list[int], list[tuple[Any, ...]], list[int]]:
    row = st.tuples(st.integers(0, SLOTS - 1), rows_of(model.aggregate, model.data_type), st.sampled_from([1, 1, 2]))
    batch = data.draw(st.lists(row, max_size=5))
    return [slot for slot, _, _ in batch], [row for _, row, _ in batch], [weight for _, _, weight in batch]


def step(data: st.DataObject, model: Model) -> None:
    slot = data.draw(st.integers(0, SLOTS - 1))
    kinds = ["add", "add", "merge", "merge within", "reset", "restore"]
    match data.draw(st.sampled_from([*kinds, "take back", "take back"] if model.retractable else kinds)):
        case "add":
            model.add(*batch_of(data, model))
        case "take back" if model.rows[slot]:
            model.take_back(slot, data.draw(st.lists(st.integers(0, 99), min_size=1, max_size=4)))
        case "merge":
            model.merge(*batch_of(data, model))
        case "merge within":
            model.merge_within(slot, (slot + 1) % SLOTS)
        case "reset":
            model.reset(slot)
        case "restore":
            model.restore()


@pytest.mark.parametrize("retractable", [False, True], ids=["append-only", "retractable"])
@pytest.mark.parametrize("name", ORACLES)
@given(data=st.data())
def test_the_running_answer_is_the_answer_over_the_rows_that_are_left(
    name: str, retractable: bool, data: st.DataObject
) -> None:
    model = Model(name, data.draw(st.sampled_from(ORACLES[name][1])), retractable=retractable)
    for _ in range(data.draw(st.integers(1, 6))):
        step(data, model)
        model.check()


def test_every_name_is_tested_here_or_has_its_own_file() -> None:
    assert set(NAMES) - {"approx_nunique", "std"} <= set(ORACLES)


@given(values=st.lists(floats(64), max_size=6))
def test_std_is_the_root_of_var(values: list[float]) -> None:
    array, slots = pa.array(values, pa.float64()), np.zeros(len(values), dtype=np.int64)
    found = []
    for aggregate in (Std(ddof=0), Var(ddof=0)):
        running = aggregate.accumulator([pa.float64()], retractable=False)
        running.grow(1)
        running.add(slots, [array], NO_WEIGHTS)
        found.append(running.result(np.array([0]))[0].as_py())
    std, var = found
    assert (std is None and var is None) or str(std) == str(math.sqrt(var))
