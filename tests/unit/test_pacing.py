"""Replays by a clock that the test moves: what is shown when, pause, play, step and speed."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import playhead as ph
from playhead.errors import EventTimeError, PlanError, RunError
from playhead.plan import scans
from playhead.preparing import QuerySettings
from playhead.query import Query
from playhead.runtime.coordinator import EpochLimits
from playhead.runtime.pacing import Pacer
from playhead.runtime.time_range import time_range
from playhead.sinks.memory import MemorySink
from playhead.testing import ManualClock, rows, scripted

SECOND = 1_000_000
BEGIN = 1_700_000_000 * SECOND
SCHEMA = {"at": pa.timestamp("us", "UTC"), "n": pa.int64(), "known": pa.timestamp("us", "UTC")}


def seconds(*splits, **declared):
    """Rows at these seconds, a list for each split; row number n of all happened at second `n`."""
    made = [[rows(*[{"at": BEGIN + n * SECOND, "n": n} for n in split])] for split in splits]
    return scripted(SCHEMA, *made, time="at", out_of_order="1h", **declared)


@contextmanager
def replayed(frame, *, speed=1.0, paused=False, mode="update", parallelism=1):
    """The frame's replay, and the clock that drives it."""
    clock = ManualClock(5_000)
    first, last = time_range([scan.source for scan in scans(frame.node)])
    limits = EpochLimits(max_delay=0)
    settings = QuerySettings(mode, "replay", False, parallelism, limits, speed, first, last, clock)
    query = Query(frame.node, [MemorySink()], settings, paused=paused)
    with query._run.changed:
        query._run.changed.wait_for(lambda: query._run.resting or query._run.epoch or query._done.is_set(), 20)
    try:
        yield query, clock
    finally:
        query.stop()
        assert query.error is None


def shown(query):
    return sorted(query.to_arrow()["n"].to_pylist())


def eventually(query, expected):
    """Wait until the query shows this, then let it stand still and see that it shows no more."""
    with query._run.changed:
        query._run.changed.wait_for(lambda: query._done.is_set() or shown(query) == expected, 20)
    assert shown(query) == expected
    was_playing = query.state == "running"
    query.pause()
    assert shown(query) == expected
    if was_playing:
        query.play()


def test_a_row_is_shown_when_the_replay_clock_has_reached_it():
    with replayed(seconds(range(10))) as (query, clock):
        eventually(query, [0])
        clock.advance("999ms")
        eventually(query, [0])
        clock.advance("1ms")
        eventually(query, [0, 1])
        clock.advance("3s")
        eventually(query, [0, 1, 2, 3, 4])


def test_speed_is_event_time_per_time():
    with replayed(seconds(range(10)), speed=3.0) as (query, clock):
        clock.advance("1s")
        eventually(query, [0, 1, 2, 3])


def test_a_replay_reaches_its_end_and_finishes():
    with replayed(seconds(range(10)), speed=0.5) as (query, clock):
        clock.advance("18s")
        query.wait(20)
        assert query.state == "finished" and shown(query) == list(range(10))


def test_time_that_goes_by_while_it_is_paused_does_not_count():
    with replayed(seconds(range(10))) as (query, clock):
        clock.advance("2s")
        eventually(query, [0, 1, 2])
        query.pause()
        clock.advance("1h")
        assert query.state == "paused"
        eventually(query, [0, 1, 2])
        query.play()
        eventually(query, [0, 1, 2])
        clock.advance("1s")
        eventually(query, [0, 1, 2, 3])


def test_another_speed_counts_from_now_on():
    with replayed(seconds(range(100))) as (query, clock):
        clock.advance("2s")
        eventually(query, [0, 1, 2])
        query.speed = 10
        eventually(query, [0, 1, 2])
        clock.advance("500ms")
        eventually(query, list(range(8)))
        query.speed = "max"
        query.wait(20)
        assert shown(query) == list(range(100))


def test_a_step_in_time_shows_what_happened_in_it_and_no_more():
    with replayed(seconds([0, 1, 2, 3, 3600, 3601, 7300, 90000]), paused=True) as (query, _):
        assert query.step("2s").to_arrow()["n"].to_pylist() == [0, 1, 2]
        assert shown(query.step("1h")) == [0, 1, 2, 3, 3600, 3601]
        assert shown(query.step("1h")) == [0, 1, 2, 3, 3600, 3601]
        assert shown(query.step("1h")) == [0, 1, 2, 3, 3600, 3601, 7300]
        assert query.state == "paused"


