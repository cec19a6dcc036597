"""Writing Kafka topics, of an emulator of the Kafka protocol; what all sinks keep to is in test_sink_conformance.py."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from time import monotonic, sleep

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import playhead.io as ph
from playhead.batch import Batch
from playhead.errors import ColumnNotFoundError, PlanError, SinkError
from playhead.sinks.kafka_values import json_objects
from playhead.sinks.sink import SinkContext
from playhead.testing.kafka_emulator import KafkaEmulator

WHEN = datetime(2013, 1, 31, 23, 59, 59, 500_000, tzinfo=UTC)
EVERYTHING = pa.table(
    {
        "at": pa.array([WHEN, None, WHEN - timedelta(days=20_000)], pa.timestamp("us", "America/New_York")),
        "naive": pa.array([datetime(2013, 1, 1), None, datetime(1969, 7, 20)], pa.timestamp("us")),
        "day": pa.array([date(2013, 1, 1), None, date(1969, 7, 20)]),
        "clock": pa.array([time(23, 59, 59, 5), None, time(0)], pa.time64("us")),
        "yes": [True, None, False],
        "small": pa.array([-128, None, 127], pa.int8()),
        "large": pa.array([2**64 - 1, None, 0], pa.uint64()),
        "real": [0.1, None, -1e300],
        "single": pa.array([0.1, None, 3e38], pa.float32()),
        "money": pa.array([Decimal("12.30"), None, Decimal("-0.01")], pa.decimal128(9, 2)),
        "text": ['"quoted", \\ and\nlines\tof \x01 Zürich 🚋', None, ""],
        "kind": pa.array(["a,b", None, "a,b"]).dictionary_encode(),
    }
)


def eventually(true, seconds=30):
    """Wait for a condition; a test that waits in vain fails."""
    deadline = monotonic() + seconds
    while not true():
        assert monotonic() < deadline, "it did not come true"
        sleep(0.005)


def context(table, mode="append", key=None, query="q", checkpointed=False):
    return SinkContext(table.schema, mode, key, query, int(checkpointed), checkpointed)


def batch(table, weights=None):
    rows = table.combine_chunks().to_batches()[0]
    return Batch(rows, None if weights is None else np.array(weights))


@pytest.fixture
def write(kafka_emulator):
    """A function that writes one epoch of rows, as a query without checkpoints does."""

    def written(topic, table, weights=None, *, mode="append", unique=None, **options):
        sink = ph.to_kafka(topic, bootstrap_servers=kafka_emulator.servers, **options)
        sink.open(context(table, mode, unique))
        try:
            sink.write(1, batch(table, weights), 0)
            sink.commit(1, sink.prepare(1))
        finally:
            sink.close(failed=False)

    return written


def content(servers, topic):
    """Keys and values of what is committed."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": servers, "group.id": "looks", "enable.partition.eof": True})
    partitions = consumer.list_topics(topic, 10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    found, ends = [], 0
    while ends < len(partitions):
        for message in consumer.consume(1000, 0.01):
            ends += message.error() is not None
            if message.error() is None:
                found.append((message.key(), message.value()))
    consumer.close()
    return found


@pytest.mark.parametrize("format", ["json", "csv", "arrow"])
def test_what_is_written_is_what_is_read(format, kafka_emulator, new_topic, write):
    topic = new_topic()
    write(topic, EVERYTHING, format=format)
    schema = pa.schema([f.with_type(pa.string()) if f.name == "kind" else f for f in EVERYTHING.schema])
    read = ph.read_kafka(
        topic, bootstrap_servers=kafka_emulator.servers, schema=schema, format=format, until="now"
    ).to_arrow()
    assert read.to_pylist() == EVERYTHING.to_pylist()


def test_json_is_what_python_reads():
    rows = [json.loads(value) for value in json_objects(EVERYTHING)]
    for column in "yes", "small", "large", "real", "text", "kind":
        assert [row[column] for row in rows] == EVERYTHING.column(column).to_pylist()
    assert rows[0]["at"] == "2013-01-31T23:59:59.500000Z"
    assert [row["money"] for row in rows] == [12.3, None, -0.01]


def test_json_has_every_character_and_no_nan():
    text = "".join(map(chr, [*range(0x300), 0x2028, 0xFFFF, 0x1F600]))
    table = pa.table({'a "name"': [text, text[::-1]], "n": [float("nan"), float("inf")], "some": [[1, None], [2]]})
    expected = [{'a "name"': text, "n": None, "some": [1, None]}, {'a "name"': text[::-1], "n": None, "some": [2]}]
    assert [json.loads(value) for value in json_objects(table)] == expected
    assert json_objects(table.slice(2)) == []


def test_keys_are_text_or_an_object(kafka_emulator, new_topic, write):
    table = pa.table({"a": ["x", None], "b": [1, 2]})
    by_text, by_object = new_topic(), new_topic()
    write(by_text, table, key="a")
    write(by_object, table, key=["b", "a"])
    assert [key for key, _ in content(kafka_emulator.servers, by_text)] == [b"x", None]
    keys = [json.loads(key) for key, _ in content(kafka_emulator.servers, by_object)]
    assert keys == [{"b": 1, "a": "x"}, {"b": 2, "a": None}]


def test_equal_keys_go_to_the_partition_that_kafka_s_own_clients_choose(kafka_emulator, new_topic, write):
    topic = new_topic(3)
    write(topic, pa.table({"k": [f"{n}" for n in range(20)]}), key="k")
    frame = ph.read_kafka(
        topic, bootstrap_servers=kafka_emulator.servers, schema={"k": "string"}, metadata=["partition"], until="now"
    )
    from confluent_kafka import murmur2

    for k, partition in frame.compute().itertuples(index=False):
        assert partition == murmur2(k.encode(), 3)


def test_arrow_records_hold_the_rows_of_one_key(kafka_emulator, new_topic, write, monkeypatch):
    topic = new_topic()
    table = pa.table({"k": ["a", "b", "a", None], "n": [1, 2, 3, 4]})
    write(topic, table, key="k", format="arrow")
    found = [
        (key, pa.ipc.open_stream(value).read_all().column("n").to_pylist())
        for key, value in content(kafka_emulator.servers, topic)
    ]
    assert found == [(b"a", [1, 3]), (b"b", [2]), (None, [4])]
    monkeypatch.setattr("playhead.sinks.kafka_values.LARGEST", 20)
    topic = new_topic()
    write(topic, table, format="arrow")
    assert len(content(kafka_emulator.servers, topic)) > 1


# Rows that are taken back


def test_an_upsert_replaces_the_row_of_its_key_and_a_key_that_is_gone_gets_a_record_without_a_value(
    kafka_emulator, new_topic, write
):
    topic = new_topic()
    table = pa.table({"k": ["a", "b", "a", "c"], "n": [1, 2, 3, 4]})
    write(topic, table, [-1, -1, 1, 1], mode="update", unique=("k",))
    found = content(kafka_emulator.servers, topic)
    assert found == [(b'{"k":"b"}', None), (b'{"k":"a"}', b'{"k":"a","n":3}'), (b'{"k":"c"}', b'{"k":"c","n":4}')]


def test_a_changelog_has_a_weight_a_row(kafka_emulator, new_topic, write):
    topic = new_topic()
    table = pa.table({"k": ["a", "a"], "n": [1, 3]})
    write(topic, table, [-1, 2], mode="update", unique=("k",), changes="weight", key="k")
    found = [(key, json.loads(value)) for key, value in content(kafka_emulator.servers, topic)]
    assert found == [(b"a", {"k": "a", "n": 1, "weight": -1}), (b"a", {"k": "a", "n": 3, "weight": 2})]


@pytest.mark.parametrize(
    ("unique", "options", "error", "words"),
    [
        (None, {}, PlanError, "say key="),
        (("k", "n"), {"key": "k"}, PlanError, r"rows are told apart by \['k', 'n'\]"),
        (None, {"key": "kk"}, ColumnNotFoundError, "did you mean 'k'"),
        (None, {"key": "k"}, SinkError, "several rows of one key"),
        (None, {"key": "n"}, SinkError, r"'n' is null; say key=\['n'\]"),
    ],
)
def test_an_upsert_needs_a_key_that_tells_rows_apart(new_topic, write, unique, options, error, words):
    table = pa.table({"k": ["a", "a"], "n": [1, None]})
    with pytest.raises(error, match=words):
        write(new_topic(), table, mode="update", unique=unique, **options)


def test_what_cannot_be_written_is_refused_before_anything_runs(new_topic, write):
    with pytest.raises(PlanError, match="column 'raw' is binary"):
        write(new_topic(), pa.table({"raw": [b"x"]}))
    with pytest.raises(PlanError, match="has one; rename it"):
        write(new_topic(), pa.table({"weight": [1]}), mode="update", changes="weight")
    with pytest.raises(SinkError, match="takes rows back"):
        write(new_topic(), pa.table({"n": [1]}), [-1])
    with pytest.raises(SinkError, match="no topic 'nowhere'"):
        write("nowhere", pa.table({"n": [1]}))
    with pytest.raises(PlanError, match="did you mean 'upsert'"):
        ph.to_kafka("t", bootstrap_servers="a:1", changes="upserts")


def test_a_record_that_is_too_large_is_an_error_and_nothing_of_its_epoch_is_there(kafka_emulator, new_topic, write):
    topic = new_topic()
    with pytest.raises(SinkError, match="too large"):
        write(topic, pa.table({"text": ["small", "x" * 3_000_000]}))
    assert content(kafka_emulator.servers, topic) == []


# Transactions


def checkpointed(kafka_emulator, topic, query="q"):
    sink = ph.to_kafka(topic, bootstrap_servers=kafka_emulator.servers)
    sink.open(context(pa.table({"n": [1]}), query=query, checkpointed=True))
    return sink


def test_the_epoch_that_a_topic_has_stands_in_a_group_named_after_the_query(kafka_emulator, new_topic):
    from confluent_kafka import Consumer, TopicPartition

    topic = new_topic()
    sink = checkpointed(kafka_emulator, topic, "ohlc")
    sink.recover(0, None)
    sink.write(4711, batch(pa.table({"n": [1]})), 0)
    sink.commit(4711, sink.prepare(4711))
    sink.close(failed=False)
    group = Consumer({"bootstrap.servers": kafka_emulator.servers, "group.id": f"playhead ohlc {topic}"})
    (found,) = group.committed([TopicPartition(topic, 0)], 10)
    group.close()
    assert (found.offset, found.metadata) == (4711, "epoch 4711 of ohlc")


@pytest.mark.parametrize(("epoch", "words"), [(2, "goes on behind epoch 2"), (0, "starts from nothing")])
def test_a_query_that_goes_back_is_told_that_readers_may_have_its_results(kafka_emulator, new_topic, epoch, words):
    topic = new_topic()
    sink = checkpointed(kafka_emulator, topic)
    sink.write(3, batch(pa.table({"n": [1]})), 0)
    sink.commit(3, sink.prepare(3))
    sink.close(failed=True)
    again = checkpointed(kafka_emulator, topic)
    with pytest.raises(SinkError, match=f"{words}.*up to epoch 3"):
        again.recover(epoch, None)
    again.close(failed=True)


def test_queries_without_checkpoints_do_not_stop_each_other(kafka_emulator, new_topic):
    topic, table = new_topic(), pa.table({"n": [1]})
    sinks = [ph.to_kafka(topic, bootstrap_servers=kafka_emulator.servers) for _ in range(2)]
    for sink in sinks:
        sink.open(context(table))
    for sink in sinks:
        sink.write(1, batch(table), 0)
        sink.commit(1, sink.prepare(1))
        sink.close(failed=False)
    assert len(content(kafka_emulator.servers, topic)) == 2


def test_a_commit_waits_for_a_broker_that_is_away():
    table = pa.table({"n": [1, 2]})
    with KafkaEmulator() as emulator, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        topic = emulator.create_topic("away")
        sink = ph.to_kafka(topic, bootstrap_servers=emulator.servers, settings={"reconnect.backoff.max.ms": 100})
        sink.open(context(table, checkpointed=True))
        produce, calls = sink._produce, []

        def interrupted(records, deadline):
            if not calls:
                emulator.stop()
                emulator.start()
            calls.append(len(records))
            produce(records, deadline)

        sink._produce = interrupted
        sink.write(1, batch(table), 0)
        sink.commit(1, sink.prepare(1))
        sink.close(failed=False)
        assert [json.loads(value)["n"] for _, value in content(emulator.servers, topic)] == [1, 2]


def test_a_broker_that_stays_away_fails_the_query(monkeypatch):
    monkeypatch.setattr("playhead.sinks.kafka.PATIENCE", 0.5)
    monkeypatch.setattr("playhead.sinks.kafka.ANSWER_SECONDS", 0.1)
    table = pa.table({"n": [1]})
    with KafkaEmulator() as emulator, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        settings = {"socket.timeout.ms": 1000}
        sink = ph.to_kafka(emulator.create_topic("gone"), bootstrap_servers=emulator.servers, settings=settings)
        sink.open(context(table, checkpointed=True))
        emulator.stop()
        sink.write(1, batch(table), 0)
        with pytest.raises(SinkError):
            sink.commit(1, sink.prepare(1))
        sink.close(failed=True)


# A whole query


def test_a_query_from_topic_to_topic_that_stops_and_goes_on_writes_each_window_once(
    kafka_emulator, new_topic, tmp_path
):
    source, target = new_topic(2), new_topic()
    servers = kafka_emulator.servers
    start = datetime(2013, 1, 1, tzinfo=UTC)
    rows = [{"at": (start + timedelta(seconds=n)).isoformat(), "symbol": "AB"[n % 2], "price": n} for n in range(600)]
    records = [{"value": json.dumps(row), "partition": n % 2} for n, row in enumerate(rows)]
    schema = {"at": "timestamp[us, UTC]", "symbol": "string", "price": "int64"}

    def run(until):
        trades = ph.read_kafka(source, bootstrap_servers=servers, schema=schema, time="at", out_of_order="5s")
        total = trades.groupby("symbol").agg(total=("price", "sum"), trades=("price", "count"))
        sink = ph.to_kafka(target, bootstrap_servers=servers, changes="upsert")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a key is kept for ever: two are
            query = total.start(sink, checkpoint=tmp_path / "ckpt", name="totals", checkpoint_every="1ms", max_rows=50)
        with query:
            eventually(lambda: query.progress.rows >= until)

    for first, last in (0, 250), (250, 400), (400, 600):
        kafka_emulator.send(source, records[first:last])
        run(last)
    last = dict(content(servers, target))
    expected = pd.DataFrame(rows).groupby("symbol").price.agg(["sum", "count"])
    assert {json.loads(key)["symbol"]: tuple(json.loads(value).values())[1:] for key, value in last.items()} == {
        symbol: (total, count) for symbol, total, count in expected.itertuples()
    }
