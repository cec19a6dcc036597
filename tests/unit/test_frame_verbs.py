"""Every verb of a frame against pandas, on every way to run it; and what is told where there is no such verb."""

from __future__ import annotations

import copy
import math
import pickle
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import playhead as ph
from playhead.errors import ColumnNotFoundError, PlanError, TypeMismatchError, UnboundedError, VerbNotFoundError

pytestmark = pytest.mark.usefixtures("no_thread_left")

AT = pa.timestamp("us", "America/New_York")


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2013, 7, 1, hour, minute, tzinfo=ZoneInfo("America/New_York"))


ROWS = pa.table(
    {
        "at": pa.array([at(9), at(9, 50), at(9, 30), at(10, 5), at(11, 59), at(12), at(10)], AT),
        "k": ["a", "b", "a", None, "b", "c", "a"],
        "x": [1, 2, 3, 4, 5, 6, 7],
        "y": pa.array([0.25, None, -3.14159, 2.5, 100.0, None, 1e-9]),
        "b": [True, False, True, True, False, False, True],
        "s": ["apple", "Żółw", "", None, "banana", "apple", "a b"],
    }
)
NAMES = pa.table({"k": ["a", "b", "d"], "name": ["Alpha", "Beta", "Delta"]})
RATES = pa.table({"at": pa.array([at(9, 15), at(10), at(11)], AT), "rate": [1.0, 2.0, 3.0]})


def scope() -> dict[str, Any]:
    """What a line of the table may use."""
    frame, rates = (ph.from_arrow(table, time="at", out_of_order="1D") for table in (ROWS, RATES))
    tables = {"p": ROWS.to_pandas(), "pnames": NAMES.to_pandas(), "prates": RATES.to_pandas()}
    return {"f": frame, "names": ph.from_arrow(NAMES), "rates": rates, **tables, "ph": ph, "pd": pd, "three": 3}


def cases() -> list[Any]:
    lines = (Path(__file__).parents[1] / "fixtures" / "frame_verbs.txt").read_text().splitlines()
    pairs = [line.partition("  =>  ") for line in lines if line.strip() and not line.startswith("#")]
    return [pytest.param(ours, theirs or ours, id=ours) for ours, _, theirs in pairs]


