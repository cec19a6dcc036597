"""Forgetting: whole batches, from the old end of every partition, by age of event time, by rows, by bytes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from playhead.logs.tables import Retention

Batch = tuple[int, int, int, int]
"""id, rows, bytes, payload"""


def forget(connection: sqlite3.Connection, retention: Retention) -> int:
    """Remove what `retention` no longer keeps, within the caller's transaction; returns the rows that went."""
    return sum(_remove(connection, batch) for batch in _outlived(connection, retention))


def _outlived(connection: sqlite3.Connection, retention: Retention) -> Iterator[Batch]:
    if retention.age is not None:
        (reached,) = connection.execute("select max(reached) from partitions").fetchone()
        # What a partition has reached never falls: up to the last batch that reached less, all rows are older.
        yield from connection.execute(
            "select id, rows, batches.bytes, payload from partitions join batches on partition = number "
            "and batches.first <= (select max(first) from batches where partition = number and reached < ?)",
            ((reached if reached is not None else 0) - retention.age,),
        ).fetchall()
    while retention.rows is not None or retention.bytes is not None:
        rows, size = connection.execute("select sum(next - first), sum(bytes) from partitions").fetchone()
        batch = connection.execute("select id, rows, bytes, payload from batches order by id limit 1").fetchone()
        if batch is None or not _too_much(retention, rows, size, batch):
            return
        yield batch


def _too_much(retention: Retention, rows: int, size: int, oldest: Batch) -> bool:
    too_many = retention.rows is not None and rows - oldest[1] >= retention.rows
    too_large = retention.bytes is not None and size > retention.bytes and rows > oldest[1]
    return too_many or too_large


def _remove(connection: sqlite3.Connection, batch: Batch) -> int:
    number, rows, size, payload = batch
    partition, first, reached, appended = connection.execute(
        "select partition, first, reached, appended from batches where id = ?", (number,)
    ).fetchone()
    connection.execute("delete from batches where id = ?", (number,))
    connection.execute("delete from payloads where id = ?", (payload,))
    connection.execute(
        "update partitions set first = ?, bytes = bytes - ?, gone_reached = ?, gone_appended = ? where number = ?",
        (first + rows, size, reached, appended, partition),
    )
    return rows
