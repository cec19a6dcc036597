"""What a reader is told that asks for rows which retention has removed."""

from __future__ import annotations

import sqlite3

from playhead.errors import RowsGoneError
from playhead.logs.moments import shown
from playhead.logs.tables import load_settings


def gone(
    connection: sqlite3.Connection, path: str, partition: int, offset: int | None, time: int | None = None
) -> RowsGoneError:
    """The error for a reader that asked for `offset`, or for rows from `time` on."""
    first, reached, appended = connection.execute(
        "select first, gone_reached, gone_appended from partitions where number = ?", (partition,)
    ).fetchone()
    asked = f"offset {offset:,}" if time is None else f"rows from {shown(time)} on"
    times = "" if reached is None else f" (event times up to {shown(reached)})"
    lost = "" if time is not None or offset is None else f" without the {first - offset:,} rows in between"
    return RowsGoneError(
        f"the event log {path}, partition {partition}, was asked for {asked}, but its rows before offset {first:,}"
        f"{times}, appended until {shown(appended)}, are gone: its retention keeps "
        f"{load_settings(connection, path).retention}. since='earliest' reads what is there{lost}; "
        "event_log(path).retain(...) keeps more from now on",
        partition,
        first,
    )
