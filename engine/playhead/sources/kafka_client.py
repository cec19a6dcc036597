"""Talking to Kafka through confluent-kafka: settings, clients, brokers that go away and come back."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from playhead.errors import KafkaAwayWarning, PlanError, SourceError, did_you_mean, frames_to_user
from playhead.sources.source import Stop

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError

ANSWER_SECONDS = 1.0
"""How long one question to a broker may take before it is asked again."""

FIRST_ANSWER_SECONDS = 15.0
"""How long a query that begins waits for the first answer."""

LOG = logging.getLogger("playhead.kafka")
LOG.addHandler(logging.NullHandler())

CONSUMER_DEFAULTS = {
    "isolation.level": "read_committed",
    "fetch.wait.max.ms": 50,
    "queued.min.messages": 1_000_000,  # bounded by bytes instead
    "queued.max.messages.kbytes": 16_384,
    "check.crcs": True,
}
OURS = {
    "bootstrap.servers": "say bootstrap_servers=",
    "enable.auto.commit": "positions are kept in checkpoints",
    "enable.auto.offset.store": "positions are kept in checkpoints",
    "auto.offset.reset": "say start=",
    "enable.partition.eof": "the source needs it",
    "group.id": "say group=",
}
"""Settings that are not the user's, and what to say instead."""

Answer = TypeVar("Answer")


def require_client() -> None:
    """Refuse to read or write Kafka without the package that does it."""
    if find_spec("confluent_kafka") is None:
        raise PlanError("Kafka needs the package confluent-kafka: pip install 'playhead[kafka]'")


def client_settings(bootstrap_servers: str | Sequence[str], settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """The user's settings for the client, under Kafka's own names."""
    servers = bootstrap_servers if isinstance(bootstrap_servers, str) else ",".join(bootstrap_servers)
    if not servers:
        raise PlanError("bootstrap_servers= names at least one broker, such as 'localhost:9092'")
    given = dict(settings or {})
    for name in given:
        if not isinstance(name, str) or ("_" in name and "." not in name and not name.endswith("_cb")):
            raise PlanError(f"settings= has {name!r}; settings have Kafka's own names, such as 'security.protocol'")
        if name in OURS:
            raise PlanError(f"settings= may not have {name!r}: {OURS[name]}")
    return {**given, "bootstrap.servers": servers}


def kafka_consumer(settings: Mapping[str, Any], *, group: str | None, on_error: Any, ends: bool) -> Consumer:
    """A consumer that is told what to read, and that never keeps a position by itself."""
    from confluent_kafka import Consumer, KafkaException

    ours = {
        "group.id": group or "playhead",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "enable.partition.eof": ends,
        "error_cb": on_error,
    }
    try:
        return Consumer({**CONSUMER_DEFAULTS, **settings, **ours}, logger=LOG)
    except KafkaException as error:
        raise SourceError(f"the client refuses its settings: {error.args[0].str()}") from error


@dataclass
class Outages:
    """Who of several clients of one connector has lost all brokers; each outage is counted and told once."""

    what: str
    """What goes on by itself: `reading 'trades'`."""
    servers: str
    count: int = 0
    out: set[str] = field(default_factory=set)

    def lost(self, who: str, why: str) -> None:
        """A client cannot reach any broker."""
        before, self.out = bool(self.out), self.out | {who}
        if before:
            return
        self.count += 1
        warnings.warn(
            f"no Kafka broker answers at {self.servers} ({why}): {self.what} goes on by itself when one does "
            f"(outage {self.count} so far)",
            KafkaAwayWarning,
            stacklevel=frames_to_user(),
        )

    def back(self, who: str) -> None:
        """A client was answered."""
        if who in self.out:
            self.out = self.out - {who}


def is_away(error: KafkaError) -> bool:
    """Whether an error only says that brokers are out of reach for now."""
    from confluent_kafka import KafkaError as Codes

    away = (Codes._ALL_BROKERS_DOWN, Codes._TRANSPORT, Codes._TIMED_OUT, Codes._RESOLVE, Codes._MAX_POLL_EXCEEDED)
    return error.code() in away or (error.retriable() and not error.fatal())


def until_answered(
    ask: Callable[[float], Answer], who: str, outages: Outages, stop: Stop | None, *, patience: float | None
) -> Answer | None:
    """Ask until there is an answer; None when told to stop. Gives up after `patience` seconds, if that is given."""
    from confluent_kafka import KafkaException

    begun = monotonic()
    while stop is None or not stop.is_set():
        try:
            answer = ask(ANSWER_SECONDS)
        except KafkaException as error:
            problem = error.args[0]
            if not is_away(problem):
                raise SourceError(f"{outages.what} failed: {problem.str()}") from error
            if patience is not None and monotonic() - begun >= patience:
                raise SourceError(
                    f"no Kafka broker answered at {outages.servers} for {patience:g} s: {problem.str()}"
                ) from error
            if patience is None:
                outages.lost(who, problem.str())
            if stop is not None:
                stop.wait(0.05)
        else:
            outages.back(who)
            return answer
    return None


def partitions_of(consumer: Consumer, topic: str, timeout: float) -> list[int]:
    """The partitions that a topic has now."""
    from confluent_kafka import KafkaError, KafkaException

    found = consumer.list_topics(topic, timeout).topics[topic]
    if found.error is not None:
        if found.error.code() not in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
            raise KafkaException(found.error)
        names = [name for name in consumer.list_topics(timeout=timeout).topics if not name.startswith("__")]
        near = did_you_mean(topic, names) or f"; there is {sorted(names)[:10]}"
        raise SourceError(f"no topic {topic!r}{near}")
    return sorted(found.partitions)
