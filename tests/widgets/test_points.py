"""A chart's points are the rows that are there, and a screen's choice of them looks like all of them."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playhead_widgets.chart import NO_SAMPLE, aligned
from playhead_widgets.client import Client
from playhead_widgets.points import Points

VALUES = st.sampled_from([-1.5, 0.0, 2.0, 7.25, math.nan])
ROWS = st.lists(st.tuples(st.integers(-5, 5).map(float), VALUES, VALUES), max_size=12)


def same(row: tuple[float, ...]) -> tuple[object, ...]:
    """A row that equals itself even where it holds NaN."""
    return tuple("NaN" if math.isnan(value) else value for value in row)


@given(st.lists(st.tuples(ROWS, st.integers(0, 2**20)), max_size=6))
def test_points_are_the_rows_that_were_added_and_not_taken_back_sorted_by_x(epochs):
    points, kept = Points(2), Counter()
    for added, choice in epochs:
        there = list(kept.elements())
        taken = [row for number, row in enumerate(there) if choice >> (number % 20) & 1]
        rows = [(row, 1) for row in added] + [(row, -1) for row in taken]
        kept.update([same(row) for row in added])
        kept.subtract(taken)
        numbers = [[math.nan if value == "NaN" else value for value in row] for row, _ in rows]
        array = np.array(numbers, dtype=np.float64).reshape(-1, 3).T
        points.change(array[0], array[1:].copy(), np.array([weight for _, weight in rows], np.int64))
        shown = [same(row) for row in zip(points.x.tolist(), *points.values.tolist(), strict=True)]
        assert Counter(shown) == +kept
        assert points.x.tolist() == sorted(points.x.tolist())


def test_a_row_without_an_x_has_no_place():
    points = Points(1)
    points.change(np.array([math.nan, 1.0]), np.array([[1.0, 2.0]]), np.array([1, 1]))
    assert points.x.tolist() == [1.0]


@given(st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=60), st.integers(1, 5))
def test_the_points_chosen_reach_as_high_and_low_in_each_column_of_the_screen_as_all_points(values, buckets):
    count = len(values)
    points = Points(1)
    points.change(np.arange(count, dtype=np.float64), np.array([values]), np.ones(count, np.int64))
    low, high = 0.0, float(max(count - 1, 1))
    chosen = points.shown(0, low, high, buckets)
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert len(chosen) <= 5 * buckets + 2 or len(chosen) == count

    def extents(numbers):
        columns: dict[int, list[tuple[float, float]]] = {}
        for number in numbers:
            column = min(int(number * buckets / (high - low)), buckets - 1)
            columns.setdefault(column, []).append((float(number), points.values[0][number] + 0.0))
        return {
            column: (min(y for _, y in drawn), max(y for _, y in drawn), drawn[0], drawn[-1])
            for column, drawn in columns.items()
        }

    assert extents(chosen) == extents(range(count))


def test_a_gap_in_a_line_stays_one_among_many_points():
    y = np.arange(10_000.0)
    y[5_000] = math.nan
    points = Points(1)
    points.change(np.arange(10_000.0), y.reshape(1, -1), np.ones(10_000, np.int64))
    assert np.isnan(points.values[0][points.shown(0, 0, 9_999, 50)]).sum() == 1


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 6).map(float), st.floats(-9, 9)), max_size=8), min_size=1, max_size=4)
)
def test_lines_over_one_axis_keep_all_their_points_in_order(lines):
    lines = [sorted(line, key=lambda point: point[0]) for line in lines]
    arrays = [(np.array([x for x, _ in line]), np.array([y for _, y in line])) for line in lines]
    x, *ys = [np.frombuffer(buffer) for buffer in aligned(arrays)]
    assert x.tolist() == sorted(x.tolist())
    for line, y in zip(lines, ys, strict=True):
        there = y != NO_SAMPLE
        assert list(zip(x[there].tolist(), y[there].tolist(), strict=True)) == line


# A page that does not keep up


def sent(client: Client, until: float, *, answers: bool) -> list[float]:
    """When frames go out to a page if there is one every 50 ms."""
    times = []
    for number in range(1, int(until / 0.05) + 1):
        now = number * 0.05
        if client.may_send(now):
            client.was_sent(number, now)
            times.append(now)
        if answers and number % 8 == 0:
            client.answered(number, now)
    return times


def test_a_page_that_answers_is_sent_every_frame():
    assert len(sent(Client(), 20, answers=True)) == 400


def test_a_page_that_does_not_answer_is_sent_one_frame_a_second_and_then_none():
    times = sent(Client(), 30, answers=False)
    early = [at for at in times if at <= 0.9]
    late = [at for at in times if at > 0.9]
    assert 10 <= len(early) <= 18
    assert len(late) <= 10 and max(late) < 11
    assert np.diff(late).min() > 0.99


def test_a_silent_page_is_sent_frames_again_when_it_speaks():
    client = Client()
    sent(client, 30, answers=False)
    client.answered(client.sent, 30.0)
    assert client.may_send(30.0)


def test_a_chart_refuses_a_column_that_has_no_place_on_an_axis():
    import pandas as pd

    import playhead as ph

    frame = ph.from_pandas(pd.DataFrame({"name": ["a"], "price": [1.0]}))
    with pytest.raises(ph.errors.TypeMismatchError, match="y='name' is"):
        frame.live.line(x="price", y="name")
    with pytest.raises(ph.errors.ColumnNotFoundError, match="did you mean 'price'"):
        frame.live.line(x="prise", y="price")
