"""Frames over what is still happening: iterables, pushed rows, a steady rate, this machine's counters."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from playhead.frame.frame import Frame
from playhead.io.begin import begin
from playhead.io.types import Duration, Schema, Time
from playhead.sources.iterables import IterableSource
from playhead.sources.push import PushSource
from playhead.sources.rate import RateSource
from playhead.sources.system import SystemSource
from playhead.sources.text_columns import as_schema
from playhead.sources.timing import Declared


def from_iter(
    items: Iterable[Any] | AsyncIterable[Any] | Callable[[], Any],
    *,
    schema: Schema | None = None,
    time: Time = None,
    tz: str | None = None,
    unit: str | None = None,
    arrival: str | None = None,
    sequence: str | Sequence[str] = (),
    out_of_order: Duration = None,
    idle_timeout: Duration = None,
    bounded: bool = False,
    on_error: str = "reject",
) -> Frame:
    """A frame over an iterable of dicts, tuples, lists of those, Arrow tables or DataFrames; asynchronous ones too.

    A list, or a function that makes an iterator, can be read by several queries and read again from any item; an
    iterator can be read once. Iterators are pulled on a thread of their own, so that no item waits for the next one;
    asynchronous ones in a loop of their own.

    Parameters
    ----------
    items : iterable, asynchronous iterable, or a function that makes one
    schema : pyarrow.Schema or dict, optional
        Names and types; those of the first item if not given. Tuples and asynchronous iterables need it.
    bounded : bool
        Whether the iterable ends; an endless one needs `out_of_order` if it has a `time`.
    on_error : {"reject", "raise"}
        Whether items that do not fit go to `query.rejected` or stop the query.

    The other parameters are those of `from_pandas`.

    Examples
    --------
    >>> import playhead as ph
    >>> ph.from_iter([{"a": 1}, {"a": 2}], bounded=True).columns
    ['a']
    """
    declared = Declared(time, tz, unit, arrival, sequence, out_of_order, idle_timeout, on_error)
    return begin(declared, lambda each: IterableSource(items, each, schema=as_schema(schema), bounded=bounded))


@dataclass(frozen=True)
class Push:
    """Where rows are pushed in, and the frame where they come out; made by `push`.

    Examples
    --------
    >>> import playhead as ph
    >>> trades = ph.push({"price": "float64"})
    >>> query = trades.frame.agg(n=("price", "count")).start()
    >>> trades.send([{"price": 3.5}, {"price": 4.0}])
    True
    >>> trades.close()
    >>> query.wait().latest().n.item()
    2
    """

    frame: Frame
    _source: PushSource

    def send(self, rows: Any, *, block: bool = True, timeout: float | None = None) -> bool:
        """Add rows from any thread: a dict, a tuple, a list of those, an Arrow table or a DataFrame.

        Waits while the buffer is full, for `timeout` seconds at most; returns whether the rows were taken, which
        with `block=False` they are not when there is no room.

        Raises
        ------
        DataError
            If the rows do not fit the columns.
        """
        return self._source.send(rows, block=block, timeout=timeout)

    def __repr__(self) -> str:
        columns = len(self.frame.columns)
        time = f", time={self.frame.time}" if self.frame.time else ""
        state = "closed" if self._source.closed else "open"
        return f"<push: {columns} column{'s' * (columns != 1)}{time}, {state}>"

    def idle(self) -> None:
        """Say that nothing will come for a while, so that results that wait for other inputs go on."""
        self._source.idle()

    def close(self) -> None:
        """Say that nothing more will come: queries over the frame end when they have read everything."""
        self._source.close()


def push(
    schema: Schema,
    *,
    time: Time = None,
    tz: str | None = None,
    unit: str | None = None,
    sequence: str | Sequence[str] = (),
    out_of_order: Duration = None,
    idle_timeout: Duration = None,
    buffer_bytes: int = 64 << 20,
    on_error: str = "reject",
) -> Push:
    """Rows that your own code sends, from any thread.

    Every running query over the frame gets the rows that are sent while it runs; rows that are sent before any query
    runs wait for the first one. Across a crash, rows that were not yet processed are lost.

    Parameters
    ----------
    schema : pyarrow.Schema or dict
        Names and types of the columns.
    buffer_bytes : int
        How much may wait between `send` and the slowest query before `send` waits.

    The other parameters are those of `from_pandas`.

    Examples
    --------
    >>> import playhead as ph
    >>> trades = ph.push({"at": "timestamp[us, UTC]", "price": "float64"}, time="at", out_of_order="5s")
    >>> trades.send({"at": None, "price": 3.5}), trades.frame.bounded
    (True, False)
    """
    declared = Declared(time, tz, unit, None, sequence, out_of_order, idle_timeout, on_error)
    columns = as_schema(schema)
    sources: list[PushSource] = []

    def build(each: Declared) -> PushSource:
        sources.append(PushSource(columns, each, buffer_bytes=buffer_bytes))
        return sources[0]

    return Push(begin(declared, build), sources[0])


def rate(rows_per_second: float, rows: int | None = None) -> Frame:
    """Rows at a steady rate: row i has `value` i, and `timestamp` i / rate seconds after the start of the query.

    Parameters
    ----------
    rows_per_second : float
    rows : int, optional
        How many; without an end if not given.

    Examples
    --------
    >>> import playhead as ph
    >>> ph.rate(1000).columns, ph.rate(1000, rows=10).bounded
    (['timestamp', 'value'], True)
    """
    return Frame.from_source(RateSource(rows_per_second, rows))


def read_system(every: Duration = "1s") -> Frame:
    """This machine's own counters, one row a reading, without an end; no names of processes, users or hosts.

    Columns: `timestamp`; `cpu_percent` of all cores and `busiest_core_percent`, both since the reading before;
    `memory_percent`, and `memory_used`, `memory_available`, `swap_used` in bytes; `disk_read`, `disk_written`,
    `network_received`, `network_sent` in bytes since the reading before (null where the machine does not count them).

    Examples
    --------
    >>> import playhead as ph
    >>> ph.read_system(every="500ms").time
    'timestamp'
    """
    return Frame.from_source(SystemSource(every))
