"""Bad input as a user meets it: the message says what is wrong, what there was, what to do; nothing is left over."""

from __future__ import annotations

import os
import re
import warnings
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import playhead as ph
from playhead.left_out import MissingKeysWarning, RejectedRowsWarning

pytestmark = pytest.mark.usefixtures("no_thread_left")

AT = pa.timestamp("us", "UTC")
NEW_YORK = "America/New_York"


def frame(columns: dict[str, Any], **options: Any) -> ph.Frame:
    return ph.from_arrow(pa.table(columns), **options)


def trades(**options: Any) -> ph.Frame:
    """Three rows with an event time."""
    rows = {"at": pa.array([0, 1_000_000, 2_000_000], AT), "symbol": ["a", "b", "a"], "price": [1.0, 2.0, 3.0]}
    return frame(rows, time="at", **options)


@pytest.fixture
def folder(tmp_path):
    pq.write_table(pa.table({"symbol": ["a", "b"], "price": [1.0, 2.0]}), tmp_path / "trades.parquet")
    (tmp_path / "trades.csv").write_text("symbol,price\na,1.0\nb,2.0\n")
    (tmp_path / "trades.jsonl").write_text('{"symbol": "a", "price": 1.0}\n{"symbol": "b", "price": 2.0}\n')
    return tmp_path


