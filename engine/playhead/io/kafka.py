"""Frames over Kafka topics, and results that go to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from playhead.errors import PlanError
from playhead.frame.frame import Frame
from playhead.io.begin import begin
from playhead.io.types import Duration, Schema, Time
from playhead.sources.timing import Declared

if TYPE_CHECKING:
    from playhead.sinks.kafka import KafkaSink
    from playhead.sources.kafka import KafkaSource


def read_kafka(
    topic: str,
    *,
    bootstrap_servers: str | Sequence[str],
    schema: Schema,
    time: Time = None,
    tz: str | None = None,
    unit: str | None = None,
    arrival: str | None = None,
    sequence: str | Sequence[str] = (),
    out_of_order: Duration = None,
    idle_timeout: Duration = None,
    format: str = "json",
    start: Any = "earliest",
    until: str | None = None,
    key: str | Sequence[str] | None = None,
    headers: str | None = None,
    metadata: Sequence[str] | Mapping[str, str] = (),
    settings: Mapping[str, Any] | None = None,
    group: str | None = None,
    on_error: str = "reject",
) -> Frame:
    """A frame over a Kafka topic: each partition is read on its own, new ones as they are found.

    Where reading goes on after a restart is in the query's checkpoints, never in a consumer group. Only committed
    records are read. When brokers go away, reading goes on by itself when they are back. Records that do not fit go to
    `query.rejected` with partition, offset and reason; so do records without a value.

    Parameters
    ----------
    topic : str
    bootstrap_servers : str or sequence of str
        Some brokers to begin with, such as "localhost:9092".
    schema : pyarrow.Schema or dict
        Names and types of the columns. The order is that of the cells in CSV.
    format : {"json", "csv", "arrow"}
        What values are: an object of JSON, a line of CSV without a header, or a stream of Arrow IPC with any number
        of rows, which is by far the fastest when there are many.
    start : "earliest", "latest", a time, or {partition: offset}
        Where a query that is new begins: at the first record that is there, at the next that is written, at the first
        whose timestamp is not before a time, or at exact offsets (partitions that are not named: at their first).
    until : "now", optional
        Read up to the last record that is there when reading begins; the frame is then bounded.
    key : str or sequence of str, optional
        Columns of the schema that are in a record's key, not in its value: one is the key as text (or bytes), several
        are the fields of a JSON object.
    headers : str, optional
        A column for a record's headers, a map of names to bytes.
    metadata : sequence of str or dict, optional
        Columns for "partition", "offset" and "timestamp" of a record; {"offset": "kafka_offset"} calls one otherwise.
        `time="timestamp"` is possible.
    settings : dict, optional
        What the client takes beside that, under Kafka's own names: {"security.protocol": "SASL_SSL", ...}.
    group : str, optional
        A consumer group that is told what was read, for tools that watch how far behind readers are.
    on_error : {"reject", "raise"}
        Whether records that do not fit go to `query.rejected` or stop the query.

    The other parameters are those of `from_pandas`; `time` is ISO 8601 in JSON and CSV, or an integer with `unit`.

    Examples
    --------
    >>> import playhead as ph
    >>> schema = {"at": "timestamp[us, UTC]", "symbol": "string", "price": "float64"}
    >>> trades = ph.read_kafka(
    ...     "trades", bootstrap_servers="localhost:9092", schema=schema, time="at", out_of_order="5s",
    ...     metadata=["partition", "offset"], settings={"security.protocol": "SSL"},
    ... )
    >>> trades.columns, trades.bounded
    (['at', 'symbol', 'price', 'partition', 'offset'], False)
    """
    if until not in (None, "now"):
        raise PlanError(f"until={until!r} is neither 'now' nor None")
    declared = Declared(time, tz, unit, arrival, sequence, out_of_order, idle_timeout, on_error)
    from playhead.sources.kafka import KafkaSource  # here, so that `import playhead` need not wait for them
    from playhead.sources.kafka_columns import KafkaColumns

    columns = KafkaColumns(schema, format, key, headers, metadata)

    def build(each: Declared) -> KafkaSource:
        return KafkaSource(
            topic,
            bootstrap_servers,
            each,
            columns,
            start=start,
            ends=until == "now",
            settings=settings,
            group=group,
        )

    return begin(declared, build)


def to_kafka(
    topic: str,
    *,
    bootstrap_servers: str | Sequence[str],
    key: str | Sequence[str] | None = None,
    format: str = "json",
    changes: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> KafkaSink:
    """A sink that writes each row to a Kafka topic, exactly once for those who read only what is committed.

    The rows of a checkpoint (without one: of an epoch) are one transaction. Which epoch the topic has is remembered as
    the offset of a consumer group named after query and topic, so that the *name* of a query is its identity: two
    queries of one name cannot write to one topic, the older one is stopped. Brokers forget that offset some days
    (`offsets.retention.minutes`) after the query wrote last; only then could a checkpoint be written twice.

    Parameters
    ----------
    topic : str
        It has to be there.
    bootstrap_servers : str or sequence of str
    key : str or sequence of str, optional
        The columns that become the record's key, by which Kafka chooses the partition: one name is its value as text,
        a sequence is an object of JSON with those fields. Values have these columns too.
    format : {"json", "csv", "arrow"}
        What values are: objects of JSON; lines of CSV without a header; streams of Arrow IPC, which hold many rows of
        one key (or of any, without `key`). Numbers that JSON does not have (NaN, infinity) become null.
    changes : {"upsert", "weight"}, optional
        How mode "update" is written; without it, results are written when they are final (mode "append") unless the
        mode is asked for. "upsert": a row replaces the one of its key before it, and a record without a value deletes
        it, as compacted topics want it; the key is that of the result (`["symbol", "window_start"]`), or `key`.
        "weight": every row that is added or taken back, with a last column `weight`, +1 or -1.
    settings : dict, optional
        What the client takes beside that, under Kafka's own names: {"security.protocol": "SASL_SSL", ...}.

    Examples
    --------
    >>> import playhead as ph
    >>> ph.to_kafka("bars", bootstrap_servers="localhost:9092", key="symbol").modes
    ('append', 'update')
    >>> ph.to_kafka("totals", bootstrap_servers="localhost:9092", changes="upsert").modes
    ('update',)
    """
    from playhead.sinks.kafka import KafkaSink

    return KafkaSink(topic, bootstrap_servers, key, format, changes, settings)
