"""What tests of connectors share: an emulator of the Kafka protocol; modules beside them, such as `sink_cases.py`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from playhead.testing.kafka_emulator import KafkaEmulator

sys.path.insert(0, str(Path(__file__).parent))
NUMBERS = count()


@pytest.fixture(scope="session")
def kafka_emulator() -> Iterator[KafkaEmulator]:
    """One for all tests of a process; it is not Apache Kafka, which was not available to the tests."""
    with KafkaEmulator() as emulator:
        os.environ["KAFKA_EMULATOR"] = emulator.servers  # for those that a fixture does not reach: sink_cases.py
        yield emulator
        del os.environ["KAFKA_EMULATOR"]


@pytest.fixture
def new_topic(kafka_emulator):
    """A function that makes a topic of a name of its own."""
    return lambda partitions=1: kafka_emulator.create_topic(f"topic-{next(NUMBERS)}", partitions)
