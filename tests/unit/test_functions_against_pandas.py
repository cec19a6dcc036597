"""Scalar functions give what pandas gives on the same values; the tables are in tests/fixtures/functions."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from playhead.expr import compile_expr, type_of
from playhead.frame.column import Column, col

TABLES = Path(__file__).parents[1] / "fixtures" / "functions"
NAN, INF = float("nan"), float("inf")
NEW_YORK = "America/New_York"


def cases() -> list[Any]:
    found = []
    for table in sorted(TABLES.glob("*.txt")):
        for line in table.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                ours, _, theirs = line.partition("  =>  ")
                found.append(pytest.param(ours, theirs or ours, id=f"{table.stem}: {ours}"))
    return found


def instants(zone: str | None, *texts: str | None) -> pa.Array:
    """Wall clock times in New York, as timestamps of `zone`."""
    naive = pa.array([text and dt.datetime.fromisoformat(text) for text in texts], pa.timestamp("us"))
    if zone is None:
        return naive
    aware = pd.Series(naive.to_pandas()).dt.tz_localize(NEW_YORK, ambiguous=np.zeros(len(naive), bool))
    return pa.array(aware.dt.as_unit("us"), pa.timestamp("us", NEW_YORK)).cast(pa.timestamp("us", zone))


WALL = ("2013-03-10T03:30", "2013-11-03T01:30:00.250000", None, "1969-12-31T23:59:59.999999", "2012-02-29T12:30:45.5")
WALL2 = ("2013-03-10T01:59:59", "2013-11-03T01:30", "2013-01-01", None, "2016-12-31T23:59:59.000001")
ROWS = pa.record_batch(
    {
        "a": pa.array([1, None, 3, -7, 25]),
        "b": pa.array([1, 2, None, -2, 4]),
        "small": pa.array([1, None, 100, -7, 15], pa.int16()),
        "tiny": pa.array([0, 1, None, 7, 200], pa.uint8()),
        "big": pa.array([0, 1, None, 2**63 + 5, 25], pa.uint64()),
        "huge": pa.array([0, -1, 7, 2**53 + 1, 25]),
        "single": pa.array([0.1, -1.5, None, 2.5, 7], pa.float32()),
        "x": pa.array([1.5, NAN, -0.0, INF, -2.5]),
        "y": pa.array([0.5, 1.0, 2.5, -INF, -2.5]),
        "hole": pa.array([0.125, None, -3.5, 2.675, 1.005]),
        "whole": pa.array([0.0, 1.0, None, 7.0, 200.0]),
        "yes": pa.array([True, None, False, None, True]),
        "no": pa.array([False, False, None, None, True]),
        "s": pa.array(["abc", "Hello World", None, "żółw ", ""]),
        "s2": pa.array(["abd", None, "x", "ab\\c", " "]),
        "digits": pa.array(["12", "-5", None, "007", "0"]),
        "stamps": pa.array(["2013-07-01", "2013-01-01 10:00:00", None, "1969-12-31T23:59:59", "2000-02-29 00:00:01"]),
        "kind": pa.array(["x", "y", None, "x", "abc"]).dictionary_encode(),
        "t": instants(NEW_YORK, *WALL),
        "u": instants(NEW_YORK, *WALL2),
        "utc": instants("UTC", *WALL),
        "naive": instants(
            None, "2013-03-10T02:30", "2013-11-03T01:30", None, "1969-12-31T23:59:59.999999", "2013-07-01"
        ),
        "span": pa.array([3_600_000_000, -1, None, 90_000_000, 100_000_000_000], pa.duration("us")),
        "day": pa.array([dt.date(2013, 3, 10), None, dt.date(2012, 2, 29), dt.date(1969, 12, 31), dt.date(2013, 1, 1)]),
    }
)
NULLABLE = {name.lower(): name for name in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")}


def pandas_column(values: pa.Array) -> pd.Series[Any]:
    if str(values.type) in NULLABLE:
        return pd.Series(values.to_pylist(), dtype=NULLABLE[str(values.type)])
    if pa.types.is_boolean(values.type):
        return pd.Series(values.to_pylist(), dtype="boolean")
    if pa.types.is_string(values.type):
        return pd.Series(values.to_pylist(), dtype="string")
    if pa.types.is_floating(values.type) and values.null_count:
        return pd.Series(values.to_pylist(), dtype="Float32" if values.type == pa.float32() else "Float64")
    return values.to_pandas()


class Columns:
    """`f.name` is a column, as of a frame."""

    def __getattr__(self, name: str) -> Column:
        return col(name)


def unknown(result: pd.Series[Any], *inputs: pd.Series[Any]) -> pd.Series[Any]:
    """Null instead of false where an input is missing: pandas' times and strings have no unknown, its Int64 has."""
    missing = np.logical_or.reduce([values.isna() for values in inputs])
    return result.astype("boolean").mask(missing)


