"""Row groups in which no row can pass a filter are not read, and nobody can tell from the answer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from threading import Event

import cloudpickle
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import playhead.io as ph
from playhead import concat, plan
from playhead.frame.frame import Frame
from playhead.optimize import optimize
from playhead.schema import MAX_TIME

NAN = float("nan")
BEGIN = datetime(2013, 1, 1, tzinfo=UTC)
KINDS = {
    "int": (pa.int32(), st.integers(-9, 9), st.integers(-10, 10) | st.floats(-10, 10)),
    "unsigned": (pa.uint64(), st.sampled_from([0, 1, 2**63, 2**64 - 1]), st.integers(0, 2)),
    "float": (
        pa.float64(),
        st.sampled_from([-1.5, -0.0, 0.0, 2.0, NAN, float("inf")]),
        st.sampled_from([-1.5, 0, 2, NAN]),
    ),
    "text": (pa.string(), st.text("abé", max_size=3), st.text("abé", max_size=3)),
    "day": (pa.date32(), st.dates(date(2013, 1, 1), date(2013, 1, 9)), st.dates(date(2013, 1, 1), date(2013, 1, 9))),
    "instant": (
        pa.timestamp("us", "Europe/Berlin"),
        st.integers(0, 9).map(lambda n: BEGIN + timedelta(hours=n)),
        st.integers(0, 9).map(lambda n: BEGIN + timedelta(hours=n)),
    ),
}
FILTERS = {
    "==": lambda column, value: column == value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
    "!=": lambda column, value: column != value,
}


def source_of(frame: Frame):
    (scan,) = plan.scans(optimize(frame._node))
    return scan.source


def rows_read(frame: Frame) -> int:
    source = source_of(frame)
    columns = source.schema.names
    return sum(chunk.rows.num_rows for split in source.splits() for chunk in source.read(split, columns, None, Event()))


def numbers(folder, rows=100, group=10, **options):
    """Row i is i minutes after the begin, n is i and m is -i; row groups of ten."""
    table = pa.table(
        {
            "at": pa.array([BEGIN + timedelta(minutes=i) for i in range(rows)], pa.timestamp("us", "UTC")),
            "n": range(rows),
            "m": [-i for i in range(rows)],
        }
    )
    pq.write_table(table, folder / "numbers.parquet", row_group_size=group)
    return ph.read_parquet(folder / "numbers.parquet", **{"time": "at", **options})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(list(KINDS)), size=st.integers(1, 4))
def test_the_answer_is_that_of_the_rows_in_memory(data, name, size, tmp_path):
    kind, values, literals = KINDS[name]
    column = data.draw(st.lists(st.none() | values, min_size=1, max_size=20))
    table = pa.table({"i": range(len(column)), "x": pa.array(column, kind)})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=size)
    conditions = data.draw(st.lists(st.tuples(st.sampled_from(list(FILTERS)), literals), min_size=1, max_size=3))
    answers = []
    for frame in ph.read_parquet(tmp_path / "x.parquet"), ph.from_arrow(table):
        predicate = None
        for operator, literal in conditions:
            part = FILTERS[operator](frame["x"], literal)
            predicate = part if predicate is None else predicate & part
        answers.append(frame[predicate].to_arrow()["i"].to_pylist())
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("condition", "read"),
    [
        (lambda f: f.n > 89, 10),
        (lambda f: f.n >= 89, 20),
        (lambda f: (f.n > 25) & (f.m > -40), 20),
        (lambda f: f.n.between(25, 44), 30),
        (lambda f: f.n == 55, 10),
        (lambda f: f.n < 12.5, 20),
        (lambda f: f.at < BEGIN + timedelta(minutes=10), 10),
        (lambda f: f.at >= "2013-01-01T01:35", 10),
        (lambda f: f.n > 1000, 0),
        (lambda f: (f.n > 89) | (f.m > -5), 100),
        (lambda f: f.n != 5, 100),
        (lambda f: f.n + 1 > 95, 100),
    ],
)
def test_row_groups_without_a_match_are_not_read(condition, read, tmp_path):
    frame = numbers(tmp_path)
    assert rows_read(frame[condition(frame)]) == read


def test_filters_over_each_other_and_renamed_columns_are_seen_through(tmp_path):
    frame = numbers(tmp_path).rename(columns={"n": "count"})
    frame = frame[frame["count"] > 25]
    assert rows_read(frame[frame.m > -40]) == 20


def test_groups_of_nulls_are_left_out_and_groups_without_statistics_are_not(tmp_path):
    table = pa.table({"x": pa.array([None, None, 1, 2, 7, 8], pa.int64())})
    for statistics, read in (True, 2), (False, 6):
        pq.write_table(table, tmp_path / "x.parquet", row_group_size=2, write_statistics=statistics)
        frame = ph.read_parquet(tmp_path / "x.parquet")
        assert rows_read(frame[frame.x > 5]) == read


def test_text_that_goes_on_behind_the_greatest_known_text_may_match(tmp_path):
    pq.write_table(pa.table({"x": ["a", "b", "c", "d"]}), tmp_path / "x.parquet", row_group_size=2)
    frame = ph.read_parquet(tmp_path / "x.parquet")
    assert rows_read(frame[frame.x > "bz"]) == 4  # "b" may be the beginning of "bzz"
    assert rows_read(frame[frame.x > "ca"]) == 2
    assert rows_read(frame[frame.x < "b"]) == 2


def test_positions_are_row_numbers_of_the_file_and_reading_goes_on_from_each(tmp_path):
    frame = numbers(tmp_path)
    fewer = source_of(frame[frame.n > 69][frame.m > -80])
    (split,) = fewer.splits()
    (chunk,) = fewer.read(split, ["n"], None, Event())
    assert (chunk.position, chunk.rest_min_time, split.min_time) == (
        80,
        MAX_TIME,
        int((BEGIN + timedelta(minutes=70)).timestamp() * 1_000_000),
    )
    for position in 0, 65, 73, 80, 100:
        again = cloudpickle.loads(cloudpickle.dumps((fewer, split)))
        found = [n for chunk in again[0].read(again[1], ["n"], position, Event()) for n in chunk.rows["n"].to_pylist()]
        assert found == list(range(max(70, min(position, 80)), 80))
    assert [whole.name for whole in source_of(frame).splits()] == [split.name]


def test_local_times_are_not_compared_with_statistics_of_another_clock(tmp_path):
    pq.write_table(pa.table({"at": [datetime(2013, 1, 1, 0, 30), datetime(2013, 1, 1, 5)]}), tmp_path / "x.parquet")
    frame = ph.read_parquet(tmp_path / "x.parquet", time="at", tz="America/New_York")
    late = frame[frame["at"] >= datetime(2013, 1, 1, 8, tzinfo=UTC)]
    assert "predicate:" not in late.explain()
    assert len(late.compute()) == 1


def test_what_the_rest_is_known_to_be_holds_between_groups_that_are_left_out(tmp_path):
    order = [3, 0, 4, 1, 2]
    minutes = [10 * group + i for group in order for i in range(10)]
    at = pa.array([BEGIN + timedelta(minutes=m) for m in minutes], pa.timestamp("us", "UTC"))
    keep = [group for group in order for _ in range(10)]
    pq.write_table(pa.table({"at": at, "keep": keep}), tmp_path / "x.parquet", row_group_size=10)
    frame = ph.read_parquet(tmp_path / "x.parquet", time="at")
    source = source_of(frame[frame.keep >= 2])
    (split,) = source.splits()
    chunks = list(source.read(split, ["at"], None, Event()))
    assert [chunk.position for chunk in chunks] == [10, 30, 50]
    minute = 60_000_000
    begin = int(BEGIN.timestamp()) * 1_000_000
    assert [chunk.rest_min_time for chunk in chunks] == [begin + 20 * minute, begin + 20 * minute, MAX_TIME]


def test_rows_that_would_be_rejected_are_still_reported(tmp_path):
    times = [None if i == 3 else BEGIN + timedelta(minutes=i) for i in range(20)]
    table = pa.table({"at": pa.array(times, pa.timestamp("us", "UTC")), "n": range(20)})
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=5)
    frame = ph.read_parquet(tmp_path / "x.parquet", time="at")
    query = frame[frame.n > 14].start().wait()
    assert query.latest()["n"].tolist() == [15, 16, 17, 18, 19]
    assert len(query.rejected.compute()) == 1


def test_a_source_that_is_scanned_twice_or_whose_rows_move_the_watermark_is_read_whole(tmp_path):
    frame = numbers(tmp_path)
    twice = concat([frame[frame.n > 89], frame[frame.n < 5]])
    assert rows_read(twice) == 100
    assert len(twice.compute()) == 15
    declared = numbers(tmp_path, out_of_order="0s")
    assert rows_read(declared[declared.n > 89]) == 100


def test_explain_shows_what_the_scan_knows(tmp_path):
    frame = numbers(tmp_path)
    text = frame[(frame.n > 60) & (frame.at < BEGIN)].explain()
    assert "predicate: n > 60 & at < 2013-01-01 00:00:00+00:00" in text
    assert "predicate" not in frame.explain() + frame[frame.n + 1 > 60].explain()
    assert "predicate:" not in frame[frame.n > 60].explain(optimized=False)


def test_a_folder_of_files_is_narrowed_file_by_file(tmp_path):
    for part in range(3):
        pq.write_table(
            pa.table({"n": range(10 * part, 10 * part + 10)}), tmp_path / f"{part}.parquet", row_group_size=5
        )
    frame = ph.read_parquet(tmp_path)
    assert rows_read(frame[frame.n.between(12, 21)]) == 15
    assert frame[frame.n.between(12, 21)].compute()["n"].tolist() == list(range(12, 22))
