"""Frames over tables that are in memory: pandas, and whatever speaks Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from playhead.errors import DataError, PlanError
from playhead.frame.frame import Frame
from playhead.io.begin import begin
from playhead.io.types import Duration, Time
from playhead.sources.arrow import ArrowSource
from playhead.sources.python_rows import as_table
from playhead.sources.timing import Declared, require_unique


def from_pandas(
    df: Any,
    *,
    time: Time = None,
    tz: str | None = None,
    unit: str | None = None,
    arrival: str | None = None,
    sequence: str | Sequence[str] = (),
    out_of_order: Duration = None,
    idle_timeout: Duration = None,
    on_error: str = "reject",
) -> Frame:
    """A frame over a pandas DataFrame; an index that says more than row numbers is refused: say `reset_index()`.

    Parameters
    ----------
    df : pandas.DataFrame
    time : str or arrival_time(), optional
        The column that says when each row happened.
    tz : str, optional
        The zone of a naive `time`; UTC if not given.
    unit : {"s", "ms", "us", "ns"}, optional
        What an integer `time` counts since 1970.
    arrival : str, optional
        The column that says when a row became known; replays follow it.
    sequence : str or sequence of str, optional
        Columns that order rows of equal time.
    out_of_order : duration, optional
        How far a row may be behind the latest one before it, in a replay.
    idle_timeout : duration, optional
        After how long a silent input no longer holds the watermark back.
    on_error : {"reject", "raise"}
        Whether rows without an event time go to `query.rejected` or stop the query.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> df = pd.DataFrame({"at": pd.to_datetime(["2013-01-01 10:00"]), "price": [3.5]})
    >>> ph.from_pandas(df, time="at", tz="America/New_York").schema.field("at").type
    TimestampType(timestamp[us, tz=America/New_York])
    """
    if not (type(df).__module__.partition(".")[0] == "pandas" and hasattr(df, "columns")):
        raise PlanError(
            f"from_pandas takes a pandas DataFrame, not {type(df).__name__}; "
            "from_arrow takes what speaks Arrow, from_iter takes dicts and tuples"
        )
    names = [str(name) for name in df.columns]
    require_unique(names)
    if any(not isinstance(name, str) for name in df.columns):
        raise PlanError(f"column names are text: say df.columns = {names}")
    for name in (time, arrival):
        if isinstance(name, str) and name not in names and name in df.index.names:
            raise PlanError(f"{name!r} is in the index, which is not read; say df.reset_index()")
    _refuse_index(df)
    try:
        table = pa.Table.from_pandas(df, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise DataError(f"a column of the DataFrame has no one type: {' '.join(map(str, error.args))}") from error
    declared = Declared(time, tz, unit, arrival, sequence, out_of_order, idle_timeout, on_error)
    return begin(declared, lambda each: ArrowSource("DataFrame", table, each))


def from_arrow(
    data: Any,
    *,
    time: Time = None,
    tz: str | None = None,
    unit: str | None = None,
    arrival: str | None = None,
    sequence: str | Sequence[str] = (),
    out_of_order: Duration = None,
    idle_timeout: Duration = None,
    on_error: str = "reject",
) -> Frame:
    """A frame over anything that speaks the Arrow PyCapsule protocol: a table of pyarrow, polars, DuckDB, ...

    A stream of batches is read into memory at once. The other parameters are those of `from_pandas`.

    Examples
    --------
    >>> import pyarrow as pa, playhead as ph
    >>> ph.from_arrow(pa.table({"a": [1, 2]})).columns
    ['a']
    """
    if isinstance(data, pa.Array | pa.ChunkedArray):
        raise PlanError(
            f"from_arrow takes tables and record batches, and {type(data).__name__} is one column without a name; "
            "say pa.table({'name': values})"
        )
    if not hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__arrow_c_array__"):
        raise PlanError(
            f"{type(data).__name__} does not speak the Arrow PyCapsule protocol; use from_pandas or from_iter"
        )
    declared = Declared(time, tz, unit, arrival, sequence, out_of_order, idle_timeout, on_error)
    table = as_table(data)
    return begin(declared, lambda each: ArrowSource(type(data).__name__, table, each))


def _refuse_index(df: Any) -> None:
    """An index that says something would be lost; row numbers say nothing."""
    named = [name for name in df.index.names if name is not None]
    integer = df.index.nlevels == 1 and df.index.dtype.kind in "iu"
    if named or not (integer or df.index.empty):
        what = f"is called {named[0]!r}" if named else f"has the type {df.index.dtype}"
        raise PlanError(f"the index {what}, and an index is not read; say df.reset_index(), with drop=True to lose it")
