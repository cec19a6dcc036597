"""What every source keeps to. A new connector is one more line in BOUNDED."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Event

import cloudpickle
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import playhead.io as ph
from playhead.errors import ColumnNotFoundError, DataError, PlanError
from playhead.schema import MAX_TIME

SCHEMA = pa.schema([("at", pa.timestamp("us", tz="UTC")), ("n", pa.int64()), ("name", pa.string())])
NAMES = ["plain", None, "with, comma", 'with "quotes"', "two\nlines", "Zürich", "x" * 40]
START = datetime(1969, 12, 31, 23, 59, tzinfo=UTC)


def some_rows(count: int, untimed: tuple[int, ...] = ()) -> list[dict]:
    """Rows out of order, around 1970; those numbered in `untimed` have no event time."""
    times = [START + timedelta(minutes=(7 * i) % 11 + i, microseconds=i) for i in range(count)]
    return [{"at": None if i in untimed else times[i], "n": i, "name": NAMES[i % 7]} for i in range(count)]


def table(rows):
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def halves(rows):
    return {"a": rows[: len(rows) // 3], "b": rows[len(rows) // 3 :]}


def write_csv(path, rows):
    with (gzip.open if path.suffix == ".gz" else open)(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SCHEMA.names)
        writer.writerows([row["at"] and row["at"].isoformat(), row["n"], row["name"]] for row in rows)


def write_json(path, rows):
    lines = [json.dumps({**row, "at": row["at"] and row["at"].isoformat()}) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


def pandas_frame(rows, folder, **options):
    return ph.from_pandas(table(rows).to_pandas(), time="at", **options)


def arrow(rows, folder, **options):
    return ph.from_arrow(table(rows), time="at", **options)


def polars_frame(rows, folder, **options):
    polars = pytest.importorskip("polars")
    return ph.from_arrow(polars.from_arrow(table(rows)), time="at", **options)


def parquet(rows, folder, **options):
    pq.write_table(table(rows), folder / "rows.parquet", row_group_size=5)
    return ph.read_parquet(folder / "rows.parquet", time="at", **options)


def parquet_folder(rows, folder, **options):
    for name, part in halves(rows).items():
        pq.write_table(table(part), folder / f"{name}.parquet", row_group_size=4)
    return ph.read_parquet(folder, time="at", **options)


def parquet_without_statistics(rows, folder, **options):
    pq.write_table(table(rows), folder / "rows.parquet", row_group_size=5, write_statistics=False)
    return ph.read_parquet(folder / "rows.parquet", time="at", **options)


def csv_file(rows, folder, **options):
    write_csv(folder / "rows.csv", rows)
    return ph.read_csv(folder / "rows.csv", time="at", schema=SCHEMA, **options)


def csv_glob(rows, folder, **options):
    for name, part in halves(rows).items():
        write_csv(folder / f"{name}.csv", part)
    return ph.read_csv(folder / "[ab].csv", time="at", schema=SCHEMA, **options)


def csv_compressed(rows, folder, **options):
    write_csv(folder / "rows.csv.gz", rows)
    return ph.read_csv(folder / "rows.csv.gz", time="at", schema=SCHEMA, **options)


def json_file(rows, folder, **options):
    write_json(folder / "rows.jsonl", rows)
    return ph.read_json(folder / "rows.jsonl", time="at", schema=SCHEMA, **options)


def json_folder(rows, folder, **options):
    for name, part in halves(rows).items():
        write_json(folder / f"{name}.jsonl", part)
    return ph.read_json(folder, time="at", schema=SCHEMA, **options)


def list_of_dicts(rows, folder, **options):
    return ph.from_iter(rows, schema=SCHEMA, time="at", bounded=True, **options)


def tables_from_a_function(rows, folder, **options):
    def make():
        for start in range(0, len(rows), 2):
            yield table(rows[start : start + 2])

    return ph.from_iter(make, schema=SCHEMA, time="at", bounded=True, **options)


def asynchronous_tuples(rows, folder, **options):
    async def make():
        for row in rows:
            yield tuple(row.values())

    return ph.from_iter(make, schema=SCHEMA, time="at", bounded=True, **options)


SERVER = []
"""An emulator of the Kafka protocol, for as long as a test that needs it runs."""
TOPICS = count()


def kafka(values_by_partition, format, **options):
    topic = SERVER[0].create_topic(f"rows-{next(TOPICS)}", len(values_by_partition))
    records = [{"value": value, "partition": n} for n, values in enumerate(values_by_partition) for value in values]
    SERVER[0].send(topic, records)
    options = {"time": "at", "schema": SCHEMA, "until": "now", **options}
    return ph.read_kafka(topic, bootstrap_servers=SERVER[0].servers, format=format, **options)


def kafka_json(rows, folder, **options):
    write_json(folder / "rows.jsonl", rows)
    return kafka([(folder / "rows.jsonl").read_bytes().splitlines()], "json", **options)


def kafka_csv(rows, folder, **options):
    values = []
    for row in rows:
        write_csv(folder / "row.csv", [row])
        values.append((folder / "row.csv").read_text(encoding="utf-8").partition("\n")[2])
    return kafka([values], "csv", **options)


def kafka_arrow(rows, folder, **options):
    """Two partitions, two rows a record."""
    values = []
    for part in halves(rows).values():
        streams = [pa.BufferOutputStream() for _ in part[::2]]
        for number, stream in enumerate(streams):
            with pa.ipc.new_stream(stream, SCHEMA) as writer:
                writer.write_table(table(part[2 * number : 2 * number + 2]))
        values.append([stream.getvalue().to_pybytes() for stream in streams])
    return kafka(values, "arrow", **options)


def endless_dicts(rows, folder, **options):
    return ph.from_iter(lambda: iter(rows), schema=SCHEMA, time="at", out_of_order="1h", **options)


def event_log(rows, folder, **options):
    log = ph.event_log(folder / "log", schema=SCHEMA, time="at")
    for start in range(0, len(rows), 4):
        log.append(rows[start : start + 4])
    return ph.read_event_log(folder / "log", until="now", **options)


def event_log_with_a_time_of_the_reader_s(rows, folder, **options):
    ph.event_log(folder / "log", schema=SCHEMA).append(table(rows))
    return ph.read_event_log(folder / "log", until="now", time="at", **options)


BOUNDED = [
    pandas_frame,
    arrow,
    polars_frame,
    parquet,
    parquet_folder,
    parquet_without_statistics,
    csv_file,
    csv_glob,
    csv_compressed,
    json_file,
    json_folder,
    list_of_dicts,
    tables_from_a_function,
    asynchronous_tuples,
    endless_dicts,
    event_log,
    event_log_with_a_time_of_the_reader_s,
    kafka_json,
    kafka_csv,
    kafka_arrow,
]
every_source = pytest.mark.parametrize("build", BOUNDED, ids=lambda build: build.__name__)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """So that a few rows are many chunks."""
    monkeypatch.setattr("playhead.sources.arrow.ROWS", 3)
    monkeypatch.setattr("playhead.sources.parquet.ROWS", 2)
    monkeypatch.setattr("playhead.sources.text_blocks.BLOCK", 90)
    monkeypatch.setattr("playhead.sources.iterables.ITEMS", 3)
    monkeypatch.setattr("playhead.sources.event_log.ROWS", 3)
    monkeypatch.setattr("playhead.sources.kafka.RECORDS", 3)


@pytest.fixture(autouse=True)
def server(request, monkeypatch):
    if "kafka" in request.node.name:
        monkeypatch.setattr(f"{__name__}.SERVER", [request.getfixturevalue("kafka_emulator")])


def source_of(frame):
    return frame.node.source


def read(source, columns=None, split=None, position=None):
    columns = source.schema.names if columns is None else columns
    splits = source.splits() if split is None else [split]
    return [chunk for each in splits for chunk in source.read(each, columns, position, Event())]


def rows_in(chunks):
    return [row for chunk in chunks for row in chunk.rows.to_pylist()]


def plain(rows):
    """Times as microseconds, so that zones and classes of times do not matter."""
    timed = [row for row in rows if row["at"]]
    return [(round((row["at"] - START) / timedelta(microseconds=1)), row["n"], row["name"]) for row in timed]


@every_source
def test_all_rows_come_in_their_order_with_utc_times(build, tmp_path):
    rows = some_rows(20)
    source = source_of(build(rows, tmp_path))
    assert source.schema == SCHEMA
    assert plain(rows_in(read(source))) == plain(rows)


@every_source
def test_reading_goes_on_from_every_position_in_another_process(build, tmp_path):
    rows = some_rows(20)
    source = source_of(build(rows, tmp_path))
    other = cloudpickle.loads(cloudpickle.dumps(source))
    found = 0
    for split, again in zip(source.splits(), other.splits(), strict=True):
        assert split.name == again.name
        chunks = read(source, split=split)
        for number, chunk in enumerate(chunks, 1):
            position = json.loads(json.dumps(chunk.position))
            rest = read(other, split=again, position=position)
            assert rows_in(chunks[:number]) + rows_in(rest) == rows_in(chunks)
            found += 1
    assert found > 3


@every_source
@pytest.mark.parametrize("columns", [["n"], ["name", "at"], ["name", "n", "at"], []])
def test_only_the_columns_asked_for_come_in_the_order_asked_for(build, columns, tmp_path):
    rows = some_rows(12, untimed=(3, 4))
    source = source_of(build(rows, tmp_path))
    chunks = read(source, columns)
    assert all(chunk.rows.schema.names == columns for chunk in chunks)
    assert sum(chunk.rows.num_rows for chunk in chunks) == 10
    for name in set(columns) - {"at"}:
        assert [row[name] for row in rows_in(chunks)] == [row[name] for row in rows if row["at"]]


@every_source
def test_what_is_promised_of_the_rest_holds(build, tmp_path):
    source = source_of(build(some_rows(20), tmp_path))
    for split in source.splits():
        chunks = read(source, split=split)
        times = [[value.value for value in chunk.rows.column("at")] for chunk in chunks]
        assert split.min_time <= min(min(some) for some in times if some)
        for number, chunk in enumerate(chunks):
            later = [time for some in times[number + 1 :] for time in some]
            assert chunk.rest_min_time <= min(later, default=MAX_TIME)


@pytest.mark.parametrize("build", [pandas_frame, arrow, parquet, parquet_folder, event_log])
def test_sources_with_statistics_know_the_least_time_of_what_is_left(build, tmp_path):
    source = source_of(build(some_rows(20), tmp_path))
    for split in source.splits():
        chunks = read(source, split=split)
        times = [value.value for chunk in chunks for value in chunk.rows.column("at")]
        assert split.min_time == min(times)
        assert chunks[-1].rest_min_time == MAX_TIME
        assert len({chunk.rest_min_time for chunk in chunks}) > 2


@every_source
def test_rows_without_a_time_are_rejected_with_place_and_reason_and_nothing_else_is_lost(build, tmp_path):
    rows = some_rows(20, untimed=(0, 7, 19))
    chunks = read(source_of(build(rows, tmp_path)))
    assert plain(rows_in(chunks)) == plain(rows)
    rejected = [chunk.rejected for chunk in chunks if chunk.rejected]
    assert [reason for each in rejected for reason in each.reason] == ["event time 'at' is null"] * 3
    assert len({place for each in rejected for place in each.position}) == 3
    assert sum(len(each.text) for each in rejected) == 3


@every_source
def test_a_bad_row_stops_reading_if_the_user_wants_it(build, tmp_path):
    rows = some_rows(8, untimed=(5,))
    with pytest.raises(DataError, match="event time 'at' is null"):
        read(source_of(build(rows, tmp_path, on_error="raise")))


@every_source
def test_no_rows_are_no_trouble(build, tmp_path):
    source = source_of(build([], tmp_path))
    assert source.schema == SCHEMA
    assert rows_in(read(source)) == []


@every_source
def test_a_column_that_is_not_there_is_an_error_with_the_nearest_name(build, tmp_path):
    source = source_of(build(some_rows(4), tmp_path))
    with pytest.raises(ColumnNotFoundError, match="did you mean 'name'"):
        read(source, ["nam"])


@every_source
def test_reading_ends_when_it_is_told_to(build, tmp_path):
    source, stop = source_of(build(some_rows(20), tmp_path)), Event()
    chunks = []
    for chunk in source.read(source.splits()[0], source.schema.names, None, stop):
        chunks.append(chunk)
        stop.set()
    assert len(chunks) == 1


@every_source
def test_two_readers_do_not_disturb_each_other(build, tmp_path):
    rows = some_rows(20)
    source = source_of(build(rows, tmp_path))
    one, two = ([source.read(split, ["n"], None, Event()) for split in source.splits()] for _ in range(2))
    found = [[], []]
    for pair in zip(one, two, strict=True):
        for numbers, reader in zip(found, pair, strict=True):
            numbers += [n for chunk in reader for n in chunk.rows.column("n").to_pylist()]
    assert found == [list(range(20))] * 2


@every_source
@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"sequence": "nn"}, ColumnNotFoundError, "did you mean 'n'"),
        ({"arrival": "landed"}, ColumnNotFoundError, "no column 'landed'"),
        ({"idle_timeout": "soon"}, PlanError, "idle_timeout"),
        ({"on_error": "ignore"}, PlanError, "neither 'reject' nor 'raise'"),
    ],
)
def test_what_makes_no_sense_is_refused_when_the_frame_is_made(build, options, error, words, tmp_path):
    with pytest.raises(error, match=words):
        build(some_rows(4), tmp_path, **options)


@every_source
def test_what_the_user_declares_is_on_the_source(build, tmp_path):
    options = {} if build is endless_dicts else {"out_of_order": pd.Timedelta("1h")}
    source = source_of(build(some_rows(4), tmp_path, arrival="at", sequence="n", idle_timeout="2s", **options))
    assert (source.out_of_order, source.idle_timeout) == (3_600_000_000, 2_000_000)
    assert (source.arrival, source.sequence, source.time.column) == ("at", ("n",), "at")
    assert source.bounded == (build is not endless_dicts)


def test_a_table_that_is_cut_into_other_pieces_the_next_time_goes_on_at_the_same_row(tmp_path, monkeypatch):
    rows = some_rows(20, untimed=(6, 7, 13))
    chunks = read(source_of(arrow(rows, tmp_path)))
    monkeypatch.setattr("playhead.sources.arrow.ROWS", 5)
    other = source_of(arrow(rows, tmp_path))
    for number, chunk in enumerate(chunks, 1):
        rest = read(other, split=other.splits()[0], position=chunk.position)
        assert plain(rows_in(chunks[:number]) + rows_in(rest)) == plain(rows)


def test_row_groups_are_read_in_their_order_from_each_of_them_on(tmp_path):
    """pyarrow reads chosen row groups in the order of a Python set, which for a few of them is not ascending."""
    numbers = pa.table({"n": range(100)})
    pq.write_table(numbers, tmp_path / "ten.parquet", row_group_size=10)
    source = source_of(ph.read_parquet(tmp_path / "ten.parquet"))
    (split,) = source.splits()
    for row in range(0, 100, 10):
        chunks = read(source, split=split, position=row)
        assert [each["n"] for each in rows_in(chunks)] == list(range(row, 100))
