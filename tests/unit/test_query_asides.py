"""What stands beside a query's result: what it left out, what it watches for, and what it says when it fails unseen."""

from __future__ import annotations

import threading
from pathlib import Path

import pandas as pd
import pytest

import playhead as ph
from playhead.preparing import QueryFailedWarning


def trades() -> pd.DataFrame:
    times = pd.to_datetime([0, 5, 12], unit="s", utc=True)
    return pd.DataFrame({"t": times, "k": ["a", "b", "a"], "x": [1, 2, 3]})


def until(true, seconds: float = 20.0) -> None:
    """Wait for a condition with a deadline."""
    tick = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if true():
            return
        tick.wait(0.01)
    raise AssertionError(f"did not come true within {seconds} s")


def test_late_and_rejected_rows_have_their_columns_when_there_are_none() -> None:
    frame = ph.from_pandas(trades(), time="t", out_of_order="1s")
    query = frame.groupby(["k", ph.tumbling("10s")]).agg(total=("x", "sum")).start().wait()
    assert query.late.columns == ["t", "k", "x", "window_start", "window_end"]
    assert len(query.late[["k"]].compute()) == 0
    assert query.rejected.columns == ["source", "position", "text", "reason"]


def test_a_watched_folder_gives_the_rows_of_files_that_come_later(tmp_path: Path) -> None:
    trades().to_parquet(tmp_path / "1.parquet")
    frame = ph.read_parquet(tmp_path, time="t", out_of_order="1s", watch=True)
    with frame.agg(n=("x", "count")).start() as query:
        until(lambda: list(query.latest().n) == [3])
        trades().to_parquet(tmp_path / "2.parquet")
        until(lambda: list(query.latest().n) == [6])


def test_a_query_that_fails_while_nobody_waits_says_so_once() -> None:
    begin = threading.Event()

    def fails(epoch: int, changes: object) -> None:
        begin.wait(20)
        raise ZeroDivisionError("on purpose")

    with pytest.warns(QueryFailedWarning, match="stopped at epoch .* on purpose"):
        query = ph.from_pandas(trades()).start(ph.to_callback(fails))
        begin.set()
        until(lambda: query.state == "failed")


def test_on_takes_what_rows_are_pushed_into() -> None:
    history = ph.from_pandas(trades(), time="t")
    counts = history.groupby("k").agg(n=ph.size())
    live = ph.push(history.schema, time="t", out_of_order="1s")
    assert not counts.on(live).bounded


def test_a_misspelt_setting_of_a_query_is_told() -> None:
    query = ph.from_pandas(trades()).start().wait()
    with pytest.raises(AttributeError, match="did you mean 'speed'"):
        query.sped = 2


@pytest.mark.parametrize("wrong", [{"as_index": True}, {"sort": False}])
def test_pandas_arguments_that_cannot_hold_say_why(wrong: dict[str, bool]) -> None:
    frame = ph.from_pandas(trades())
    assert len(frame.groupby("k", as_index=False, sort=True).agg(n=ph.size()).compute()) == 2
    with pytest.raises(ph.errors.PlanError):
        frame.groupby("k", **wrong)