def test_a_step_past_the_end_is_the_end():
    with replayed(seconds([0, 1, 2]), paused=True) as (query, _):
        assert shown(query.step("1D")) == [0, 1, 2]
        assert shown(query.wait(20)) == [0, 1, 2]


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_step_by_rows_shows_so_many_more(parallelism):
    with replayed(seconds(range(10)), paused=True, parallelism=parallelism) as (query, _):
        assert shown(query.step(rows=3)) == [0, 1, 2]
        assert shown(query.step(rows=1)) == [0, 1, 2, 3]
        assert query.progress.rows == 4


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_plain_step_goes_on_until_something_is_seen_to_change(parallelism):
    fifths = seconds(range(20))
    fifths = fifths[(fifths.n - fifths.n // 5 * 5) == 0]
    with replayed(fifths, paused=True, parallelism=parallelism) as (query, _):
        assert shown(query.step()) == [0]
        assert shown(query.step()) == [0, 5]
        assert query.progress.rows == 6
        assert shown(query.step()) == [0, 5, 10]


def test_a_plain_step_in_append_mode_goes_to_the_next_window_that_is_final():
    made = [rows(*[{"at": BEGIN + n * SECOND, "n": n} for n in range(40)])]
    by_ten = scripted(SCHEMA, made, time="at", out_of_order="0s").groupby(ph.tumbling("10s")).agg(n=("n", "max"))
    with replayed(by_ten, paused=True, mode="append") as (query, _):
        assert shown(query.step()) == [9]
        assert shown(query.step()) == [9, 19]


def test_after_a_step_playing_goes_on_from_there():
    with replayed(seconds(range(20)), paused=True) as (query, clock):
        query.step("5s")
        clock.advance("1h")
        query.play()
        eventually(query, list(range(6)))
        clock.advance("2s")
        eventually(query, list(range(8)))


def test_the_disorder_of_history_is_shown_as_it_was():
    with replayed(seconds([0, 5, 3, 7, 6]), paused=True) as (query, _):
        assert shown(query.step("4s")) == [0]  # the 3 was not known before the 5
        assert shown(query.step("1s")) == [0, 3, 5]
        assert shown(query.step("1s")) == [0, 3, 5]
        assert shown(query.step("1s")) == [0, 3, 5, 6, 7]


def test_splits_are_merged_by_their_times():
    with replayed(seconds([0, 4, 8], [1, 2, 9], [3, 5]), paused=True) as (query, _):
        assert shown(query.step("3s")) == [0, 1, 2, 3]
        assert shown(query.step(rows=2)) == [0, 1, 2, 3, 4, 5]


def test_a_row_becomes_known_at_its_arrival():
    made = [{"at": BEGIN, "n": n, "known": BEGIN + later * SECOND} for n, later in enumerate([0, 10, 20])]
    frame = scripted(SCHEMA, [rows(*made)], time="at", out_of_order="1h", arrival="known")
    with replayed(frame, paused=True) as (query, _):
        assert shown(query.step("9s")) == [0]
        assert shown(query.step("1s")) == [0, 1]


def test_the_playhead_is_the_greatest_time_that_is_shown():
    with replayed(seconds([0, 5, 3]), paused=True) as (query, _):
        assert query.playhead is None
        assert query.step("1s").playhead.value // 1000 == BEGIN
        assert query.step("4s").playhead.value // 1000 == BEGIN + 5 * SECOND


def test_a_live_query_steps_by_rows_and_has_no_speed_and_no_steps_in_time():
    frame = scripted(SCHEMA, [rows({"at": 1, "n": 1})], time="at", out_of_order="1s", bounded=False)
    query = frame.start()
    try:
        with pytest.raises(RunError, match="replay"):
            query.step("1h")
        with pytest.raises(RunError, match="replay"):
            query.speed = 2
    finally:
        query.stop()


@pytest.mark.parametrize("speed", [0, -1, "fast"])
def test_a_speed_is_a_positive_number(speed):
    with pytest.raises(PlanError, match="positive number"):
        seconds([1]).replay(speed=speed)


def test_a_paused_query_stops_at_once_and_leaves_no_thread():
    before = set(threading.enumerate())
    with replayed(seconds(range(10)), paused=True, parallelism=3) as (query, _):
        query.step(rows=2)
    assert query.state == "stopped"
    assert set(threading.enumerate()) <= before
    assert shown(query) == [0, 1]


acts = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(0, 10_000)),
        st.tuples(st.just("speed"), st.sampled_from([0.5, 1.0, 4.0])),
        st.tuples(st.sampled_from(["pause", "play"]), st.none()),
    )
)


@given(acts)
def test_the_replay_clock_has_gone_on_for_as_long_as_it_played_at_each_speed(steps):
    clock = ManualClock()
    pacer = Pacer(clock, speed=1.0)
    pacer.begin(1_000)
    expected, speed, playing = 1_000.0, 1.0, True
    for what, by in steps:
        if what == "wait":
            clock.advance(by)
            expected += by * speed if playing else 0
        elif what == "speed":
            speed = by
            pacer.set_speed(by, 0)
        else:
            playing = what == "play"
            (pacer.play if playing else pacer.pause)(0)
        assert abs(pacer.released() - expected) <= len(steps)


def test_rows_without_a_time_come_in_source_order_where_nothing_is_paced():
    query = ph.from_arrow(pa.table({"n": range(9)})).replay(speed="max", max_rows=2, paused=True)
    assert query.step(rows=4).to_arrow()["n"].to_pylist() == [0, 1, 2, 3]
    assert query.step().to_arrow()["n"].to_pylist() == [0, 1, 2, 3, 4]
    assert query.play().wait(20).to_arrow()["n"].to_pylist() == list(range(9))


@pytest.mark.parametrize("pace", [{}, {"duration": "1s"}, {"speed": 60}])
def test_a_replay_that_paces_needs_a_time_and_says_how_to_go_without(pace):
    with pytest.raises(EventTimeError, match="Table has none: read it with time=.* speed='max'"):
        ph.from_arrow(pa.table({"n": [1]})).replay(**pace)


def test_a_table_without_a_time_is_known_from_the_beginning_of_a_replay():
    names = ph.from_arrow(pa.table({"n": [0, 1, 2], "name": ["zero", "one", "two"]}))
    with replayed(seconds([0, 1, 2]).merge(names, on="n")) as (query, clock):
        eventually(query, [0])
        clock.advance(SECOND)
        eventually(query, [0, 1])
        clock.advance(SECOND)
        eventually(query, [0, 1, 2])
