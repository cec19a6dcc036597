"""The event log: order, partitions, seeking, retention, columns that change, and readers that wait."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from threading import Event

import cloudpickle
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import playhead.io as ph
from playhead.errors import (
    ColumnNotFoundError,
    DataError,
    EventTimeError,
    PlanError,
    RowsGoneError,
    RunError,
    SinkError,
    SourceError,
    TypeMismatchError,
)
from playhead.logs import writing
from playhead.logs.reading import Reader
from playhead.state.key_groups import key_groups

START = datetime(2013, 1, 1, tzinfo=UTC)
SCHEMA = {"at": "timestamp[us, UTC]", "key": "string", "n": "int64"}


def row(n, minute=None, key=None):
    return {"at": START + timedelta(minutes=n if minute is None else minute), "key": key or f"k{n % 7}", "n": n}


def make(folder, **options):
    return ph.event_log(folder / "log", **({"schema": SCHEMA, "time": "at"} | options))


def source_of(frame):
    return frame.node.source


def contents(log, partition=None, offset=None):
    """(n, offset) of every row of a partition, or of all in turn, as a reader finds them."""
    reader, found = Reader(log.path), []
    starts = reader.starts() if offset is None else {partition: offset}
    for number in range(len(log.partitions)) if partition is None else [partition]:
        at = starts[number]
        while (piece := reader.read(number, at, log.schema, 1000)).next > at:
            found += zip(piece.rows.column("n").to_pylist(), range(at, piece.next), strict=True)
            at = piece.next
    reader.close()
    return found


def numbers(log, partition=None, offset=None):
    return [n for n, _ in contents(log, partition, offset)]


# Appending and order


def test_everything_that_has_rows_can_be_appended_and_comes_back_in_its_order(tmp_path):
    log = make(tmp_path)
    assert log.append(row(0)) == 1
    assert log.append([row(1), row(2)]) == 2
    assert log.append((START, "k", 3)) == 1
    assert log.append(pa.Table.from_pylist([row(4), row(5)])) == 2
    assert log.append(pa.Table.from_pylist([row(6)]).to_pandas()) == 1
    assert log.append([]) == 0
    assert contents(log) == [(n, n) for n in range(7)]
    assert len(log) == 7


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        ({"att": START, "n": 1}, ColumnNotFoundError, "did you mean 'at'"),
        ({"at": START, "n": "one"}, DataError, "do not fit the columns at: timestamp"),
        (17, DataError, "a row is a dict or a tuple"),
    ],
)
def test_rows_that_do_not_fit_are_refused_and_nothing_is_appended(rows, error, words, tmp_path):
    log = make(tmp_path)
    with pytest.raises(error, match=words):
        log.append(rows)
    assert len(log) == 0


@given(
    appends=st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", None]), max_size=5), max_size=8),
    partitions=st.integers(1, 5),
    most=st.integers(1, 4),
)
def test_rows_of_one_key_are_in_one_partition_in_the_order_of_appending(appends, partitions, most, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "BATCH_ROWS", most)
        log = make(tmp_path_factory.mktemp("log"), key="key", partitions=partitions)
        expected, n = defaultdict(list), 0
        for keys in appends:
            for key in keys:
                group = int(key_groups([pa.array([key], pa.string())])[0])
                expected[group * partitions // 128].append(n)
                n += 1
            log.append([{"at": None, "key": key, "n": n - len(keys) + i} for i, key in enumerate(keys)])
        for partition in range(partitions):
            assert contents(log, partition) == [(each, i) for i, each in enumerate(expected[partition])]


@given(appends=st.lists(st.integers(0, 5), max_size=8), offset=st.integers(0, 30), most=st.integers(1, 9))
def test_reading_begins_at_any_offset_and_leaves_nothing_out(appends, offset, most, tmp_path_factory):
    log, total = make(tmp_path_factory.mktemp("log")), sum(appends)
    n = iter(range(total))
    for count in appends:
        log.append([row(next(n)) for _ in range(count)])
    reader, at, found = Reader(log.path), min(offset, total), []
    while at < total:
        piece = reader.read(0, at, log.schema, most)
        assert at < piece.next <= at + max(most, 1)
        assert piece.end == total
        found += piece.rows.column("n").to_pylist()
        at = piece.next
    assert found == list(range(min(offset, total), total))


def test_an_append_of_a_writer_that_was_done_before_does_nothing(tmp_path):
    log = make(tmp_path)
    assert log.append(row(0), writer="loader", number=1) == 1
    assert log.append(row(0), writer="loader", number=1) == 0
    assert log.append(row(1), writer="other", number=1) == 1
    assert log.append(row(2), writer="loader", number=5) == 1
    assert (log.last_number("loader"), log.last_number("other"), log.last_number("nobody")) == (5, 1, 0)
    assert numbers(log) == [0, 1, 2]
    with pytest.raises(PlanError, match="belong together"):
        log.append(row(3), writer="loader")


def test_many_threads_append_and_every_append_stays_whole(tmp_path):
    log = make(tmp_path)

    def work(worker):
        for i in range(10):
            log.append([row(worker * 1000 + i * 10 + j) for j in range(5)])

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = numbers(log)
    pieces = [found[i : i + 5] for i in range(0, len(found), 5)]
    assert all(piece == list(range(piece[0], piece[0] + 5)) for piece in pieces)
    for worker in range(4):
        assert [p[0] for p in pieces if p[0] // 1000 == worker] == [worker * 1000 + i * 10 for i in range(10)]


def test_what_does_not_fit_on_the_disk_is_told_and_leaves_no_trace(tmp_path):
    log = make(tmp_path)
    log.append([row(0)])
    with log.database.reading() as connection:
        pages = connection.execute("pragma page_count").fetchone()[0]
        connection.execute(f"pragma max_page_count = {pages + 2}")  # SQLite's own way to be full
    with pytest.raises(SinkError, match="full"):
        log.append([row(n) for n in range(1, 20_000)])
    assert numbers(log) == [0]
    assert log.append([row(1)]) == 1
    assert contents(log) == [(0, 0), (1, 1)]


def test_a_child_of_a_fork_has_its_own_connection(tmp_path):
    log = make(tmp_path)
    log.append(row(0))
    child = os.fork()
    if not child:
        log.append(row(1))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    log.append(row(2))
    assert numbers(log) == [0, 1, 2]


def test_a_log_is_shown_in_a_few_words_and_survives_pickling(tmp_path):
    log = make(tmp_path, key="key", partitions=2)
    log.append([row(0), row(1)])
    assert repr(log) == f"<event log {tmp_path}/log: 2 rows, 2 partitions by key, time=at>"
    other = cloudpickle.loads(cloudpickle.dumps(log))
    other.append(row(2))
    assert len(log) == 3
    with log:
        assert (log.key, log.time) == (("key",), "at")


# Making and opening


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"key": "kee"}, ColumnNotFoundError, "did you mean 'key'"),
        ({"time": "n"}, EventTimeError, "no time"),
        ({"partitions": 4}, PlanError, "need a key="),
        ({"key": "key", "partitions": 129}, PlanError, "1 to 128"),
        ({"schema": {"a": pa.list_(pa.int64())}, "key": "a", "time": None}, TypeMismatchError, "cannot be a key"),
        ({"schema": {"n": "int64"}, "time": None, "retain_age": "1D"}, PlanError, "pass time="),
        ({"retain_rows": 0}, PlanError, "keeps nothing"),
        ({"schema": pa.schema([("a", pa.int8()), ("a", pa.int8())]), "time": None}, PlanError, "duplicate"),
    ],
)
def test_a_log_that_makes_no_sense_is_refused_and_not_made(options, error, words, tmp_path):
    with pytest.raises(error, match=words):
        make(tmp_path, **options)
    with pytest.raises(SourceError, match="there is no event log in"):
        ph.event_log(tmp_path / "log")


def test_a_log_that_is_there_keeps_its_key_its_time_and_its_partitions(tmp_path):
    make(tmp_path, key="key", partitions=3)
    assert len(make(tmp_path, key="key", partitions=3).partitions) == 3
    assert len(ph.event_log(tmp_path / "log").partitions) == 3
    for options, words in [
        ({"key": "n"}, "has key='key', not 'n'"),
        ({"partitions": 4}, "has partitions=3, not 4"),
    ]:
        with pytest.raises(PlanError, match=words):
            ph.event_log(tmp_path / "log", **options)


def test_a_folder_with_other_things_and_a_database_that_is_no_log_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SinkError, match=r"has notes\.txt in it"):
        ph.event_log(tmp_path, schema=SCHEMA)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "log.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(RunError, match=r"other/log.sqlite: file is not a database"):
        ph.event_log(tmp_path / "other")
    (tmp_path / "other" / "log.sqlite").unlink()
    with closing(sqlite3.connect(tmp_path / "other" / "log.sqlite")) as foreign:
        foreign.execute("create table mine (x)")
    with pytest.raises(SourceError, match="is not an event log: no such table"):
        ph.event_log(tmp_path / "other")


def test_a_log_of_a_newer_format_says_so(tmp_path):
    log = make(tmp_path)
    with log.database.writing() as connection:
        connection.execute("update settings set value = '2' where name = 'format'")
    with pytest.raises(SourceError, match="format 2, and this version of Playhead reads format 1"):
        ph.event_log(tmp_path / "log")


def test_processes_that_make_the_same_log_at_once_get_one(tmp_path):
    code = (
        "import sys, playhead.io as ph; "
        "ph.event_log(sys.argv[1], schema={'n': 'int64'}).append([{'n': int(sys.argv[2])}])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "log")]
    started = [subprocess.Popen([*command, str(n)]) for n in range(3)]
    assert [each.wait() for each in started] == [0, 0, 0]
    assert sorted(numbers(ph.event_log(tmp_path / "log"))) == [0, 1, 2]


# Seeking


def clocked(log, *times):
    ticks = iter(times)
    log.clock = lambda: next(ticks)
    return log


@given(
    minutes=st.lists(st.lists(st.integers(0, 9) | st.none(), min_size=1, max_size=4), max_size=6),
    wanted=st.integers(0, 10),
    partitions=st.integers(1, 3),
)
def test_seeking_an_event_time_leaves_out_only_rows_before_it(minutes, wanted, partitions, tmp_path_factory):
    log = make(tmp_path_factory.mktemp("log"), key="key", partitions=partitions)
    rows, n = [], 0
    for some in minutes:
        appended = [
            {"at": None if minute is None else START + timedelta(minutes=minute), "key": str(n + i), "n": n + i}
            for i, minute in enumerate(some)
        ]
        log.append(appended)
        rows += appended
        n += len(some)
    at = START + timedelta(minutes=wanted)
    offsets = log.offsets(event_time=at)
    for partition in range(partitions):
        inside = [rows[n]["at"] for n in numbers(log, partition)]
        first = next((i for i, time in enumerate(inside) if time is not None and time >= at), len(inside))
        assert offsets[partition] == first


def test_seeking_by_the_time_of_appending(tmp_path):
    log = clocked(make(tmp_path), 1_000_000, 3_000_000, 2_000_000)
    for n in range(3):
        log.append([row(2 * n), row(2 * n + 1)])
    when = {second: datetime.fromtimestamp(second, UTC) for second in range(5)}
    found = [log.offsets(append_time=when[second])[0] for second in range(5)]
    assert found == [0, 0, 2, 2, 6]  # the clock went back: what came third counts as of second 3 too
    assert log.offsets(append_time="1970-01-01 00:00:01.5") == {0: 2}
    assert log.offsets() == {0: 6}
    with pytest.raises(PlanError, match="not by both"):
        log.offsets(append_time=when[1], event_time=when[1])


@pytest.mark.parametrize(
    ("since", "first"),
    [
        ("earliest", 0),
        ("latest", 6),
        ({0: 4}, 4),
        ("2013-01-01 00:03", 3),
        (START + timedelta(minutes=5), 5),
    ],
)
def test_a_frame_begins_where_the_user_says(since, first, tmp_path):
    log = make(tmp_path)
    log.append([row(n) for n in range(6)])
    frame = ph.read_event_log(log.path, since=since, until="now")
    assert frame.compute()["n"].tolist() == list(range(first, 6))


def test_a_naive_time_is_read_in_the_zone_of_the_column(tmp_path):
    schema = {"at": pa.timestamp("us", tz="America/New_York"), "n": "int64"}
    log = ph.event_log(tmp_path / "log", schema=schema, time="at")
    log.append([{"at": START + timedelta(hours=n), "n": n} for n in range(8)])
    assert log.offsets(event_time="2013-01-01 00:00") == {0: 5}
    assert log.offsets(event_time="2013-01-01 00:00+00:00") == {0: 0}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"since": {0: 0, 1: 0}}, "an offset for each of the partitions 0 to 0"),
        ({"since": "noon"}, "is no time"),
        ({"since": 12}, "is no time"),
        ({"until": "tomorrow"}, "up to 'now'"),
        ({"since": "latest", "appended_since": "2013-01-01"}, "not both"),
        ({"columns": ["n"], "time": "at"}, "must include the event time 'at'"),
    ],
)
def test_places_that_make_no_sense_are_refused(options, words, tmp_path):
    log = make(tmp_path)
    with pytest.raises(PlanError, match=words):
        ph.read_event_log(log.path, **({"out_of_order": "5s"} | options))


def test_an_endless_frame_needs_to_know_the_disorder_and_one_without_time_does_not(tmp_path):
    log = make(tmp_path)
    with pytest.raises(EventTimeError, match="out_of_order"):
        ph.read_event_log(log.path)
    assert ph.read_event_log(log.path, columns=["n"]).time is None
    assert ph.read_event_log(log.path, out_of_order="5s").time == "at"


# Retention


def test_so_many_rows_stay_at_least_and_whole_batches_go(tmp_path):
    log = make(tmp_path, retain_rows=5)
    for n in range(6):
        log.append([row(2 * n), row(2 * n + 1)])
    assert contents(log) == [(n, n) for n in range(6, 12)]
    assert log.retain(rows=2) == 4
    assert contents(log) == [(10, 10), (11, 11)]


def test_bytes_bound_the_log_and_the_newest_batch_always_stays(tmp_path):
    log = make(tmp_path)
    for n in range(4):
        log.append([row(n)])
    size = log.partitions[0].bytes
    assert log.retain(bytes=size // 2) == 2
    assert log.retain(bytes=1) == 1
    assert numbers(log) == [3]
    assert log.partitions[0].bytes == size // 4


def test_rows_go_by_their_age_in_event_time(tmp_path):
    log = make(tmp_path, retain_age="10min")
    for minutes in [(0, 1), (5, 2), (3, 4), (11, 6), (14, 14), (15, 9)]:
        log.append([row(minute) for minute in minutes])
    # 15 min - 10 min: batches go whose rows, and those before them, are all before 5 min
    assert numbers(log) == [5, 2, 3, 4, 11, 6, 14, 14, 15, 9]
    log.append(row(16))
    assert numbers(log)[0] == 11


@given(
    batches=st.lists(
        st.tuples(st.lists(st.integers(0, 20) | st.none(), min_size=1, max_size=3), st.sampled_from("abcd"))
    ),
    age=st.integers(0, 10),
)
def test_age_removes_a_prefix_of_each_partition_and_no_row_that_is_young(batches, age, tmp_path_factory):
    log = make(tmp_path_factory.mktemp("log"), key="key", partitions=2, retain_age=f"{age}min")
    rows = []
    for minutes, key in batches:
        new = [
            {"at": None if m is None else START + timedelta(minutes=m), "key": key, "n": len(rows) + i}
            for i, m in enumerate(minutes)
        ]
        log.append(new)
        rows += new
    latest = max((each["at"] for each in rows if each["at"]), default=START)
    left = {n for n, _ in contents(log)}
    young = {each["n"] for each in rows if each["at"] and each["at"] >= latest - timedelta(minutes=age)}
    assert young <= left
    for partition in log.partitions:
        found = contents(log, partition.number)
        assert [offset for _, offset in found] == list(range(partition.first, partition.next))


def test_a_reader_behind_retention_is_told_what_is_gone(tmp_path):
    log = clocked(make(tmp_path), *[1_000_000 * n for n in range(1, 7)])
    frame = ph.read_event_log(log.path, out_of_order="0s")
    for n in range(5):
        log.append([row(2 * n), row(2 * n + 1)])
    source = source_of(frame)
    chunks = source.read(source.splits()[0], ["n"], 3, Event())
    assert next(chunks).rows.column("n").to_pylist() == list(range(3, 10))
    log.retain(rows=4)
    reader = source.read(source.splits()[0], ["n"], 3, Event())
    words = (
        r"partition 0, was asked for offset 3, but its rows before offset 6 \(event times up to 2013-01-01 00:05:00 "
        r"UTC\), appended until 1970-01-01 00:00:03 UTC, are gone: its retention keeps 4 rows.*without the 3 rows"
    )
    with pytest.raises(RowsGoneError, match=words) as raised:
        next(reader)
    assert (raised.value.partition, raised.value.first) == (0, 6)
    for place in ({"event_time": START + timedelta(minutes=5)}, {"append_time": "1970-01-01 00:00:03"}):
        with pytest.raises(RowsGoneError, match=r"was asked for rows from .* on.*are gone"):
            log.offsets(**place)
    assert log.offsets(event_time=START + timedelta(minutes=5, seconds=1)) == {0: 6}
    assert log.offsets(append_time="1970-01-01 00:00:03.000001") == {0: 6}


def test_a_place_that_was_never_there_is_an_error(tmp_path):
    log = make(tmp_path)
    with pytest.raises(SourceError, match="there is no offset 5, the next row will have 0"):
        Reader(log.path).read(0, 5, log.schema, 10)


def test_freed_space_is_used_again(tmp_path):
    log = make(tmp_path, retain_rows=1000)
    sizes = []
    for _ in range(12):
        log.append([row(n) for n in range(1000)])
        sizes.append(os.path.getsize(tmp_path / "log" / "log.sqlite"))
    with log.database.writing() as connection:
        free = connection.execute("pragma freelist_count").fetchone()[0]
        assert connection.execute("pragma page_count").fetchone()[0] < 60
    assert free < 30


# Columns that change


def test_new_columns_and_wider_types_are_taken_and_old_rows_are_widened(tmp_path):
    log = ph.event_log(tmp_path / "log", schema={"n": "int32", "x": "float32"})
    log.append([{"n": 1, "x": 0.5}])
    log = ph.event_log(tmp_path / "log", schema={"n": "int64", "x": "float64", "note": "string"})
    log.append([{"n": 2**40, "x": 0.25, "note": "new"}])
    table = ph.read_event_log(log.path, until="now").to_arrow()
    assert table.to_pylist() == [{"n": 1, "x": 0.5, "note": None}, {"n": 2**40, "x": 0.25, "note": "new"}]
    assert [str(kind) for kind in table.schema.types] == ["int64", "double", "string"]


WIDER = [
    ("int8", "int16"), ("int32", "int64"), ("uint8", "uint32"), ("uint32", "int64"), ("int32", "float64"),
    ("int16", "float32"), ("float32", "float64"), (pa.decimal128(5, 2), pa.decimal128(7, 3)),
    (pa.timestamp("s", "UTC"), pa.timestamp("us", "UTC")), (pa.large_string(), pa.string()),
]  # fmt: skip
NARROWER = [
    ("int64", "int32"), ("int64", "float64"), ("int32", "float32"), ("int8", "uint64"), ("uint64", "int64"),
    ("float64", "float32"), ("string", "int64"), (pa.decimal128(5, 2), pa.decimal128(6, 4)),
    (pa.timestamp("us", "UTC"), pa.timestamp("ms", "UTC")), (pa.timestamp("us", "UTC"), pa.timestamp("us", "CET")),
    (pa.timestamp("us"), pa.timestamp("ns")), (pa.list_(pa.int32()), pa.list_(pa.int64())),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), WIDER)
def test_a_wider_type_holds_every_value_of_the_old_one(old, new, tmp_path):
    log = ph.event_log(tmp_path / "log", schema={"x": old})
    kind = log.schema.field("x").type
    extremes = {
        "int8": [-128, 127], "int16": [-(2**15), 2**15 - 1], "int32": [-(2**31), 2**31 - 1], "uint8": [255],
        "uint32": [2**32 - 1], "float": [0.1],
    }.get(str(kind), [START] if "timestamp" in str(kind) else pa.array(["1"]).cast(kind).to_pylist())  # fmt: skip
    before = pa.array(extremes, kind)
    log.append(pa.table({"x": before}))
    after = log.evolve({"x": new})
    found = ph.read_event_log(after.path, until="now").to_arrow()["x"].combine_chunks()
    assert found.type == after.schema.field("x").type
    assert found.to_pylist() == before.to_pylist()


@pytest.mark.parametrize(("old", "new"), NARROWER)
def test_a_type_that_does_not_hold_the_old_values_is_refused(old, new, tmp_path):
    log = ph.event_log(tmp_path / "log", schema={"x": old, "y": "int64"})
    with pytest.raises(PlanError, match="'x' is .* and cannot become"):
        log.evolve({"x": new, "y": "int64", "z": "int64"})
    assert log.schema.names == ["x", "y"]


def test_the_differences_are_listed_all_at_once(tmp_path):
    log = ph.event_log(tmp_path / "log", schema={"a": "int64", "b": "string", "c": "int8"})
    wanted = pa.schema([("b", pa.int64()), ("c", pa.int16()), pa.field("d", pa.int8(), nullable=False)])
    words = "'a' .int64. is missing; 'b' is string and cannot become int64; 'd' is new and not nullable"
    with pytest.raises(PlanError, match=words):
        log.evolve(wanted)
    assert log.schema.names == ["a", "b", "c"]


def test_programs_with_old_columns_go_on_beside_new_ones(tmp_path):
    old = ph.event_log(tmp_path / "log", schema={"n": "int32"})
    old_source = source_of(ph.read_event_log(old.path))
    ph.event_log(tmp_path / "log").evolve({"n": "int64", "note": "string"}).append([{"n": 1, "note": "a"}])
    old.append(pa.table({"n": pa.array([2], pa.int32())}))
    again = ph.event_log(tmp_path / "log", schema={"n": "int32"})  # the old program, started once more
    again.append(pa.table({"n": pa.array([3], pa.int32())}))
    assert ph.read_event_log(old.path, until="now").to_arrow().to_pylist() == [
        {"n": 1, "note": "a"},
        {"n": 2, "note": None},
        {"n": 3, "note": None},
    ]
    chunks = old_source.read(old_source.splits()[0], ["n"], 0, Event())
    assert next(chunks).rows.to_pydict() == {"n": [1, 2, 3]}
    old.append({"n": 4})
    ph.event_log(tmp_path / "log").append([{"n": 2**40}])
    with pytest.raises(DataError, match="'n' is int64 by now and does not fit int32"):
        next(chunks)


def test_dictionaries_are_kept_as_their_values(tmp_path):
    table = pa.table({"x": pa.array(["a", "b", "a"]).dictionary_encode()})
    log = ph.event_log(tmp_path / "log", schema=table.schema)
    log.append(table)
    assert ph.read_event_log(log.path, until="now").to_arrow().to_pydict() == {"x": ["a", "b", "a"]}
    with pytest.raises(PlanError, match="no dictionaries inside of other types"):
        ph.event_log(tmp_path / "other", schema={"x": pa.list_(pa.dictionary(pa.int8(), pa.string()))})


# Readers


def test_up_to_now_is_up_to_the_moment_when_the_frame_was_made(tmp_path):
    log = make(tmp_path)
    log.append([row(0), row(1)])
    frame = ph.read_event_log(log.path, until="now")
    log.append([row(2)])
    assert frame.bounded
    assert frame.compute()["n"].tolist() == [0, 1]
    assert source_of(ph.read_event_log(log.path, out_of_order="0s")).until_now().bounded


class CountedWaits:
    """A stop that is never set and is looked at so often at most."""

    def __init__(self, most):
        self.most, self.looks = most, 0

    def is_set(self):
        self.looks += 1
        return self.looks > self.most

    def wait(self, timeout=None):
        return False


def test_a_waiting_reader_is_woken_by_an_append_of_another_process_and_does_not_spin(tmp_path):
    log = make(tmp_path)
    source, stop = source_of(ph.read_event_log(log.path, out_of_order="0s")), Event()
    found, waiting = [], threading.Event()

    def read():
        for chunk in source.read(source.splits()[0], ["n"], None, stop):
            found.extend(chunk.rows.column("n").to_pylist())
            waiting.set()
            if len(found) == 3:
                return

    reader = threading.Thread(target=read)
    reader.start()
    assert waiting.wait(10)
    log.append(row(0))
    code = (
        "import sys, playhead.io as ph; from datetime import *; "
        "ph.event_log(sys.argv[1]).append([(datetime(2013, 1, 1, tzinfo=UTC), 'a', n) for n in (1, 2)])"
    )
    subprocess.run([sys.executable, "-c", code, log.path], check=True)
    reader.join(20)
    assert not reader.is_alive()
    assert found == [0, 1, 2]


def test_a_reader_that_waits_makes_few_looks_and_leaves_no_pipe_behind(tmp_path, monkeypatch):
    log, versions = make(tmp_path), []
    monkeypatch.setattr("playhead.sources.event_log.LISTEN_SECONDS", 0.0)
    source, stop = source_of(ph.read_event_log(log.path, out_of_order="0s")), CountedWaits(20)
    original = Reader.read
    monkeypatch.setattr(Reader, "read", lambda *a, **o: versions.append(1) or original(*a, **o))
    assert [chunk.rows.num_rows for chunk in source.read(source.splits()[0], ["n"], None, stop)] == [0]
    assert len(versions) == 2  # once, and once more behind the bell; then only the version was asked for
    assert os.listdir(tmp_path / "log" / "waiting") == []


def test_pipes_of_dead_readers_are_cleared_away(tmp_path):
    log = make(tmp_path)
    folder = tmp_path / "log" / "waiting"
    folder.mkdir()
    os.mkfifo(folder / "4711-dead")
    log.append(row(0))
    assert os.listdir(folder) == []


def test_a_folder_without_pipes_is_waited_for_all_the_same(tmp_path, monkeypatch):
    log = make(tmp_path)
    monkeypatch.setattr("os.mkfifo", lambda path: (_ for _ in ()).throw(PermissionError(1, "no pipes here")))
    source = source_of(ph.read_event_log(log.path, out_of_order="0s"))
    chunks = source.read(source.splits()[0], ["n"], None, Event())
    assert next(chunks).rows.num_rows == 0
    adding = threading.Thread(target=log.append, args=([row(0)],))
    adding.start()
    assert next(chunks).rows.column("n").to_pylist() == [0]
    adding.join()


def test_a_live_query_shows_what_is_appended(tmp_path):
    log = make(tmp_path, key="key", partitions=3)
    shown = threading.Semaphore(0)
    totals = []

    def show(epoch, changes):
        totals.append(sum(n * w for n, w in zip(*(changes[c].to_pylist() for c in ("s", "weight")), strict=True)))
        shown.release()

    frame = ph.read_event_log(log.path, out_of_order="1h")
    with frame.agg(s=("n", "sum")).start(ph.to_callback(show)) as query:
        log.append([row(n) for n in range(10)])
        while sum(totals) < 45:
            assert shown.acquire(timeout=20)
        log.append([row(100)])
        while sum(totals) < 145:
            assert shown.acquire(timeout=20)
        assert query.state == "running"
    assert sum(totals) == 145


def test_nothing_of_a_log_stays_open(tmp_path):
    log = make(tmp_path)
    log.append([row(0)])
    assert ph.read_event_log(log.path, until="now").compute()["n"].tolist() == [0]
    log.close()
    inside = {name: os.stat(tmp_path / "log" / name).st_mode for name in os.listdir(tmp_path / "log")}
    assert set(inside) == {"log.sqlite", "log.sqlite.writer"}  # SQLite takes -wal and -shm away with the last one
    assert all(stat.S_ISREG(mode) for mode in inside.values())
    with closing(sqlite3.connect(tmp_path / "log" / "log.sqlite")) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
