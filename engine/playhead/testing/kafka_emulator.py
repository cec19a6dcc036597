"""A server for tests that speaks the Kafka protocol: an emulator, not Apache Kafka.

It is the program of the package noida-db (the extra `playhead[test-servers]`), started only if it is the very one that
was tried: a hash is compared. It listens on the loopback address alone. What it acknowledges is in memory first, so
that tests crash queries, not the server; it keeps its data when it is stopped and started again in good order.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from playhead.errors import PlayheadError

SHA256 = {
    ("Linux", "x86_64"): "d723e9d728b1d2005f0ee74f0c3696ba11aa021c280f869b6d095e6a87e357b7",
}
"""Of the program of noida-db 0.2.3, by system and machine."""

HOST = "127.0.0.1"
READY_SECONDS = 30.0


class EmulatorUnavailable(PlayheadError):
    """There is no program to start, or none for this machine that was tried."""


def program() -> Path:
    """The emulator's program, if it is there and is the one that was tried."""
    spec = find_spec("noida_db")
    if spec is None or spec.origin is None:
        raise EmulatorUnavailable("the emulator of the Kafka protocol is missing: pip install 'playhead[test-servers]'")
    expected = SHA256.get((platform.system(), platform.machine()))
    if expected is None:
        raise EmulatorUnavailable(f"the emulator was not tried on {platform.system()} {platform.machine()}")
    path = Path(spec.origin).parent / "noida-db"
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise PlayheadError(f"{path} has the SHA-256 {found}, not {expected}: it is another program than the one tried")
    return path


class KafkaEmulator:
    """A server of the Kafka protocol on a free port of this machine, for as long as a `with` block lasts.

    Examples
    --------
    >>> from playhead.testing.kafka_emulator import KafkaEmulator
    >>> KafkaEmulator().servers.startswith("127.0.0.1:")
    True
    """

    def __init__(self) -> None:
        self.port = _free_port()
        self.servers = f"{HOST}:{self.port}"
        self._folder: str | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> KafkaEmulator:
        self._folder = tempfile.mkdtemp(prefix="playhead-kafka-")
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server, on the same port and with the data of before; returns when it answers."""
        assert self._folder is not None, "start it as `with KafkaEmulator() as kafka`"
        log = Path(self._folder) / "log"
        path = program()
        if not os.access(path, os.X_OK):
            path = Path(shutil.copy2(path, self._folder))
            path.chmod(0o700)
        words = ["start", "--data-dir", f"{self._folder}/data", "--only", "kafka"]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(path), *words, "--host", HOST, "--kafka-port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        deadline = monotonic() + READY_SECONDS
        while not self._answers():
            if self._process.poll() is not None or monotonic() > deadline:
                raise PlayheadError(f"the emulator of the Kafka protocol did not start: {log.read_text()}")
            sleep(0.01)

    def stop(self) -> None:
        """End the server; what it holds stays for the next `start`."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def create_topic(self, topic: str, partitions: int = 1) -> str:
        """Make a topic whose records of long ago are kept, and return its name."""
        return create_topic(self.servers, topic, partitions)

    def add_partitions(self, topic: str, total: int) -> None:
        """Give a topic more partitions."""
        from confluent_kafka.cimpl import NewPartitions

        client = _admin(self.servers)
        client.create_partitions([NewPartitions(topic, total)])[topic].result(10)

    def send(self, topic: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Write records, each a dict of what `confluent_kafka.Producer.produce` takes: value, key, partition, ..."""
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": self.servers, "linger.ms": 1})
        for record in records:
            producer.produce(topic, **record)
        if producer.flush(20):
            raise PlayheadError(f"records could not be written to {topic!r}")

    def _answers(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), 0.2).close()
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def create_topic(servers: str, topic: str, partitions: int = 1) -> str:
    """Make a topic whose records of long ago are kept, if it is not there, and return its name."""
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.cimpl import NewTopic

    new = NewTopic(topic, num_partitions=partitions, replication_factor=1, config={"retention.ms": "-1"})
    client = _admin(servers)
    try:
        client.create_topics([new])[topic].result(10)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    return topic


def _admin(servers: str) -> Any:
    from confluent_kafka.admin import AdminClient

    return AdminClient({"bootstrap.servers": servers})
