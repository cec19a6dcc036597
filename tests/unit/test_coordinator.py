"""When epochs open, and how far watermarks are: never ahead of a row to come, never back."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import playhead as ph
from playhead.preparing import QuerySettings
from playhead.query import Query
from playhead.runtime.coordinator import (
    Coordinator,
    EpochLimits,
    Finish,
    OpenEpoch,
    Situation,
    SplitTime,
    Wait,
    source_watermark,
    with_idle_sources,
)
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.sinks.memory import MemorySink
from playhead.testing import ManualClock, Schedule, end, idle, rows, schedules, scripted, trace, watermark

AT = {"at": pa.timestamp("us", "UTC")}


def situation(**known):
    nothing = {"now": 0, "rows": 0, "since": None, "marks": False, "settled": False, "finished": False, "running": True}
    return Situation(**(nothing | known))


# Epochs


def test_an_epoch_opens_when_it_is_full_or_its_first_row_has_waited_long_enough():
    coordinator = Coordinator(EpochLimits(max_rows=100, max_delay=5_000))
    assert coordinator.next(situation(rows=99, since=0, now=0)) == Wait(5_000)
    assert coordinator.next(situation(rows=99, since=0, now=4_999)) == Wait(1)
    assert coordinator.next(situation(rows=99, since=0, now=5_000)) == OpenEpoch(1, 100)
    assert coordinator.next(situation(rows=100, since=0, now=0)) == OpenEpoch(2, 100)


def test_nothing_waits_where_waiting_brings_nothing():
    coordinator = Coordinator(EpochLimits(max_rows=100, max_delay=5_000))
    assert coordinator.next(situation(rows=1, since=0, settled=True)) == OpenEpoch(1, 100)


def test_without_rows_and_marks_there_is_no_epoch_and_with_marks_alone_there_is_one():
    coordinator = Coordinator(EpochLimits())
    assert coordinator.next(situation()) == Wait(None)
    assert isinstance(coordinator.next(situation(marks=True)), OpenEpoch)


def test_a_paused_query_opens_no_epoch_however_much_waits():
    assert Coordinator(EpochLimits(max_rows=1)).next(situation(rows=5, since=0, now=10**9, running=False)) == Wait(None)


def test_the_end_is_an_epoch_of_its_own_and_epochs_are_numbered_from_one():
    coordinator = Coordinator(EpochLimits(max_rows=1))
    commands = [coordinator.next(situation(rows=1, since=0)) for _ in range(3)]
    assert [command.epoch for command in commands] == [1, 2, 3]
    assert coordinator.next(situation(finished=True)) == Finish(4)


# Watermarks

times = st.integers(-100, 100)


@given(st.lists(st.builds(SplitTime, times, st.booleans())), times)
def test_the_watermark_of_a_source_is_that_of_its_slowest_split_that_is_not_idle_and_never_goes_back(splits, previous):
    reached, all_idle = source_watermark(splits, previous)
    awake = [split.watermark for split in splits if not split.idle]
    assert all_idle == (bool(splits) and not awake)
    if awake:
        assert reached == max(previous, min(awake))
    else:
        assert reached == (previous if splits else MAX_TIME)


@given(st.lists(st.tuples(times, st.booleans()), min_size=1))
def test_an_idle_source_follows_the_slowest_of_the_others_and_holds_nobody_back(sources):
    reached = with_idle_sources(sources)
    awake = [time for time, is_idle in sources if not is_idle]
    for (time, is_idle), now in zip(sources, reached, strict=True):
        assert now >= time
        if not is_idle:
            assert now == time
        elif awake:
            assert now == max(time, min(awake))
    assert with_idle_sources([*sources, (MAX_TIME, False)]) == [*reached, MAX_TIME], "one that has ended leads nobody"
    if awake:
        assert min(reached) <= min(awake)


def spread(times_of_splits, **declared):
    splits = [[rows(*[{"at": time} for time in split])] if split else [] for split in times_of_splits]
    return scripted(AT, *splits, time="at", **declared)


@pytest.mark.parametrize("known", [False, True])
@given(
    given_times=st.lists(st.integers(0, 1000), min_size=1, max_size=60),
    schedule=schedules(splits=20, parallelism=1),
)
def test_no_row_comes_behind_the_watermark_if_none_is_later_than_declared(known, given_times, schedule):
    made = [{"at": time} for time in given_times]
    arrived = schedule.arrange(made, time="at", out_of_order="100us")
    frame = spread([[row["at"] for row in split] for split in arrived], out_of_order="100us")
    promised = MIN_TIME
    for result in trace(frame, schedule, known_watermark=known):
        for row in result.fresh[0]:
            assert row["at"].timestamp() * 1e6 >= promised - 0.5
        assert result.watermark >= promised
        promised = result.watermark
    assert promised == MAX_TIME


def test_the_watermark_is_the_greatest_time_seen_less_the_disorder_of_the_slowest_split():
    frame = spread([[10, 50, 40], [20, 30]], out_of_order="5us")
    results = trace(frame, Schedule(epochs=((1, 1), (1, 0), (0, 1), (1, 0))))
    assert [result.watermark for result in results] == [10 - 5, 20 - 5, 45, MAX_TIME, MAX_TIME]


def test_a_split_that_is_not_open_yet_holds_the_watermark_at_its_first_row():
    opened = [[100, 200 + number] for number in range(16)]
    frame = spread([*opened, [150, 300]], out_of_order="0s")
    results = trace(frame, Schedule(epochs=((1,) * 16 + (0,), (0,) + (1,) * 15 + (0,))))
    assert [result.watermark for result in results[:2]] == [100, 100]
    results = trace(frame, Schedule(epochs=((2,) * 15 + (1, 0), (0,) * 15 + (1, 0))))
    assert [result.watermark for result in results[:2]] == [100, 150]


def test_a_split_that_says_that_it_is_idle_holds_nobody_back_until_its_next_row():
    busy = [rows({"at": time}) for time in (10, 20, 30, 40)]
    quiet = [rows({"at": 5}), idle(), rows({"at": 35}, {"at": 38})]
    frame = scripted(AT, busy, quiet, time="at", out_of_order="0s")
    results = trace(frame, Schedule(epochs=((1, 1), (1, 0), (1, 1), (1, 0))))
    assert [result.watermark for result in results] == [10, 20, 30, 35, MAX_TIME, MAX_TIME]


def test_where_all_splits_are_idle_the_watermark_stays():
    splits = [[rows({"at": 10}), idle()], [rows({"at": 20}), idle()]]
    frame = scripted(AT, *splits, time="at", out_of_order="0s", bounded=False)
    assert trace(frame)[-1].watermark < 21


def test_a_source_that_carries_watermarks_is_believed():
    script = [rows({"at": 10}, {"at": 90}), watermark(60), rows({"at": 70}), watermark(95), rows({"at": 99})]
    results = trace(scripted(AT, script, time="at", out_of_order="1s"), Schedule.cuts(1, 1, 1, 1))
    assert [result.watermark for result in results][1:3] == [60, 95]


def test_a_silent_split_is_waited_for_until_its_time_is_over_and_then_no_more():
    clock = ManualClock()
    busy = [rows({"at": 1_000_000}, {"at": 25_000_000})]
    frame = scripted(AT, busy, [], time="at", out_of_order="0s", bounded=False, idle_timeout="10s")
    counted = frame.groupby(ph.tumbling("10s")).agg(n=ph.size())
    sink = MemorySink()
    settings = QuerySettings("append", "time", False, limits=EpochLimits(10, 0), clock=clock)
    query = Query(counted.node, [sink], settings, paused=True)
    try:
        query.pause()
        clock.advance("5s")
        query.step(rows=2)
        clock.advance("4s")
        query.play()
        assert query.pause().to_arrow().num_rows == 0
        clock.advance("1s")
        query.play()
        with query._run.changed:
            assert query._run.changed.wait_for(lambda: sink.latest().num_rows == 1, 10)
    finally:
        query.stop()


def test_a_query_over_splits_that_all_end_ends_even_if_its_source_is_endless():
    frame = scripted(AT, [rows({"at": 1}), end()], [end()], time="at", out_of_order="1s", bounded=False)
    query = frame.groupby(ph.tumbling("1s")).agg(n=ph.size()).start(mode="append").wait(20)
    assert query.state == "finished" and query.latest().n.tolist() == [1]
