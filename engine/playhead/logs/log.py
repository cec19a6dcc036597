"""The log itself: appended to by many, asked what it holds, given new columns, told what to keep."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from playhead.durations import microseconds
from playhead.errors import PlanError, SinkError
from playhead.logs import tables, writing
from playhead.logs.changing import Change, Ready, changing
from playhead.logs.database import Database
from playhead.logs.evolution import differences, evolved, stored_schema
from playhead.logs.moments import moment
from playhead.logs.reading import Reader
from playhead.logs.retention import forget
from playhead.logs.tables import Retention
from playhead.sources.clock import Clock, system_clock
from playhead.sources.python_rows import fit
from playhead.sources.text_columns import as_schema


@dataclass(frozen=True, slots=True)
class Partition:
    """What one partition of a log holds: the rows from offset `first` up to, and without, offset `next`."""

    number: int
    first: int
    next: int
    bytes: int
    reached: int | None
    """The greatest event time of all its rows ever, in microseconds since 1970; None if there was none."""


class EventLog:
    """Rows that are kept in order, on disk, for many readers; made or opened by `event_log`.

    Any number of threads and processes may append and read at the same time. Each append is whole: it is there for
    every reader when `append` returns, and not at all if its process dies before. Rows of one key are in one
    partition, in the order in which they were appended.

    Examples
    --------
    >>> import tempfile, playhead as ph
    >>> log = ph.event_log(tempfile.mkdtemp(), schema={"name": "string", "n": "int64"}, key="name")
    >>> log.append([{"name": "a", "n": 1}, {"name": "b", "n": 2}])
    2
    >>> ph.read_event_log(log.path, until="now").n.sum().compute()
    3
    """

    def __init__(self, path: str, clock: Clock = system_clock) -> None:
        self.path, self.clock = path, clock
        self.database = Database(os.path.join(path, tables.DATABASE), SinkError)
        self._load()

    def _load(self) -> None:
        with self.database.reading() as connection:
            self.settings = tables.load_settings(connection, self.path)
            self._version = tables.newest_columns(connection)
            self._schema = tables.Columns().of(self._version, connection)
        self._encoder = writing.Encoder(self.settings, self._schema)

    def __reduce__(self) -> tuple[Any, ...]:
        return EventLog, (self.path, self.clock)

    def __repr__(self) -> str:
        settings = self.settings
        key = f" by {', '.join(settings.key)}" if settings.key else ""
        time = f", time={settings.time}" if settings.time else ""
        many = f"{settings.partitions} partition{'s' * (settings.partitions != 1)}"
        return f"<event log {self.path}: {len(self):,} rows, {many}{key}{time}>"

    def __len__(self) -> int:
        """How many rows it holds."""
        return sum(each.next - each.first for each in self.partitions)

    # What it is

    @property
    def schema(self) -> pa.Schema:
        """The columns that rows are appended under."""
        return self._schema

    @property
    def key(self) -> tuple[str, ...]:
        """The columns whose values decide in which partition a row is."""
        return self.settings.key

    @property
    def time(self) -> str | None:
        """The column that says when a row happened."""
        return self.settings.time

    @property
    def partitions(self) -> list[Partition]:
        """What each partition holds now."""
        with self.database.reading() as connection:
            found = connection.execute("select number, first, next, bytes, reached from partitions order by number")
            return [Partition(*row) for row in found.fetchall()]

    # Appending

    def append(self, rows: Any, *, writer: str | None = None, number: int | None = None) -> int:
        """Add rows: a dict, a tuple, a list of those, an Arrow table or a DataFrame. They are on disk on return.

        Parameters
        ----------
        writer, number : str and int, optional
            Who appends, and its how manieth append this is, from 1 on: one with a number that is not greater than the
            last of this writer does nothing. So a program that was killed may repeat what it does not know to be
            done; `last_number` says where to go on.

        Returns
        -------
        int
            How many rows were added.

        Raises
        ------
        DataError
            If the rows do not fit the columns.
        SinkError
            If they cannot be written, and then none of them is there.
        """
        if (writer is None) != (number is None):
            raise PlanError("writer= and number= belong together: who appends, and its how manieth append this is")
        ready = self.ready([fit(rows, self._schema)])
        with self.changing() as change:
            if writer is not None and number is not None and not change.advance(writer, number):
                return 0
            return change.append(ready)

    def last_number(self, writer: str) -> int:
        """The number of the last append of `writer` that is in the log; 0 if there is none."""
        with self.database.reading() as connection:
            return tables.load_writer(connection, writer).number

    def ready(self, batches: Sequence[pa.RecordBatch]) -> Ready:
        """Rows under this log's columns, encoded before the writers' turn is taken."""
        encoded = [each for batch in batches if batch.num_rows for each in self._encoder.encode(batch)]
        return Ready(batches, encoded, self._version)

    def changing(self) -> AbstractContextManager[Change]:
        """A transaction on the log, for a `with` statement."""
        return changing(self.database, self.path, self.clock)

    # Changing what it is

    def evolve(self, schema: pa.Schema | Mapping[str, Any]) -> EventLog:
        """Give the log new columns, or wider types for old ones; rows that are there have null in the new columns.

        Programs that run on meanwhile are not disturbed: neither those that append under the old columns, nor those
        that read them. With the columns of an older version of the log, it stays as it is, and this object appends
        under the older columns.

        Raises
        ------
        PlanError
            If rows that are there would not fit; the message lists the differences.

        Examples
        --------
        >>> import tempfile, playhead as ph
        >>> log = ph.event_log(tempfile.mkdtemp(), schema={"n": "int32"})
        >>> _ = log.append([{"n": 1}])
        >>> log = log.evolve({"n": "int64", "note": "string"})
        >>> ph.read_event_log(log.path, until="now").compute()
           n note
        0  1  NaN
        """
        given = as_schema(schema)
        assert given is not None
        nullable = {field.name: field.nullable for field in given}
        wanted = pa.schema([field.with_nullable(nullable[field.name]) for field in stored_schema(given)])
        with self.database.writing() as connection:
            current = tables.Columns().of(tables.newest_columns(connection), connection)
            older = not wanted.equals(current) and not differences(wanted, current)
            merged = current if older else evolved(current, wanted, f"the event log {self.path}")
            if not merged.equals(current):
                tables.save_columns(connection, merged)
        self._load()
        if older:
            self._schema, self._version = stored_schema(wanted), tables.NO_VERSION
            self._encoder = writing.Encoder(self.settings, self._schema)
        return self

    def retain(self, *, age: Any = None, rows: int | None = None, bytes: int | None = None) -> int:
        """Settle how much is kept from now on, and remove what is more than that; returns how many rows went.

        Whole batches go, from the old end of every partition, now and with every append. Without arguments
        everything is kept. The file does not shrink: what is freed is used again.

        Parameters
        ----------
        age : duration, optional
            Rows go whose event time is so far behind the log's greatest.
        rows : int, optional
            So many rows of the whole log stay at least.
        bytes : int, optional
            So many bytes of the whole log stay at most; the newest batch always does.
        """
        return self.set_retention(retention(age, rows, bytes))

    def set_retention(self, wanted: Retention) -> int:
        """The same as `retain`, with what was settled already checked."""
        if wanted.age is not None and self.time is None:
            raise PlanError(f"{self.path} has no event time, so that rows have no age=; keep so many rows= or bytes=")
        with self.database.writing() as connection:
            self.settings = replace(self.settings, retention=wanted)
            self.settings.save(connection)
            return forget(connection, wanted)

    # Finding

    def offsets(self, *, event_time: Any = None, append_time: Any = None) -> dict[int, int]:
        """Where in every partition reading is to begin to see all rows from a time on; the ends if no time is given.

        Parameters
        ----------
        event_time : str or datetime, optional
            Before the offset there are only rows that happened earlier; naive times are in the column's zone.
        append_time : str or datetime, optional
            Before the offset there are only rows that were appended earlier; naive times are UTC.

        Raises
        ------
        RowsGoneError
            If retention has removed rows that would have to be seen.
        """
        if event_time is not None and append_time is not None:
            raise PlanError("offsets by event_time= or by append_time=, not by both")
        reader = Reader(self.path)
        try:
            if event_time is not None:
                return reader.offsets_at_event_time(moment(event_time, reader.zone(), "event_time"))
            if append_time is not None:
                return reader.offsets_at_append_time(moment(append_time, "UTC", "append_time"))
            return reader.ends()
        finally:
            reader.close()

    def close(self) -> None:
        """Let go of the files; using the log again opens them again."""
        self.database.close()

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def retention(age: Any, rows: int | None, bytes: int | None) -> Retention:
    """How long rows stay, as users say it."""
    for name, value in (("rows", rows), ("bytes", bytes)):
        if value is not None and value < 1:
            raise PlanError(f"retention of {name}={value!r} keeps nothing; give 1 or more")
    length = None if age is None else microseconds(age, "age")
    if length is not None and length < 0:
        raise PlanError(f"age={age!r} is negative")
    return Retention(length, rows, bytes)
