"""All sinks, a line each: how one is made, and what somebody sees who looks at its place from outside.

Everything in test_sink_conformance.py and test_sink_kills.py is run for each of them. Rows are (key, n), with a key
that may be missing; in mode "update" a key has one row at a time.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import playhead.io as ph
from playhead.batch import Batch
from playhead.testing.kafka_emulator import create_topic

SCHEMA = pa.schema([("key", pa.string()), ("n", pa.int64())])

Row = tuple[Any, ...]


@dataclass(frozen=True)
class SinkCase:
    """How to try out one sink."""

    make: Callable[[Path], Any]
    """A new sink on a place, a folder that exists; called again it is as another process would make it."""
    rows: Callable[[Path, Any], list[Row]]
    """What can be seen at the place now; the sink is for those that are nowhere else, and None for the others."""
    mode: str = "append"
    key: tuple[str, ...] | None = None
    """The unique key of the plan, as the sink is told."""
    exactly_once: bool = True
    """Whether what is not committed is not seen; else the sink shows every epoch at once."""
    lasting: bool = True
    """Whether the place outlives the process."""
    owned: bool = True
    """Whether a place that belongs to a query is refused to another one."""
    goes_back: bool = True
    """Whether the results go back along with a query that resumes from a checkpoint before the last one."""
    only_counts: bool = False
    """Whether it knows how many rows there are, but not which."""
    needs: str | None = None
    """A fixture that has to be there: a server."""


def parquet_rows(place: Path, sink: Any) -> list[Row]:
    """As pandas, polars and all others read a folder."""
    if not list((place / "out").glob("*")):
        return []
    return tuples(pq.read_table(place / "out"))


def changelog_rows(place: Path, sink: Any) -> list[Row]:
    """The sum of all changes."""
    total: Counter[Row] = Counter()
    for *row, _, weight in parquet_rows(place, sink):
        total[tuple(row)] += weight
    assert all(count >= 0 for count in total.values()), "a row was taken back that was not there"
    return sorted(total.elements(), key=str)


def told(place: Path) -> Any:
    """A callback that writes down what it is told."""

    def write(what: str, epoch: int, rows: list[Row]) -> None:
        with open(place / "told.jsonl", "a") as file:
            file.write(json.dumps([what, epoch, rows]) + "\n")

    return ph.to_callback(
        lambda epoch, changes: write("rows", epoch, tuples(changes)),
        rolled_back=lambda epoch: write("rolled back", epoch, []),
    )


def told_rows(place: Path, sink: Any) -> list[Row]:
    """As the receiver of a callback should understand it: epochs behind the one that it is taken back to are void."""
    by_epoch: dict[int, list[Row]] = {}
    path = place / "told.jsonl"
    for line in path.read_text().splitlines() if path.exists() else []:
        what, epoch, rows = json.loads(line)
        if what == "rolled back":
            by_epoch = {known: rows for known, rows in by_epoch.items() if known <= epoch}
        else:
            by_epoch[epoch] = [tuple(row) for row in rows]
    return [row for rows in by_epoch.values() for row in rows]


def remembered(place: Path, sink: Any) -> list[Row]:
    return tuples(sink.latest())


def counted(place: Path, sink: Any) -> list[Row]:
    """As many rows as were counted; which ones, nobody knows."""
    return [("?",)] * sink.net_rows


def parquet(place: Path, **options: Any) -> Any:
    return ph.to_parquet(place / "out", **options)


def kafka(place: Path, *, partitions: int = 2, **options: Any) -> Any:
    """A topic of the emulator of the Kafka protocol, one a place."""
    servers = os.environ["KAFKA_EMULATOR"]
    topic = create_topic(servers, topic_of(place), partitions)
    return ph.to_kafka(topic, bootstrap_servers=servers, **options)


def topic_of(place: Path) -> str:
    return re.sub(r"[^a-zA-Z0-9]", "-", str(place))[-200:]


def kafka_records(place: Path) -> list[tuple[bytes | None, bytes | None]]:
    """Keys and values of what is committed, in the order of each partition."""
    from confluent_kafka import Consumer, TopicPartition

    servers, topic, found = os.environ["KAFKA_EMULATOR"], topic_of(place), []
    consumer = Consumer(
        {"bootstrap.servers": servers, "group.id": "looks", "enable.partition.eof": True, "fetch.wait.max.ms": 10}
    )
    partitions = consumer.list_topics(topic, 10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    ends = 0
    while ends < len(partitions):
        for message in consumer.consume(1000, 0.01):
            ends += message.error() is not None
            if message.error() is None:
                found.append((message.key(), message.value()))
    consumer.close()
    return found


def kafka_rows(place: Path, sink: Any) -> list[Row]:
    return [tuple(json.loads(value or b"").values()) for _, value in kafka_records(place)]


def kafka_table_rows(place: Path, sink: Any) -> list[Row]:
    """The last value of each key, as compaction leaves it."""
    last = dict(kafka_records(place))
    rows = {key: tuple(json.loads(value).values()) for key, value in last.items() if value is not None}
    assert all(json.loads(key or b"") == {"key": row[0]} for key, row in rows.items())
    return list(rows.values())


def kafka_changelog_rows(place: Path, sink: Any) -> list[Row]:
    total: Counter[Row] = Counter()
    for *row, weight in kafka_rows(place, sink):
        total[tuple(row)] += weight
    return sorted(total.elements(), key=str)


def in_kafka(rows: Callable[[Path, Any], list[Row]], mode: str = "append", **options: Any) -> SinkCase:
    key = None if mode == "append" else ("key",)
    make = functools.partial(kafka, **options)
    return SinkCase(make, rows, mode, key, owned=False, goes_back=False, needs="kafka_emulator")


SINKS: dict[str, SinkCase] = {
    "memory": SinkCase(lambda place: ph.to_memory(), remembered, exactly_once=False, lasting=False, owned=False),
    "counting": SinkCase(
        lambda place: ph.to_nothing(), counted, exactly_once=False, lasting=False, owned=False, only_counts=True
    ),
    "callback": SinkCase(told, told_rows, exactly_once=False, owned=False),
    "parquet": SinkCase(parquet, parquet_rows),
    "parquet, tiny files": SinkCase(lambda place: parquet(place, target_bytes=1), parquet_rows),
    "parquet table": SinkCase(parquet, parquet_rows, "update", ("key",)),
    "parquet, complete": SinkCase(parquet, parquet_rows, "complete", ("key",)),
    "kafka": in_kafka(kafka_rows, key="key", partitions=1),
    "kafka table": in_kafka(kafka_table_rows, "update"),
    "kafka changelog": in_kafka(kafka_changelog_rows, "update", changes="weight"),
    "parquet changelog": SinkCase(lambda place: parquet(place, changelog=True), changelog_rows, "update", ("key",)),
}


def expected(case: SinkCase, epoch: int) -> list[Row]:
    """The whole result at the end of an epoch, as `seen` shows it."""
    table = table_at(case.mode, epoch)
    return [("?",)] * len(table) if case.only_counts else sorted(table, key=str)


def seen(case: SinkCase, place: Path, sink: Any = None) -> list[Row]:
    """What can be seen now, sorted."""
    return sorted(case.rows(place, sink), key=str)


def tuples(table: pa.Table) -> list[Row]:
    return [tuple(row.values()) for row in table.to_pylist()]


# What is written: for each mode some endless sequence of epochs, the same each time


def changes_of(mode: str, epoch: int) -> list[tuple[Row, int]]:
    """What an epoch changes, as rows and weights."""
    if mode == "append":
        return [((f"{epoch}", epoch), 1), ((None if epoch == 4 else f"{epoch} too", -epoch), 1)]
    before, after = table_at("update", epoch - 1), table_at("update", epoch)
    if mode == "complete":
        return [(row, 1) for row in after]
    return [(row, -1) for row in before if row not in after] + [(row, 1) for row in after if row not in before]


def table_at(mode: str, epoch: int) -> list[Row]:
    """The whole result at the end of an epoch, in some order."""
    if mode == "append":
        return [row for each in range(1, epoch + 1) for row, _ in changes_of("append", each)]
    last = {
        key: each for each in range(1, epoch + 1) for key in (f"{each % 7}", None if each % 5 == 0 else f"{each % 3}")
    }
    gone = {f"{epoch % 4}"}  # a key without rows disappears, and comes back
    return [(key, each) for key, each in last.items() if key not in gone]


def batch(changes: list[tuple[Row, int]]) -> Batch:
    """Rows and weights as a sink gets them."""
    rows = [row for row, _ in changes]
    columns = list(zip(*rows, strict=True)) or [[], []]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    weights = None if all(weight == 1 for _, weight in changes) else np.array([weight for _, weight in changes])
    return Batch(pa.RecordBatch.from_arrays(arrays, schema=SCHEMA), weights)


def epoch_batch(mode: str, epoch: int) -> Batch:
    return batch(changes_of(mode, epoch))


def files_in(place: Path) -> list[str]:
    """Every file below a place, hidden ones too."""
    return sorted(
        os.path.relpath(os.path.join(folder, name), place) for folder, _, names in os.walk(place) for name in names
    )
