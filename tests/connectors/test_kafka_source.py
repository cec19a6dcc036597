"""Reading Kafka topics, from an emulator of the Kafka protocol (Apache Kafka itself was not available to the tests)."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime, timedelta
from threading import Event
from time import monotonic, sleep

import pandas as pd
import pyarrow as pa
import pytest

import playhead.io as ph
from playhead.errors import KafkaAwayWarning, PlanError, SourceError
from playhead.sources.kafka_client import Outages
from playhead.testing.kafka_emulator import KafkaEmulator

WHEN = datetime(2013, 1, 1, tzinfo=UTC)
SCHEMA = {"at": "timestamp[us, UTC]", "n": "int64"}


def value(n):
    return json.dumps({"at": (WHEN + timedelta(seconds=n)).isoformat(), "n": n})


def records(numbers, partition=0, **more):
    return [{"value": value(n), "partition": partition, **more} for n in numbers]


@pytest.fixture
def read(kafka_emulator):
    """A function that makes a frame over a topic, up to now if nothing else is said."""

    def frame(topic, **options):
        options = {"schema": SCHEMA, "time": "at", "out_of_order": "1h", "until": "now", **options}
        return ph.read_kafka(topic, bootstrap_servers=kafka_emulator.servers, **options)

    return frame


def numbers(frame):
    return sorted(frame.compute().n.tolist())


def eventually(true, seconds=30):
    """Wait for a condition; a test that waits in vain fails."""
    deadline = monotonic() + seconds
    while not true():
        assert monotonic() < deadline, "it did not come true"
        sleep(0.005)


# Where reading begins


def test_reading_begins_at_exact_offsets_and_where_none_is_given_at_the_first(kafka_emulator, new_topic, read):
    topic = new_topic(3)
    for partition in range(3):
        kafka_emulator.send(topic, records(range(10 * partition, 10 * partition + 5), partition))
    assert numbers(read(topic, start={0: 3, 1: 5})) == [3, 4, 20, 21, 22, 23, 24]


def test_reading_begins_at_the_first_record_that_is_not_before_a_time(kafka_emulator, new_topic, read):
    topic = new_topic()
    begin = int(WHEN.timestamp() * 1000)
    for n in range(6):
        kafka_emulator.send(topic, records([n], timestamp=begin + 1000 * n))
    moment = WHEN + timedelta(seconds=2)
    for start in (
        moment,
        pd.Timestamp(moment),
        "2013-01-01T00:00:02Z",
        "2013-01-01 00:00:02",
        "2013-01-01T01:00:02+01:00",
    ):
        assert numbers(read(topic, start=start)) == [2, 3, 4, 5]
    assert numbers(read(topic, start=moment + timedelta(microseconds=1))) == [3, 4, 5]
    assert numbers(read(topic, start="2013-01-01 01:00:04", schema={**SCHEMA, "at": "string"}, tz="Europe/Berlin")) == [
        4,
        5,
    ]
    assert numbers(read(topic, start="2014-01-01")) == []
    assert numbers(read(topic, start="2012-01-01")) == [0, 1, 2, 3, 4, 5]


def test_what_a_start_means_can_be_asked_for_in_offsets(kafka_emulator, new_topic, read):
    topic = new_topic(2)
    begin = int(WHEN.timestamp() * 1000)
    for n in range(4):
        kafka_emulator.send(topic, records([n], timestamp=begin + 1000 * n))
    source = read(topic).node.source
    assert source.offsets("earliest") == {0: 0, 1: 0}
    assert source.offsets("latest") == {0: 4, 1: 0}
    assert source.offsets(WHEN + timedelta(seconds=3)) == {0: 3, 1: 0}
    moved = source.starting({0: 2})
    found = [chunk for split in moved.splits() for chunk in moved.read(split, ["n"], None, Event())]
    assert [n for chunk in found for n in chunk.rows.column("n").to_pylist()] == [2, 3]


def test_latest_is_fixed_when_reading_begins_and_its_offset_is_told_before_any_row(kafka_emulator, new_topic, read):
    topic = new_topic()
    kafka_emulator.send(topic, records(range(3)))
    source = read(topic, start="latest", until=None).node.source
    stop, (split,) = Event(), source.splits()
    reading = source.read(split, ["n"], None, stop)
    first = next(reading)
    assert (first.rows.num_rows, first.position) == (0, 3)
    reading.close()
    kafka_emulator.send(topic, records([3, 4]))
    again = source.read(split, ["n"], first.position, stop)
    assert next(again).rows.column("n").to_pylist()[0] == 3
    again.close()


def test_now_is_the_moment_when_reading_begins(kafka_emulator, new_topic, read):
    topic = new_topic()
    kafka_emulator.send(topic, records(range(3)))
    source = read(topic, until=None).node.source.until_now()
    (split,) = source.splits()
    kafka_emulator.send(topic, records([3, 4]))
    chunks = list(source.read(split, ["n"], None, Event()))
    assert [n for chunk in chunks for n in chunk.rows.column("n").to_pylist()] == [0, 1, 2]
    assert chunks[-1].position == 3
    rest = list(source.read(source.splits()[0], ["n"], 3, Event()))
    assert [n for chunk in rest for n in chunk.rows.column("n").to_pylist()] == [3, 4]


def test_an_offset_that_is_gone_is_an_error_that_says_which_there_are(kafka_emulator, new_topic, read):
    topic = new_topic()
    kafka_emulator.send(topic, records(range(3)))
    source = read(topic, until=None).node.source
    with pytest.raises(SourceError, match="partition 0 has the offsets 0 to 3"):
        list(source.read(source.splits()[0], ["n"], 50, Event()))


# While a query runs


def test_partitions_that_are_added_are_found_and_read_from_their_first_record(
    kafka_emulator, new_topic, read, monkeypatch
):
    monkeypatch.setattr("playhead.sources.kafka.LOOK_FOR_PARTITIONS", 0.01)
    topic = new_topic()
    kafka_emulator.send(topic, records([1]))
    with read(topic, start="latest", until=None).start() as query:
        eventually(lambda: query.progress.epoch >= 1)
        kafka_emulator.send(topic, records([2]))
        kafka_emulator.add_partitions(topic, 3)
        kafka_emulator.send(topic, [*records([3, 4], 1), *records([5], 2)])
        eventually(lambda: len(query.latest()) >= 4)
        assert sorted(query.latest().n) == [2, 3, 4, 5]


def test_a_partition_that_was_added_while_a_query_stood_still_is_read_from_its_first_record(
    kafka_emulator, new_topic, read, tmp_path
):
    topic = new_topic()

    def run(until):
        frame = read(topic, start="latest", until=None)
        with frame.start(checkpoint=tmp_path / "ckpt", name="added", checkpoint_every="10ms") as query:
            until(query)
        return query

    run(lambda query: eventually(lambda: query.checkpoints))
    kafka_emulator.send(topic, records([1]))
    kafka_emulator.add_partitions(topic, 2)
    kafka_emulator.send(topic, records([2, 3], 1))
    run(lambda query: eventually(lambda: query.progress.rows >= 3))


def test_a_broker_that_goes_away_and_comes_back_is_warned_of_once_and_nothing_is_lost_or_doubled():
    with KafkaEmulator() as emulator:
        topic = emulator.create_topic("comings-and-goings", 2)
        emulator.send(topic, [*records(range(5)), *records(range(5, 9), 1)])
        frame = ph.read_kafka(
            topic, bootstrap_servers=emulator.servers, schema=SCHEMA, time="at", out_of_order="1h",
            settings={"reconnect.backoff.max.ms": 100},
        )  # fmt: skip
        source = frame.node.source
        with warnings.catch_warnings(record=True) as told, frame.start() as query:
            warnings.simplefilter("always")
            eventually(lambda: len(query.latest()) >= 9)
            emulator.stop()
            eventually(lambda: source.outages.count)
            assert query.state == "running"
            emulator.start()
            emulator.send(topic, [*records(range(9, 12)), *records([12], 1)])
            eventually(lambda: len(query.latest()) >= 13)
            assert sorted(query.latest().n) == list(range(13))
        away = [each for each in told if issubclass(each.category, KafkaAwayWarning)]
        assert len(away) == source.outages.count == 1
        assert "goes on by itself" in str(away[0].message)


def test_each_outage_is_counted_and_told_once_whoever_notices_it():
    outages = Outages("reading", "a:1")
    with pytest.warns(KafkaAwayWarning, match="outage 1 so far"):
        outages.lost("first", "gone")
    outages.lost("second", "gone")  # an error if it warned again
    outages.back("first")
    outages.lost("first", "gone")
    outages.back("first")
    outages.back("second")
    with pytest.warns(KafkaAwayWarning, match="outage 2 so far"):
        outages.lost("first", "gone")


def test_the_group_is_told_what_was_read_and_never_asked(kafka_emulator, new_topic, read):
    from confluent_kafka import Consumer, TopicPartition

    topic = new_topic()
    kafka_emulator.send(topic, records(range(4)))
    watcher = Consumer({"bootstrap.servers": kafka_emulator.servers, "group.id": f"watched {topic}"})
    at = TopicPartition(topic, 0, 3)
    watcher.commit(offsets=[at], asynchronous=False)
    assert numbers(read(topic, group=f"watched {topic}")) == [0, 1, 2, 3]
    eventually(lambda: watcher.committed([TopicPartition(topic, 0)], 10)[0].offset == 4)
    watcher.close()


# What a record says


def test_keys_headers_and_metadata_are_columns(kafka_emulator, new_topic, read):
    topic = new_topic(2)
    sent = [
        {
            "value": '{"n": 1}',
            "key": "Zürich",
            "partition": 1,
            "headers": [("a", b"x"), ("b", None)],
            "timestamp": 1000,
        },
        {"value": '{"n": 2, "city": "no"}', "key": "Bern", "partition": 1, "timestamp": 2000},
        {"value": '{"n": 3}', "partition": 1, "timestamp": 3000},
    ]
    kafka_emulator.send(topic, sent)
    metadata = {"partition": "partition", "offset": "kafka_offset", "timestamp": "sent"}
    frame = read(
        topic, schema={"city": "string", "n": "int64"}, key="city", headers="headers", metadata=metadata, time="sent"
    )
    assert frame.columns == ["city", "n", "headers", "partition", "kafka_offset", "sent"]
    moments = [datetime(1970, 1, 1, 0, 0, second, tzinfo=UTC) for second in (1, 2, 3)]
    assert frame.to_arrow().to_pylist() == [
        dict(zip(frame.columns, row, strict=True))
        for row in [
            ("Zürich", 1, [("a", b"x"), ("b", None)], 1, 0, moments[0]),
            ("Bern", 2, [], 1, 1, moments[1]),
            (None, 3, [], 1, 2, moments[2]),
        ]
    ]


def test_a_key_may_be_a_number_bytes_or_an_object(kafka_emulator, new_topic, read):
    topic = new_topic()
    kafka_emulator.send(topic, [{"value": '{"n": 1}', "key": "17"}, {"value": '{"n": 2}', "key": "-3"}])
    options = {"time": None, "out_of_order": None}
    number = read(topic, schema={"id": "int32", "n": "int64"}, key="id", **options)
    assert number.to_arrow().to_pylist() == [{"id": 17, "n": 1}, {"id": -3, "n": 2}]
    raw = read(topic, schema={"id": "binary", "n": "int64"}, key="id", **options)
    assert raw.to_arrow().column("id").to_pylist() == [b"17", b"-3"]
    topic = new_topic()
    kafka_emulator.send(topic, [{"value": '{"n": 1}', "key": '{"a": "x", "b": 2}'}])
    objects = read(topic, schema={"a": "string", "b": "int64", "n": "int64"}, key=["a", "b"], **options)
    assert objects.to_arrow().to_pylist() == [{"a": "x", "b": 2, "n": 1}]


def test_each_record_that_does_not_fit_is_rejected_with_its_place_and_reason(kafka_emulator, new_topic, read):
    topic = new_topic(2)
    bad = {
        1: ("nonsense", "not a JSON object"),
        3: ('{"at": "2013-01-01T00:00:00Z", "n": "x"}', "changed from number to string"),
        4: ("", "an empty value"),
        6: ('{"n": 1}{"n": 2}', "2 JSON objects where there is to be one"),
        7: ('{"n": 1}', "event time 'at' is null"),
        8: ('{"at": "soon", "n": 1}', "not a time in ISO 8601"),
        9: (None, "the record has no value"),
        10: (b'{"at": "2013-01-01T00:00:00Z", "n": 5, "x": "\xff"}', "broken UTF-8"),
        11: ("[1]", "not a JSON object"),
    }
    kafka_emulator.send(topic, [{"value": bad[n][0] if n in bad else value(n), "partition": 1} for n in range(13)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        query = read(topic).start().wait()
    assert query.latest().n.tolist() == [0, 2, 5, 12]
    rejected = query.rejected.compute().sort_values(
        "position", key=lambda text: text.str.extract(r"(\d+)$")[0].astype(int)
    )
    assert rejected.position.tolist() == [f"partition 1, offset {n}" for n in bad]
    for reason, (_, expected) in zip(rejected.reason, bad.values(), strict=True):
        assert expected in reason


def stream(rows):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return sink.getvalue().to_pybytes()


def test_arrow_values_hold_any_number_of_rows_and_broken_ones_are_rejected(kafka_emulator, new_topic, read):
    topic = new_topic()
    at = pa.array([WHEN], pa.timestamp("us", "UTC"))
    one = pa.table({"at": at, "n": pa.array([1])})
    many = pa.table({"at": pa.array([WHEN] * 3, at.type), "n": pa.array([2, 3, 4])})
    wider = pa.table({"more": ["x"], "n": pa.array([5], pa.int32()), "at": at})
    lacking = pa.table({"at": at})
    untimed = pa.table({"at": pa.array([WHEN, None], at.type), "n": pa.array([6, 7])})
    values = [
        stream(one),
        stream(many),
        stream(one.slice(1)),
        stream(wider),
        stream(lacking),
        stream(untimed),
        b"?",
        stream(one)[:150],
    ]
    kafka_emulator.send(topic, [{"value": each, "key": f"k{n}"} for n, each in enumerate(values)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        query = read(topic, format="arrow", schema={**SCHEMA, "k": "string"}, key="k").start().wait()
    found = query.to_arrow().select(["n", "k"]).to_pylist()
    assert [tuple(row.values()) for row in found] == [(1, "k0"), (2, "k1"), (3, "k1"), (4, "k1"), (5, "k3"), (6, "k5")]
    rejected = dict(query.rejected.compute()[["position", "reason"]].itertuples(index=False))
    places = [f"partition 0, offset {n}" for n in (4, 5, 6, 7)]
    assert sorted(rejected) == places
    words = ['"n" does not exist', "event time 'at' is null", "no stream of Arrow IPC", "no stream of Arrow IPC"]
    for place, word in zip(places, words, strict=True):
        assert word in rejected[place]


def test_csv_is_a_line_a_record_without_a_header(kafka_emulator, new_topic, read):
    topic = new_topic()
    texts = ["1,a", '2,"two\nlines"', '3,"x"\n', "4,", '5,""', "6", "x,7", "8,b\n9,c", ""]
    kafka_emulator.send(topic, [{"value": text} for text in texts])
    options = {"time": None, "out_of_order": None, "schema": {"n": "int64", "s": "string"}, "format": "csv"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        query = read(topic, **options).start().wait()
    found = [tuple(row.values()) for row in query.to_arrow().to_pylist()]
    assert found == [(1, "a"), (2, "two\nlines"), (3, "x"), (4, None), (5, "")]
    assert sorted(query.rejected.compute().position) == [f"partition 0, offset {n}" for n in (5, 6, 7, 8)]


# Transactions of others


def test_only_what_is_committed_is_read(kafka_emulator, new_topic, read):
    from confluent_kafka import Producer

    topic = new_topic()
    producer = Producer({"bootstrap.servers": kafka_emulator.servers, "transactional.id": topic})
    producer.init_transactions(10)

    def write(n, end):
        producer.begin_transaction()
        producer.produce(topic, value(n))
        producer.flush(10)
        if end is not None:
            end(10)

    write(1, producer.commit_transaction)
    write(2, producer.abort_transaction)
    assert numbers(read(topic)) == [1]  # and the end is found behind what is not seen
    write(3, None)
    assert numbers(read(topic)) == [1]
    producer.commit_transaction(10)
    assert numbers(read(topic)) == [1, 3]
    every = read(topic, settings={"isolation.level": "read_uncommitted"})
    assert numbers(every) == [1, 2, 3]


# What is refused


def test_a_topic_that_is_not_there_is_an_error_with_the_nearest_name(kafka_emulator, read):
    kafka_emulator.create_topic("departures")
    with pytest.raises(SourceError, match="no topic 'departure'; did you mean 'departures'"):
        read("departure").compute()


def test_a_broker_that_never_answers_is_an_error_that_says_where(monkeypatch):
    monkeypatch.setattr("playhead.sources.kafka.FIRST_ANSWER_SECONDS", 0.1)
    monkeypatch.setattr("playhead.sources.kafka_client.ANSWER_SECONDS", 0.1)
    servers = KafkaEmulator().servers  # a free port
    frame = ph.read_kafka("t", bootstrap_servers=servers, schema=SCHEMA, until="now")
    with pytest.raises(SourceError, match=f"no Kafka broker answered at {servers}"):
        frame.compute()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "jsn"}, "did you mean 'json'"),
        ({"start": "erliest"}, "did you mean 'earliest'"),
        ({"start": {0: -1}}, "whole numbers from 0 on"),
        ({"start": 17}, "neither 'earliest', 'latest', a time"),
        ({"until": "then"}, "until='then'"),
        ({"key": "nn"}, "did you mean 'n'"),
        ({"metadata": ["ofset"]}, "none of"),
        ({"headers": "n"}, "has a column 'n' already"),
        ({"settings": {"security_protocol": "SSL"}}, "Kafka's own names"),
        ({"settings": {"auto.offset.reset": "latest"}}, "say start="),
        ({"bootstrap_servers": ""}, "at least one broker"),
        ({"out_of_order": None, "until": None}, "out_of_order"),
    ],
)
def test_what_makes_no_sense_is_refused_when_the_frame_is_made(options, words):
    options = {"schema": SCHEMA, "time": "at", "out_of_order": "1s", "bootstrap_servers": "localhost:1", **options}
    with pytest.raises(PlanError, match=words):
        ph.read_kafka("t", **options)


def test_without_the_client_the_error_names_the_extra(monkeypatch):
    monkeypatch.setattr("playhead.sources.kafka_client.find_spec", lambda name: None)
    for make in ph.read_kafka, ph.to_kafka:
        options = {"schema": SCHEMA} if make is ph.read_kafka else {}
        with pytest.raises(PlanError, match=r"pip install 'playhead\[kafka\]'"):
            make("t", bootstrap_servers="localhost:1", **options)


def test_a_setting_that_the_client_does_not_know_is_named(kafka_emulator, new_topic, read):
    with pytest.raises(SourceError, match="sasl.pasword"):
        read(new_topic(), settings={"sasl.pasword": "secret"}).compute()


def test_a_password_is_shown_nowhere():
    settings = {"sasl.password": "hunter2"}
    frame = ph.read_kafka("t", bootstrap_servers="localhost:1", schema=SCHEMA, settings=settings)
    sink = ph.to_kafka("t", bootstrap_servers="localhost:1", settings=settings)
    assert "hunter2" not in f"{frame!r} {frame.explain()} {frame.node.source!r} {sink!r}"
