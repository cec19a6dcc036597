"""The user's column: what it says, what it refuses, and the frame that it belongs to."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import playhead as ph
from playhead.errors import PlanError
from playhead.expr import AggregateCall, Col, columns_of, has_aggregate
from playhead.frame.column import Column, col, lit, to_expr
from playhead.functions.type_names import named_type


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (col("a") > 60, "(a > 60)"),
        (col("a") + 1 - col("b"), "((a + 1) - b)"),
        (2 ** -col("a"), "(2 ** -a)"),
        (col("a").isna() & ~(col("b") == "x"), "(isna(a) & ~(b == 'x'))"),
        (col("a").isin([1, 2]), "isin(a, [1, 2])"),
        (col("a").between(1, 2), "((a >= 1) & (a <= 2))"),
        (abs(col("a")).round(2), "round(abs(a), decimals=2)"),
        (np.sqrt(col("a")), "sqrt(a)"),
        (np.float64(2) * col("a"), "(2.0 * a)"),
        (col("a").str.upper().str[:2], "str.slice(str.upper(a), start=0, stop=2)"),
        (col("t").dt.hour, "dt.hour(t)"),
    ],
)
def test_a_column_shows_its_expression(column: Column, text: str) -> None:
    assert str(column) == text
    assert repr(column) == f"Column: {text}"


def test_equal_expressions_are_equal_and_have_the_same_hash() -> None:
    first, second = ((col("a") + 1).isin([1, 2]).expr for _ in range(2))
    assert first == second and hash(first) == hash(second)
    assert first != (col("a") + 2).isin([1, 2]).expr


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda c: bool(c), r"not a truth value; join conditions with & \| ~"),
        (lambda c: 1 < c < 3, r"a.between\(low, high\)"),
        (lambda c: len(c), r"count\(\).compute\(\)"),
        (lambda c: list(c), r"compute\(\) the frame first"),
        (lambda c: np.asarray(c), r"compute\(\) the frame first"),
        (lambda c: c.isin("AA"), r"isin takes a list of values, not 'AA'"),
        (lambda c: c.isin([1, "a"]), r"the values of isin are of types that do not fit together"),
        (lambda c: c.astype("flaot64"), r"no type 'flaot64'; did you mean 'float64'"),
        (lambda c: c.between(1, 2, inclusive="all"), r"inclusive is 'both'"),
        (lambda c: c + object(), r"cannot stand in an expression"),
        (lambda c: c.str.contains("("), r"the pattern '\(' cannot be used"),
        (lambda c: c.str.contains("(?=x)"), r"look-around"),
        (lambda c: c.str.extract("abc"), r"has no group; put parentheses"),
        (lambda c: c.dt.floor("month"), r"fixed lengths such as '1h'"),
        (lambda c: c.dt.floor("1 fortnight"), r"fortnight"),
        (lambda c: c.dt.tz_convert("New York"), r"no time zone 'New York'"),
        (lambda c: c.dt.tz_localize("UTC", ambiguous="infer"), r"ambiguous is one of"),
        (lambda c: np.add.reduce(c), r"only as a plain call, np.add\(column\)"),
        (lambda c: np.modf(c), r"modf does not work on a column"),
        (lambda c: hash(c), r"unhashable"),
        (lambda c: c.rename(1), r"named by a string"),
        (lambda c: col(1), r"named by a string"),  # type: ignore[arg-type]
    ],
)
def test_what_a_column_cannot_do_is_told_with_what_to_do_instead(use: Any, message: str) -> None:
    with pytest.raises((PlanError, TypeError), match=message):
        use(col("a"))


def test_values_in_an_order_of_their_own_do_not_line_up_with_a_frame() -> None:
    for values in (pd.Series([1, 2]), np.array([1, 2]), pa.array([1, 2])):
        with pytest.raises(PlanError, match="does not line up"):
            col("x") + values


def test_columns_of_different_frames_do_not_mix() -> None:
    left, right = (ph.from_arrow(pa.table({"a": [number], "b": [1], "c": [1]})) for number in (1, 2))
    mine, theirs = Column(Col("a"), left), Column(Col("b"), right)
    assert (mine + Column(Col("c"), left)).frame is left
    assert (mine > 1).frame is (col("x") + mine).frame is (1 - mine).frame is left
    assert mine.str.cat(col("x")).frame is left
    assert col("x").where(mine > 1, 0).frame is left
    for mix in (lambda: mine + theirs, lambda: mine.where(theirs, 0), lambda: mine.apply(max, theirs, dtype=int)):
        with pytest.raises(PlanError, match="different frames; merge joins frames"):
            mix()


def test_a_column_has_a_name_until_it_is_computed() -> None:
    assert col("a").name == "a"
    assert (col("a") + 1).name is None
    renamed = (col("a") + 1).rename("b")
    assert renamed.name == "b" and columns_of(renamed.expr) == {"a"}


@pytest.mark.parametrize(
    ("value", "data_type"),
    [
        (1, pa.int64()),
        (2**63, pa.uint64()),
        (-(2**70), pa.decimal128(22, 0)),
        (True, pa.bool_()),
        (1.5, pa.float64()),
        ("a", pa.string()),
        (b"a", pa.binary()),
        (None, pa.null()),
        (Decimal("1.50"), pa.decimal128(3, 2)),
        (dt.date(2013, 1, 1), pa.date32()),
        (dt.time(9, 45), pa.time64("us")),
        (dt.datetime(2013, 1, 1), pa.timestamp("us")),
        (dt.datetime(2013, 1, 1, tzinfo=dt.UTC), pa.timestamp("us", "UTC")),
        (dt.timedelta(1), pa.duration("us")),
        (pd.Timestamp("2013-01-01"), pa.timestamp("us")),
        (pd.Timestamp("2013-01-01", tz="UTC"), pa.timestamp("us", "UTC")),
        (pd.Timestamp("2013-01-01 00:00:00.000000001"), pa.timestamp("ns")),
        (pd.Timedelta("1h"), pa.duration("us")),
        (pd.NaT, pa.null()),
        (pd.NA, pa.null()),
        (np.int16(3), pa.int16()),
        (np.float32(1.5), pa.float32()),
        (np.bool_(True), pa.bool_()),
        (np.str_("a"), pa.string()),
        (np.datetime64("2013-01-01"), pa.timestamp("us")),
        (np.timedelta64(1, "h"), pa.duration("us")),
        (np.datetime64("NaT"), pa.null()),
        (pa.scalar(1, pa.int8()), pa.int8()),
    ],
    ids=repr,
)
def test_any_plain_value_is_a_literal(value: Any, data_type: pa.DataType) -> None:
    literal: Any = to_expr(value)
    assert literal.value.type == data_type
    assert lit(value).expr == literal


@pytest.mark.parametrize(
    ("name", "data_type"),
    [
        (int, pa.int64()),
        (float, pa.float64()),
        (str, pa.string()),
        (bool, pa.bool_()),
        (dt.datetime, pa.timestamp("us")),
        ("Int64", pa.int64()),
        ("uint8", pa.uint8()),
        ("int64[pyarrow]", pa.int64()),
        ("Float32", pa.float32()),
        ("double", pa.float64()),
        ("boolean", pa.bool_()),
        ("str", pa.string()),
        ("category", pa.dictionary(pa.int32(), pa.string())),
        ("datetime64[us]", pa.timestamp("us")),
        ("datetime64[ns, America/New_York]", pa.timestamp("ns", "America/New_York")),
        ("timestamp[us, tz=UTC]", pa.timestamp("us", "UTC")),
        ("timedelta64[us]", pa.duration("us")),
        ("duration[s]", pa.duration("s")),
        ("date32[day]", pa.date32()),
        ("decimal(10, 2)", pa.decimal128(10, 2)),
        ("decimal256(50, 3)", pa.decimal256(50, 3)),
        (np.int16, pa.int16()),
        (np.dtype("float32"), pa.float32()),
        (np.dtype("datetime64[us]"), pa.timestamp("us")),
        (np.bool_, pa.bool_()),
        (pd.Int8Dtype(), pa.int8()),
        (pd.StringDtype(), pa.string()),
        (pd.CategoricalDtype(), pa.dictionary(pa.int32(), pa.string())),
        (pd.DatetimeTZDtype("us", "UTC"), pa.timestamp("us", "UTC")),
        (pd.ArrowDtype(pa.large_string()), pa.large_string()),
        (pa.int8(), pa.int8()),
    ],
    ids=repr,
)
def test_types_have_the_names_of_python_numpy_pandas_and_arrow(name: Any, data_type: pa.DataType) -> None:
    assert named_type(name) == data_type


@pytest.mark.parametrize("name", ["count", "sum", "mean", "min", "max"])
def test_an_aggregate_of_a_column_is_an_expression(name: str) -> None:
    column = getattr(col("a") * 2, name)()
    assert isinstance(column.expr, AggregateCall)
    assert str(column) == f"{name}((a * 2))"
    assert has_aggregate((column / 2).expr)
