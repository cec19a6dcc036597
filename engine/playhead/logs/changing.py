"""One transaction on a log: everything done within it is there afterwards, for every reader at once, or nothing is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from playhead.logs import tables, writing
from playhead.logs.bell import ring
from playhead.logs.database import Database
from playhead.logs.evolution import as_columns
from playhead.logs.retention import forget
from playhead.sources.clock import Clock


@dataclass(frozen=True)
class Ready:
    """Rows that were encoded ahead, under columns that may not be the newest any more."""

    batches: Sequence[pa.RecordBatch]
    encoded: list[writing.Encoded]
    version: int

    @property
    def rows(self) -> int:
        return sum(batch.num_rows for batch in self.batches)


@contextmanager
def changing(database: Database, path: str, clock: Clock) -> Iterator[Change]:
    """A transaction. When rows were added, retention is kept in it, and readers that wait are woken after it."""
    with database.writing() as connection:
        change = Change(connection, path, clock)
        yield change
        if change.added:
            forget(connection, change.settings.retention)
    if change.added:
        ring(path)


class Change:
    """What can be done within a transaction."""

    def __init__(self, connection: sqlite3.Connection, path: str, clock: Clock) -> None:
        self.connection, self.path, self.clock = connection, path, clock
        self.settings = tables.load_settings(connection, path)
        self.added = False

    # Rows

    def append(self, ready: Ready) -> int:
        """Add rows to the ends of their partitions; returns how many."""
        encoded, version = self._newest(ready)
        writing.append(self.connection, encoded, version, self.clock())
        self.added = True
        return ready.rows

    def stage(self, writer: str, ready: Ready) -> int:
        """Put rows where no reader sees them; returns the number of the last piece, 0 if there were no rows."""
        encoded, version = self._newest(ready)
        return writing.stage(self.connection, writer, encoded, version)

    def publish(self, writer: str, until: int) -> int:
        """Add what `writer` has staged up to piece number `until`; returns how many rows that were."""
        self.added = True
        return writing.publish(self.connection, writer, until, self.clock())

    def discard(self, writer: str) -> None:
        """Forget what `writer` has staged and not published."""
        writing.discard(self.connection, writer)

    def _newest(self, ready: Ready) -> tuple[list[writing.Encoded], int]:
        """The rows under the newest columns: another process may have changed them."""
        version = tables.newest_columns(self.connection)
        if version == ready.version:
            return ready.encoded, version
        schema = tables.Columns().of(version, self.connection)
        encoder = writing.Encoder(self.settings, schema)
        batches = [as_columns(batch, schema, self.path) for batch in ready.batches if batch.num_rows]
        return [each for batch in batches for each in encoder.encode(batch)], version

    # Writers

    def writer(self, name: str) -> tables.Writer:
        """What is known of a writer."""
        return tables.load_writer(self.connection, name)

    def save(self, writer: tables.Writer) -> None:
        """Remember a writer as it is now."""
        tables.save_writer(self.connection, writer)

    def advance(self, name: str, number: int) -> bool:
        """Remember that append `number` of a writer is done; False if it was done before."""
        if number <= self.writer(name).number:
            return False
        self.save(tables.Writer(name, number))
        return True