NAMES = {"np": np, "pd": pd, "dt": dt, "pa": pa, "Decimal": Decimal, "unknown": unknown}


def ours(expression: str, rows: pa.RecordBatch = ROWS) -> pa.Array:
    column = eval(expression, {**NAMES, "f": Columns()})
    values = compile_expr(column.expr, rows.schema)(rows)
    assert values.type == type_of(column.expr, rows.schema)
    return values


def theirs(expression: str, rows: pa.RecordBatch = ROWS) -> pd.Series[Any]:
    frame = pd.DataFrame(
        {name: pandas_column(column) for name, column in zip(rows.schema.names, rows.columns, strict=True)}
    )
    return pd.Series(eval(expression, {**NAMES, "f": frame}))


def is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def same(our: Any, their: Any) -> bool:
    if is_missing(our) or is_missing(their):
        return is_missing(our) and is_missing(their)
    if isinstance(our, float) and our == 0:
        return bool(their == 0 and math.copysign(1, our) == math.copysign(1, their))
    return bool(our == their)


ARROW_NAMES = {"double": "float64", "float": "float32", "bool": "boolean", "large_string": "string"}


def dtype_name(data_type: pa.DataType) -> str:
    if pa.types.is_timestamp(data_type):
        return f"datetime64[{data_type.unit}{f', {data_type.tz}' if data_type.tz else ''}]"
    if pa.types.is_duration(data_type):
        return f"timedelta64[{data_type.unit}]"
    return "category" if pa.types.is_dictionary(data_type) else ARROW_NAMES.get(str(data_type), str(data_type))


PANDAS_NAMES = {"bool": "boolean", "bool[pyarrow]": "boolean", "double[pyarrow]": "float64", "str": "string"}


def types_agree(data_type: pa.DataType, series: pd.Series[Any]) -> bool:
    """The same type by pandas' name; not where pandas has only objects, or floats because of missing values."""
    name = PANDAS_NAMES.get(str(series.dtype), str(series.dtype)).lower()
    fell_back = name == "float64" and series.isna().any() and not pa.types.is_floating(data_type)
    return name == "object" or fell_back or name == dtype_name(data_type).lower()


@pytest.mark.parametrize(("expression", "in_pandas"), cases())
@pytest.mark.filterwarnings("ignore")
def test_gives_what_pandas_gives(expression: str, in_pandas: str) -> None:
    values, expected = ours(expression), theirs(in_pandas)
    result = values.to_pylist()
    assert len(result) == len(expected)
    assert [same(our, their) for our, their in zip(result, expected, strict=True)] == [True] * len(result), (
        f"{result} != {list(expected)}"
    )
    assert types_agree(values.type, expected), f"{values.type} is not {expected.dtype}"


def with_garbage_under_nulls(values: pa.Array) -> pa.Array:
    """The same values, with the smallest number where there is none (as in what pandas hands over)."""
    width = values.type.bit_width // 8 if pa.types.is_primitive(values.type) and values.type != pa.bool_() else 0
    if (
        not width
        or not values.null_count
        or not pa.types.is_integer(values.type)
        and not pa.types.is_temporal(values.type)
    ):
        return values
    data = np.frombuffer(values.buffers()[1], f"i{width}", len(values)).copy()
    data[~np.asarray(values.is_valid())] = np.iinfo(data.dtype).min
    return pa.Array.from_buffers(values.type, len(values), [values.buffers()[0], pa.py_buffer(data)])


@pytest.mark.parametrize(("expression", "in_pandas"), cases())
def test_does_not_look_at_what_lies_under_a_null(expression: str, in_pandas: str) -> None:
    dirty = pa.record_batch([with_garbage_under_nulls(column) for column in ROWS.columns], schema=ROWS.schema)
    assert str(ours(expression, dirty).to_pylist()) == str(ours(expression).to_pylist())


@pytest.mark.parametrize(("expression", "in_pandas"), cases())
def test_does_not_depend_on_how_rows_are_cut_into_batches(expression: str, in_pandas: str) -> None:
    whole = ours(expression)
    padded = pa.concat_batches([ROWS.slice(3), ROWS, ROWS.slice(0, 2)]).slice(2, len(ROWS))
    assert str(ours(expression, padded).to_pylist()) == str(whole.to_pylist())
    pieces = [ours(expression, ROWS.slice(start, length)) for start, length in ((0, 2), (2, 0), (2, 1), (3, 2))]
    assert str([value for piece in pieces for value in piece.to_pylist()]) == str(whole.to_pylist())
    assert {piece.type for piece in pieces} == {whole.type}
