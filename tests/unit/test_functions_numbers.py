"""Arithmetic and comparison over all pairs of number types, against numpy's scalars and Python's integers."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playhead.errors import DataError, TypeMismatchError
from playhead.expr import compile_expr, type_of
from playhead.frame.column import Column, col, lit
from playhead.functions.arithmetic import remainder

INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
FLOATS = [pa.float32(), pa.float64()]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


def values_of(data_type: pa.DataType) -> st.SearchStrategy[Any]:
    if data_type in FLOATS:
        special = st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf])
        return special | st.floats(width=32 if data_type == pa.float32() else 64)
    limits = np.iinfo(data_type.to_pandas_dtype())
    return st.integers(int(limits.min), int(limits.max)) | st.integers(max(-3, int(limits.min)), 3)


@st.composite
def pairs(draw: st.DrawFn, types: list[pa.DataType]) -> tuple[pa.Array, pa.Array]:
    left, right = draw(st.sampled_from(types)), draw(st.sampled_from(types))
    rows = draw(st.lists(st.tuples(st.none() | values_of(left), st.none() | values_of(right)), max_size=8))
    return pa.array([a for a, _ in rows], left), pa.array([b for _, b in rows], right)


def evaluate(column: Column, **columns: pa.Array) -> pa.Array:
    rows = pa.record_batch(columns)
    result = compile_expr(column.expr, rows.schema)(rows)
    assert result.type == type_of(column.expr, rows.schema)
    return result


def scalars(values: pa.Array) -> list[Any]:
    """The values as numpy's scalars of the same type, None where null."""
    kind = values.type.to_pandas_dtype()
    return [None if value is None else kind(value) for value in values.to_pylist()]


def known(function: Callable[[Any, Any], Any], left: pa.Array, right: pa.Array) -> list[Any]:
    """The function of each pair, None where either is."""
    with np.errstate(all="ignore"):
        pairs = zip(scalars(left), scalars(right), strict=True)
        return [None if a is None or b is None else function(a, b) for a, b in pairs]


def identical(ours: Any, theirs: Any) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    if isinstance(ours, float):
        return (math.isnan(ours) and math.isnan(theirs)) or (
            ours == float(theirs) and math.copysign(1, ours) == math.copysign(1, theirs)
        )
    return bool(ours == theirs)


def assert_identical(ours: pa.Array, theirs: list[Any]) -> None:
    assert len(ours) == len(theirs)
    assert all(identical(a, b) for a, b in zip(ours.to_pylist(), theirs, strict=True)), f"{ours.to_pylist()} {theirs}"


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda function: function.__name__)
@given(columns=pairs(INTEGERS + FLOATS))
def test_a_comparison_is_numpys_and_null_beside_null(
    compare: Callable[[Any, Any], Any], columns: tuple[pa.Array, pa.Array]
) -> None:
    left, right = columns
    assert_identical(evaluate(compare(col("a"), col("b")), a=left, b=right), known(compare, left, right))


@pytest.mark.parametrize("function", [operator.add, operator.sub, operator.mul], ids=lambda function: function.__name__)
@given(columns=pairs(INTEGERS))
def test_an_integer_result_is_exact_or_an_error(
    function: Callable[[Any, Any], Any], columns: tuple[pa.Array, pa.Array]
) -> None:
    left, right = columns
    expected_type = np.result_type(left.type.to_pandas_dtype(), right.type.to_pandas_dtype())
    exact = [
        None if a is None or b is None else function(a, b)
        for a, b in zip(left.to_pylist(), right.to_pylist(), strict=True)
    ]
    if expected_type.kind == "f":  # int64 beside uint64, as in numpy
        assert_identical(evaluate(function(col("a"), col("b")), a=left, b=right), known(function, left, right))
        return
    limits = np.iinfo(expected_type)
    if any(value is not None and not limits.min <= value <= limits.max for value in exact):
        with pytest.raises(DataError, match="overflow"):
            evaluate(function(col("a"), col("b")), a=left, b=right)
        return
    result = evaluate(function(col("a"), col("b")), a=left, b=right)
    assert result.type == pa.from_numpy_dtype(expected_type)
    assert result.to_pylist() == exact