def plain(value: Any) -> Any:
    """A value as both sides have it: numbers are numbers, and all that is missing is None."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.item() if hasattr(value, "item") else value


def rows_of(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(map(plain, row)) for row in table.itertuples(index=False, name=None)]


def close(ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]]) -> bool:
    """Equal, floats within a few units in the last place."""
    return len(ours) == len(theirs) and all(
        one == other or (isinstance(one, float) and isinstance(other, int | float) and math.isclose(one, other))
        for mine, yours in zip(ours, theirs, strict=True)
        for one, other in zip(mine, yours, strict=True)
    )


def in_any_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: [f"{value:.6e}" if isinstance(value, float) else str(value) for value in row])


@pytest.mark.filterwarnings("ignore::playhead.left_out.MissingKeysWarning")  # told, as dropna=True should be
@pytest.mark.parametrize(("ours", "theirs"), cases())
def test_a_verb_gives_what_pandas_gives(ours, theirs):
    names = scope()
    frame = eval(ours, names)
    expected = eval(theirs, {**names, "f": names["p"]})
    found = frame.compute()
    assert found.columns.tolist() == expected.columns.tolist() == frame.columns
    assert close(in_any_order(rows_of(found)), in_any_order(rows_of(expected)))


@pytest.mark.filterwarnings("ignore::playhead.left_out.MissingKeysWarning")  # told, as dropna=True should be
@pytest.mark.parametrize("ours", [case.values[0] for case in cases()])
def test_however_a_query_runs_it_gives_the_same(ours):
    frame = eval(ours, scope())
    expected = in_any_order(rows_of(frame.compute()))
    for query in (
        frame.start(max_rows=1),
        frame.start(parallelism=2),
        frame.start(mode="complete"),
        frame.replay(speed="max", max_rows=2) if "names" not in ours else frame.start(mode="append"),
    ):
        assert close(in_any_order(rows_of(query.wait(60).latest())), expected)


def test_compute_keeps_the_order_of_the_source_and_sorts_groups():
    f = scope()["f"]
    assert f[f.x != 2].compute().x.tolist() == [1, 3, 4, 5, 6, 7]
    groups = f.groupby(["b", "k"]).agg(n=("x", "size")).compute()
    assert rows_of(groups) == [(False, "b", 2), (False, "c", 1), (True, "a", 3), (True, None, 1)]


# Looking


def test_head_and_tail_show_rows_at_once():
    f, p = scope()["f"], scope()["p"]
    for n in (0, 1, 5, 99):
        assert f.head(n).x.tolist() == p.head(n).x.tolist()
        assert f.tail(n).x.tolist() == p.tail(n).x.tolist()
    assert f.groupby("b").agg(n=("x", "size")).head(1).b.tolist() == [False]
    assert f.groupby("b").agg(n=("x", "size")).tail(1).b.tolist() == [True]


def test_describe_is_that_of_pandas():
    f, p = scope()["f"], scope()["p"]
    pd.testing.assert_frame_equal(f.describe(), p.describe(include=["number"])[["x", "y"]], check_exact=False)
    pd.testing.assert_series_equal(f.x.describe(), p.x.describe())


def test_a_column_can_be_computed_alone():
    f, p = scope()["f"], scope()["p"]
    pd.testing.assert_series_equal(f.x.compute(), p.x)
    pd.testing.assert_series_equal((f.x * 2 > 4).compute(), p.x * 2 > 4, check_names=False)
    assert (f.x * 2).compute().name is None
    pd.testing.assert_series_equal(f.k.head(3), p.k.head(3))
    pd.testing.assert_series_equal(f.k.tail(2), p.k.tail(2))
    assert f.x.dtype == pa.int64() and (f.x > 1).dtype == pa.bool_()
    assert ph.rate(100_000).value.head(2).tolist() == [0, 1]


@pytest.mark.parametrize("name", ["count", "sum", "mean", "min", "max", "std", "var", "median", "nunique"])
def test_an_aggregate_of_a_column_is_one_value(name):
    f, p = scope()["f"], scope()["p"]
    for column in ("x", "y"):
        assert getattr(f[column], name)().compute() == pytest.approx(getattr(p[column], name)())


def test_aggregates_of_a_column_go_into_expressions():
    f, p = scope()["f"], scope()["p"]
    assert (f.x.max() - f.x.min()).compute() == p.x.max() - p.x.min()
    assert f["at"].max().compute() == p["at"].max()
    assert f.x.first().compute() == 1
    assert (f.y * 2).quantile(0.25).compute() == pytest.approx((p.y * 2).quantile(0.25))
    assert math.isnan(f[f.x > 99].y.mean().compute())
    with pytest.raises(PlanError, match=r"\['x'\] are values of single rows beside aggregates; .*merge"):
        (f.x - f.x.mean()).compute()


# What a frame says of itself


def test_a_frame_tells_its_columns_and_types():
    f = scope()["f"]
    assert f.columns == ROWS.column_names
    assert f.dtypes == dict(zip(ROWS.schema.names, ROWS.schema.types, strict=True))
    assert (f.time, f.bounded) == ("at", True)
    assert "x" in dir(f) and "groupby" in dir(f)
    assert repr(f[f.x > 1][["x"]]) == "<Frame Table > Filter > Project; bounded, no event time; x: int64>"
    assert repr(f[["at"]]).endswith("event time at (America/New_York); at: timestamp[us, tz=America/New_York]>")


def test_html_names_every_column_and_escapes_what_users_call_them():
    html = ph.from_arrow(pa.table({"<b>": [1], "a&b": ["x"]}))._repr_html_()
    assert "&lt;b&gt;" in html and "a&amp;b" in html and "<b>:" not in html
    assert "not run yet" in html and "int64" in html and html.count("<tr>") == 3


def test_frames_do_not_change_and_can_be_copied():
    f = scope()["f"]
    for change in ("f.x = 1", "f['x'] = 1"):
        with pytest.raises(PlanError, match=r"a frame does not change; say frame = frame\.assign\(x=\.\.\.\)"):
            exec(change, {"f": f})
    for other in (copy.copy(f), copy.deepcopy(f)):
        assert other.node == f.node
    assert pickle.loads(pickle.dumps(ph.from_arrow(NAMES)[["k"]])).compute().k.tolist() == ["a", "b", "d"]


QUESTIONS = {
    "f.shape": "how many rows there are is not known.*agg",
    "f.size": "how many rows there are is not known",
    "len(f)": r"no length yet.*count\(\)\.compute\(\)",
    "list(f)": "cannot be looped over",
    "bool(f)": "neither true nor false",
    "f.index": "there is no index",
    "f.set_index('x')": "there is no index",
    "f.reset_index()": "there is no index",
    "f.iloc[0]": r"no row numbers.*head\(n\)",
    "f.loc[0]": "no row numbers",
    "f[0]": "no order and no row numbers",
    "f[1:3]": "no order and no row numbers",
    "f.sort_values('x')": r"no order; sort the result: frame\.compute\(\)\.sort_values",
    "f.iterrows()": r"rows are not looped over.*map_batches",
    "f.values": r"compute it first: frame\.compute\(\)\.values",
    "f.to_csv('x')": r"frame\.compute\(\)\.to_csv",
    "f.plot": r"frame\.compute\(\)\.plot",
    "f.apply(len)": r"frame\.x\.apply\(function, frame\.y\).*map_batches",
    "f.rolling(3)": "not built yet",
    "f.drop_duplicates()": "not built yet",
    "f.std()": r"frame\.agg\('std'\)",
    "f.copy()": "does not change",
    "f.goupby('x')": "did you mean 'groupby'",
    "f.atx": "no column 'atx' in .*did you mean 'at'",
    "f.x.shape": "how many rows",
    "f.x.iloc[0]": "no row numbers",
    "f.x[0]": r"frame\[condition\]\.x",
    "f.x[f.x > 1]": r"frame\[condition\]\.x",
    "f.x.values": r"compute it first: column\.compute\(\)\.values",
    "f.x.sort_values()": r"column\.compute\(\)\.sort_values",
    "f.x.groupby(f.k)": "group the frame",
    "f.x.cumsum()": "not built yet",
    "f.x.maen()": "no such verb; did you mean 'mean'",
    "f.x.mean().head()": r"one value; say compute\(\)",
    "f.x.quantile([0.1, 0.9])": r"quantile needs a q from 0 to 1, not \[0\.1, 0\.9\]",
    "len(f.x)": "has no length",
    "list(f.x)": "nothing to loop over",
    "bool(f.x > 1)": "not a truth value.*&",
    "f.groupby('k').compute()": r"such as \.agg\(n=ph\.size\(\)\)",
    "f.groupby('k').apply(len)": r"ph\.UserAggregate",
    "f.groupby('k').maen()": "did you mean 'mean'",
    "list(f.groupby('k'))": "not looped over",
    "f.groupby('k').agg()": "at least one aggregate",
    "f.groupby('k').agg(n=('x', 'cuont'))": "did you mean 'count'",
    "f.groupby('k').agg(n='count')": r"write n=\('column', 'mean'\)",
    "f.groupby('k').agg({'x': ['min', 'max']})": r"x_mean=\('x', 'mean'\)",
    "f.groupby(f.x % 2)": r"needs a name: say \.rename",
    "f.groupby([ph.tumbling('1h'), ph.tumbling('2h')])": "one window in a groupby, not two",
    "f.groupby(3)": "cannot group by 3",
    "f[f.x]": "needs true or false",
    "f[f.x.sum() > 3]": "is an aggregate; use it in agg",
    "f.assign(z=names.k)": "belongs to another frame",
    "f.assign(z=f.s + 1)": "cannot work on",
    "f.select(f.x + 1)": r"has no name; say \.rename",
    "f.dropna(how='some')": "neither 'any' nor 'all'",
    "f.map_batches(len, format='polars')": "neither 'arrow' nor 'pandas'",
    "f.limit('3')": "limit takes a number of rows",
    "f.groupby('k').agg(n=('x', 'size')).limit(3)": r"compute\(\)\.head\(\)",
    "f.merge(names, how='outer')": "merge can do 'inner' and 'left'",
    "f.on(names)": "the new source differs: 'at' is missing",
    "f.query('x >')": "x >",
    "f.compute(dtype_backend='polars')": "neither 'numpy_nullable' nor 'pyarrow'",
    "ph.concat([])": "at least one frame",
    "ph.concat([f, names])": "concat|column",
    "ph.col('x').compute()": "belongs to no frame yet",
}


@pytest.mark.parametrize(("question", "answer"), QUESTIONS.items(), ids=list(QUESTIONS))
def test_what_cannot_be_is_answered_with_what_to_do_instead(question, answer):
    with pytest.raises(
        (PlanError, UnboundedError, TypeMismatchError, VerbNotFoundError, ColumnNotFoundError), match=answer
    ):
        eval(question, scope())


def test_attributes_that_are_not_there_are_not_there():
    f = scope()["f"]
    assert not hasattr(f, "shape") and not hasattr(f.x, "shape") and not hasattr(f, "_private")
    odd = ph.from_arrow(pa.table({"shape": [1], "index": [2], "count": [3]}))
    assert odd.shape.compute().tolist() == [1] and odd.index.compute().tolist() == [2]
    assert odd["count"].compute().tolist() == [3]


# Other sources


def test_a_query_runs_on_another_source_of_the_same_columns():
    f = scope()["f"]
    query = f[f.x > 2].groupby("k").agg(n=("x", "size"))
    other = ph.from_arrow(ROWS.slice(4), time="at")
    assert query.on(other).compute().n.tolist() == [1, 1, 1]
    names = ph.from_arrow(NAMES)
    joined = f.merge(names, on="k")[["x", "name"]]
    assert joined.on({f: other, names: names}).compute().x.tolist() == [5, 7]
    with pytest.raises(PlanError, match=r"reads 2 sources.*say which is which"):
        joined.on(other)
    with pytest.raises(PlanError, match="has another event time: none, not at"):
        query.on(ph.from_arrow(ROWS))


# Other libraries


def test_polars_duckdb_and_pyarrow_take_a_frame_as_it_is():
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    sums = scope()["f"].groupby("k").agg(total=("x", "sum"))
    expected = sums.to_arrow().to_pylist()
    assert pa.table(sums).to_pylist() == expected
    assert polars.DataFrame(sums).to_dicts() == sums.to_polars().to_dicts() == expected
    found = duckdb.sql("select * from sums order by k nulls last")
    assert found.fetchall() == [tuple(row.values()) for row in expected]


def test_to_parquet_writes_a_file_or_a_folder(tmp_path):
    f = scope()["f"]
    f.to_parquet(tmp_path / "rows.parquet")
    assert pq.read_table(tmp_path / "rows.parquet").to_pylist() == ROWS.to_pylist()
    f.to_parquet(f"{tmp_path}/rows/")
    assert ph.read_parquet(tmp_path / "rows", time="at").to_arrow().to_pylist() == ROWS.to_pylist()
    with pytest.raises(UnboundedError, match=r"to_parquet\(\) needs an input that ends"):
        ph.rate(1).to_parquet(tmp_path / "never.parquet")
