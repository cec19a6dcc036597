"""C1 and C2 for two inputs: after every epoch, the pairs of the rows read so far, found by comparing each with each."""

from __future__ import annotations

from datetime import timedelta

import pytest
from contract_queries import WINDOWS, examples, row_lists, stream
from hypothesis import given
from hypothesis import strategies as st

from playhead.schema import MAX_TIME
from playhead.testing import assert_same_rows, schedules, trace

CASE = WINDOWS["tumbling"]
SECOND = timedelta(seconds=1)


def two_streams(data, schedule):
    left, right = (data.draw(row_lists(CASE, most=14)) for _ in range(2))
    right = [{**row, "i": row["i"] or 0} for row in right]
    return (
        stream(left, schedule, CASE, name="left").select("at", "k", "s"),
        stream(right, schedule, CASE, name="right").select("at", "k", "i"),
    )


def pairs(left_rows, right_rows, matches, how):
    for left in left_rows:
        partners = [right for right in right_rows if left["k"] is not None and matches(left, right)]
        for right in partners or ([None] if how == "left" else []):
            yield left, right


def joined(left, right):
    """A result row of two sides with a time each."""
    nothing = {"at": None, "i": None}
    times = {"at_x": left["at"], "k": left["k"], "s": left["s"], "at_y": (right or nothing)["at"]}
    return times | {"i": (right or nothing)["i"]}


def same_key(left, right):
    return left["k"] == right["k"]


@pytest.mark.parametrize("mode", ["update", "append", "complete"])
@pytest.mark.parametrize("how", ["inner", "left"])
@examples(0.6)
@given(data=st.data(), schedule=schedules())
def test_a_merge_has_the_pairs_of_the_rows_read_so_far_and_never_a_false_null(how, mode, data, schedule):
    left, right = two_streams(data, schedule)
    for result in trace(left.merge(right, on="k", how=how), schedule, mode=mode):
        expected = [joined(*pair) for pair in pairs(*result.consumed, same_key, how)]
        if mode == "append" and result.watermarks[1] < MAX_TIME:  # a null is final when the right side has ended
            expected = [row for row in expected if row["i"] is not None or row["k"] is None]
        assert_same_rows(result.table, expected, f"the table after epoch {result.epoch}")


@pytest.mark.parametrize("how", ["inner", "left"])
@examples(0.6)
@given(data=st.data(), schedule=schedules(), ttl=st.sampled_from([0, 5, 12, 100]))
def test_a_merge_with_a_time_to_live_has_the_pairs_that_are_no_further_apart(how, data, schedule, ttl):
    left, right = two_streams(data, schedule)

    def matches(one, other):
        return same_key(one, other) and abs(one["at"] - other["at"]) <= ttl * SECOND

    for result in trace(left.merge(right, on="k", how=how, ttl=f"{ttl}s"), schedule):
        expected = [joined(*pair) for pair in pairs(*result.consumed, matches, how)]
        assert_same_rows(result.table, expected, f"the table after epoch {result.epoch}")


@pytest.mark.parametrize("mode", ["update", "append"])
@examples(1)
@given(data=st.data(), schedule=schedules(), tolerance=st.sampled_from([None, 0, 7]), exact=st.booleans())
def test_merge_asof_finds_the_latest_row_that_is_not_after_each(mode, data, schedule, tolerance, exact):
    left, right = two_streams(data, schedule)
    reach = None if tolerance is None else f"{tolerance}s"
    frame = left.merge_asof(right, by="k", tolerance=reach, allow_exact_matches=exact)

    def matches(one, other):
        apart = one["at"] - other["at"]
        near_enough = tolerance is None or apart <= tolerance * SECOND
        return same_key(one, other) and near_enough and (apart >= 0 * SECOND if exact else apart > 0 * SECOND)

    for result in trace(frame, schedule, mode=mode):
        expected = []
        for one in result.consumed[0]:
            can_change = one["k"] is not None and result.watermark <= microseconds(one["at"])
            if mode == "append" and can_change and not result.final:
                continue
            found = [other for other in result.consumed[1] if one["k"] is not None and matches(one, other)]
            latest = max(found, key=lambda other: (other["at"], other["i"]), default={"i": None})
            expected.append({"at": one["at"], "k": one["k"], "s": one["s"], "i": latest["i"]})
        assert_same_rows(result.table, expected, f"the table after epoch {result.epoch}")


def microseconds(moment):
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1_000_000 + moment.microsecond


@examples(0.5)
@given(data=st.data(), schedule=schedules())
def test_a_merge_of_running_aggregates_is_of_one_moment(data, schedule):
    left, right = two_streams(data, schedule)
    counts = left.groupby("k").agg(n=("at", "size")).merge(right.groupby("k").agg(m=("i", "max")), on="k", how="left")
    for result in trace(counts, schedule):
        expected = []
        for key in {row["k"] for row in result.consumed[0]}:
            found = [row["i"] for row in result.consumed[1] if key is not None and row["k"] == key]
            n = sum(row["k"] == key for row in result.consumed[0])
            expected.append({"k": key, "n": n, "m": max(found, default=None)})
        assert_same_rows(result.table, expected, f"the table after epoch {result.epoch}")