@pytest.mark.parametrize("function", [operator.add, operator.sub, operator.mul, operator.truediv])
@given(columns=pairs(FLOATS))
def test_a_float_result_is_numpys_bit_for_bit(
    function: Callable[[Any, Any], Any], columns: tuple[pa.Array, pa.Array]
) -> None:
    left, right = columns
    assert_identical(evaluate(function(col("a"), col("b")), a=left, b=right), known(function, left, right))


@given(columns=pairs(INTEGERS))
def test_integers_divide_to_float64(columns: tuple[pa.Array, pa.Array]) -> None:
    left, right = columns

    def quotient(a: Any, b: Any) -> Any:
        return np.float64(a) / np.float64(b)

    result = evaluate(col("a") / col("b"), a=left, b=right)
    assert result.type == pa.float64()
    assert_identical(result, known(quotient, left, right))


@pytest.mark.parametrize("function", [operator.floordiv, operator.mod], ids=lambda function: function.__name__)
@given(rows=st.lists(st.tuples(st.none() | st.integers(-(2**62), 2**62), st.none() | st.integers(-5, 5)), max_size=8))
def test_floor_division_and_remainder_are_pandas_for_int64(
    function: Callable[[Any, Any], Any], rows: list[tuple[int | None, int | None]]
) -> None:
    left, right = [a for a, _ in rows], [b for _, b in rows]
    expected = function(pd.array(left, dtype="Int64"), pd.array(right, dtype="Int64"))
    result = evaluate(function(col("a"), col("b")), a=pa.array(left, pa.int64()), b=pa.array(right, pa.int64()))
    assert result.to_pylist() == [None if value is pd.NA else int(value) for value in expected]


@pytest.mark.parametrize("function", [operator.floordiv, operator.mod], ids=lambda function: function.__name__)
@given(columns=pairs([pa.float64()]))
def test_floor_division_and_remainder_are_pandas_for_floats(
    function: Callable[[Any, Any], Any], columns: tuple[pa.Array, pa.Array]
) -> None:
    left, right = (column.drop_null() for column in columns)
    left, right = left[: len(right)], right[: len(left)]
    expected = function(left.to_pandas(), right.to_pandas())
    assert_identical(evaluate(function(col("a"), col("b")), a=left, b=right), expected.tolist())


@given(columns=pairs([pa.float64()]), decimals=st.integers(-2, 4))
def test_rounding_goes_to_the_even_half(columns: tuple[pa.Array, pa.Array], decimals: int) -> None:
    values = pa.array([value for value in columns[0].to_pylist() if value is None or abs(value) < 1e12], pa.float64())
    halves = pa.array([2.5, 0.125, -0.5, 1.005, 2.675, 15.0, 25.0])
    for given_values in (values, halves):
        ours = evaluate(col("a").round(decimals), a=given_values).to_pylist()
        theirs = given_values.to_pandas().astype("float64").round(decimals)
        known_values = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None and not math.isnan(a)]
        assert all(math.isclose(a, b, rel_tol=1e-15, abs_tol=0) for a, b in known_values)


@pytest.mark.parametrize("data_type", INTEGERS, ids=str)
def test_an_integer_literal_takes_the_columns_type_where_it_fits(data_type: pa.DataType) -> None:
    values = pa.array([1, None, 100], data_type)
    assert evaluate(col("a") + 1, a=values).type == data_type
    assert evaluate(1 + col("a"), a=values).type == data_type
    assert evaluate(col("a") > 60, a=values).to_pylist() == [False, None, True]
    assert evaluate(col("a") < 10**30, a=values).to_pylist() == [True, None, True]


@pytest.mark.parametrize("value", [-0.0, 0.0])
def test_a_zero_literal_keeps_its_sign(value: float) -> None:
    result = evaluate(col("a") * value, a=pa.array([1.0], pa.float32())).to_pylist()
    assert math.copysign(1, result[0]) == math.copysign(1, value)
    assert evaluate(1 / (col("a") * 0 + value), a=pa.array([1.0]))[0].as_py() == math.inf
    assert evaluate(col("a") / value, a=pa.array([1.0], pa.float32()))[0].as_py() == math.copysign(math.inf, value)


