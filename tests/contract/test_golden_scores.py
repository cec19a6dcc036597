"""The scores of team X: nine values out of order, and what windows, watermarks and lateness make of them.

Inputs and expected figures are those of the running example of "The Dataflow Model" (Akidau et al., PVLDB 8, 2015) and
of "Streaming Systems" (Akidau, Chernyak, Lax; chapters 2 and 4), transcribed from the examples and tests in
github.com/takidau/streamingbook (BeamModel.java, BeamModelTest.java; Apache License 2.0).

There, triggers say when a window is shown: early, on time and late. Here every epoch shows what changed ("update"), or
each window once it is final ("append"); an epoch below ends where a pane was fired there.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

import playhead as ph
from playhead.testing import Schedule, rows, scripted, trace, watermark

SCHEMA = {"at": pa.timestamp("us", "UTC"), "team": pa.string(), "score": pa.int64()}
DAY = "2024-01-01 "


def scored(at, score):
    return rows({"at": DAY + at, "team": "X", "score": score})


def known_to(at):
    return watermark(DAY + at)


def shown(results):
    """(window's first minute, sum) of every row that was added, epoch by epoch."""
    return [
        [(minute(row), row["total"]) for row, weight in sorted(result.changes, key=str) if weight > 0]
        for result in results
    ]


def minute(row):
    return f"{row['window_start']:%H:%M}"


def totals(table):
    return {minute(row): row["total"] for row in table}


NINE = [
    scored("12:00:26", 5),
    scored("12:02:26", 7),
    scored("12:03:39", 3),
    scored("12:04:19", 4),
    scored("12:03:06", 8),
    scored("12:06:39", 3),
    scored("12:01:26", 9),
    scored("12:07:26", 8),
    scored("12:07:46", 1),
]

PERFECT = [
    scored("12:00:26", 5),
    scored("12:02:24", 7),
    scored("12:03:39", 3),
    scored("12:04:19", 4),
    scored("12:03:06", 8),
    scored("12:06:39", 3),
    scored("12:01:25", 9),
    known_to("12:02:00"),
    scored("12:07:26", 8),
    scored("12:07:46", 1),
    known_to("12:04:00"),
    known_to("12:06:00"),
    known_to("12:08:00"),
]
"""A watermark that knows that the 9 is still to come."""

HEURISTIC = [
    scored("12:00:26", 5),
    scored("12:02:24", 7),
    known_to("12:02:00"),
    scored("12:03:39", 3),
    scored("12:04:19", 4),
    scored("12:03:06", 8),
    scored("12:06:39", 3),
    known_to("12:04:00"),
    known_to("12:06:00"),
    scored("12:01:25", 9),
    scored("12:07:26", 8),
    scored("12:07:46", 1),
    known_to("12:08:30"),
]
"""A watermark that is a guess: it does not expect the 9."""

EACH_ROW = Schedule.cuts(*[1] * 9)


def two_minutes(steps, **options):
    frame = scripted(SCHEMA, steps, time="at")
    return frame.groupby(ph.tumbling("2min"), **options).agg(total=("score", "sum"))


def test_all_scores_together_are_48():
    assert scripted(SCHEMA, NINE, time="at").agg(total=("score", "sum")).compute().total.tolist() == [48]


def test_the_scores_of_each_two_minutes_are_14_18_4_12():
    assert two_minutes(NINE).compute().total.tolist() == [14, 18, 4, 12]


def test_a_team_of_its_own_has_the_same_scores():
    by_team = scripted(SCHEMA, NINE, time="at").groupby(["team", ph.tumbling("2min")]).agg(total=("score", "sum"))
    assert by_team.compute().total.tolist() == [14, 18, 4, 12]


def test_shown_at_every_row_the_totals_grow_as_the_scores_come():
    assert shown(trace(two_minutes(PERFECT), EACH_ROW)) == [
        [("12:00", 5)],
        [("12:02", 7)],
        [("12:02", 10)],
        [("12:04", 4)],
        [("12:02", 18)],
        [("12:06", 3)],
        [("12:00", 14)],
        [("12:06", 11)],
        [("12:06", 12)],
        [],
    ]


def test_what_is_replaced_is_taken_back_first():
    results = trace(two_minutes(PERFECT), EACH_ROW)
    first_window = [
        (row["total"], weight) for result in results for row, weight in result.changes if minute(row) == "12:00"
    ]
    assert first_window == [(5, 1), (5, -1), (14, 1)]


def test_with_a_perfect_watermark_each_window_is_shown_once_and_whole():
    results = trace(two_minutes(PERFECT), EACH_ROW, mode="append")
    assert shown(results) == [[]] * 6 + [[("12:00", 14)], [], [("12:02", 18), ("12:04", 4), ("12:06", 12)], []]
    assert not any(result.late for result in results)


def test_with_a_watermark_that_guesses_the_9_is_too_late_and_is_told():
    results = trace(two_minutes(HEURISTIC), EACH_ROW, mode="append")
    assert shown(results) == [
        [],
        [("12:00", 5)],
        [],
        [],
        [],
        [("12:02", 18), ("12:04", 4)],
        [],
        [],
        [("12:06", 12)],
        [],
    ]
    (late,) = [row for result in results for row in result.late]
    assert (late["score"], late["window_start"]) == (9, datetime(2024, 1, 1, 12, 0, tzinfo=UTC))


def test_early_results_on_time_results_and_corrections_are_what_epochs_show():
    results = trace(two_minutes(HEURISTIC, allowed_lateness="1h"), Schedule.cuts(1, 1, 1, 3, 1, 2))
    assert shown(results) == [
        [("12:00", 5)],
        [("12:02", 7)],
        [("12:02", 10)],
        [("12:02", 18), ("12:04", 4), ("12:06", 3)],
        [("12:00", 14)],
        [("12:06", 12)],
        [],
    ]
    assert totals(results[-1].table) == {"12:00": 14, "12:02": 18, "12:04": 4, "12:06": 12}


def test_two_minutes_of_lateness_accept_the_6_and_leave_out_the_9():
    with_a_six = [
        scored("12:00:26", 5),
        scored("12:02:24", 7),
        known_to("12:02:00"),
        scored("12:03:39", 3),
        scored("12:04:19", 4),
        scored("12:00:53", 6),
        scored("12:03:06", 8),
        scored("12:06:39", 3),
        known_to("12:04:00"),
        known_to("12:06:00"),
        scored("12:01:25", 9),
        scored("12:07:26", 8),
        scored("12:07:46", 1),
        known_to("12:08:30"),
    ]
    results = trace(two_minutes(with_a_six, allowed_lateness="2min"), Schedule.cuts(*[1] * 10))
    assert [pane for panes in shown(results) for pane in panes if pane[0] == "12:00"] == [("12:00", 5), ("12:00", 11)]
    assert [row["score"] for result in results for row in result.late] == [9]
    assert totals(results[-1].table) == {"12:00": 11, "12:02": 18, "12:04": 4, "12:06": 12}


def test_a_late_score_joins_two_sessions_that_were_shown_into_one():
    sessions = scripted(SCHEMA, HEURISTIC, time="at").groupby(ph.session("1min"), allowed_lateness="1h")
    results = trace(sessions.agg(total=("score", "sum")), EACH_ROW)
    spans = [
        {(f"{row['window_start']:%H:%M:%S}", f"{row['window_end']:%H:%M:%S}", row["total"]) for row in result.table}
        for result in results
    ]
    assert spans[0] == {("12:00:26", "12:01:26", 5)}
    assert spans[1] == spans[0] | {("12:02:24", "12:03:24", 7)}
    before_the_nine = {("12:00:26", "12:01:26", 5), ("12:02:24", "12:05:19", 22), ("12:06:39", "12:07:39", 3)}
    assert spans[5] == before_the_nine
    assert spans[6] == {("12:00:26", "12:05:19", 36), ("12:06:39", "12:07:39", 3)}
    assert spans[-1] == {("12:00:26", "12:05:19", 36), ("12:06:39", "12:08:46", 12)}
