"""Making a log, or opening the one that is there, if it is what the caller wants."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from playhead.errors import PlanError, SinkError, SourceError
from playhead.logs.database import Database
from playhead.logs.evolution import stored_schema
from playhead.logs.log import EventLog
from playhead.logs.tables import DATABASE, FORMAT, SCRIPT, Retention, Settings
from playhead.logs.writing import KEY_GROUPS, time_parser_of
from playhead.schema import require_column
from playhead.sources.clock import Clock, system_clock

PARTITIONS = 4
"""Of a log with a key, if nothing else is said."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller says about a log, be it there or not; None and empty: nothing is said."""

    schema: pa.Schema | None = None
    key: tuple[str, ...] | None = None
    time: str | None = None
    partitions: int | None = None
    retention: Retention = Retention()  # noqa: RUF009  it is frozen


def folder_of(path: Any) -> str:
    """The folder of a log, as a path that does not depend on where the process stands."""
    try:
        return os.path.abspath(os.path.expanduser(str(os.fspath(path))))
    except TypeError as error:
        raise PlanError(f"the path of an event log is text or a pathlib.Path, not {path!r}") from error


def open_log(path: Any, wanted: Wanted, clock: Clock = system_clock) -> EventLog:
    """The log in a folder, made if it is not there and its columns are said; or why it is not what is wanted."""
    folder = folder_of(path)
    if not os.path.exists(os.path.join(folder, DATABASE)):
        if wanted.schema is None:
            raise SourceError(f"there is no event log in {folder!r}; event_log(path, schema=...) makes one")
        _make(folder, wanted, stored_schema(wanted.schema))
    log = EventLog(folder, clock)
    _require_same(log.settings, wanted, folder)
    if wanted.schema is not None and not stored_schema(wanted.schema).equals(log.schema):
        log.evolve(wanted.schema)
    if wanted.retention not in (Retention(), log.settings.retention):
        log.set_retention(wanted.retention)
    return log


def _make(folder: str, wanted: Wanted, schema: pa.Schema) -> None:
    settings = _settings(wanted, schema)
    try:
        os.makedirs(folder, exist_ok=True)
        others = [name for name in sorted(os.listdir(folder)) if not name.startswith(DATABASE)]
    except OSError as error:
        raise SinkError(f"cannot make the event log {folder!r}: {error.strerror}") from error
    if others:
        raise SinkError(f"the folder {folder!r} has {', '.join(others[:3])} in it; an event log has its own folder")
    values = {"format": FORMAT, **asdict(settings)}
    script = [SCRIPT]
    script += [
        f"insert into settings values ({_text(name)}, {_text(json.dumps(value))});" for name, value in values.items()
    ]
    script += [f"insert into columns (schema) values (x'{schema.serialize().to_pybytes().hex()}');"]
    script += [
        f"insert into partitions (number, first, next, bytes, appended) values ({number}, 0, 0, 0, 0);"
        for number in range(settings.partitions)
    ]
    database = Database(os.path.join(folder, DATABASE), SinkError)
    database.create("\n".join(script))
    database.close()


def _settings(wanted: Wanted, schema: pa.Schema) -> Settings:
    from playhead.state.key_groups import key_groups  # loads numba

    key = wanted.key or ()
    key_groups([pa.nulls(0, require_column(name, schema).type) for name in key], rows=0)  # refuses what cannot be a key
    partitions = wanted.partitions if wanted.partitions is not None else PARTITIONS if key else 1
    if not 1 <= partitions <= KEY_GROUPS:
        raise PlanError(f"partitions={partitions!r}: a log has 1 to {KEY_GROUPS}")
    if partitions > 1 and not key:
        raise PlanError(f"partitions={partitions} need a key= that says which of them a row belongs to")
    settings = Settings(partitions, key, wanted.time, wanted.retention)
    time_parser_of(settings, schema)  # refuses what is no time
    if wanted.retention.age is not None and wanted.time is None:
        raise PlanError("to keep rows by their age, the log has to know their event time: pass time=")
    return settings


def _require_same(settings: Settings, wanted: Wanted, folder: str) -> None:
    """A log that is there keeps its key, its time and its partitions: readers rely on them."""
    said = {"key": wanted.key, "time": wanted.time, "partitions": wanted.partitions}
    for name, value in said.items():
        there = getattr(settings, name)
        if value is not None and value != there:
            raise PlanError(
                f"the event log {folder} has {name}={_plain(there)!r}, not {_plain(value)!r}; leave {name}= out, or "
                "begin another log"
            )


def _plain(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
