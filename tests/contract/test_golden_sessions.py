"""The nine scores of one team, and what every kind of window makes of them.

The example is the one of "The Dataflow Model" (Akidau et al., VLDB 2015) and of "Streaming Systems" (Akidau, Chernyak,
Lax; chapters 2 and 4). Inputs and expected figures are those of the book's code, github.com/takidau/streamingbook,
BeamModelTest.java (Apache-2.0). An update shows the accumulated value at the end of each epoch; append mode shows the
on-time result. What depends on timers of processing time has no counterpart here.
"""

from __future__ import annotations

import pyarrow as pa
import pytest

import playhead as ph
from playhead.testing import Schedule, rows, scripted, trace, watermark

SCHEMA = {"team": pa.string(), "at": pa.timestamp("us", "UTC"), "score": pa.int64()}

BATCH = """
12:00:26 5
12:02:26 7
12:03:39 3
12:04:19 4
12:03:06 8
12:06:39 3
12:01:26 9
12:07:26 8
12:07:46 1
"""

PERFECT = """
12:00:26 5
12:02:24 7
12:03:39 3
12:04:19 4
12:03:06 8
12:06:39 3
12:01:25 9
watermark 12:02:00
12:07:26 8
12:07:46 1
watermark 12:04:00
watermark 12:06:00
watermark 12:08:00
"""

HEURISTIC = """
12:00:26 5
12:02:24 7
watermark 12:02:00
12:03:39 3
12:04:19 4
12:03:06 8
12:06:39 3
watermark 12:04:00
watermark 12:06:00
12:01:25 9
12:07:26 8
12:07:46 1
watermark 12:08:30
"""

NO_WATERMARK = "\n".join(line for line in PERFECT.split("\n") if not line.startswith("watermark"))

WITH_A_SIX = HEURISTIC.replace("12:04:19 4\n", "12:04:19 4\n12:00:53 6\n")
"""One more row, which is late but within two minutes."""

ALL_DAY = "1D"


def scores(script):
    """A stream that plays a script: rows, and promises that no row before a time will follow."""
    steps = []
    for line in script.split("\n"):
        if line.startswith("watermark"):
            steps.append(watermark(f"2024-01-01 {line.split()[1]}"))
        elif line:
            time, score = line.split()
            steps.append(rows({"team": "TeamX", "at": f"2024-01-01 {time}", "score": int(score)}))
    return scripted(SCHEMA, [*steps], time="at", out_of_order="1D")


def total(script, window, **options):
    return scores(script).groupby(["team", window], **options).agg(total=("score", "sum"))


def clock(time):
    return f"{time:%H:%M:%S}"


def table(rows_):
    return sorted((clock(row["window_start"]), clock(row["window_end"]), row["total"]) for row in rows_)


def one_row_an_epoch(query, mode="update"):
    return trace(query, Schedule.cuts(*[1] * 10), mode=mode)


def test_one_number_for_all_of_them():
    assert scores(BATCH).agg(total=("score", "sum")).compute().total.tolist() == [48]


@pytest.mark.parametrize("script", [BATCH, PERFECT, HEURISTIC])
def test_two_minute_windows_of_history(script):
    frame = total(script, ph.tumbling("2min")).compute()
    assert [clock(time) for time in frame.window_start] == ["12:00:00", "12:02:00", "12:04:00", "12:06:00"]
    assert frame.total.tolist() == [14, 18, 4, 12]


def test_every_row_updates_its_window():
    results = one_row_an_epoch(total(NO_WATERMARK, ph.tumbling("2min")))
    seen = {}
    for result in results:
        for row, weight in result.changes:
            if weight > 0:
                seen.setdefault(clock(row["window_start"]), []).append(row["total"])
    assert seen == {"12:00:00": [5, 14], "12:02:00": [7, 10, 18], "12:04:00": [4], "12:06:00": [3, 11, 12]}


def test_a_perfect_watermark_loses_nothing():
    results = one_row_an_epoch(total(PERFECT, ph.tumbling("2min")), "append")
    assert [row["total"] for result in results for row, _ in result.changes] == [14, 18, 4, 12]
    assert not any(result.late for result in results)


def test_a_guessed_watermark_makes_the_nine_late():
    results = one_row_an_epoch(total(HEURISTIC, ph.tumbling("2min")), "append")
    assert [row["total"] for result in results for row, _ in result.changes] == [5, 18, 4, 12]
    assert [(row["score"], clock(row["window_start"])) for result in results for row in result.late] == [
        (9, "12:00:00")
    ]


