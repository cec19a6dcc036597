"""One small worked example for each kind of window, to be followed with a pencil."""

from __future__ import annotations

import pyarrow as pa
import pytest

import playhead as ph
from playhead.testing import Schedule, rows, scripted, trace, watermark

NEW_YORK = "America/New_York"


def visits(*times, zone="UTC", **declared):
    """One row each; the row's number is its place in the list."""
    made = [{"at": time, "number": number} for number, time in enumerate(times, 1)]
    return scripted({"at": pa.timestamp("us", zone), "number": pa.int64()}, [rows(*made)], time="at", **declared)


def numbers_by_window(frame, window, form="%H:%M:%S"):
    """(start, end, numbers in the window added up) in the zone of the frame."""
    answer = frame.groupby(window).agg(total=("number", "sum")).compute()
    return [
        (start.strftime(form), end.strftime(form), total)
        for start, end, total in answer.itertuples(index=False, name=None)
    ]


def test_tumbling_windows_begin_with_their_first_instant_and_end_before_their_last():
    frame = visits("2024-01-01 12:00:00", "2024-01-01 12:00:09.999999", "2024-01-01 12:00:10", "2024-01-01 12:00:31")
    assert numbers_by_window(frame, ph.tumbling("10s")) == [
        ("12:00:00", "12:00:10", 1 + 2),
        ("12:00:10", "12:00:20", 3),
        ("12:00:30", "12:00:40", 4),
    ]


def test_an_offset_moves_where_windows_begin():
    frame = visits("2024-01-01 12:00:00", "2024-01-01 12:00:03", "2024-01-01 12:00:12")
    assert numbers_by_window(frame, ph.tumbling("10s", offset="3s")) == [
        ("11:59:53", "12:00:03", 1),
        ("12:00:03", "12:00:13", 2 + 3),
    ]


def test_an_origin_is_a_moment_at_which_a_window_begins():
    frame = visits("2024-01-01 12:00:00", "2024-01-01 12:00:06", zone=NEW_YORK)
    assert numbers_by_window(frame, ph.tumbling("7s", origin="2024-01-01 12:00:05")) == [
        ("11:59:58", "12:00:05", 1),
        ("12:00:05", "12:00:12", 2),
    ]


def test_times_before_1970_have_windows_too():
    frame = visits("1969-12-31 23:59:59", "1970-01-01 00:00:00")
    assert numbers_by_window(frame, ph.tumbling("10s")) == [("23:59:50", "00:00:00", 1), ("00:00:00", "00:00:10", 2)]


def test_the_day_on_which_clocks_go_forward_has_23_hours_and_the_one_on_which_they_go_back_25():
    def hours(answer):
        length = answer.window_end - answer.window_start
        return [span.total_seconds() / 3600 for span in length]

    spring = visits("2024-03-10 00:00:00", "2024-03-10 23:59:59", "2024-03-11 00:00:00", zone=NEW_YORK)
    answer = spring.groupby(ph.tumbling("1D")).agg(total=("number", "sum")).compute()
    assert answer.total.tolist() == [1 + 2, 3]
    assert hours(answer) == [23, 24]
    autumn = visits("2024-11-03 00:00:00", "2024-11-03 23:59:59", zone=NEW_YORK)
    answer = autumn.groupby(ph.tumbling("1D")).agg(total=("number", "sum")).compute()
    assert answer.total.tolist() == [1 + 2]
    assert hours(answer) == [25]


def test_weeks_begin_on_monday_and_months_on_their_first():
    frame = visits("2024-03-03 23:59", "2024-03-04 00:00", "2024-04-01 00:00", zone=NEW_YORK)  # a Sunday, two Mondays
    assert numbers_by_window(frame, ph.tumbling("W"), "%a %d %b") == [
        ("Mon 26 Feb", "Mon 04 Mar", 1),
        ("Mon 04 Mar", "Mon 11 Mar", 2),
        ("Mon 01 Apr", "Mon 08 Apr", 3),
    ]
    assert numbers_by_window(frame, ph.tumbling("MS"), "%d %b") == [
        ("01 Mar", "01 Apr", 1 + 2),
        ("01 Apr", "01 May", 3),
    ]


def test_hopping_windows_overlap_and_a_row_is_in_each_that_holds_it():
    frame = visits("2024-01-01 12:00:07", "2024-01-01 12:00:12")
    assert numbers_by_window(frame, ph.hopping("10s", "5s")) == [
        ("12:00:00", "12:00:10", 1),
        ("12:00:05", "12:00:15", 1 + 2),
        ("12:00:10", "12:00:20", 2),
    ]


def test_a_row_may_be_late_for_one_hop_and_not_for_the_next():
    frame = visits("2024-01-01 12:00:07", "2024-01-01 12:00:10", "2024-01-01 12:00:08", out_of_order="0s")
    results = trace(frame.groupby(ph.hopping("10s", "5s")).agg(total=("number", "sum")), Schedule.cuts(1, 1, 1))
    totals = {f"{row['window_start']:%S}": row["total"] for row in results[-1].table}
    assert totals == {"00": 1, "05": 1 + 2 + 3, "10": 2}
    assert [(f"{row['window_start']:%S}", row["number"]) for result in results for row in result.late] == [("00", 3)]


