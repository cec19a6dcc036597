"""Reading one partition by offset, and finding offsets by event time and by the time of appending."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from playhead.errors import SourceError
from playhead.logs.database import Database
from playhead.logs.evolution import as_columns
from playhead.logs.gone import gone
from playhead.logs.tables import DATABASE, Columns, load_settings, newest_columns
from playhead.logs.writing import time_parser_of

MOST_BYTES = 64 << 20
"""Batches are joined into one piece up to this size."""


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a partition that follow each other."""

    rows: pa.RecordBatch
    next: int
    """The offset behind them."""
    end: int
    """The offset of the row that will come next; equal to `next` where these were the last."""


@dataclass(frozen=True, slots=True)
class _Batch:
    first: int
    rows: int
    bytes: int
    columns: int
    payload: int


class Reader:
    """Reads rows by partition and offset. Every call sees what is committed when it begins, and holds nothing after."""

    def __init__(self, path: str) -> None:
        self.path, self.database = path, Database(os.path.join(path, DATABASE), SourceError)
        self._columns = Columns()

    def read(self, partition: int, offset: int, schema: pa.Schema, most: int, until: int | None = None) -> Found:
        """Up to about `most` rows from `offset` on and before `until`, in the columns of `schema`."""
        with self.database.reading() as connection:
            first, end = self._bounds(connection, partition, offset)
            end = end if until is None else min(end, until)
            parts: list[pa.RecordBatch] = []
            at = offset
            for batch in self._batches(connection, partition, offset, end):
                rows = min(batch.first + batch.rows, end) - at
                if parts and (at + rows - offset > most or batch.bytes > MOST_BYTES):
                    break
                stored = self._stored(connection, batch).slice(at - batch.first, min(rows, most))
                parts.append(as_columns(stored, schema, f"{self.path}, partition {partition}, offset {at}"))
                at += stored.num_rows
        return Found(_joined(parts, schema), at, end)

    def _bounds(self, connection: sqlite3.Connection, partition: int, offset: int) -> tuple[int, int]:
        first, end = connection.execute("select first, next from partitions where number = ?", (partition,)).fetchone()
        if offset < first:
            raise gone(connection, self.path, partition, offset)
        if offset > end:
            raise SourceError(
                f"{self.path}, partition {partition}: there is no offset {offset:,}, the next row will have {end:,}; "
                "was the log made anew since the position was kept?"
            )
        return first, end

    def _batches(self, connection: sqlite3.Connection, partition: int, offset: int, until: int) -> Iterator[_Batch]:
        """The batches from the one that `offset` is in up to `until`; `bytes` counts all up to it."""
        size = 0
        for row in connection.execute(
            "select first, rows, bytes, columns, payload from batches where partition = ? and first < ? and first >= "
            "(select max(first) from batches where partition = ? and first <= ?) order by first",
            (partition, until, partition, offset),
        ):
            first, rows, its_size, columns, payload = row
            size += its_size
            yield _Batch(first, rows, size, columns, payload)

    def _stored(self, connection: sqlite3.Connection, batch: _Batch) -> pa.RecordBatch:
        """The rows of a batch under the columns that they were appended under."""
        (data,) = connection.execute("select data from payloads where id = ?", (batch.payload,)).fetchone()
        return pa.ipc.read_record_batch(pa.py_buffer(data), self._columns.of(batch.columns, connection))

    def least_times(self, partition: int, offset: int, until: int) -> list[tuple[int, int | None]]:
        """(first offset, least event time) of the batches with rows from `offset` to `until`, in order."""
        with self.database.reading() as connection:
            return connection.execute(
                "select first, least from batches where partition = ? and first + rows > ? and first < ? "
                "order by first",
                (partition, offset, until),
            ).fetchall()

    def ends(self) -> dict[int, int]:
        """The offset behind the last row of every partition."""
        with self.database.reading() as connection:
            return dict(connection.execute("select number, next from partitions").fetchall())

    def starts(self) -> dict[int, int]:
        """The offset of the first row of every partition that retention has left."""
        with self.database.reading() as connection:
            return dict(connection.execute("select number, first from partitions").fetchall())

    def offsets_at_event_time(self, time: int) -> dict[int, int]:
        """The offset in every partition of the first row whose event time is `time` or later."""
        found = {}
        with self.database.reading() as connection:
            parser = time_parser_of(load_settings(connection, self.path), self._newest(connection))
            if parser is None:
                raise SourceError(f"the event log {self.path} has no event time to seek by; seek by offset")
            for partition, end, gone_reached in _partitions(connection, "gone_reached"):
                if gone_reached is not None and gone_reached >= time:
                    raise gone(connection, self.path, partition, 0, time)
                row = connection.execute(
                    "select first, rows, bytes, columns, payload from batches where partition = ? and reached >= ? "
                    "order by first limit 1",
                    (partition, time),
                ).fetchone()
                found[partition] = end
                if row is not None:
                    batch = _Batch(*row)
                    stored = self._stored(connection, batch)
                    times = stored.column(stored.schema.get_field_index(parser.column)).cast(parser.source_type)
                    reached = pc.greater_equal(parser.parse(times).view(pa.int64()), time).fill_null(False)
                    found[partition] = batch.first + pc.index(reached, True).as_py()
        return found

    def offsets_at_append_time(self, time: int) -> dict[int, int]:
        """The offset in every partition of the first row that was appended at `time` or later."""
        found = {}
        with self.database.reading() as connection:
            for partition, end, gone_appended in _partitions(connection, "gone_appended"):
                if gone_appended is not None and gone_appended >= time:
                    raise gone(connection, self.path, partition, 0, time)
                (first,) = connection.execute(
                    "select min(first) from batches where partition = ? and appended >= ?", (partition, time)
                ).fetchone()
                found[partition] = end if first is None else first
        return found

    def zone(self) -> str:
        """The zone in which naive event times are meant."""
        with self.database.reading() as connection:
            parser = time_parser_of(load_settings(connection, self.path), self._newest(connection))
        return parser.zone if parser is not None else "UTC"

    def _newest(self, connection: sqlite3.Connection) -> pa.Schema:
        return self._columns.of(newest_columns(connection), connection)

    def version(self) -> int:
        """A number that is another one when something was committed."""
        return self.database.version()

    def close(self) -> None:
        """Let go of the files."""
        self.database.close()


def _partitions(connection: sqlite3.Connection, what: str) -> Iterator[tuple[int, int, int | None]]:
    """(number, offset behind the last row, one more column) of every partition."""
    yield from connection.execute(f"select number, next, {what} from partitions order by number").fetchall()


def _joined(parts: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    if not parts:
        return pa.RecordBatch.from_pylist([], schema=schema)
    return parts[0] if len(parts) == 1 else pa.concat_batches(parts)