def run_and_look(table: ph.Frame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that could be read, and what could not become rows."""
    with pytest.warns(RejectedRowsWarning):
        query = table.start().wait(60)
    return query.latest(), query.rejected.compute()


# Files and columns that are not there


@pytest.mark.parametrize(
    ("read", "name"),
    [(ph.read_parquet, "trades.parquet"), (ph.read_csv, "trades.csv"), (ph.read_json, "trades.jsonl")],
)
def test_a_missing_file_is_told_with_what_was_probably_meant(read, name, folder):
    with pytest.raises(ph.errors.DataError, match=rf"no file or folder .*did you mean '{re.escape(name)}'"):
        read(folder / name.replace("trades", "trade"))


@pytest.mark.parametrize(
    "use",
    [
        lambda f: f.prise,
        lambda f: f["prise"],
        lambda f: f[["symbol", "prise"]],
        lambda f: f.select("prise"),
        lambda f: f.drop("prise"),
        lambda f: f.rename({"prise": "p"}),
        lambda f: f.astype({"prise": "int64"}),
        lambda f: f.fillna({"prise": 0}),
        lambda f: f.dropna(subset="prise"),
        lambda f: f.query("prise > 1"),
        lambda f: f.assign(x=ph.col("prise") + 1),
        lambda f: f[ph.col("prise") > 1],
        lambda f: f.groupby("prise"),
        lambda f: f.groupby("symbol").agg(x=("prise", "sum")),
        lambda f: f.groupby("symbol").agg(x=ph.sum("prise") / ph.size()),
        lambda f: f.groupby("symbol")["prise"],
        lambda f: f.groupby("symbol").prise,
        lambda f: f.value_counts("prise"),
        lambda f: f.with_time("prise"),
        lambda f: f.merge(f, on="prise"),
        lambda f: f.with_metrics(ph.metric("m", ph.sum("prise"))),
    ],
)
def test_a_missing_column_is_told_while_the_query_is_written(use):
    with pytest.raises(ph.errors.ColumnNotFoundError, match=r"no column 'prise' in \[.*; did you mean 'price'\?"):
        use(trades())


def test_a_time_column_that_is_missing_or_no_time_is_told_when_the_frame_is_made(folder):
    with pytest.raises(ph.errors.ColumnNotFoundError, match="no column 'at' in .'symbol', 'price'."):
        ph.read_parquet(folder / "trades.parquet", time="at")
    with pytest.raises(ph.errors.EventTimeError, match="'price' has type double, which is no time.*unit='s'"):
        ph.read_parquet(folder / "trades.parquet", time="price")
    with pytest.raises(ph.errors.EventTimeError, match="'price' is double; an event time is timestamp.*astype"):
        trades().with_time("price")
    with pytest.raises(
        ph.errors.EventTimeError, match=r"tumbling.* needs an event time, and this frame has none.*time="
    ):
        frame({"x": [1]}).groupby(ph.tumbling("1h"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: frame({"x": [1]}).rename({"x": "y"}).assign(x=1).rename({"x": "y"}), "two columns called 'y'"),
        (lambda: trades().select("price", "price"), "two columns called 'price'"),
        (lambda: trades().groupby("symbol").agg(symbol=("price", "sum")), "two columns called 'symbol'"),
        (lambda: frame({"window_start": [1], "at": pa.array([0], AT)}, time="at")
                 .groupby(["window_start", ph.tumbling("1h")]).agg(n=ph.size()), "two columns called 'window_start'"),
        (lambda: ph.from_pandas(pd.DataFrame([[1, 2]], columns=["n", "n"])), r"duplicate column names \['n'\]"),
    ],
)  # fmt: skip
def test_two_columns_of_one_name_are_refused_by_name(make, words):
    with pytest.raises(ph.errors.PlanError, match=words):
        make()


# Times


def test_rows_without_a_time_are_left_out_counted_and_told():
    rows = frame({"at": pa.array([0, None, 2], AT), "n": [1, 2, 3]}, time="at")
    found, rejected = run_and_look(rows)
    assert found.n.tolist() == [1, 3]
    assert rejected.reason.tolist() == ["event time 'at' is null"]
    assert rejected.position.tolist() == ["row 1"]
    words = "1 row of the input could not be read.*Table, row 1: event time 'at' is null"
    with pytest.warns(RejectedRowsWarning, match=words) as told:
        assert rows.compute().n.tolist() == [1, 3]
    assert [one.filename for one in told] == [__file__]
    with pytest.raises(ph.errors.DataError, match="row 1: event time 'at' is null.*on_error='reject'"):
        frame({"at": pa.array([0, None], AT)}, time="at", on_error="raise").compute()


def test_local_times_that_a_clock_shows_never_or_twice_are_left_out_and_not_guessed():
    clock = [datetime(2013, 3, 10, 2, 30), datetime(2013, 7, 1, 12), datetime(2013, 11, 3, 1, 30)]
    found, rejected = run_and_look(frame({"at": pa.array(clock, pa.timestamp("us"))}, time="at", tz=NEW_YORK))
    assert [str(moment) for moment in found["at"]] == ["2013-07-01 12:00:00-04:00"]
    never, twice = rejected.reason
    assert "2013-03-10 02:30" in never and "does not exist in America/New_York" in never
    assert "2013-11-03 01:30" in twice and "is ambiguous in America/New_York" in twice


def test_naive_times_are_utc():
    hours = frame({"at": pa.array([datetime(2013, 7, 1, 12, 59)], pa.timestamp("us"))}, time="at")
    (start,) = hours.groupby(ph.tumbling("1h")).agg(n=ph.size()).compute().window_start
    assert start == pd.Timestamp("2013-07-01 12:00", tz="UTC")


def test_nanoseconds_that_do_not_fit_are_told_with_the_remedy(tmp_path):
    times = pa.array([1_000, 1_001], pa.timestamp("ns"))
    with pytest.raises(ph.errors.EventTimeError, match=r"nanosecond.*\.dt\.floor\('us'\)"):
        frame({"at": times}, time="at")
    pq.write_table(pa.table({"at": times}), tmp_path / "ns.parquet")
    found, rejected = run_and_look(ph.read_parquet(tmp_path / "ns.parquet", time="at"))
    assert len(found) == 1 and "nanoseconds that do not fit" in rejected.reason[0]


def test_times_before_1970_fall_into_their_own_windows():
    moments = [
        datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
        datetime(1900, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
    ]
    hours = frame({"at": pa.array(moments, AT)}, time="at").groupby(ph.tumbling("1h")).agg(n=ph.size())
    starts = [moment.replace(minute=0, second=0, microsecond=0) for moment in sorted(moments)]
    assert [each.to_pydatetime() for each in hours.compute().window_start] == starts
    query = hours.replay(speed="max").wait(60)
    assert [each.to_pydatetime() for each in query.latest().window_start] == starts


# Files that are broken, or different from each other


def test_a_parquet_file_that_was_cut_short_is_named(folder):
    whole = (folder / "trades.parquet").read_bytes()
    (folder / "zz.parquet").write_bytes(whole[:-20])
    with pytest.raises(ph.errors.DataError, match=r"zz\.parquet is not a whole Parquet file"):
        ph.read_parquet(folder)


def test_a_parquet_file_whose_middle_is_broken_ends_the_query_with_its_name(folder):
    path = folder / "trades.parquet"
    table = ph.read_parquet(path)
    middle = bytearray(path.read_bytes())
    middle[4:40] = bytes(36)
    path.write_bytes(middle)
    for run in (lambda: table.compute(), lambda: table.start().wait(60), lambda: table.start(parallelism=3).wait(60)):
        with pytest.raises(ph.errors.SourceError, match=r"trades\.parquet cannot be read after row 0"):
            run()


def test_files_that_differ_are_told_with_file_and_column(folder):
    pq.write_table(pa.table({"symbol": ["c"], "price": pa.array([1], pa.int64())}), folder / "zz.parquet")
    with pytest.raises(ph.errors.DataError, match=r"zz\.parquet has 'price' as int64, the first file as double"):
        ph.read_parquet(folder)
    (folder / "zz.csv").write_text("symbol,cost\nc,1\n")
    with pytest.raises(ph.errors.DataError, match=r"zz\.csv has no column 'price'"):
        ph.read_csv(folder)


def test_broken_text_and_bad_cells_are_left_out_with_line_and_reason(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"n,name\n1,one\ntwo,2\n3,\xff\xfe\n4,four,5\n5,five\n")
    types = {"n": "int64", "name": "string"}
    found, rejected = run_and_look(ph.read_csv(tmp_path / "a.csv", schema=types))
    assert found.n.tolist() == [1, 5]
    assert [place.rpartition(":")[2] for place in rejected.position] == ["3", "4", "5"]
    assert rejected.reason.tolist() == [
        "column 'n': 'two' is no int64",
        "column 'name': broken UTF-8",
        "3 cells where there are 2 columns",
    ]
    with pytest.raises(ph.errors.DataError, match=r"a\.csv:3: column 'n': 'two' is no int64"):
        ph.read_csv(tmp_path / "a.csv", schema=types, on_error="raise").compute()


@pytest.mark.parametrize(("read", "ending"), [(ph.read_csv, "csv"), (ph.read_json, "jsonl")])
def test_an_empty_file_is_no_rows_when_its_columns_are_known(read, ending, tmp_path):
    path = tmp_path / f"empty.{ending}"
    path.write_text("")
    with pytest.raises(ph.errors.DataError, match=r"is empty, so that its columns are unknown; pass schema="):
        read(path)
    assert read(path, schema={"n": "int64"}).agg(n=("n", "sum")).compute().n.tolist() == [0]


# No rows at all


NOTHING = pa.table({"at": pa.array([], AT), "k": pa.array([], pa.string()), "x": pa.array([], pa.int64())})


@pytest.mark.parametrize("run", [lambda f: f.compute(), lambda f: f.start().wait(60).latest(),
                                 lambda f: f.replay(speed="max").wait(60).latest(), lambda f: f.head()])  # fmt: skip
def test_no_rows_give_no_groups_and_one_row_without_keys(run):
    table = ph.from_arrow(NOTHING, time="at")
    assert run(table).columns.tolist() == ["at", "k", "x"] and len(run(table)) == 0
    assert len(run(table.groupby(["k", ph.tumbling("1h")]).agg(n=ph.size()))) == 0
    (row,) = run(table.agg(n=ph.size(), total=("x", "sum"), mean=("x", "mean"))).to_dict("records")
    assert (row["n"], row["total"]) == (0, 0) and pd.isna(row["mean"])


def test_batches_of_no_rows_between_others_change_nothing():
    one = pa.table({"at": pa.array([0], AT), "k": ["a"], "x": [1]})
    table = ph.from_iter([NOTHING, one, NOTHING, NOTHING, one, NOTHING], time="at", bounded=True)
    assert table.groupby("k").agg(total=("x", "sum")).start().wait(60).latest().total.tolist() == [2]
    assert len(table.map_batches(lambda batch: batch.slice(0, 0)).compute()) == 0


# Numbers at the edge


def test_nan_is_one_group_null_another_and_the_zeros_are_equal():
    nan, inf = float("nan"), float("inf")
    keys = pa.array([nan, inf, -0.0, 0.0, None, -inf, -nan, None], pa.float64())
    table = frame({"k": keys, "x": list(range(8))})
    counts = table.groupby("k").agg(n=ph.size()).to_arrow().to_pylist()
    assert {repr(row["k"]): row["n"] for row in counts} in (
        {"-inf": 1, "0.0": 2, "inf": 1, "nan": 2, "None": 2},
        {"-inf": 1, "-0.0": 2, "inf": 1, "nan": 2, "None": 2},
    )
    with pytest.warns(MissingKeysWarning, match="4 rows"):
        assert table.groupby("k", dropna=True).agg(n=ph.size()).compute().n.tolist() == [1, 2, 1]
    pairs = table.merge(table.rename({"x": "y"}), on="k").compute()
    assert sorted(pairs.x.astype(int)) == sorted([*[0, 6] * 2, 1, *[2, 3] * 2, 5])


LIMIT = 2**63 - 1
OVERFLOWS = {
    "plain": (lambda f: f.groupby("k"), "the sum in 's' overflows int64 in the group k='a'; cast the column"),
    "all rows": (lambda f: f.groupby([]), "the sum in 's' overflows int64; cast the column"),
    "tumbling": (lambda f: f.groupby(["k", ph.tumbling("1s")]), "group k='a', window_start=1970-01-01 00:00:00"),
    "hopping": (lambda f: f.groupby([ph.hopping("2s", "1s"), "k"]), "group window_start=1969-12-31 23:59:59.*, k='a'"),
    "session": (lambda f: f.groupby(["k", ph.session("2s")]), "group k='a', window_start=1970-01-01 00:00:00"),
}


@pytest.mark.parametrize(("group", "words"), OVERFLOWS.values(), ids=list(OVERFLOWS))
@pytest.mark.parametrize("start", [{}, {"mode": "append"}, {"parallelism": 3}], ids=["update", "append", "threads"])
def test_a_sum_that_does_not_fit_names_its_group(group, words, start):
    rows = {"k": ["b", "a", "a"], "x": [1, LIMIT, 1], "at": pa.array([0, 1, 2], AT)}
    sums = group(frame(rows, time="at")).agg(s=("x", "sum"))
    with pytest.raises(ph.errors.DataError, match=words) as told:
        sums.compute()
    assert "slot" not in str(told.value)
    with pytest.raises(ph.errors.DataError, match=words):
        sums.start(**start).wait(60)


def test_a_sum_inside_of_an_expression_is_named_by_what_it_is():
    rows = frame({"x": [LIMIT, 1]})
    with pytest.raises(ph.errors.DataError, match=r"the sum in 'sum\(x\)' overflows int64"):
        rows.agg(mean=ph.sum("x") / ph.size()).compute()


def test_a_sum_may_go_past_its_type_as_long_as_the_result_fits():
    assert frame({"x": [LIMIT, LIMIT, -LIMIT]}).agg(s=("x", "sum")).compute().s.tolist() == [LIMIT]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: f.x * 4, r"\(x \* 4\): overflow, in the row \{'x': 4611686018427387904\}"),
        (lambda f: f.s.astype("int64"), r"astype.*Failed to parse string: 'two'.*in the row \{'s': 'two'\}"),
        (lambda f: f.x.astype("int8"), r"in the row \{'x': 4611686018427387904\}"),
    ],
)
def test_a_value_that_does_not_fit_names_the_expression_and_the_row(make, words):
    table = frame({"x": [1, 2**62], "s": ["1", "two"]})
    with pytest.raises(ph.errors.DataError, match=words):
        table.assign(y=make).compute()


# The user's own functions


def bad_third(value: int) -> float:
    return 1 / (value - 3)


def test_a_function_that_raises_is_named_with_its_line_and_its_row():
    table = frame({"x": [1, 2, 3, 4]})
    line = bad_third.__code__.co_firstlineno + 1
    words = rf"bad_third at .*test_bad_input\.py:{line} raised ZeroDivisionError: .*, for \(value=3\)"
    for use in (table.assign(y=table.x.apply(bad_third)), table[table.x.apply(bad_third) > 0]):
        for run in (use.compute, lambda use=use: use.start(parallelism=2).wait(60), use.head):
            with pytest.raises(ph.errors.UserFunctionError, match=words) as told:
                run()
            assert isinstance(told.value.__cause__, ZeroDivisionError)


def test_a_function_of_batches_that_raises_is_named_with_its_line_and_the_first_row():
    def broken(batch):
        if batch.num_rows:
            raise KeyError("size")
        return batch

    line = broken.__code__.co_firstlineno + 2
    with pytest.raises(ph.errors.UserFunctionError, match=rf"test_bad_input\.py:{line} raised KeyError.*'symbol': 'a'"):
        trades().map_batches(broken).compute()


def test_a_callback_that_raises_ends_the_query_and_names_its_line_and_epoch():
    def tell(epoch, changes):
        raise RuntimeError("no luck")

    query = trades().start(ph.to_callback(tell))
    line = tell.__code__.co_firstlineno + 1
    with pytest.raises(
        ph.errors.UserFunctionError, match=rf"callback .*tell raised RuntimeError: no luck at .*:{line}, in epoch"
    ):
        query.wait(60)
    assert query.state == "failed" and "no luck" in repr(query)


def test_an_iterable_that_raises_ends_the_query_and_names_the_item():
    def items():
        yield {"n": 1}
        yield {"n": 2}
        raise OSError("the line is dead")

    for bounded in (True, False):
        table = ph.from_iter(items, bounded=bounded, schema={"n": "int64"})
        with pytest.raises(ph.errors.SourceError, match=r"items raised OSError after item \d: the line is dead"):
            table.start().wait(60)


# Sinks


def entries(path):
    return sorted(str(found.relative_to(path)) for found in path.rglob("*"))


def test_a_folder_that_cannot_be_written_to_is_told_before_anything_runs(tmp_path):
    (tmp_path / "file").write_text("in the way")
    ran = []
    table = trades().map_batches(lambda batch: ran.append(batch.num_rows) or batch)
    ran.clear()
    with pytest.raises(ph.errors.SinkError, match=r"cannot make the folder '.*file/out'"):
        table.start(ph.to_parquet(tmp_path / "file" / "out"))
    assert ran == []
    with pytest.raises(ph.errors.SinkError, match=r"cannot write to '.*file'"):
        table.to_parquet(tmp_path / "file" / "out.parquet")
    assert entries(tmp_path) == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_permission_is_told_before_anything_runs(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(ph.errors.SinkError, match="cannot make the folder"):
        trades().start(ph.to_parquet(tmp_path / "closed" / "out"))


def test_a_query_that_fails_leaves_no_file_that_is_half_written(tmp_path):
    def late_failure(value: float) -> float:
        return 1 / (3 - value)

    broken = trades().assign(y=lambda f: f.price.apply(late_failure))
    with pytest.raises(ph.errors.UserFunctionError):
        broken.start(ph.to_parquet(tmp_path / "folder"), max_rows=1).wait(60)
    for path in ("whole.parquet", "parts/"):
        with pytest.raises(ph.errors.UserFunctionError):
            broken.to_parquet(f"{tmp_path}/{path}")
    assert entries(tmp_path) == ["folder"]


@pytest.mark.parametrize(
    ("sink", "words"),
    [
        ("out/", r"'out/' is not a sink; ph\.to_parquet\('out/'\)"),
        (print, r"is not a sink; ph\.to_callback\(print\)"),
        ([ph.to_memory(), 7], r"7 is not a sink; ph\.to_memory\(\)"),
    ],
)
def test_what_is_no_sink_is_told_with_the_one_that_was_meant(sink, words):
    with pytest.raises(ph.errors.PlanError, match=words):
        trades().start(sink)


# Values that pandas cannot show


def test_a_time_of_day_that_python_cannot_hold_is_told_with_the_remedy():
    table = frame({"clock": pa.array([1_000, 1_001], pa.time64("ns"))})
    with pytest.raises(ph.errors.DataError, match="'clock'.*nanoseconds.*dtype_backend='pyarrow'"):
        table.compute()
    assert len(table.compute(dtype_backend="pyarrow")) == table.to_arrow().num_rows == 2


def test_warnings_that_are_errors_do_not_end_a_query_that_left_rows_out():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        query = frame({"at": pa.array([0, None], AT)}, time="at").start().wait(60)
    assert (query.state, query.progress.rejected, len(query.latest())) == ("finished", 1, 1)


def test_decimals_that_do_not_fit_their_precision_are_told():
    most = Decimal(10**38 - 1)
    with pytest.raises(ph.errors.DataError, match=r"overflows decimal128\(38, 0\)"):
        frame({"x": pa.array([most, most], pa.decimal128(38, 0))}).agg(s=("x", "sum")).compute()


def test_durations_and_windows_that_make_no_sense_are_told():
    for bad, words in [("soon", "unit"), ("-1h", "cannot be read"), (timedelta(0), "."), (5, ".")]:
        with pytest.raises(ph.errors.PlanError, match=words):
            ph.tumbling(bad)
