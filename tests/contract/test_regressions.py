"""Queries that once gave a wrong answer or none, each as short as it can be."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

import playhead as ph
from playhead.durations import microseconds
from playhead.errors import PlanError

PEOPLE = pa.table({"k": ["a", "a", "b"], "x": [1, 2, 3]})
AT = pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC"))


def people():
    return ph.from_arrow(PEOPLE)


@pytest.mark.parametrize(
    ("query", "rows"),
    {
        "concat": (lambda f: ph.concat([f, f]), 6),
        "concat of parts": (lambda f: ph.concat([f[f.x < 3], f]), 5),
        "concat of aggregates": (lambda f: ph.concat([f.groupby("k").agg(s=("x", "sum"))] * 2), 4),
        "project over concat": (lambda f: ph.concat([f, f]).assign(one=1), 6),
        "concat of projects": (lambda f: ph.concat([f.assign(y=f.x + 1), f.assign(y=1)]), 6),
        "a column of its own": (lambda f: f.select((f.x * 0).rename("z")), 3),
        "limit": (lambda f: f.limit(2), 2),
    }.values(),
)
@pytest.mark.parametrize("parallelism", [1, 2])
def test_rows_are_counted_although_no_column_of_them_is_read(query, rows, parallelism):
    counted = query(people()).agg(n=ph.size())
    assert counted.compute(parallelism=parallelism).n.tolist() == [rows]
    assert counted.start(parallelism=parallelism, max_rows=1).wait(30).latest().n.tolist() == [rows]


@pytest.mark.filterwarnings("ignore::playhead.left_out.MissingKeysWarning")  # told, as dropna=True should be
@pytest.mark.parametrize("size", ["D", "W", "MS"])
def test_a_batch_whose_keys_are_all_missing_is_in_no_window_of_the_calendar(size):
    frame = ph.from_arrow(pa.table({"at": AT, "k": [None, None, "a"]}), time="at")
    days = frame.groupby(["k", ph.tumbling(size)], dropna=True).agg(n=ph.size())
    assert days.start(max_rows=1).wait(30).latest().n.tolist() == [1]
    assert days.compute().n.tolist() == [1]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["b", "c", "a"]).dictionary_encode(),
        pa.array([2, 3, 1]).dictionary_encode(),
        pa.array([{"s": "b"}, {"s": "c"}, {"s": "a"}]),
        pa.StructArray.from_arrays([pa.array(["b", "c", "a"]).dictionary_encode()], ["s"]),
    ],
    ids=lambda values: str(values.type),
)
def test_among_right_rows_of_one_time_the_last_value_wins_whatever_its_type(values):
    left = ph.from_arrow(pa.table({"at": AT[:1]}), time="at")
    right = ph.from_arrow(pa.table({"at": AT, "v": values}), time="at")
    assert left.merge_asof(right).to_arrow()["v"].to_pylist() == [values[1].as_py()]


LARGE = pa.table({"u": pa.array([2**64 - 1, 0, 2**63, None], pa.uint64())})
PLAIN = pa.table({"i": pa.array([-(2**63), 1, 2, None])})
MONEY = pa.table({"d": pa.array([Decimal("1.00"), Decimal("2.50"), Decimal("0.10"), None], pa.decimal128(10, 2))})


@pytest.mark.parametrize(
    ("table", "values", "expected"),
    [
        (LARGE, [2**64 - 1, 0], [True, True, False, False]),
        (LARGE, [-1, 2**64 - 1], [True, False, False, False]),
        (LARGE, [Decimal(2**63)], [False, False, True, False]),
        (PLAIN, [1, 2**70], [False, True, False, False]),
        (PLAIN, [1.0, 2.0**70, float("inf")], [False, True, False, False]),
        (PLAIN, [Decimal("1.5"), Decimal(2)], [False, False, True, False]),
        (MONEY, [1, 2.5], [True, True, False, False]),
        (MONEY, [0.1, 0.125, 1e300], [False, False, True, False]),
    ],
)
def test_isin_finds_numbers_of_other_types_as_equality_does(table, values, expected):
    frame = ph.from_arrow(table)
    column = frame[table.column_names[0]]
    assert frame.select(column.isin(values).rename("r")).compute().r.tolist() == expected
    for value in values:
        equal = frame.select((column == value).rename("r")).to_arrow()["r"].to_pylist()
        found = frame.select(column.isin([value]).rename("r")).to_arrow()["r"].to_pylist()
        assert found == [bool(same) for same in equal]


def test_the_largest_integers_stand_beside_decimals():
    both = pa.table({"u": LARGE["u"], "d": MONEY["d"]})
    frame = ph.from_arrow(both)
    shown = frame.select(
        (frame.u > frame.d).rename("more"),
        frame.d.fillna(frame.u).rename("one"),
        frame.d.where(frame.d > 1, frame.u).rename("other"),
    ).to_arrow()
    assert shown["more"].to_pylist() == [True, False, True, None]
    assert shown["one"].to_pylist() == both["d"].to_pylist()
    assert shown["other"].to_pylist() == [Decimal(2**64 - 1), Decimal("2.50"), Decimal(2**63), None]


def test_a_mapping_of_large_and_small_integers():
    frame = ph.from_arrow(LARGE)
    mapped = frame.select(frame.u.map({0: 2**64 - 1, 1: 5, 2**64 - 1: 0}).rename("r")).to_arrow()["r"]
    assert mapped.to_pylist() == [0, 2**64 - 1, None, None]


def test_parts_of_a_second_are_whole_microseconds_however_they_are_written():
    assert all(microseconds(f"{i / 1000:.3f}s") == i * 1000 for i in range(3000))
    with pytest.raises(PlanError, match="whole number of microseconds"):
        microseconds("0.0000015s")


def test_a_window_of_a_day_and_a_half_is_not_one_of_a_day():
    assert ph.tumbling("1.5D") == ph.tumbling(timedelta(days=1.5))
    assert ph.tumbling("2.0D") == ph.tumbling("2D")
    with pytest.raises(PlanError, match="whole number of months"):
        ph.tumbling("1.5MS")


def test_pandas_agrees_on_the_numbers_that_are_in_a_list():
    frame = pd.DataFrame({"i": [-(2**63), 1, 2]})
    ours = ph.from_pandas(frame)
    assert ours[ours.i.isin([1, 2**70])].compute().i.tolist() == frame[frame.i.isin([1, 2**70])].i.tolist()


def test_steps_from_several_threads_all_return():
    times = [datetime(2024, 1, 1, second=second, tzinfo=UTC) for second in range(40)]
    frame = ph.from_arrow(pa.table({"at": pa.array(times, pa.timestamp("us", "UTC"))}), time="at")
    with frame.agg(n=ph.size()).replay(paused=True, max_rows=1) as query:
        steps = [threading.Thread(target=query.step, kwargs=kwargs) for kwargs in [{"rows": 3}, {}, {"rows": 2}] * 4]
        for step in steps:
            step.start()
        for step in steps:
            step.join(30)
        assert not any(step.is_alive() for step in steps)
        assert query.latest().n.tolist() == [24]


@pytest.mark.parametrize("nothing", [lambda f: f.select(), lambda f: f.drop(["k", "x"]), lambda f: f[[]]])
def test_a_frame_without_columns_is_refused_for_its_rows_would_be_lost(nothing):
    with pytest.raises(PlanError, match="no column is left"):
        nothing(people())


def newest_first():
    table = pa.table({"at": AT[:2], "s": [2, 1], "v": [1, 2]})
    return ph.from_arrow(table, time="at", sequence="s")


@pytest.mark.parametrize(
    "verb",
    [
        lambda f: f.rename({"s": "q"}),
        lambda f: f.rename({"s": "q"}).assign(s=0),
        lambda f: f.select("at", "v", ph.col("s").rename("q")),
        lambda f: ph.concat([f.rename({"s": "q"})]),
        lambda f: f.merge(f.drop("v"), on="at").rename({"s_x": "q"})[["at", "q", "v"]].with_time("at"),
        lambda f: f.groupby([f.s.rename("q"), ph.tumbling("1s")]).agg(v=("v", "max")),
    ],
)
def test_the_sequence_column_orders_rows_under_another_name_too(verb):
    ends = verb(newest_first()).agg(first=ph.first("v"), last=ph.last("v"))
    assert ends.compute().to_dict("list") == {"first": [2], "last": [1]}


def test_the_last_right_row_of_a_time_is_by_sequence_under_another_name_too():
    right = newest_first().rename({"s": "q"})
    assert newest_first().select("at").merge_asof(right[["at", "v", "q"]]).compute().v.tolist() == [1, 1]


def test_windows_that_wait_to_be_shown_outlast_the_keys_that_come_and_go_beside_them():
    """Interned keys are numbered anew now and then; what waits must not know them by their old numbers."""
    count = 12_000
    at = pa.array(range(0, count * 50_000, 50_000)).cast(pa.timestamp("us", "UTC"))
    keys = [f"key {number // 2 + number % 7}" for number in range(count)]
    frame = ph.from_arrow(pa.table({"at": at, "k": keys}), time="at", out_of_order="0s")
    for window in (ph.hopping("10s", "5s"), ph.hopping("10s", "4s", offset="1s"), ph.session("2s")):
        query = frame.groupby(["k", window], emit_every="70s").agg(n=ph.size()).start(max_rows=300).wait(60)
        assert query.latest().equals(frame.groupby(["k", window]).agg(n=ph.size()).compute())
