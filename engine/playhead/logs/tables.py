"""What is in a log's database: its tables, and the few values that say what kind of log it is."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass

import pyarrow as pa

from playhead.errors import SourceError

DATABASE = "log.sqlite"
"""The file in a log's folder."""

FORMAT = 1

NO_VERSION = 0
"""Of columns that are none of a log's own versions; those count from 1."""

SCRIPT = """
create table settings (name text primary key, value text not null);
create table columns (version integer primary key, schema blob not null);
create table partitions (
    number integer primary key,
    first integer not null,     -- offset of the oldest row that is there
    next integer not null,      -- offset of the row that will come next
    bytes integer not null,
    reached integer,            -- greatest event time of all rows ever, in microseconds since 1970
    appended integer not null,  -- when the last batch came; never goes back
    gone_reached integer,       -- greatest event time of the rows that retention has removed
    gone_appended integer       -- when the last of them came
);
create table batches (
    id integer primary key autoincrement,   -- in the order of appending, over all partitions
    partition integer not null,
    first integer not null,
    rows integer not null,
    bytes integer not null,
    columns integer not null,
    least integer,              -- least event time of this batch
    reached integer,            -- greatest event time of the partition up to the end of this batch
    appended integer not null,
    payload integer not null
);
create unique index batches_by_offset on batches (partition, first);
create index batches_by_time on batches (partition, reached);
create index batches_by_append on batches (partition, appended);
create table payloads (id integer primary key, data blob not null);
create table writers (
    name text primary key,
    number integer not null,    -- the last append, or the last epoch, of this writer that is in the log
    attempt integer not null,
    owner text                  -- who may append in its name now; null: whoever asks
);
create table staged (
    id integer primary key autoincrement,
    writer text not null,
    partition integer not null,
    rows integer not null,
    bytes integer not null,
    columns integer not null,
    least integer,
    greatest integer,
    payload integer not null
);
"""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long rows stay; None: for ever."""

    age: int | None = None
    """Microseconds of event time behind the log's greatest."""
    rows: int | None = None
    """So many rows of the whole log stay at least."""
    bytes: int | None = None
    """So many bytes of the whole log stay at most, the newest batch always."""

    def __str__(self) -> str:
        from playhead.durations import readable

        said = [] if self.age is None else [f"an age of {readable(self.age)}"]
        said += [] if self.rows is None else [f"{self.rows:,} rows"]
        said += [] if self.bytes is None else [f"{self.bytes:,} bytes"]
        return " and ".join(said) or "everything"


@dataclass(frozen=True, slots=True)
class Settings:
    """What was settled when the log was made; only its retention may change."""

    partitions: int
    key: tuple[str, ...]
    time: str | None
    retention: Retention = Retention()  # noqa: RUF009  it is frozen

    def save(self, connection: sqlite3.Connection) -> None:
        values = {"format": FORMAT, **asdict(self)}
        rows = [(name, json.dumps(value)) for name, value in values.items()]
        connection.executemany("insert or replace into settings values (?, ?)", rows)


def load_settings(connection: sqlite3.Connection, path: str) -> Settings:
    """The settings of a log, or the error that says that it is none that we can read."""
    try:
        found = dict(connection.execute("select name, value from settings").fetchall())
    except sqlite3.DatabaseError as error:
        raise SourceError(f"{path} is not an event log: {error}") from error
    values = {name: json.loads(value) for name, value in found.items()}
    if values.get("format") != FORMAT:
        raise SourceError(
            f"the event log {path} has format {values.get('format')}, and this version of Playhead reads format "
            f"{FORMAT}; it was made by a newer version"
        )
    return Settings(
        values["partitions"], tuple(values["key"]), values["time"], Retention(**(values.get("retention") or {}))
    )


def save_columns(connection: sqlite3.Connection, schema: pa.Schema) -> int:
    """Keep another version of the columns; returns its number."""
    row = connection.execute(
        "insert into columns (schema) values (?) returning version", (schema.serialize().to_pybytes(),)
    ).fetchone()
    return int(row[0])


def newest_columns(connection: sqlite3.Connection) -> int:
    """The number of the columns that rows are written under."""
    return int(connection.execute("select max(version) from columns").fetchone()[0])


class Columns:
    """The versions of a log's columns, each read once: they never change."""

    def __init__(self) -> None:
        self._known: dict[int, pa.Schema] = {}

    def of(self, version: int, connection: sqlite3.Connection) -> pa.Schema:
        if version not in self._known:
            (data,) = connection.execute("select schema from columns where version = ?", (version,)).fetchone()
            self._known[version] = pa.ipc.read_schema(pa.py_buffer(data))
        return self._known[version]


@dataclass(frozen=True, slots=True)
class Writer:
    """Somebody who appends by number: a program, or the sink of a query."""

    name: str
    number: int = 0
    """Of its last append, or the last epoch, that is in the log."""
    attempt: int = 0
    owner: str | None = None
    """Who may append in its name now; None: whoever asks."""


def load_writer(connection: sqlite3.Connection, name: str) -> Writer:
    """What is known of a writer; nothing is known of a new one."""
    row = connection.execute("select name, number, attempt, owner from writers where name = ?", (name,)).fetchone()
    return Writer(*row) if row else Writer(name)


def save_writer(connection: sqlite3.Connection, writer: Writer) -> None:
    connection.execute(
        "insert or replace into writers (name, number, attempt, owner) values (?, ?, ?, ?)",
        (writer.name, writer.number, writer.attempt, writer.owner),
    )