def test_decimals_stay_exact_beside_integers_and_decimals() -> None:
    price = pa.array([Decimal("1.50"), None, Decimal("0.10")], pa.decimal128(10, 2))
    assert evaluate(col("a") * 2, a=price).to_pylist() == [Decimal("3.00"), None, Decimal("0.20")]
    assert evaluate(col("a") + col("a"), a=price).to_pylist() == [Decimal("3.00"), None, Decimal("0.20")]
    assert evaluate(col("a") + Decimal("0.05"), a=price).to_pylist() == [Decimal("1.55"), None, Decimal("0.15")]
    assert evaluate(col("a") > Decimal("0.1"), a=price).to_pylist() == [True, None, False]
    assert evaluate(col("a") == 1.5, a=price).to_pylist() == [True, None, False]
    assert evaluate(col("a") * 0.5, a=price).to_pylist() == [0.75, None, 0.05]
    assert evaluate(col("a").round(1), a=price).to_pylist() == [Decimal("1.5"), None, Decimal("0.1")]
    assert evaluate(col("a").isin([Decimal("0.1"), 7]), a=price).to_pylist() == [False, False, True]


def test_literals_alone_give_a_value_in_every_row() -> None:
    assert evaluate(lit(1) + lit(2), a=pa.array([0, 0])).to_pylist() == [3, 3]
    assert evaluate(lit(7) // lit(2) + lit(None), a=pa.array([0])).to_pylist() == [None]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (col("a") > "60", r"> cannot work on \(a: int16, '60': string\): a number is not a string; use a number"),
        (col("s") + 1, r"\+ cannot work on \(s: string, 1: int64\): there is no string \+ int64; .astype"),
        (-col("c"), r"there is no -bool; use ~"),
        (col("c") - col("c"), r"there is no bool - bool"),
        (~col("s"), r"~ turns a condition round, and this is string"),
        (col("a") & col("c"), r"put each comparison in parentheses"),
        (col("a").where(col("a")), r"the condition is int16, not boolean"),
        (col("t") > "soon", r"'soon' is not a timestamp; write it as '2013-07-01 09:45'"),
        (
            col("n") > "2013-11-03 01:30",
            r"2013-11-03 01:30:00 occurs twice in America/New_York; write it with its offset",
        ),
        (col("n") > "2013-03-10 02:30", r"2013-03-10 02:30:00 never occurs in America/New_York"),
        (col("t") == col("z"), r"one time has a zone and the other has none"),
        (col("t") + 1, r"there is no timestamp\[us\] \+ int64"),
        (col("s").round(), r"there is no round for string"),
        (col("t").round(), r"use .dt.round"),
        (np.sqrt(col("s")), r"string is not a number"),
        (col("l") + 1, r"there is no list"),
        (col("l") > 1, r"do not fit together"),
    ],
    ids=str,
)
def test_types_that_do_not_fit_are_told_while_the_query_is_written(column: Column, message: str) -> None:
    schema = pa.schema(
        [
            pa.field("a", pa.int16()),
            pa.field("s", pa.string()),
            pa.field("c", pa.bool_()),
            pa.field("t", pa.timestamp("us")),
            pa.field("z", pa.timestamp("us", "UTC")),
            pa.field("n", pa.timestamp("us", "America/New_York")),
            pa.field("l", pa.list_(pa.int64())),
        ]
    )
    with pytest.raises(TypeMismatchError, match=message):
        type_of(column.expr, schema)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64])
def test_the_remainder_by_one_integer_is_numpys_at_the_edges_of_every_type(dtype):
    bounds = np.iinfo(dtype)
    values = np.array([bounds.min, bounds.min + 1, 0, 1, 41, bounds.max - 1, bounds.max], dtype)
    for divisor in (1, 2, 7, 123, bounds.max - 1, bounds.max):
        if divisor > bounds.max:
            continue
        found = remainder(values, dtype(divisor))
        assert found.dtype == dtype
        assert found.tolist() == [int(value) % divisor for value in values]
