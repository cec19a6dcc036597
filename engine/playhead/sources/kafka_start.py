"""Where reading a topic begins: its first record, its next one, a moment, or exact offsets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from playhead.errors import PlanError, did_you_mean
from playhead.functions.literals import scalar_of
from playhead.sources.time_parsing import time_parser

if TYPE_CHECKING:
    from confluent_kafka import Consumer

WORDS = ("earliest", "latest")


@dataclass(frozen=True)
class Start:
    """Where the partitions of a topic begin to be read."""

    word: str = ""
    """"earliest" or "latest"; else one of the others says it."""
    millisecond: int = 0
    """The first record whose timestamp is not before this, since 1970."""
    offsets: Mapping[int, int] | None = None
    """By partition; one that is not named is read from its first record."""

    def offset(self, consumer: Consumer, topic: str, partition: int, timeout: float, *, new: bool = False) -> int:
        """The offset of the first record to read. A partition that is `new` was not there when reading began, so
        that all of its records are to come."""
        from confluent_kafka import TopicPartition

        first, next = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout)
        if self.offsets is not None:
            return self.offsets.get(partition, first)
        if self.word:
            return next if self.word == "latest" and not new else first
        (found,) = consumer.offsets_for_times([TopicPartition(topic, partition, self.millisecond)], timeout)
        return int(found.offset) if found.offset >= 0 else next


def parse_start(start: Any, zone: str) -> Start:
    """What the user said with `start=`; a time without a zone is one of `zone`."""
    if isinstance(start, Start):
        return start
    if isinstance(start, Mapping):
        for partition, offset in start.items():
            if not (_is_count(partition) and _is_count(offset)):
                raise PlanError(
                    f"start= is {{partition: offset}}, whole numbers from 0 on; not {partition!r}: {offset!r}"
                )
        return Start(offsets={int(partition): int(offset) for partition, offset in start.items()})
    if start in WORDS:
        return Start(word=start)
    value = scalar_of(start)
    textual = pa.types.is_string(value.type)
    if not (textual or pa.types.is_timestamp(value.type) or pa.types.is_date(value.type)):
        raise PlanError(f"start={start!r} is neither 'earliest', 'latest', a time, nor {{partition: offset}}")
    zoned = pa.types.is_timestamp(value.type) and value.type.tz is not None
    parser = time_parser(pa.field("start", value.type), None if zoned else zone, None, text=True)
    (moment,) = parser.parse(pa.array([value], value.type))
    if not moment.is_valid:
        raise PlanError(
            f"start={start!r} is neither 'earliest', 'latest' nor a time such as '2013-01-31 23:59'"
            f"{did_you_mean(start, WORDS) if textual else ''}"
        )
    return Start(millisecond=-(-moment.value // 1000))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