def test_rows_exactly_a_gap_apart_are_one_session_and_a_microsecond_more_makes_two():
    frame = visits("2024-01-01 12:00:00", "2024-01-01 12:00:05", "2024-01-01 12:00:10.000001")
    assert numbers_by_window(frame, ph.session("5s"), "%S.%f") == [
        ("00.000000", "10.000000", 1 + 2),
        ("10.000001", "15.000001", 3),
    ]


def test_a_row_between_two_sessions_takes_both_back_and_adds_one():
    frame = visits("2024-01-01 12:00:00", "2024-01-01 12:00:08", "2024-01-01 12:00:04", out_of_order="1min")
    results = trace(frame.groupby(ph.session("5s")).agg(total=("number", "sum")), Schedule.cuts(2, 1))
    changes = {
        (f"{row['window_start']:%S}-{row['window_end']:%S}", row["total"]): weight for row, weight in results[1].changes
    }
    assert changes == {("00-05", 1): -1, ("08-13", 2): -1, ("00-13", 6): 1}


def test_without_a_window_a_running_total_is_replaced_at_every_epoch():
    frame = visits("2024-01-01 12:00:00", "2024-01-01 12:00:01", "2024-01-01 12:00:02", out_of_order="0s")
    results = trace(frame.agg(total=("number", "sum")), Schedule.cuts(1, 1, 1))
    assert [[(row["total"], weight) for row, weight in result.changes] for result in results] == [
        [(1, 1)],
        [(1, -1), (3, 1)],
        [(3, -1), (6, 1)],
        [],
    ]


def test_an_aggregate_without_keys_has_one_row_even_of_nothing():
    nothing = visits(out_of_order="0s")
    answer = nothing.agg(n=("number", "count"), total=("number", "sum"), top=("number", "max")).compute()
    assert (answer.n.tolist(), answer.total.tolist(), answer.top.isna().tolist()) == ([0], [0], [True])
    assert len(nothing.groupby("number").agg(n=("at", "count")).compute()) == 0


def test_windows_of_windows_put_a_window_where_its_last_instant_is():
    frame = visits("2024-01-01 12:00:03", "2024-01-01 12:00:07", "2024-01-01 12:00:11")
    by_five = frame.groupby(ph.tumbling("5s")).agg(most=("number", "max"))
    answer = by_five.groupby(ph.tumbling("10s")).agg(total=("most", "sum")).compute()
    assert answer.total.tolist() == [1 + 2, 3]


def test_a_result_without_event_time_refuses_a_window_and_names_the_remedy():
    running = visits("2024-01-01 12:00:00").groupby("number").agg(at=("at", "max"))
    with pytest.raises(ph.errors.EventTimeError, match="with_time"):
        running.groupby(ph.tumbling("10s"))
    again = running.with_time("at", out_of_order="1s").groupby(ph.tumbling("10s")).agg(n=("number", "count"))
    assert again.compute().n.tolist() == [1]


EDGES = {
    "tumbling": (ph.tumbling("10s"), "12:00:10.000000", "12:00:09.999999"),
    "hopping": (ph.hopping("10s", "5s"), "12:00:10.000000", "12:00:09.999999"),
    "days": (ph.tumbling("1D"), "2024-01-02 00:00:00.000000", "2024-01-01 23:59:59.999999"),
    "session": (ph.session("3s"), "12:00:10.000001", "12:00:10.000000"),
}
"""A window, the first watermark that closes the one with the row at 12:00:07, and the last that does not."""


@pytest.mark.parametrize("mode", ["update", "append"])
@pytest.mark.parametrize("name", EDGES)
def test_a_window_closes_when_the_watermark_reaches_its_end_and_not_a_microsecond_before(name, mode):
    window, closing, open_still = EDGES[name]
    for promise, late in (closing, 1), (open_still, 0):
        day = "" if name == "days" else "2024-01-01 "
        script = [
            rows({"at": "2024-01-01 12:00:07", "number": 1}),
            watermark(day + promise),
            rows({"at": "2024-01-01 12:00:07", "number": 2}),
        ]
        frame = scripted({"at": pa.timestamp("us", "UTC"), "number": pa.int64()}, script, time="at")
        results = trace(frame.groupby(window).agg(total=("number", "sum")), Schedule.cuts(1, 1), mode=mode)
        first_window = min(results[-1].table, key=lambda row: row["window_start"])
        assert first_window["total"] == (1 if late else 3)
        assert [row["number"] for result in results for row in result.late] == [2] * late
        if mode == "append":
            assert [row["total"] for row in results[0].table] == [1] * late


@pytest.mark.parametrize("name", ["tumbling", "hopping", "session"])
def test_allowed_lateness_keeps_a_window_open_for_exactly_that_long(name):
    window, closing, open_still = EDGES[name]
    for promise, late in (closing, 1), (open_still, 0):
        script = [
            rows({"at": "2024-01-01 12:00:07", "number": 1}),
            watermark("2024-01-01 " + promise.replace("12:00", "12:05")),
            rows({"at": "2024-01-01 12:00:07", "number": 2}),
        ]
        frame = scripted({"at": pa.timestamp("us", "UTC"), "number": pa.int64()}, script, time="at")
        by_window = frame.groupby(window, allowed_lateness="5min")
        results = trace(by_window.agg(total=("number", "sum")), Schedule.cuts(1, 1))
        first_window = min(results[-1].table, key=lambda row: row["window_start"])
        assert first_window["total"] == (1 if late else 3)
        assert [row["number"] for result in results for row in result.late] == [2] * late
