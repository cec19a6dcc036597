"""Every stated difference between our verbs and pandas' is one: both sides are run and give what the table says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import yaml

import playhead as ph
from playhead.functions.type_names import named_type

TABLE = Path(__file__).parents[1] / "fixtures" / "pandas_differences_frames.yaml"
DIFFERENCES = yaml.safe_load(TABLE.read_text())


def text(result: Any) -> str:
    """The names of the columns, then the rows; or the value itself."""
    if not isinstance(result, pd.DataFrame):
        return str(result)
    missing = result.isna().to_numpy()
    rows = [
        ", ".join("None" if missing[number][at] else str(value) for at, value in enumerate(row))
        for number, row in enumerate(result.itertuples(index=False))
    ]
    return f"{', '.join(result.columns)}: {'; '.join(rows)}".strip()


def outcome(code: str, names: dict[str, Any]) -> str:
    try:
        result = eval(code, names)
        return text(result.compute() if isinstance(result, ph.Frame) else result)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def agrees(found: str, stated: str) -> bool:
    """An error's message may go on; values may not."""
    return found.startswith(stated) if "Error: " in stated else found == stated


@pytest.mark.parametrize("entry", DIFFERENCES, ids=[entry["what"] for entry in DIFFERENCES])
@pytest.mark.filterwarnings("ignore")
def test_the_difference_is_as_stated(entry: dict[str, Any]) -> None:
    columns = entry["columns"].items()
    rows = pa.table({name: pa.array(values, named_type(kind)) for name, (kind, values) in columns})
    ours = outcome(entry["code"], {"f": ph.from_arrow(rows, time=entry.get("time"))})
    theirs = outcome(entry.get("in_pandas", entry["code"]), {"f": rows.to_pandas(), "pd": pd})
    assert agrees(theirs, entry["pandas"]), theirs
    assert agrees(ours, entry["playhead"]), ours
    assert entry["why"] and theirs != ours
