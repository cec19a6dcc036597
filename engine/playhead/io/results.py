"""Where results go: to memory, to a function, to Parquet files, to nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyarrow import fs

from playhead.sinks.callback import CallbackSink
from playhead.sinks.counting import CountingSink
from playhead.sinks.parquet import TARGET_BYTES, ParquetSink

if TYPE_CHECKING:
    from playhead.sinks.memory import MemorySink


def to_callback(function: Callable[[int, Any], object], *, format: str = "arrow") -> CallbackSink:
    """A sink that calls `function(epoch, changes)` after each epoch that changed something.

    `changes` is a `pyarrow.Table`, or a DataFrame with `format="pandas"`. In mode "update" its last column `weight`
    says how often each row is added (positive) or taken back (negative). Across a crash an epoch may be told twice.

    Examples
    --------
    >>> import playhead as ph
    >>> ph.to_callback(lambda epoch, changes: print(epoch, changes.num_rows)).guarantee
    'at least once'
    """
    return CallbackSink(function, format)


def to_parquet(path: Any, *, filesystem: fs.FileSystem | None = None, target_bytes: int = TARGET_BYTES) -> ParquetSink:
    """A sink that writes final rows (mode "append") to a folder of Parquet files of about `target_bytes` each.

    Files are written under a temporary name and renamed when they are whole.

    Parameters
    ----------
    path : str or Path
        The folder, which is made, or must be empty; also an address such as "s3://bucket/delays".
    filesystem : pyarrow.fs.FileSystem, optional
        Where the path is, if it does not say so itself.
    target_bytes : int
        A file that is larger is closed, and another one begun.

    Examples
    --------
    >>> import playhead as ph
    >>> ph.to_parquet("/tmp/delays").modes
    ('append',)
    """
    return ParquetSink(path, filesystem, target_bytes)


def to_memory(*, keep_changes: int = 100_000) -> MemorySink:
    """A sink that keeps the result in memory, for `query.latest()`; what a query without a sink does by itself.

    Parameters
    ----------
    keep_changes : int
        How many rows of the changelog are kept at most, for `changelog()` of the sink.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [1, 2]}))
    >>> frame.start([ph.to_nothing(), ph.to_memory()]).wait().latest()
       x
    0  1
    1  2
    """
    from playhead.sinks.memory import MemorySink

    return MemorySink(keep_changes)


def to_nothing() -> CountingSink:
    """A sink that counts the rows of the result and forgets them.

    Examples
    --------
    >>> import playhead as ph
    >>> ph.to_nothing().rows
    0
    """
    return CountingSink()
