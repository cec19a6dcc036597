"""Results in a Kafka topic, exactly once: the rows of a checkpoint are one transaction, which carries its number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa

from playhead.batch import Batch, concat
from playhead.errors import PlanError, SinkError, SourceError, did_you_mean
from playhead.schema import require_column
from playhead.sinks.kafka_values import arrow_streams, json_objects, key_texts, require_types, values_of
from playhead.sinks.sink import Prepared, SinkContext
from playhead.sources.kafka_client import (
    ANSWER_SECONDS,
    FIRST_ANSWER_SECONDS,
    LOG,
    Outages,
    client_settings,
    is_away,
    kafka_consumer,
    partitions_of,
    require_client,
    until_answered,
)
from playhead.sources.kafka_records import require_format

WEIGHT = "weight"
CHANGES = ("upsert", "weight")

PATIENCE = 60.0
"""Seconds for which a transaction is tried again while brokers are away; then the query fails, and begins again."""

DEFAULTS = {
    "partitioner": "murmur2_random",  # as Kafka's own clients spread keys
    "linger.ms": 5,
    "socket.timeout.ms": 10_000,  # what waits in vain for a broker that went away is told so then
    "delivery.report.only.error": True,
}

KafkaRecord = tuple[bytes | None, bytes | None]
"""Key and value."""


class _Undone(Exception):
    """The transaction has to be given up and begun again."""


@dataclass
class KafkaSink:
    """Writes what changed between two checkpoints in one transaction, together with the number of the epoch.

    Kafka cannot finish a transaction that another process began, so that rows wait in the checkpoint until it is
    complete. The number stands as the offset of a consumer group named after the query, and is written in the same
    transaction: a second commit of an epoch is known by it. The transactional id, the same in each attempt of a
    query, keeps out those who were taken for dead.
    """

    topic: str
    bootstrap_servers: str | Sequence[str]
    key: str | Sequence[str] | None = None
    format: str = "json"
    changes: str | None = None
    settings: Mapping[str, Any] | None = field(default=None, repr=False)
    modes: tuple[str, ...] = field(default=("append", "update"), init=False)
    guarantee: str = field(default="exactly once, for readers with isolation.level=read_committed", init=False)
    eager: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        require_client()
        require_format(self.format)
        if self.changes not in (None, *CHANGES):
            raise PlanError(f"changes={self.changes!r} is none of {list(CHANGES)}{did_you_mean(self.changes, CHANGES)}")
        if self.changes is not None:
            self.modes = ("update",)
        self._client = client_settings(self.bootstrap_servers, self.settings)
        self._outages = Outages(f"writing to the topic {self.topic!r}", self._client["bootstrap.servers"])
        self._producer: Any = None
        self._consumer: Any = None
        self._waiting: list[Batch] = []
        self._refused: Any = None

    def __repr__(self) -> str:
        return f"<kafka: {self.topic}, format={self.format}>"

    # The life of a sink

    def open(self, context: SinkContext) -> None:
        self.context, self._waiting = context, []
        self._upserts = context.mode == "update" and self.changes != WEIGHT
        self._weighted = context.mode == "update" and not self._upserts
        self._keys = self._key_columns(context)
        if self._weighted and WEIGHT in context.schema.names:
            raise PlanError(f"changes='weight' adds a column {WEIGHT!r}, and the result has one; rename it")
        require_types(context.schema, self.format)
        given = self._client.get("transactional.id")
        self.identity = given or f"playhead {context.query} {self.topic}"
        writer = self.identity if context.checkpointed else f"{self.identity} {uuid4().hex}"
        self._consumer = kafka_consumer(
            {name: value for name, value in self._client.items() if name != "transactional.id"},
            group=self.identity,
            on_error=_ignore,
            ends=False,
        )
        self._require_topic()
        self._start_producer(writer)  # from here on nobody else commits
        self._last = self._last_committed() if context.checkpointed else 0

    def write(self, epoch: int, changes: Batch, watermark: int) -> None:
        if self.context.mode == "append" and changes.weights is not None:
            if (changes.weights < 1).any():
                raise SinkError(f"epoch {epoch} takes rows back, which mode='append' cannot do")
            changes = Batch(changes.take(np.repeat(np.arange(changes.num_rows), changes.weights)).rows)
        self._waiting.append(changes)

    def prepare(self, epoch: int) -> Prepared:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return Prepared()
        changes = concat(waiting)
        if changes.weights is not None:
            from playhead.consolidate import consolidate

            changes = consolidate(changes)
        tables = {"rows": pa.Table.from_batches([changes.rows])}
        if changes.weights is not None:
            tables["weights"] = pa.table({WEIGHT: changes.weights})
        return Prepared({"rows": changes.num_rows}, tables)

    def commit(self, epoch: int, prepared: Prepared) -> None:
        if "rows" not in prepared.tables or (self.context.checkpointed and epoch <= self._last):
            return
        weights = prepared.tables.get("weights")
        self._transact(
            self._records(epoch, prepared.tables["rows"], None if weights is None else weights.column(0).to_numpy()),
            epoch if self.context.checkpointed else None,
        )

    def recover(self, epoch: int, prepared: Prepared | None) -> None:
        if self._last > epoch:
            begins = f"goes on behind epoch {epoch}" if epoch else "starts from nothing"
            raise SinkError(
                f"{self.context.query!r} {begins}, and the topic {self.topic!r} has its results up to epoch "
                f"{self._last}, which others may have read: they would be there twice. Give the query another name or "
                "another topic, or go on from its newest checkpoint"
            )
        if prepared is not None:
            self.commit(epoch, prepared)

    def close(self, *, failed: bool) -> None:
        self._waiting = []
        consumer, self._consumer, self._producer = self._consumer, None, None
        if consumer is not None:
            consumer.close()

    # What is written

    def _key_columns(self, context: SinkContext) -> tuple[str, ...]:
        """The columns of the key of a record; those that identify a row where rows are replaced."""
        given = (self.key,) if isinstance(self.key, str) else tuple(self.key or ())
        for name in given:
            require_column(name, context.schema)
        unique = context.unique_key
        if not self._upserts:
            return given
        if unique is None and not given:
            raise PlanError(
                "in update mode a record replaces the one before it of the same key, and these rows have none; "
                "say key=, or changes='weight' for a changelog of rows added and taken back"
            )
        if unique is not None and given and not set(unique) <= set(given):
            raise PlanError(
                f"rows are told apart by {list(unique)}, and with key={list(given)} they would replace each other; "
                "leave key= out, or say changes='weight' for a changelog of rows added and taken back"
            )
        return given or unique or ()

    def _records(self, epoch: int, rows: pa.Table, weights: Any) -> list[KafkaRecord]:
        if self._upserts:
            return self._replacing(epoch, rows, np.ones(rows.num_rows, np.int64) if weights is None else weights)
        keys = self._key_bytes(rows)
        if self._weighted:
            weights = np.ones(rows.num_rows, np.int64) if weights is None else weights
            rows = rows.append_column(WEIGHT, pa.array(weights, pa.int64()))
        if self.format == "arrow":
            return list(arrow_streams(rows, keys))
        values = values_of(rows, self.format)
        return list(zip(keys or [None] * len(values), values, strict=True))

    def _replacing(self, epoch: int, rows: pa.Table, weights: Any) -> list[KafkaRecord]:
        """A row replaces the one of its key; a key that is only taken back gets a record without a value."""
        added, gone = rows.filter(pa.array(weights > 0)), rows.filter(pa.array(weights < 0))
        keys = self._key_bytes(added) or []
        new = set(keys)
        if len(new) < len(keys) or (weights > 1).any():
            raise SinkError(
                f"epoch {epoch} has several rows of one key {list(self._keys)}: they would replace each other"
            )
        dead = [key for key in dict.fromkeys(self._key_bytes(gone) or []) if key not in new]
        if None in new or None in dead:
            raise SinkError(f"epoch {epoch} has a row whose {self._keys[0]!r} is null; say key={list(self._keys)}")
        return [*((key, None) for key in dead), *zip(keys, values_of(added, self.format), strict=True)]

    def _key_bytes(self, rows: pa.Table) -> list[bytes | None] | None:
        if not self._keys:
            return None
        if isinstance(self.key, str):
            return key_texts(rows, self.key)
        return list(json_objects(rows.select(list(self._keys))))

    # Transactions

    def _last_committed(self) -> int:
        """The last epoch whose rows the topic has; 0 if there is none."""
        from confluent_kafka import TopicPartition

        at = TopicPartition(self.topic, 0)
        (found,) = self._asked(lambda timeout: self._consumer.committed([at], timeout))
        return max(0, int(found.offset))

    def _asked(self, ask: Callable[[float], Any]) -> Any:
        try:
            return until_answered(ask, "sink", self._outages, None, patience=FIRST_ANSWER_SECONDS)
        except SourceError as error:
            raise SinkError(str(error)) from error

    def _require_topic(self) -> None:
        self._asked(lambda timeout: partitions_of(self._consumer, self.topic, timeout))

    def _start_producer(self, writer: str) -> None:
        from confluent_kafka import KafkaException, Producer

        def on_error(error: Any) -> None:
            if is_away(error):
                self._outages.lost("sink", error.str())

        ours = {"transactional.id": writer, "error_cb": on_error}
        try:
            producer = Producer({**DEFAULTS, **self._client, **ours}, logger=LOG)
        except KafkaException as error:
            raise SinkError(f"the client refuses its settings: {error.args[0].str()}") from error
        self._producer = producer
        self._retried(producer.init_transactions, monotonic() + FIRST_ANSWER_SECONDS)

    def _transact(self, records: Sequence[KafkaRecord], epoch: int | None) -> None:
        """Write records and the number of their epoch, or nothing; once more if a broker gave the transaction up."""
        deadline = monotonic() + PATIENCE
        while True:
            try:
                self._retried(lambda timeout: self._producer.begin_transaction(), deadline)
                self._produce(records, deadline)
                if epoch is not None:
                    self._mark(epoch, deadline)
                self._retried(self._producer.commit_transaction, deadline)
                self._outages.back("sink")
                self._last = epoch or 0
                return
            except _Undone as error:
                self._retried(self._producer.abort_transaction, deadline)
                if self._refused is not None or monotonic() > deadline:
                    raise SinkError(
                        f"the topic {self.topic!r} does not take epoch {epoch}: {self._refused or error}"
                    ) from error

    def _produce(self, records: Sequence[KafkaRecord], deadline: float) -> None:
        produce, poll = self._producer.produce, self._producer.poll
        self._refused = None
        for key, value in records:
            while True:
                try:
                    produce(self.topic, value=value, key=key, on_delivery=self._told)
                    break
                except BufferError:
                    if monotonic() > deadline:
                        raise SinkError(f"the topic {self.topic!r} took nothing for {PATIENCE:g} s") from None
                    poll(0.05)
                except Exception as error:
                    self._classify(error)
                    poll(0.05)
        poll(0)

    def _told(self, error: Any, message: Any) -> None:
        from confluent_kafka import KafkaError

        passing = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT, KafkaError._MSG_TIMED_OUT)
        if error is not None and error.code() not in passing and not error.retriable():
            self._refused = error.str()

    def _mark(self, epoch: int, deadline: float) -> None:
        from confluent_kafka import TopicPartition

        offsets = [TopicPartition(self.topic, 0, epoch, f"epoch {epoch} of {self.context.query}")]
        group = self._consumer.consumer_group_metadata()
        self._retried(lambda timeout: self._producer.send_offsets_to_transaction(offsets, group, timeout), deadline)

    def _retried(self, call: Callable[[float], Any], deadline: float) -> None:
        """Call until it is done, as long as brokers only are away."""
        while True:
            try:
                call(ANSWER_SECONDS)
                return
            except Exception as error:
                self._classify(error)
                if monotonic() > deadline:
                    raise SinkError(f"no Kafka broker answers at {self._outages.servers}: {error}") from error
                self._producer.poll(0.05)  # which tells of outages

    def _classify(self, error: Exception) -> None:
        """Return if it is worth trying again, raise _Undone if the transaction is lost, SinkError if all is."""
        from confluent_kafka import KafkaError, KafkaException

        if not isinstance(error, KafkaException):
            raise error
        problem = error.args[0]
        if problem.code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH):
            raise SinkError(
                f"another run of {self.context.query!r} writes to the topic {self.topic!r} by now"
            ) from error
        if problem.fatal():
            raise SinkError(f"writing to the topic {self.topic!r} failed: {problem.str()}") from error
        if problem.txn_requires_abort():
            raise _Undone(problem.str()) from error
        if not (problem.retriable() or is_away(problem)):
            raise SinkError(f"writing to the topic {self.topic!r} failed: {problem.str()}") from error


def _ignore(error: Any) -> None:
    """The producer tells of it."""
