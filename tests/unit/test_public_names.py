"""What users can name: exactly these names, each with a docstring and an example that runs."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import types
from typing import Any

import pytest

import playhead as ph
from playhead.frame.groupby import GroupBy
from playhead.query import Query

NAMES = [
    # what a query is made of
    "Column", "Frame", "col", "concat", "errors", "lit",
    # where frames begin
    "Push", "arrival_time", "from_arrow", "from_iter", "from_pandas", "push", "rate",
    "EventLog", "event_log", "read_csv", "read_event_log", "read_json", "read_kafka", "read_parquet", "read_system",
    # windows
    "hopping", "session", "tumbling",
    # aggregates
    "UserAggregate", "aggregate", "all", "any", "approx_nunique", "approx_quantile", "count", "first", "last", "max",
    "mean", "median", "metric", "min", "nunique", "quantile", "size", "std", "sum", "var",
    # where results go
    "to_callback", "to_event_log", "to_kafka", "to_memory", "to_nothing", "to_parquet",
]  # fmt: skip


def test_the_public_names_are_exactly_these():
    assert ph.__all__ == sorted(NAMES)
    there = {name for name, value in vars(ph).items() if not isinstance(value, types.ModuleType)}
    assert {name for name in there if not name.startswith("_")} - {"annotations"} == set(NAMES) - {"errors"}


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"errors"}))
def test_a_public_name_says_what_it_is_and_shows_an_example(name):
    thing = getattr(ph, name)
    doc = inspect.getdoc(thing) or ""
    first, *rest = doc.splitlines()
    assert first.endswith((".", ":")) or (rest and rest[0]), f"{name} begins with a sentence"
    assert "Examples\n--------\n>>> " in doc, f"{name} has an example in numpydoc's form"
    assert thing.__module__.startswith("playhead.")  # whose doctests are run with the tests
    documented = "other parameters are those of" in doc or "The parameters are those of" in doc
    for parameter in inspect.signature(thing).parameters if inspect.isfunction(thing) else ():
        plain = {"column", "columns", "frames", "value", "name"}  # said by the first sentence
        assert documented or parameter in plain or re.search(rf"\b{parameter}\b", doc), f"{name}({parameter}=)"


def members(of: Any) -> list[Any]:
    return [
        pytest.param(value, id=f"{of.__name__}.{name}")
        for name, value in inspect.getmembers(of)
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))
    ]


@pytest.mark.parametrize(
    "member",
    [
        each
        for of in (ph.Frame, ph.Column, ph.Push, ph.EventLog, GroupBy, Query, ph.UserAggregate)
        for each in members(of)
    ],
)
def test_every_method_says_what_it_does(member):
    doc = inspect.getdoc(member)
    assert doc and doc.strip().splitlines()[0].strip()


def test_every_error_stands_in_the_tree_below_the_one_that_it_extends():
    tree = {}
    above: list[tuple[int, str]] = []
    for line in (ph.errors.__doc__ or "").splitlines():
        if found := re.match(r"[│├└─ ]*(\w+Error)\b", line):
            depth = found.start(1)
            above = [each for each in above if each[0] < depth]
            tree[found[1]] = above[-1][1] if above else None
            above.append((depth, found[1]))
    classes = {name: value for name, value in vars(ph.errors).items() if inspect.isclass(value)}
    assert set(tree) == {name for name, value in classes.items() if issubclass(value, ph.errors.PlayheadError)}
    for name, parent in tree.items():
        assert classes[name].__doc__
        assert parent is None or parent in {base.__name__ for base in classes[name].__bases__}


def test_importing_loads_nothing_heavy_that_a_query_may_never_need():
    heavy = ["pandas", "numba", "dask", "distributed", "polars", "duckdb", "matplotlib", "IPython", "psutil", "asyncio"]
    code = f"import sys, playhead; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
