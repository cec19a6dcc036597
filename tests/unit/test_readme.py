"""The README is true: its code runs, its numbers are those of the data, its table of differences is the tested one.

`python tests/unit/test_readme.py` writes the table anew; `python -m playhead.demo --picture notebooks/one_frame.png`
draws the picture.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from playhead import demo
from playhead.query import Query

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BEGIN, END = "<!-- differences: begin -->\n", "<!-- differences: end -->"


def python_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Where a block's names go; queries that it leaves running are stopped."""
    monkeypatch.chdir(ROOT)
    found: dict[str, Any] = {}
    yield found
    for value in found.values():
        if isinstance(value, Query):
            value.stop()


# The code


def test_the_first_block_is_short_and_does_what_its_comments_say(names: dict[str, Any]) -> None:
    block = python_blocks()[0]
    assert len([line for line in block.splitlines() if line.strip()]) == 12
    exec(block, names)
    flights = pd.read_parquet(demo.FLIGHTS)
    expected = demo.pandas_delays(flights).drop(columns="worst")
    pd.testing.assert_frame_equal(names["table"].compute(), expected)
    a_month_on = names["q"].playhead - flights.landed.min()
    assert pd.Timedelta("27D") < a_month_on < pd.Timedelta("31D")


def test_the_same_question_of_pushed_rows_gives_pandas_answer(names: dict[str, Any]) -> None:
    lines = python_blocks()[0].splitlines()
    exec("\n".join(line for line in lines if not line.startswith(("now.", "q", "table.c"))), names)
    flights = pd.read_parquet(demo.FLIGHTS).head(5_000)
    names["live"].send(flights)
    names["live"].close()
    expected = demo.pandas_delays(flights).drop(columns="worst")
    pd.testing.assert_frame_equal(names["now"].wait(60).latest(), expected)


def test_the_aggregate_of_one_s_own_is_the_geometric_mean(names: dict[str, Any]) -> None:
    exec(python_blocks()[1], names)
    flights = pd.read_parquet(demo.FLIGHTS)
    expected = np.exp(np.log(flights.distance).groupby(flights.carrier).mean())
    found = names["typical"].set_index("carrier").miles
    pd.testing.assert_series_equal(found, expected, check_names=False, rtol=1e-12)


# The picture and the numbers


def test_the_picture_is_there_and_wide_enough() -> None:
    (path,) = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README.read_text())
    data = (ROOT / path).read_bytes()
    assert data.startswith(b"\x89PNG")
    assert struct.unpack(">I", data[16:20])[0] >= 1_000
    assert len(data) < 500_000


def test_the_numbers_are_those_of_the_data() -> None:
    flights = pd.read_parquet(demo.FLIGHTS)
    assert f"{len(flights):,} flights" in README.read_text()
    assert f"{len(demo.pandas_delays(flights)):,} groups" in README.read_text()


# The table of differences


def rows() -> list[list[str]]:
    """A row for each tested difference: verbs first, then expressions."""
    entries = [
        entry
        for name in ("pandas_differences_frames.yaml", "pandas_differences.yaml")
        for entry in yaml.safe_load((ROOT / "tests" / "fixtures" / name).read_text())
    ]
    return [
        [
            entry["what"],
            given(entry),
            code(entry["code"]),
            outcome(entry["pandas"]),
            outcome(entry["playhead"]),
            entry["why"],
        ]
        for entry in entries
    ]


def given(entry: dict[str, Any]) -> str:
    """The columns of the example."""
    columns = entry.get("columns") or {
        name: entry[at] for name, at in (("x", "column"), ("y", "second")) if at in entry
    }
    times = {entry.get("time"): " (event time)"}
    return "; ".join(
        f"{name}{times.get(name, '')}: {kind} {code(', '.join(map(str, values)))}"
        for name, (kind, values) in columns.items()
    )


def outcome(text: str) -> str:
    """An error by its class; values as they are."""
    error = re.match(r"\w+Error|ArrowInvalid", text)
    return code(error[0] if error else text.removesuffix(":"))


def code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def table() -> str:
    header = ["difference", "columns of f", "expression", "pandas", "Playhead", "why"]
    lines = [header, ["---"] * len(header), *rows()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def test_the_table_of_differences_is_the_tested_one() -> None:
    written = README.read_text().split(BEGIN)[1].split(END)[0]
    assert written == table(), f"renew it: python {Path(__file__).relative_to(ROOT)}"


def write_table() -> None:
    before, rest = README.read_text().split(BEGIN)
    README.write_text(before + BEGIN + table() + END + rest.split(END, 1)[1])


if __name__ == "__main__":
    write_table()
