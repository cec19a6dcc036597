"""The user's own functions: what they get, what they may give, and errors that name their line and the row."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import playhead as ph
from playhead.errors import PlanError, UserFunctionError
from playhead.expr import compile_expr, type_of
from playhead.frame.column import Column, col
from playhead.functions.udf import call_on_batch

ROWS = pa.record_batch(
    {"x": pa.array([1, None, 3]), "s": pa.array(["a", "b", None]), "y": pa.array([0.5, 0.0, math.nan])}
)


def evaluate(column: Column, rows: pa.RecordBatch = ROWS) -> pa.Array:
    result = compile_expr(column.expr, rows.schema)(rows)
    assert result.type == type_of(column.expr, rows.schema)
    return result


def shout(text: str | None) -> str | None:
    return None if text is None else text.upper() + "!"


def ratio(x: int, y: float) -> float:
    return x / y


def test_apply_gets_none_where_a_value_is_missing_and_may_give_none() -> None:
    assert evaluate(col("s").apply(shout)).to_pylist() == ["A!", "B!", None]


def test_the_type_is_said_or_annotated() -> None:
    assert evaluate(col("x").apply(lambda x: x, dtype="int8")).type == pa.int8()
    assert evaluate(col("x").fillna(0).apply(float)).to_pylist() == [1.0, 0.0, 3.0]
    with pytest.raises(PlanError, match=r"lambda.*test_functions_udf.py:\d+.*say dtype="):
        col("x").apply(lambda x: x)


def test_apply_takes_further_columns_and_values() -> None:
    both = col("x").apply(lambda x, y, z: f"{x}|{y}|{z}", col("s"), 7, dtype=str)
    assert evaluate(both).to_pylist() == ["1|a|7", "None|b|7", "3|None|7"]


def test_a_pandas_na_is_null() -> None:
    assert evaluate(col("x").apply(lambda x: pd.NA if x == 1 else x, dtype="int64")).to_pylist() == [None, None, 3]


def test_an_exception_names_the_line_and_the_row() -> None:
    rows = pa.record_batch({"x": pa.array([1, 4]), "y": pa.array([2.0, 0.0])})
    line = ratio.__code__.co_firstlineno + 1
    with pytest.raises(
        UserFunctionError, match=rf"ratio at .*test_functions_udf.py:{line} raised Zero.*\(x=4, y=0.0\)"
    ) as info:
        evaluate(col("x").apply(ratio, col("y")), rows)
    assert isinstance(info.value.__cause__, ZeroDivisionError)


FLIGHTS = {"number": pa.array([11, 12, 13]), "delay": pa.array([5, 0, 7])}


def inverse(x: int) -> float:
    return 1 / x


@pytest.mark.parametrize(
    "asked",
    [
        lambda f: f.assign(y=f.delay.apply(inverse) + 1),
        lambda f: f[f.delay.apply(inverse) > 0],
        lambda f: f.assign(y=(f.delay + 0).apply(inverse))[lambda g: g.number > 0],
    ],
    ids=["assigned", "a condition", "of an expression"],
)
@pytest.mark.parametrize("parallelism", [1, 2])
def test_the_whole_row_is_named_not_only_the_arguments(asked: Any, parallelism: int) -> None:
    frame = asked(ph.from_arrow(pa.table(FLIGHTS)))
    with pytest.raises(UserFunctionError, match=r"for \(x=0\), in the row \{'number': 12, 'delay': 0\}$"):
        frame.compute(parallelism=parallelism)


def test_the_row_of_a_wrong_result_is_named_whole() -> None:
    frame = ph.from_arrow(pa.table(FLIGHTS))
    with pytest.raises(UserFunctionError, match=r"gave 'q' .* in the row \{'number': 13, 'delay': 7\}$"):
        frame.assign(y=frame.delay.apply(lambda x: "q" if x == 7 else x, dtype=int)).compute()


def test_a_result_of_another_type_names_the_row() -> None:
    with pytest.raises(UserFunctionError, match=r"gave 'q' for \(x=3\), which is no int64; say which type"):
        evaluate(col("x").apply(lambda x: "q" if x == 3 else x, dtype=int))


def test_the_same_function_gives_equal_expressions() -> None:
    assert col("s").apply(shout).expr == col("s").apply(shout).expr
    assert col("s").apply(shout).expr != col("s").apply(ratio).expr


def test_map_looks_values_up() -> None:
    assert evaluate(col("x").map({1: "one", None: "none"})).to_pylist() == ["one", "none", None]
    assert evaluate(col("y").map({0: 1})).to_pylist() == [None, 1, None]
    assert evaluate(col("s").map(shout)).to_pylist() == ["A!", "B!", None]
    with pytest.raises(PlanError, match="values of the mapping are of types that do not fit"):
        col("x").map({1: "one", 2: 2})


@pytest.mark.parametrize("rows", [ROWS, ROWS.slice(1, 1), ROWS.slice(0, 0)], ids=["all", "one", "none"])
@pytest.mark.parametrize("kind", ["arrow", "pandas"])
def test_a_batch_goes_through_a_function_and_back(rows: pa.RecordBatch, kind: str) -> None:
    known = rows.select(["x", "s"])
    assert call_on_batch(lambda batch: batch, known, kind, known.schema).equals(known)
    assert call_on_batch(lambda batch: batch, known, kind).schema.equals(known.schema)


def test_pandas_keeps_whole_numbers_whole_however_rows_are_cut() -> None:
    seen = []

    def look(frame: pd.DataFrame) -> pd.DataFrame:
        seen.append(str(frame.dtypes["x"]))
        return frame.assign(x=frame.x + 1)

    assert call_on_batch(look, ROWS, "pandas").column("x").to_pylist() == [2, None, 4]
    call_on_batch(look, ROWS.slice(0, 1), "pandas")
    assert seen == ["Int64", "Int64"]


def test_a_result_is_put_in_the_order_and_types_that_were_promised() -> None:
    promised = pa.schema([("y", pa.float64()), ("x", pa.int16())])
    result = call_on_batch(lambda rows: rows, ROWS.select(["x", "y"]), "arrow", promised)
    assert result.schema.equals(promised)
    assert result.column("x").to_pylist() == [1, None, 3]


def test_tables_and_anything_with_arrows_protocol_are_taken() -> None:
    known = ROWS.select(["x", "s"])
    assert call_on_batch(lambda rows: pa.table(rows), known, "arrow", known.schema).equals(known)
    two = pa.concat_tables([pa.table(ROWS), pa.table(ROWS)])
    assert call_on_batch(lambda rows: two, ROWS, "arrow").num_rows == 6


def fails(frame: Any) -> Any:
    return frame["nope"]


@pytest.mark.parametrize(
    ("function", "schema", "message"),
    [
        (fails, None, r"fails at .*test_functions_udf.py:\d+ raised KeyError.*3 rows, the first of which is {'x': 1"),
        (lambda rows: 7, None, r"gave int, not a RecordBatch"),
        (lambda rows: rows.select(["x"]), ROWS.schema, r"missing: \['s', 'y'\]"),
        (lambda rows: rows, ROWS.schema.remove(0), r"unexpected: \['x'\]"),
        (
            lambda rows: rows.select(["s"]),
            pa.schema([("s", pa.int64())]),
            r"gave string in 's', which",
        ),
    ],
)
def test_a_bad_batch_function_is_told_with_its_place(function: Any, schema: Any, message: str) -> None:
    with pytest.raises(UserFunctionError, match=message):
        call_on_batch(function, ROWS, "arrow", schema)
