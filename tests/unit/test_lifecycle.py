"""A query from its start to its end: states, steering, stopping, failing."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import playhead as ph
from playhead import starting
from playhead.errors import EventTimeError, PlanError, RunError, UnboundedError, UserFunctionError

pytestmark = pytest.mark.usefixtures("no_thread_left")

AT = pa.timestamp("us", "UTC")
MINUTE = 60_000_000
SOON = 60
"""Seconds after which a test gives up; none of them takes so long."""


def history(rows: int = 100) -> ph.Frame:
    """A row a minute, in order."""
    times = pa.array([number * MINUTE for number in range(rows)], AT)
    return ph.from_arrow(pa.table({"at": times, "n": list(range(rows))}), time="at", out_of_order="0s")


def counts(frame: ph.Frame) -> ph.Frame:
    return frame.agg(rows=ph.size(), last=("n", "max"))


def fails_at(number: int) -> Callable[[int], float]:
    def reciprocal(n: int) -> float:
        return 1 / (n - number)

    return reciprocal


def failing(rows: int = 100) -> ph.Frame:
    return history(rows).assign(x=lambda f: f.n.apply(fails_at(50))).groupby("n").agg(x=("x", "sum"))


class Gate:
    """An endless iterable that gives two rows and then blocks until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def __iter__(self) -> Iterator[dict[str, int]]:
        yield from ({"n": 1}, {"n": 2})
        self.opened.wait(SOON)


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline, "it never happens"
        threading.Event().wait(0.005)


def meanwhile(action: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=action)
    thread.start()
    return thread


# States


def test_a_query_is_running_paused_finished():
    query = history().replay(speed="max", paused=True)
    assert query.state == "paused"
    assert query.progress.rows == 0 and query.playhead is None
    assert query.play().wait(SOON).state == "finished"
    assert query.progress.fraction == 1.0
    assert query.playhead == pd.Timestamp("1970-01-01 01:39", tz="UTC")


def test_a_live_query_runs_until_its_source_is_closed():
    push = ph.push({"n": "int64"})
    query = counts(push.frame).start()
    push.send([{"n": 1}, {"n": 7}])
    until(lambda: query.latest()["last"].tolist() == [7])
    assert query.state == "running"
    push.close()
    assert query.wait(SOON).state == "finished"


def test_a_query_that_fails_says_so_wherever_it_is_asked():
    query = failing().start(parallelism=3)
    for ask in (lambda: query.wait(SOON), query.latest, query.step, query.play):
        with pytest.raises(UserFunctionError, match=r"reciprocal at .*ZeroDivisionError.*for \(n=50\)"):
            ask()
    assert query.state == "failed"
    assert "failed" in str(query.progress) and "ZeroDivisionError" in repr(query)
    assert query.stop().state == "failed"


def test_the_traceback_of_a_failure_does_not_grow_when_it_is_raised_again():
    query = failing().start()
    lengths = []
    for _ in range(5):
        with pytest.raises(UserFunctionError) as told:
            query.wait(SOON)
        lengths.append(len(traceback.extract_tb(told.value.__traceback__)))
    assert len(set(lengths)) == 1


@pytest.mark.parametrize("parallelism", [1, 3])
def test_what_was_read_a_second_stands_still_when_the_query_has_ended(parallelism):
    query = history().start(parallelism=parallelism).wait(SOON)
    assert query.progress == query.progress


# Stopping


def test_stop_ends_an_endless_query_and_keeps_what_was_shown():
    query = counts(ph.rate(1_000_000).rename({"value": "n"})).start()
    until(lambda: query.progress.epoch > 3)
    assert query.stop().state == "stopped"
    (row,) = query.latest().to_dict("records")
    assert row["rows"] == row["last"] + 1 == query.progress.rows


def test_stop_does_not_wait_for_a_source_that_blocks(gate):
    query = counts(ph.from_iter(gate)).start()
    until(lambda: query.progress.rows == 2)
    query.stop()
    assert query.latest().rows.tolist() == [2]


