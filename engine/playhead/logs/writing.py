"""Appending: rows become payloads, payloads become batches with offsets; all within the caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from playhead.logs.tables import Settings
from playhead.schema import require_column
from playhead.sources.time_parsing import TimeParser, time_parser

KEY_GROUPS = 128
BATCH_ROWS = 65_536
BATCH_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Encoded:
    """Some rows of one partition, ready to be stored."""

    partition: int
    rows: int
    least: int | None
    greatest: int | None
    data: pa.Buffer

    @property
    def bytes(self) -> int:
        return int(self.data.size)


@dataclass(frozen=True, slots=True)
class Piece:
    """Stored rows that have no offsets yet."""

    partition: int
    rows: int
    bytes: int
    columns: int
    least: int | None
    greatest: int | None
    payload: int


class Encoder:
    """Divides rows among the partitions by their key, and encodes them as Arrow IPC messages."""

    def __init__(self, settings: Settings, schema: pa.Schema) -> None:
        self.settings, self.schema = settings, schema
        self._parser = time_parser_of(settings, schema)

    def encode(self, rows: pa.RecordBatch) -> list[Encoded]:
        """The rows of each partition, in their order, in pieces of 65,536 rows and about 16 MiB at most."""
        most = max(1, min(BATCH_ROWS, rows.num_rows * BATCH_BYTES // max(rows.nbytes, 1)))
        return [
            self._encoded(partition, part.slice(start, most))
            for partition, part in self._divided(rows)
            for start in range(0, part.num_rows, most)
        ]

    def _divided(self, rows: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
        from playhead.state.key_groups import key_groups  # loads numba

        partitions = self.settings.partitions
        if partitions == 1:
            yield 0, rows
            return
        keys = [rows.column(rows.schema.get_field_index(name)) for name in self.settings.key]
        numbers = key_groups(keys, KEY_GROUPS) * partitions // KEY_GROUPS
        order = np.argsort(numbers, kind="stable")
        ends = np.cumsum(np.bincount(numbers, minlength=partitions))
        sorted_rows = rows.take(pa.array(order))
        start = 0
        for number, end in enumerate(ends.tolist()):
            if end > start:
                yield number, sorted_rows.slice(start, end - start)
            start = end

    def _encoded(self, partition: int, rows: pa.RecordBatch) -> Encoded:
        least = greatest = None
        if self._parser is not None:
            times = self._parser.parse(rows.column(rows.schema.get_field_index(self._parser.column)))
            found = pc.min_max(times.view(pa.int64()))
            least, greatest = found["min"].as_py(), found["max"].as_py()
        return Encoded(partition, rows.num_rows, least, greatest, rows.serialize())


def time_parser_of(settings: Settings, schema: pa.Schema) -> TimeParser | None:
    """How the event time of a log is read; None if it has none."""
    return None if settings.time is None else time_parser(require_column(settings.time, schema), None, None)


def append(connection: sqlite3.Connection, encoded: Iterable[Encoded], columns: int, now: int) -> dict[int, range]:
    """Store rows at the ends of their partitions; returns the offsets that each partition got."""
    given: dict[int, range] = {}
    for each in encoded:
        payload = _store(connection, each)
        piece = Piece(each.partition, each.rows, each.bytes, columns, each.least, each.greatest, payload)
        offsets = _place(connection, piece, now)
        given[each.partition] = range(given.get(each.partition, offsets).start, offsets.stop)
    return given


def stage(connection: sqlite3.Connection, writer: str, encoded: Iterable[Encoded], columns: int) -> int:
    """Store rows where no reader looks; returns the number of the last piece."""
    last = 0
    for each in encoded:
        row = connection.execute(
            "insert into staged (writer, partition, rows, bytes, columns, least, greatest, payload) "
            "values (?, ?, ?, ?, ?, ?, ?, ?) returning id",
            (
                writer,
                each.partition,
                each.rows,
                each.bytes,
                columns,
                each.least,
                each.greatest,
                _store(connection, each),
            ),
        ).fetchone()
        last = int(row[0])
    return last


def publish(connection: sqlite3.Connection, writer: str, until: int, now: int) -> int:
    """Give offsets to what `writer` has staged, up to piece number `until`; returns how many rows that were."""
    staged = connection.execute(
        "select partition, rows, bytes, columns, least, greatest, payload from staged "
        "where writer = ? and id <= ? order by id",
        (writer, until),
    ).fetchall()
    for each in staged:
        _place(connection, Piece(*each), now)
    connection.execute("delete from staged where writer = ? and id <= ?", (writer, until))
    return sum(each[1] for each in staged)


def discard(connection: sqlite3.Connection, writer: str) -> None:
    """Forget what `writer` has staged."""
    connection.execute("delete from payloads where id in (select payload from staged where writer = ?)", (writer,))
    connection.execute("delete from staged where writer = ?", (writer,))


def _store(connection: sqlite3.Connection, encoded: Encoded) -> int:
    return int(connection.execute("insert into payloads (data) values (?)", (memoryview(encoded.data),)).lastrowid or 0)


def _place(connection: sqlite3.Connection, piece: Piece, now: int) -> range:
    """Put a payload behind the last row of its partition; returns the offsets that its rows have."""
    first, reached, appended = connection.execute(
        "select next, reached, appended from partitions where number = ?", (piece.partition,)
    ).fetchone()
    now, reached = max(now, appended), _greatest((reached, piece.greatest))
    connection.execute(
        "insert into batches (partition, first, rows, bytes, columns, least, reached, appended, payload) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (piece.partition, first, piece.rows, piece.bytes, piece.columns, piece.least, reached, now, piece.payload),
    )
    connection.execute(
        "update partitions set next = ?, bytes = bytes + ?, reached = ?, appended = ? where number = ?",
        (first + piece.rows, piece.bytes, reached, now, piece.partition),
    )
    return range(first, first + piece.rows)


def _greatest(values: Sequence[int | None]) -> int | None:
    return max((value for value in values if value is not None), default=None)
