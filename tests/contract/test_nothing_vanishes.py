"""C4: what is not in the result is counted exactly, can be looked at, and is told once, with a remedy."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from datetime import timedelta
from functools import partial

import pyarrow as pa
import pytest
from contract_queries import WINDOWS, examples, row_lists, stream
from hypothesis import given
from hypothesis import strategies as st

import playhead as ph
from playhead.left_out import (
    ExpiredRowsWarning,
    LateRowsWarning,
    MissingKeysWarning,
    RejectedRowsWarning,
    RowsNotKeptWarning,
)
from playhead.runtime import run as running
from playhead.testing import Schedule, malformed, rows, schedules, scripted, trace
from playhead.testing.oracles import windows_of
from playhead.windows import Session

AT = pa.timestamp("us", "UTC")
WITH_WINDOWS = {name: case for name, case in WINDOWS.items() if case.window is not None}


@pytest.mark.parametrize("mode", ["update", "append"])
@pytest.mark.parametrize("case", WITH_WINDOWS.values(), ids=list(WITH_WINDOWS))
@examples(0.3)
@given(data=st.data(), schedule=schedules(), lateness=st.sampled_from([0, 2]))
def test_rows_in_the_result_and_late_rows_are_all_rows(case, mode, data, schedule, lateness):
    frame = stream(data.draw(row_lists(case)), schedule, case, disorder=4)
    by = frame.groupby(["k", case.window], allowed_lateness=lateness * case.tick)
    results = trace(by.agg(n=("i", "size")), schedule, mode=mode)
    late = [row for result in results for row in result.late]
    read = results[-1].consumed[0]
    one_window = isinstance(case.window, Session)
    windows = sum(1 if one_window else len(windows_of(case.window, row["at"], case.zone)) for row in read)
    assert sum(row["n"] for row in results[-1].table) + len(late) == windows
    assert results[-1].counts.get("late", 0) == len(late)


@examples(1)
@given(data=st.data(), schedule=schedules())
def test_a_late_row_is_told_with_every_window_that_it_missed_and_no_other(data, schedule):
    case = WINDOWS["hopping by panes"]
    frame = stream(data.draw(row_lists(case)), schedule, case, disorder=4)
    results = trace(frame.groupby(case.window).agg(n=("i", "size")), schedule)
    counted = Counter()
    for row in results[-1].consumed[0]:
        counted.update(windows_of(case.window, row["at"]))
    for row in results[-1].table:
        counted[row["window_start"], row["window_end"]] -= row["n"]
    for result in results:
        for row in result.late:
            assert (row["window_start"], row["window_end"]) in windows_of(case.window, row["at"])
            counted[row["window_start"], row["window_end"]] -= 1
    assert not +counted and not -counted


def disordered(count, late):
    """`count` rows a second apart, then `late` rows a day before them."""
    on_time = [{"at": 86_400_000_000 + second * 1_000_000, "n": second} for second in range(count)]
    too_late = [{"at": number, "n": -1} for number in range(late)]
    return scripted({"at": AT, "n": pa.int64()}, [rows(*on_time), rows(*too_late)], time="at", out_of_order="1s")


def test_late_rows_can_be_read_as_a_frame_and_are_warned_of_once():
    by_minute = disordered(200, 5).groupby(ph.tumbling("1min")).agg(n=("n", "count"))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        query = by_minute.start(max_rows=200).wait(30)
    late = query.late.compute()
    assert late.n.tolist() == [-1] * 5
    assert (late.window_end - late.window_start).unique().tolist() == [timedelta(minutes=1)]
    assert query.progress.late == query.metrics["late"] == 5
    assert query.latest().n.sum() == 200
    (warning,) = [one for one in told if issubclass(one.category, LateRowsWarning)]
    assert "out_of_order=" in str(warning.message) and "allowed_lateness=" in str(warning.message)


def test_warnings_as_errors_do_not_stop_a_query():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        query = disordered(200, 5).groupby(ph.tumbling("1min")).agg(n=("n", "size")).start(max_rows=200).wait(30)
    assert query.progress.late == 5


@pytest.mark.parametrize("parallelism", [1, 3])
def test_what_cannot_be_kept_is_counted_all_the_same(monkeypatch, parallelism):
    monkeypatch.setattr(running, "Kept", partial(running.Kept, most=100))
    by_minute = disordered(200, 1000).groupby(ph.tumbling("1min")).agg(n=("n", "size"))
    with pytest.warns() as told:
        query = by_minute.start(max_rows=50, parallelism=parallelism).wait(30)
    assert [one.category for one in told] == [LateRowsWarning, RowsNotKeptWarning]
    assert "have the last 100 each" in str(told[1].message)
    assert query.progress.late == 1000
    kept = query.late.compute()
    assert 100 <= len(kept) < 200
    assert kept["at"].max().value // 1000 == 999  # the last of them


def test_nothing_is_late_in_compute_and_everything_is_there():
    by_minute = disordered(200, 5).groupby(ph.tumbling("1min")).agg(n=("n", "size"))
    assert by_minute.compute().n.sum() == 205


@pytest.mark.parametrize("parallelism", [1, 2])
def test_malformed_input_is_rejected_with_its_place_counted_and_warned_of_once(parallelism):
    split = [rows({"at": 1}), malformed("xyz", "no time"), rows({"at": 2}), malformed("?", "no row")]
    frame = scripted({"at": AT}, split, split, time="at", out_of_order="1s")
    with pytest.warns(RejectedRowsWarning) as told:
        query = frame.agg(n=ph.size()).start(parallelism=parallelism).wait(30)
    assert len([one for one in told if one.category is RejectedRowsWarning]) == 1
    assert query.latest().n.tolist() == [4]
    rejected = query.rejected.compute()
    assert query.progress.rejected == query.metrics["rejected"] == len(rejected) == 4
    assert sorted(rejected.text) == ["?", "?", "xyz", "xyz"]
    assert set(rejected.reason) == {"no time", "no row"}
    assert set(rejected.position) == {f"split {split}, step {step}" for split in (0, 1) for step in (2, 4)}


def test_a_file_with_bad_lines_gives_its_good_rows_and_tells_the_rest(tmp_path):
    lines = [json.dumps({"at": f"2024-01-01T00:00:0{n}Z", "n": n}) for n in range(5)]
    (tmp_path / "rows.jsonl").write_text("\n".join([*lines[:3], "{not json", *lines[3:]]) + "\n")
    frame = ph.read_json(str(tmp_path / "rows.jsonl"), time="at", out_of_order="1s")
    with pytest.warns(RejectedRowsWarning):
        query = frame.agg(total=("n", "sum")).start().wait(30)
    assert query.latest().total.tolist() == [10]
    (position,) = query.rejected.compute().position
    assert "rows.jsonl" in position and "4" in position


def test_rows_without_a_key_are_counted_where_they_are_dropped():
    given_rows = [{"at": n, "k": None if n % 3 else "a"} for n in range(9)]
    frame = scripted({"at": AT, "k": pa.string()}, [rows(*given_rows)], time="at", out_of_order="1s")
    counted = frame.groupby("k", dropna=True).agg(n=ph.size())
    assert trace(counted)[-1].counts["missing key"] == 6
    with pytest.warns(MissingKeysWarning, match=r"\b6 rows .*dropna=False makes groups") as told:
        assert counted.start().wait(30).metrics["missing key"] == 6
    assert len(told) == 1
    assert [row["n"] for row in trace(counted)[-1].table] == [3]


def test_rows_without_a_key_are_told_of_by_compute_too():
    frame = ph.from_arrow(pa.table({"k": ["a", None, None]}))
    with pytest.warns(MissingKeysWarning, match="2 rows"):
        assert frame.groupby("k", dropna=True).agg(n=ph.size()).compute().n.tolist() == [1]


def waiting_for_partners():
    """Two inputs of 60 rows, a second apart, each with its partner at the same time; they wait for 5 s."""
    left = [{"at": n * 1_000_000, "k": n} for n in range(60)]
    sides = [
        scripted({"at": AT, "k": pa.int64()}, [rows(*left)], time="at", out_of_order="0s", name=name) for name in "ab"
    ]
    return sides[0].merge(sides[1], on="k", ttl="5s")


def test_rows_that_waited_too_long_for_a_partner_are_counted():
    results = trace(waiting_for_partners(), Schedule(epochs=((10, 10),) * 6))
    assert len(results[-1].table) == 60
    assert results[-2].counts["expired"] > 60


@pytest.mark.parametrize("parallelism", [1, 2])
def test_rows_that_waited_too_long_for_a_partner_are_warned_of_once(parallelism):
    with pytest.warns(ExpiredRowsWarning, match="rows so far waited .*larger ttl=") as told:
        query = waiting_for_partners().start(max_rows=10, parallelism=parallelism).wait(30)
    assert len(told) == 1
    assert query.metrics["expired"] > 20  # how many, depends on which side was read first


def test_changes_that_memory_no_longer_holds_are_told_when_they_are_asked_for():
    sink = ph.to_memory(keep_changes=10)
    ph.from_arrow(pa.table({"x": range(100)})).start(sink, max_rows=5).wait(30)
    with pytest.warns(RowsNotKeptWarning, match="90 rows .*keep_changes="):
        assert sum(change.changes.num_rows for change in sink.changelog()) == 10
