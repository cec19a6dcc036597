"""Event logs: making them, frames over them, results into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from playhead.errors import PlanError
from playhead.frame.frame import Frame
from playhead.io.begin import begin
from playhead.io.types import Duration, Path, Schema, Time
from playhead.logs.log import EventLog, retention
from playhead.sources.columns import require_declared
from playhead.sources.text_columns import as_schema
from playhead.sources.timing import Declared

if TYPE_CHECKING:
    from playhead.sinks.event_log import EventLogSink

EARLIEST, LATEST = "earliest", "latest"


def event_log(
    path: Path,
    *,
    schema: Schema | None = None,
    key: str | Sequence[str] | None = None,
    time: str | None = None,
    partitions: int | None = None,
    retain_age: Duration = None,
    retain_rows: int | None = None,
    retain_bytes: int | None = None,
) -> EventLog:
    """A durable, append-only log of rows in a folder of its own; made if it is not there and `schema` is given.

    Any number of programs may append and read at the same time. It is one SQLite file in WAL mode that holds Arrow
    batches: on a local disk, not on a network share.

    Parameters
    ----------
    path : path
        The folder.
    schema : pyarrow.Schema or dict, optional
        Names and types of the columns. A log that is there gets the columns that are new and the types that are
        wider; what its rows do not fit is an error that lists the differences.
    key : str or sequence of str, optional
        Rows of one key stay in order, in one partition.
    time : str, optional
        The column that says when each row happened: for seeking, for `retain_age`, and for frames over the log. A
        timestamp or a date; naive ones are UTC.
    partitions : int, optional
        Into how many parts the keys are divided, so that a query can read in parallel: 4 with a key, 1 without.
    retain_age, retain_rows, retain_bytes : duration, int, int, optional
        How much is kept, as in `EventLog.retain`; everything if not given.

    Examples
    --------
    >>> import tempfile, playhead as ph
    >>> orders = ph.event_log(
    ...     tempfile.mkdtemp(), schema={"at": "timestamp[us, UTC]", "customer": "string"}, key="customer", time="at"
    ... )
    >>> orders.append([{"at": None, "customer": "Ada"}])
    1
    >>> len(orders), len(orders.partitions)
    (1, 4)
    """
    columns = None if schema is None else as_schema(schema)
    from playhead.logs.opening import Wanted, open_log  # here, so that `import playhead` need not wait for it

    wanted = Wanted(columns, _names(key), time, partitions, retention(retain_age, retain_rows, retain_bytes))
    return open_log(path, wanted)


def read_event_log(
    path: Path,
    *,
    since: Any = EARLIEST,
    appended_since: Any = None,
    until: str | None = None,
    time: Time = None,
    tz: str | None = None,
    unit: str | None = None,
    arrival: str | None = None,
    sequence: str | Sequence[str] = (),
    out_of_order: Duration = None,
    idle_timeout: Duration = None,
    columns: Sequence[str] | None = None,
    on_error: str = "reject",
) -> Frame:
    """A frame over an event log, without an end or up to now. New rows of other programs come at once.

    Parameters
    ----------
    path : path
        The folder of the log.
    since : "earliest", "latest", a time, or a dict of offsets
        Where a query begins that has no checkpoint: with the oldest row that is there, behind the newest, where the
        rows from an event time on begin, or at an offset in each partition.
    appended_since : str or datetime, optional
        The same by the time of appending.
    until : {"now"}, optional
        End with the last row that is there when this is called; without an end if not given.
    time : str or arrival_time(), optional
        The column that says when each row happened; the log's own if not given.
    out_of_order : duration, optional
        How far a row may be behind the latest one before it in its partition; needed without an end.
    columns : sequence of str, optional
        The columns to offer; all of them if not given.

    The other parameters are those of `from_pandas`. A log in which the changes of a query were written (mode
    "update") is read as the rows that they are: the column `weight` is one like the others.

    Examples
    --------
    >>> import tempfile, playhead as ph
    >>> log = ph.event_log(tempfile.mkdtemp(), schema={"n": "int64"})
    >>> log.append([{"n": 1}, {"n": 2}])
    2
    >>> ph.read_event_log(log.path).bounded, ph.read_event_log(log.path, until="now").n.sum().compute()
    (False, 3)
    """
    if until not in (None, "now"):
        raise PlanError(f"until={until!r}: a log is read up to 'now', or without an end")
    from playhead.logs.opening import Wanted, open_log
    from playhead.sources.event_log import EventLogSource

    with open_log(path, Wanted()) as log:
        if time is None and tz is None and unit is None:
            time = log.time if columns is None or log.time in columns else None
        declared = Declared(time, tz, unit, arrival, sequence, out_of_order, idle_timeout, on_error)
        name = time if isinstance(time, str) else None
        require_declared(columns, {"event time": name, "arrival": arrival, "sequence": declared.sequence})
        begins, ends = _begins(log, since, appended_since), log.offsets() if until is not None else None
        return begin(declared, lambda each: EventLogSource(log, each, columns, since=begins, until=ends))


def to_event_log(
    path: Path,
    *,
    key: str | Sequence[str] | None = None,
    time: str | None = None,
    partitions: int | None = None,
    retain_age: Duration = None,
    retain_rows: int | None = None,
    retain_bytes: int | None = None,
) -> EventLogSink:
    """A sink that appends the result to an event log, exactly once: final rows, or with mode "update" the changes.

    With a checkpoint, rows become visible when the checkpoint that holds them is complete, all at once; without one,
    with each epoch. A change has a last column `weight`, which says how often the row is added (positive) or taken
    back (negative). The log is made if it is not there, by `key`, `time`, `partitions`, `retain_age`, `retain_rows` and
    `retain_bytes` as in `event_log`; a log that is there gets new columns and wider types if the result has them.

    Examples
    --------
    >>> import pandas as pd, tempfile, playhead as ph
    >>> path = tempfile.mkdtemp()
    >>> trades = ph.from_pandas(pd.DataFrame({"symbol": ["A", "B", "A"], "size": [1, 2, 3]}))
    >>> _ = trades[trades["size"] > 1].start(ph.to_event_log(path, key="symbol")).wait()
    >>> ph.read_event_log(path, until="now").groupby("symbol").agg(n=("size", "sum")).compute()
      symbol  n
    0      A  3
    1      B  2
    """
    from playhead.logs.opening import Wanted, folder_of
    from playhead.sinks.event_log import EventLogSink

    kept = retention(retain_age, retain_rows, retain_bytes)
    return EventLogSink(folder_of(path), Wanted(None, _names(key), time, partitions, kept))


def _names(key: str | Sequence[str] | None) -> tuple[str, ...] | None:
    return None if key is None else (key,) if isinstance(key, str) else tuple(key)


def _begins(log: EventLog, since: Any, appended_since: Any) -> Mapping[int, int] | None:
    """Offsets to begin at; None: wherever the log begins when it is read."""
    if appended_since is not None:
        if since != EARLIEST:
            raise PlanError("since= or appended_since=, not both")
        return log.offsets(append_time=appended_since)
    if isinstance(since, Mapping):
        return {int(partition): int(offset) for partition, offset in since.items()}
    if isinstance(since, str) and since == LATEST:
        return log.offsets()
    if isinstance(since, str) and since == EARLIEST:
        return None
    return log.offsets(event_time=since)