def test_stop_ends_a_query_that_is_paused():
    query = history().replay(paused=True)
    query.step(rows=3)
    assert query.stop().state == "stopped"
    assert query.latest().n.tolist() == [0, 1, 2]


def test_stop_from_another_thread_ends_a_wait(gate):
    query = ph.from_iter(gate).start()
    stopper = meanwhile(lambda: (until(lambda: query.progress.rows == 2), query.stop()))
    assert query.wait(SOON).state == "stopped"
    stopper.join(SOON)


def test_stop_from_a_callback_ends_the_query_after_it():
    seen = []

    def third(epoch, changes):
        seen.append(epoch)
        if len(seen) == 3:
            seen.append(query.stop().state)

    query = history().replay(sink=ph.to_callback(third), speed="max", max_rows=10, paused=True)
    assert query.play().wait(SOON).state == "stopped"
    assert seen == [1, 2, 3, "running"]


@pytest.mark.parametrize("parallelism", [1, 3])
def test_stop_from_a_function_of_rows_ends_the_query_after_the_epoch(parallelism):
    def look(n: int) -> int:
        if n == 35:
            query.stop()
        return n

    frame = history().assign(m=lambda f: f.n.apply(look))
    query = frame.replay(speed="max", max_rows=10, paused=True, parallelism=parallelism)
    assert query.play().wait(SOON).state == "stopped"
    assert query.latest().n.tolist()[:40] == list(range(40)) and len(query.latest()) < 100


def test_stop_twice_or_after_the_end_changes_nothing():
    query = history().start().wait(SOON)
    assert query.stop().stop().state == "finished"
    assert len(query.latest()) == 100


def test_stop_says_when_a_function_of_the_user_does_not_return(monkeypatch):
    monkeypatch.setattr("playhead.query.STOP_SECONDS", 0.05)
    inside, leave = threading.Event(), threading.Event()

    def stuck(epoch, changes):
        inside.set()
        leave.wait(SOON)

    query = history().start(ph.to_callback(stuck))
    inside.wait(SOON)
    with pytest.raises(TimeoutError, match="asked to stop.*still inside a callback.*it ends when that returns"):
        query.stop()
    leave.set()
    until(lambda: query.state == "stopped")


# Waiting


def test_wait_gives_up_after_its_timeout_and_says_where_the_query_stands(gate):
    with counts(ph.from_iter(gate)).start(name="sums") as query:
        until(lambda: query.progress.rows == 2)
        with pytest.raises(TimeoutError, match=r"sums still runs after 0\.01 s: running, 2 rows"):
            query.wait(0.01)
        assert query.state == "running"


@pytest.mark.parametrize("call", ["wait", "step"])
def test_waiting_for_oneself_is_refused(call):
    query = history().replay(sink=ph.to_callback(lambda *_: getattr(query, call)()), speed="max", paused=True)
    with pytest.raises(UserFunctionError, match=rf"{call}\(\) inside query \d+'s own callback would wait for itself"):
        query.play().wait(SOON)


# `with`


def test_leaving_a_with_block_stops_the_query():
    with history().replay(paused=True) as query:
        query.step(rows=1)
    assert query.state == "stopped"


def test_leaving_a_with_block_raises_what_the_query_failed_with():
    with pytest.raises(UserFunctionError, match="ZeroDivisionError"), failing().start() as query:
        until(lambda: query.state == "failed")


def test_an_error_inside_a_with_block_comes_before_that_of_the_query():
    with pytest.raises(KeyError, match="mine"), failing().start() as query:
        until(lambda: query.state == "failed")
        raise KeyError("mine")


# Steering at and after the end


def test_steps_end_with_the_input():
    query = history(5).replay(speed="max", paused=True)
    assert query.step(rows=2).latest().n.tolist() == [0, 1]
    assert query.step("1min").latest().n.tolist() == [0, 1, 2]
    assert query.step().latest().n.tolist() == [0, 1, 2, 3]
    assert query.step("500D").state == "finished"
    assert query.latest().n.tolist() == [0, 1, 2, 3, 4]


