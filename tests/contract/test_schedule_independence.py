"""C2: batches, epoch cuts, arrival order, splits and parallelism do not change the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from contract_queries import SCHEMA, WINDOWS, every_aggregate, examples, oracle, query, row_lists, stream
from hypothesis import given
from hypothesis import strategies as st

import playhead as ph
from playhead.testing import Schedule, assert_same_rows, records, rows, schedules, scripted, trace

by_window = pytest.mark.parametrize("case", WINDOWS.values(), ids=list(WINDOWS))


@by_window
@examples(0.3)
@given(data=st.data(), schedule=schedules(), mode=st.sampled_from(["update", "append", "complete"]))
def test_any_schedule_gives_the_same_answer_and_nothing_is_late(case, data, schedule, mode):
    rows, asked = data.draw(row_lists(case)), every_aggregate(take_back=False)
    results = trace(query(stream(rows, schedule, case), case, asked), schedule, mode=mode)
    assert_same_rows(results[-1].table, oracle(case, asked).answer(results[-1].consumed[0]))
    assert not any(result.late for result in results)


@by_window
@examples(0.2)
@given(data=st.data(), schedule=schedules())
def test_compute_knows_the_rest_of_its_input_so_that_nothing_is_late_however_disordered(case, data, schedule):
    rows, asked = data.draw(row_lists(case)), every_aggregate(take_back=False)
    frame = query(stream(rows, schedule, case, disorder=50), case, asked)
    results = trace(frame, schedule, mode="append", known_watermark=True)
    expected = oracle(case, asked).answer(results[-1].consumed[0])
    assert_same_rows(results[-1].table, expected)
    assert not any(result.late for result in results)
    assert_same_rows(records(frame.to_arrow(parallelism=schedule.parallelism)), expected)


@pytest.mark.parametrize("window", [ph.hopping("10s", "4s"), ph.session("7s")], ids=str)
@pytest.mark.parametrize("take_back", [False, True])
@examples(0.5)
@given(data=st.data(), schedule=schedules(splits=1, parallelism=1), every=st.sampled_from(["3s", "20s", "1h"]))
def test_early_results_that_are_shown_now_and_then_are_the_same_for_any_parallelism(
    window, take_back, data, schedule, every
):
    case = WINDOWS["tumbling"]
    given_rows = data.draw(row_lists(case))
    seen = []
    for parallelism in 1, 3:
        planned = replace(schedule, parallelism=parallelism)
        frame = stream(given_rows, planned, case)
        if take_back:  # maxima of seconds, which later rows of the second take back
            seconds = frame.groupby(["k", ph.tumbling("2s")]).agg(i=("i", "max"))
            frame = seconds.select("k", "i", "window_end").with_time("window_end", out_of_order="10s")
        shown = frame.groupby(["k", window], emit_every=every).agg(n=ph.size(), total=("i", "sum"))
        seen.append([result.table for result in trace(shown, planned)])
    for one, three in zip(*seen, strict=True):
        assert_same_rows(three, one)


@examples(0.5)
@given(data=st.data(), schedule=schedules())
def test_rows_of_one_time_come_in_any_order_and_first_and_last_stay_the_same(data, schedule):
    case = WINDOWS["tumbling"]
    given_rows = [{**row, "at": case.begin} for row in data.draw(row_lists(case))]
    shuffled = data.draw(st.permutations(given_rows))
    answers = []
    for order in given_rows, shuffled:
        frame = scripted(SCHEMA, [rows(*order)], time="at", out_of_order="0s")
        first_and_last = frame.groupby(["k", ph.tumbling("10s")]).agg(
            first=("x", "first"), last=("s", "last"), newest=("b", "last")
        )
        answers.append(trace(first_and_last, schedule)[-1].table)
    assert_same_rows(*answers)


@examples(0.5)
@given(data=st.data(), schedule=schedules(), mode=st.sampled_from(["update", "append"]))
def test_frames_put_together_are_one_stream_whichever_is_read_first(data, schedule, mode):
    case, asked = WINDOWS["hopping by panes"], every_aggregate(take_back=False)
    left, right = data.draw(row_lists(case)), data.draw(row_lists(case))
    both = ph.concat([stream(left, schedule, case), stream(right, schedule, case)])
    results = trace(query(both, case, asked), schedule, mode=mode)
    assert_same_rows(results[-1].table, oracle(case, asked).answer(left + right))
    assert not any(result.late for result in results)


@examples(0.5)
@given(data=st.data(), schedule=schedules())
def test_rows_without_an_aggregate_pass_once_each(data, schedule):
    case = WINDOWS["tumbling"]
    frame = stream(data.draw(row_lists(case)), schedule, case)
    results = trace(frame[frame.i > 0].assign(j=lambda f: f.i + 1).select("k", "j"), schedule)
    expected = [row for row in results[-1].consumed[0] if row["i"] is not None and row["i"] > 0]
    assert_same_rows(results[-1].table, [{"k": row["k"], "j": row["i"] + 1} for row in expected])


def test_the_running_query_shows_what_the_schedules_show():
    case, asked = WINDOWS["hopping"], every_aggregate(take_back=False)
    given_rows = [
        {"at": case.begin + case.tick * (i % 7), "k": "ab"[i % 2], "x": i / 3, "i": i, "s": str(i), "b": i % 3 == 0}
        for i in range(40)
    ]
    frame = query(stream(given_rows, Schedule(splits=3, placing=(0, 1, 2)), case, disorder=1), case, asked)
    for parallelism in 1, 2:
        with frame.start(mode="append", parallelism=parallelism, max_rows=7) as running:
            running.wait(60)
            assert_same_rows(records(running.to_arrow()), oracle(case, asked).answer(utc(given_rows)))


def utc(given_rows):
    return [{**dict.fromkeys(SCHEMA.names), **row} for row in given_rows]
