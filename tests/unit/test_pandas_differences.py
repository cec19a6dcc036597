"""Every difference from pandas that we state is one: both sides are run and give what the table says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from playhead.expr import compile_expr, type_of
from playhead.frame.column import col
from playhead.functions.type_names import named_type

TABLE = Path(__file__).parents[1] / "fixtures" / "pandas_differences.yaml"
DIFFERENCES = yaml.safe_load(TABLE.read_text())


class Columns:
    def __init__(self, frame: pa.RecordBatch) -> None:
        self.x, self.y = col("x"), col("y")


def pandas_column(type_name: str, values: list[Any]) -> pd.Series[Any]:
    if type_name.startswith("timestamp"):
        zone = named_type(type_name).tz
        times = pd.Series(pd.to_datetime(values, format="ISO8601", utc=any("+" in str(text) for text in values)))
        times = times.dt.as_unit("us")
        return times if zone is None else times.dt.tz_convert(zone) if times.dt.tz else times.dt.tz_localize(zone)
    if type_name == "duration[us]":
        return pd.Series(pd.to_timedelta(values, unit="us")).dt.as_unit("us")
    if type_name == "float64" and None in values:
        return pd.Series(values, dtype="Float64")
    return pd.Series(values, dtype=type_name.replace("int", "Int") if "int" in type_name else type_name)


def arrow_column(type_name: str, values: list[Any]) -> pa.Array:
    data_type = named_type(type_name)
    if pa.types.is_timestamp(data_type) or pa.types.is_duration(data_type):
        return pa.array(pandas_column(type_name, values), data_type)
    return pa.array(values, data_type)


def text(values: Any) -> str:
    return f"[{', '.join(_value_text(value) for value in values)}]"


def _value_text(value: Any) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return "None"
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    value = value.item() if isinstance(value, np.generic) else value
    return str(value) if hasattr(value, "year") else repr(value)


def outcome(evaluate: Any) -> str:
    try:
        return text(evaluate())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("entry", DIFFERENCES, ids=[entry["what"] for entry in DIFFERENCES])
@pytest.mark.filterwarnings("ignore")
def test_the_difference_is_as_stated(entry: dict[str, Any]) -> None:
    columns = {name: entry[key] for name, key in (("x", "column"), ("y", "second")) if key in entry}
    frame = pd.DataFrame({name: pandas_column(*column) for name, column in columns.items()})
    rows = pa.record_batch({name: arrow_column(*column) for name, column in columns.items()})

    def in_pandas() -> Any:
        return eval(entry.get("in_pandas", entry["code"]), {"f": frame, "pd": pd})

    def in_playhead() -> Any:
        expr = eval(entry["code"], {"f": Columns(rows)}).expr
        type_of(expr, rows.schema)
        return compile_expr(expr, rows.schema)(rows).to_pylist()

    theirs, ours = outcome(in_pandas), outcome(in_playhead)
    assert _agrees(theirs, entry["pandas"]), theirs
    assert _agrees(ours, entry["playhead"]), ours
    assert entry["why"] and theirs != ours


def _agrees(found: str, stated: str) -> bool:
    """An error's message may go on; values may not."""
    return found == stated if stated.startswith("[") else found.startswith(stated)