def test_steering_a_query_that_has_finished_changes_nothing():
    query = history().replay(speed="max").wait(SOON)
    for steer in (query.pause, query.play, query.step, lambda: query.step("1h"), lambda: query.step(rows=3)):
        assert steer().state == "finished"
    query.speed = 60
    assert len(query.latest()) == 100


def test_a_query_that_was_stopped_does_not_go_on():
    query = history().replay(paused=True).stop()
    for steer in (query.play, query.step):
        with pytest.raises(RunError, match=r"query \d+ was stopped; start the frame again"):
            steer()
    assert query.pause().wait(SOON).state == "stopped"


@pytest.mark.parametrize("speed", [0, -1, "fast", float("nan"), float("inf"), [60], pd.Timedelta("1s")])
def test_a_speed_that_is_none_is_refused(speed):
    with pytest.raises(PlanError, match=r"speed=.*: give a positive number \(60 shows a minute each second\) or 'max'"):
        history().replay(speed=speed)
    with history().replay(paused=True) as query:
        with pytest.raises(PlanError, match="give a positive number"):
            query.speed = speed
        query.speed = "max"
        assert query.speed is None
        query.speed = 60
        assert query.speed == 60.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rows": 0}, r"step\(rows=0\) goes nowhere"),
        ({"rows": -2}, "goes nowhere"),
        ({"duration": "1h", "rows": 1}, "by a duration or by rows=, not by both"),
        ({"duration": "-1h"}, "'-1h' cannot be read"),
        ({"duration": "soon"}, "has the unit 'soon'"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused_and_leaves_the_query_as_it_is(options, words):
    with history().replay(speed=1) as query:
        with pytest.raises(PlanError, match=words):
            query.step(**options)
        assert query.state == "running"


def test_what_only_replays_can_do_is_refused_elsewhere():
    with ph.rate(1000).start() as query:
        with pytest.raises(RunError, match=r"speed is for replays.*frame\.replay"):
            query.speed = 60
        with pytest.raises(RunError, match="step by a duration is for replays"):
            query.step("1h")


# Wishes that cannot be fulfilled


RUNNING = ph.rate(1000).groupby("value").agg(n=ph.size())


@pytest.mark.parametrize(
    ("start", "error", "words"),
    [
        (lambda: ph.from_arrow(pa.table({"n": [1]})).replay(), EventTimeError, r"replay\(\) follows time.*time="),
        (lambda: ph.rate(1000).replay(), UnboundedError, r"rate\(1000/s\) is still happening; use \.start\(\)"),
        (lambda: ph.rate(1000).compute(), UnboundedError, r"rate\(1000/s\) does not\. Use \.start\(\).*\.limit\(n\)"),
        (lambda: history().replay(duration="1s", speed=2), PlanError, "duration= or speed=, not both"),
        (lambda: history().replay(duration="soon"), PlanError, "has the unit 'soon'"),
        (lambda: history().start(mode="upsert"), PlanError, "'upsert' is none of update, append, complete"),
        (lambda: history().start(mode="udpate"), PlanError, "did you mean 'update'"),
        (
            lambda: history().start(ph.to_parquet("x", changelog=True), mode="append"),
            PlanError,
            "cannot take mode=.append.",
        ),
        (lambda: RUNNING.start(mode="append"), PlanError, "never is; add a window, or use mode='update'"),
        (lambda: RUNNING.start(ph.to_parquet("x")), PlanError, "mode='append' shows each row once"),
        (lambda: history().start(parallelism=0), PlanError, "parallelism=0 runs nothing"),
        (lambda: history().start(max_rows=0), PlanError, "max_rows=0: an epoch takes 1 row or more"),
        (lambda: history().limit(-1), PlanError, "limit takes a number of rows, not -1"),
        (lambda: history().start(ph.to_nothing()).wait(SOON).latest(), RunError, r"keeps none.*ph\.to_memory\(\)"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(start, error, words):
    with pytest.raises(error, match=words):
        start()


# Endless inputs, in part


def test_a_limit_ends_what_has_no_end():
    first = ph.rate(100_000).limit(5)
    assert first.bounded and first.compute().value.tolist() == [0, 1, 2, 3, 4]
    assert first.agg(total=("value", "sum")).compute(parallelism=3).total.tolist() == [10]
    assert first.start().wait(SOON).state == "finished"
    assert ph.rate(1).limit(0).compute().value.tolist() == []
    both = ph.concat([first, ph.rate(100_000, rows=2)]).compute()
    assert sorted(both.value) == [0, 0, 1, 1, 2, 3, 4]


def test_a_limit_does_not_wait_for_rows_that_nobody_needs(gate):
    assert ph.from_iter(gate).limit(2).compute().n.tolist() == [1, 2]
    assert ph.from_iter(gate).head(2).n.tolist() == [1, 2]


def test_a_limit_ends_a_watched_folder(tmp_path):
    pq.write_table(pa.table({"n": [1, 2, 3]}), tmp_path / "a.parquet")
    first = ph.read_parquet(tmp_path, watch=True).limit(2)
    assert first.compute().n.tolist() == [1, 2]
    assert first.start().wait(SOON).latest().n.tolist() == [1, 2]


def test_a_limited_part_of_what_has_no_end_is_still_no_history():
    with pytest.raises(UnboundedError, match="is still happening"):
        ph.rate(1000).limit(5).replay()


def test_a_preview_of_an_endless_input_shows_what_comes_and_gives_up_if_nothing_does(monkeypatch):
    monkeypatch.setattr(starting, "PREVIEW_SECONDS", 0.1)
    assert ph.rate(100_000).head(3).value.tolist() == [0, 1, 2]
    assert len(ph.rate(100_000).groupby("value").agg(n=ph.size()).head(2)) == 2
    with pytest.raises(UnboundedError, match=r"nothing .* came within 0\.1 s; \.start\(\) the frame"):
        ph.push({"n": "int64"}).frame.head()


def test_rows_too_wide_for_the_reading_buffer_are_computed_all_the_same(tmp_path):
    wide = pa.table({"text": ["x" * 1_000_000] * 15})
    pq.write_table(wide, tmp_path / "wide.parquet", row_group_size=3)
    lengths = ph.read_parquet(tmp_path).assign(length=lambda f: f.text.str.len())
    assert lengths.agg(total=("length", "sum")).compute().total.tolist() == [15_000_000]


# Looking from other threads


def test_every_table_seen_while_the_query_runs_is_of_one_moment():
    """Each row moves a dollar from one account to another: whoever looks, whenever, sees no dollar more or less."""
    numbers = range(20_000)
    moves = pa.table({"giver": [n % 7 for n in numbers], "taker": [n % 5 for n in numbers]})
    rows = ph.from_arrow(moves)
    given = rows.select(rows.giver.rename("account")).assign(amount=-1)
    taken = rows.select(rows.taker.rename("account")).assign(amount=1)
    balances = ph.concat([given, taken]).groupby("account").agg(balance=("amount", "sum"))
    totals: list[int] = []

    def look() -> None:
        totals.append(int(query.latest().balance.sum()))
        while query.state == "running":
            totals.append(int(query.latest().balance.sum()))

    for parallelism in (1, 3):
        with balances.start(max_rows=50, parallelism=parallelism) as query:
            lookers = [meanwhile(look), meanwhile(look)]
            query.wait(SOON)
            for looker in lookers:
                looker.join(SOON)
        assert any(query.latest().balance)
    assert len(totals) >= 4 and set(totals) == {0}


def test_pause_from_a_callback_takes_effect_after_its_epoch():
    def second(epoch, changes):
        if epoch == 2:
            query.pause()

    query = history().replay(sink=ph.to_callback(second), speed="max", max_rows=10, paused=True)
    query.play()
    until(lambda: query.state == "paused")
    query.pause()
    assert 20 <= query.progress.rows < 100
    assert query.play().wait(SOON).progress.rows == 100