def test_two_minutes_of_allowed_lateness_let_the_six_in_and_not_the_nine():
    results = one_row_an_epoch(total(WITH_A_SIX, ph.tumbling("2min"), allowed_lateness="2min"))
    first = [
        (row["total"], weight)
        for result in results
        for row, weight in result.changes
        if clock(row["window_start"]) == "12:00:00"
    ]
    assert first == [(5, 1), (5, -1), (11, 1)]
    assert table(results[-1].table) == [
        ("12:00:00", "12:02:00", 11),
        ("12:02:00", "12:04:00", 18),
        ("12:04:00", "12:06:00", 4),
        ("12:06:00", "12:08:00", 12),
    ]
    assert [row["score"] for result in results for row in result.late] == [9]


def test_what_is_taken_back_was_shown():
    results = one_row_an_epoch(total(HEURISTIC, ph.tumbling("2min"), allowed_lateness=ALL_DAY))
    deltas = {}
    for result in results:
        for row, weight in result.changes:
            deltas.setdefault(clock(row["window_start"]), []).append(weight * row["total"])
    assert deltas == {
        "12:00:00": [5, -5, 14],
        "12:02:00": [7, -7, 10, -10, 18],
        "12:04:00": [4],
        "12:06:00": [3, -3, 11, -11, 12],
    }


SESSIONS = [
    [("12:00:26", "12:01:26", 5)],
    [("12:00:26", "12:01:26", 5), ("12:02:24", "12:03:24", 7)],
    [("12:00:26", "12:01:26", 5), ("12:02:24", "12:03:24", 7), ("12:03:39", "12:04:39", 3)],
    [("12:00:26", "12:01:26", 5), ("12:02:24", "12:03:24", 7), ("12:03:39", "12:05:19", 7)],
    [("12:00:26", "12:01:26", 5), ("12:02:24", "12:05:19", 22)],
    [("12:00:26", "12:01:26", 5), ("12:02:24", "12:05:19", 22), ("12:06:39", "12:07:39", 3)],
    [("12:00:26", "12:05:19", 36), ("12:06:39", "12:07:39", 3)],
    [("12:00:26", "12:05:19", 36), ("12:06:39", "12:08:26", 11)],
    [("12:00:26", "12:05:19", 36), ("12:06:39", "12:08:46", 12)],
]
"""After each row; the nine at 12:01:25 makes one session of two that were shown."""


@pytest.mark.parametrize("parallelism", [1, 3])
def test_sessions_grow_and_meet(parallelism):
    query = total(HEURISTIC, ph.session("1min"), allowed_lateness=ALL_DAY)
    results = trace(query, Schedule.cuts(*[1] * 10, parallelism=parallelism))
    seen = [table(result.table) for result in results if result.fresh[0]]
    assert seen == SESSIONS
    assert table(results[-1].table) == SESSIONS[-1]
    assert not any(result.late for result in results)


def test_two_sessions_that_meet_are_taken_back():
    results = one_row_an_epoch(total(HEURISTIC, ph.session("1min"), allowed_lateness=ALL_DAY))
    (meeting,) = [result.changes for result in results if any(row["total"] == 36 for row, _ in result.changes)]
    assert sorted((row["total"], weight) for row, weight in meeting) == [(5, -1), (22, -1), (36, 1)]


def test_without_allowed_lateness_the_nine_comes_too_late_for_its_session():
    results = one_row_an_epoch(total(HEURISTIC, ph.session("1min")), "append")
    assert [table([row])[0] for result in results for row, _ in result.changes] == [
        ("12:00:26", "12:01:26", 5),
        ("12:02:24", "12:05:19", 22),
        ("12:06:39", "12:08:46", 12),
    ]
    (late,) = [row for result in results for row in result.late]
    assert (late["score"], clock(late["window_start"]), clock(late["window_end"])) == (9, "12:01:25", "12:02:25")


def test_the_end_of_history_is_the_same_whatever_the_watermark_was():
    for script in (BATCH.replace(":26 7", ":24 7").replace(":26 9", ":25 9"), PERFECT, HEURISTIC):
        query = total(script, ph.session("1min"))
        frame = query.compute()
        found = zip(frame.window_start.map(clock), frame.window_end.map(clock), frame.total, strict=True)
        assert list(found) == SESSIONS[-1]
