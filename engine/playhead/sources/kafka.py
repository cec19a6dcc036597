"""Rows from a Kafka topic: one split a partition, read from an offset, without an end or up to now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from playhead.errors import SourceError
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.sources.clock import LISTEN_SECONDS
from playhead.sources.columns import chosen, conform, plain_schema
from playhead.sources.declared_source import DeclaredSource
from playhead.sources.kafka_client import (
    FIRST_ANSWER_SECONDS,
    Outages,
    client_settings,
    is_away,
    kafka_consumer,
    partitions_of,
    require_client,
    until_answered,
)
from playhead.sources.kafka_columns import KafkaColumns, record_format
from playhead.sources.kafka_records import Places, Record, place, text
from playhead.sources.kafka_start import Start, parse_start
from playhead.sources.source import Chunk, Split, Stop
from playhead.sources.text_columns import with_zone
from playhead.sources.timing import Declared, merged, timing

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

RECORDS = 16_384
"""How many records are decoded at once, at most."""

LOOK_FOR_PARTITIONS = 5.0
"""Seconds between two looks for new partitions of a topic that is read without an end."""


class KafkaSource(DeclaredSource):
    """The partitions of a topic; a position is the offset of the next record.

    The first chunk of a split that is read from its start is empty: it says at which offset that is.
    """

    def __init__(
        self,
        topic: str,
        bootstrap_servers: str | Sequence[str],
        declared: Declared,
        columns: KafkaColumns,
        *,
        start: Any = "earliest",
        ends: bool = False,
        settings: Mapping[str, Any] | None = None,
        group: str | None = None,
    ) -> None:
        require_client()
        self.topic, self.group = topic, group
        self.settings = client_settings(bootstrap_servers, settings)
        self.bounded, self.grows = ends, not ends
        self.format, read, given = record_format(columns, declared)
        declared = with_zone(declared, given)
        super().__init__(
            f"topic {topic}", timing(declared, plain_schema(read), bounded=ends, text=columns.format != "arrow")
        )
        self.read_schema = plain_schema(read)
        zone = self.schema.field(self.time.column).type.tz if self.time else "UTC"
        self.start = parse_start(start, zone)
        self.known: tuple[int, ...] | None = None
        """The partitions found so far; None before anybody has looked."""
        self.first: frozenset[int] | None = None
        """Those that were there at the first look."""
        self.outages = Outages(f"reading the topic {topic!r}", self.settings["bootstrap.servers"])

    # Other parts of the same topic

    def until_now(self) -> KafkaSource:
        """The same records, up to the last one that is there when reading begins."""
        ended = self._copy()
        ended.bounded, ended.grows = True, False
        return ended

    def starting(self, start: Any) -> KafkaSource:
        """The same topic from another place on: exactly at {partition: offset}, at a time, ..."""
        moved = self._copy()
        moved.start = parse_start(start, "UTC")
        return moved

    def offsets(self, start: Any) -> dict[int, int]:
        """What `start` means in offsets, for every partition, at this moment."""
        begin = parse_start(start, "UTC")
        with self._consumer("offsets") as consumer:
            found = {}
            for partition in self._ask(lambda timeout: partitions_of(consumer, self.topic, timeout), "offsets"):
                ask = partial(begin.offset, consumer, self.topic, partition)
                found[partition] = self._ask(ask, "offsets")
            return found

    def _copy(self) -> KafkaSource:
        other = copy(self)
        other.known = other.first = None
        other.outages = Outages(self.outages.what, self.outages.servers)
        return other

    # Splits

    def splits(self) -> list[Split]:
        """The partitions known: the first look asks the broker, later ones leave that to who reads."""
        if self.known is None or self.bounded:
            with self._consumer("partitions") as consumer:
                found = self._ask(lambda timeout: partitions_of(consumer, self.topic, timeout), "partitions")
                self.known = tuple(found)
                self.first = frozenset(found) if self.first is None else self.first
                if self.bounded:
                    return [Split(str(number), details=self._end(consumer, number)) for number in found]
        return [Split(str(number)) for number in self.known]

    def resumed(self, splits: Sequence[str]) -> None:
        """A query goes on that knew these partitions: all others are new, and read from their first record."""
        self.first = frozenset(int(name) for name in splits)

    def _end(self, consumer: Consumer, partition: int) -> int:
        from confluent_kafka import TopicPartition

        at = TopicPartition(self.topic, partition)
        return int(self._ask(lambda timeout: consumer.get_watermark_offsets(at, timeout), "partitions")[1])

    def _ask(self, ask: Callable[[float], Any], who: str) -> Any:
        return until_answered(ask, who, self.outages, None, patience=FIRST_ANSWER_SECONDS)

    @contextmanager
    def _consumer(self, who: str) -> Iterator[Consumer]:
        def on_error(error: Any) -> None:
            if is_away(error):
                self.outages.lost(who, error.str())

        patient = who in ("partitions", "offsets")  # those who ask tell of it themselves
        consumer = kafka_consumer(
            self.settings, group=self.group, on_error=_ignore if patient else on_error, ends=self.bounded
        )
        try:
            yield consumer
        finally:
            consumer.close()

    # Reading

    def read(self, split: Split, columns: Sequence[str], position: Any, stop: Stop) -> Iterator[Chunk]:
        self.to_decode(columns)
        partition, who = int(split.name), f"partition {split.name}"
        with self._consumer(who) as consumer:
            reading = _Reading(self, consumer, partition, who, stop)
            end = split.details if self.bounded and split.details is not None else None
            if self.bounded and end is None:
                end = self._end(consumer, partition)
            if position is None:
                position = reading.begin()
                if position is None:
                    return
                yield self._chunk([], columns, position, end)
            yield from self._read_on(reading, columns, int(position), end)

    def _read_on(self, reading: _Reading, columns: Sequence[str], offset: int, end: int | None) -> Iterator[Chunk]:
        reading.go_to(offset)
        while not reading.stop.is_set() and (end is None or offset < end):
            records, after = reading.next(offset)
            if end is not None and after > end:
                records = [record for record in records if record.offset() < end]
                after = end
            if after > offset:
                offset = after
                yield self._chunk(records, columns, offset, end)
                reading.report(offset)

    def _chunk(self, records: Sequence[Record], columns: Sequence[str], after: int, end: int | None) -> Chunk:
        rest = MAX_TIME if end is not None and after >= end else MIN_TIME
        names = self.to_decode(columns)
        found, counts = self.format.rows(records, names)
        read = chosen(self.read_schema, [name for name in self.schema.names if name in self._made(names)])
        if found.batches:
            rows = conform(pa.concat_batches([batch.select(read.names) for batch in found.batches]), read)
        else:
            rows = pa.RecordBatch.from_pylist([], schema=read)
        places = Places(found.good, counts)
        bad = self.timing.reject([(place(record), text(record), reason) for record, reason in found.bad])
        checked, untimed = self.timing.check(
            rows, lambda row: place(places.record(row)), lambda row: text(places.record(row))
        )
        return Chunk(checked.select(list(columns)), after, rest, rejected=merged(bad, untimed))

    def _made(self, names: Sequence[str]) -> set[str]:
        """The columns that are made of each record: all of its value and key, and what is asked for beside."""
        return {*self.format.value_schema.names, *self.format.keys.names, *names}


@dataclass
class _Reading:
    """One partition, being read by one consumer."""

    source: KafkaSource
    consumer: Consumer
    partition: int
    who: str
    stop: Stop
    looked: float = field(default_factory=monotonic)

    def begin(self) -> int | None:
        """The offset at which the source starts; None when told to stop."""
        start: Start = self.source.start
        new = self.source.first is not None and self.partition not in self.source.first

        def ask(timeout: float) -> int:
            return start.offset(self.consumer, self.source.topic, self.partition, timeout, new=new)

        return until_answered(ask, self.who, self.source.outages, self.stop, patience=None)

    def go_to(self, offset: int) -> None:
        from confluent_kafka import TopicPartition

        self.consumer.assign([TopicPartition(self.source.topic, self.partition, offset)])

    def next(self, offset: int) -> tuple[list[Record], int]:
        """Some records from `offset` on, none if none came for a moment; and the offset behind them."""
        messages: list[Any] = list(self.consumer.consume(1, LISTEN_SECONDS))
        if not messages:
            self._look_for_partitions()
            return [], offset
        messages += self.consumer.consume(RECORDS - 1, 0)
        records = [message for message in messages if message.error() is None]
        if records:
            self.source.outages.back(self.who)
            offset = records[-1].offset() + 1
        if len(records) < len(messages):
            offset = max([offset, *(self._told(message) for message in messages if message.error() is not None)])
        self._look_for_partitions()
        return records, offset

    def _told(self, message: Message) -> int:
        """What the client says instead of a record: that the end is reached, that brokers are away, what is wrong."""
        from confluent_kafka import KafkaError

        error = message.error()
        assert error is not None
        if error.code() == KafkaError._PARTITION_EOF:
            self.source.outages.back(self.who)
            return int(message.offset() or 0)
        if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            raise SourceError(self._gone(error.str()))
        if is_away(error):
            self.source.outages.lost(self.who, error.str())
            return 0
        raise SourceError(f"topic {self.source.topic!r}, partition {self.partition}: {error.str()}")

    def _gone(self, reason: str) -> str:
        from confluent_kafka import TopicPartition

        at = TopicPartition(self.source.topic, self.partition)
        first, next = self.consumer.get_watermark_offsets(at, 5.0)
        return (
            f"topic {self.source.topic!r}, partition {self.partition} has the offsets {first} to {next}, and reading "
            f"cannot go on elsewhere: records were deleted before they were read, or the topic was made anew ({reason})"
        )

    def report(self, offset: int) -> None:
        """Tell the consumer group, for those who watch how far behind readers are."""
        if self.source.group is not None:
            from confluent_kafka import TopicPartition

            self.consumer.commit(offsets=[TopicPartition(self.source.topic, self.partition, offset)], asynchronous=True)

    def _look_for_partitions(self) -> None:
        """Whoever reads the first partition looks for new ones, so that the query never waits for an answer."""
        known = self.source.known
        if (
            self.source.bounded
            or not known
            or self.partition != known[0]
            or monotonic() - self.looked < LOOK_FOR_PARTITIONS
        ):
            return
        from confluent_kafka import KafkaException

        self.looked = monotonic()
        try:
            found = partitions_of(self.consumer, self.source.topic, 0.5)
        except (KafkaException, SourceError):
            return  # the next look, or reading itself, will tell
        self.source.known = tuple(sorted({*known, *found}))


def _ignore(error: Any) -> None:
    """Somebody else tells of it."""
