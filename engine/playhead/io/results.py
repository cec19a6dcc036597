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


def to_callback(
    function: Callable[[int, Any], object],
    *,
    format: str = "arrow",
    rolled_back: Callable[[int], object] | None = None,
) -> CallbackSink:
    """A sink that calls `function(epoch, changes)` after each epoch that changed something.

    `changes` is a `pyarrow.Table`, or a DataFrame with `format="pandas"`. In mode "update" its last column `weight`
    says how often each row is added (positive) or taken back (negative).

    The function is called at once, before a checkpoint holds the epoch: at least once, that is, if the query crashes
    and is begun again from a checkpoint. Then `rolled_back(epoch)` is called first: what was told of later epochs is
    void, and comes again; the rows are the same, but they may be cut into epochs in another way.

    Parameters
    ----------
    function : function of (epoch, changes)
        What to call; what it raises stops the query.
    format : {"arrow", "pandas"}
        What it gets.
    rolled_back : function of (epoch), optional
        Told the epoch behind which the query goes on, whenever it was begun again.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> frame = ph.from_pandas(pd.DataFrame({"x": [1, 2, 3]}))
    >>> _ = frame.start(ph.to_callback(lambda epoch, changes: print(epoch, changes.num_rows))).wait()
    1 3
    """
    return CallbackSink(function, format, rolled_back)


def to_parquet(
    path: Any,
    *,
    filesystem: fs.FileSystem | None = None,
    target_bytes: int = TARGET_BYTES,
    changelog: bool = False,
) -> ParquetSink:
    """A sink that writes a folder of Parquet files, which are there whole or not at all.

    In mode "append" files of final rows are added. In mode "update" and "complete" the folder has one file, the table
    as it stands, which is replaced each time; the table is kept in memory, and in checkpoints. With a checkpoint each
    row is there exactly once: files appear when their checkpoint is complete. Without, a file appears when it has
    `target_bytes`, and the rest when the query ends.

    Parameters
    ----------
    path : str or Path
        The folder, which is made; it must be empty, or that of this query, by name, which goes on from its checkpoint.
        Also an address such as "s3://bucket/delays". Unfinished files are beside it, in ".delays.playhead".
    filesystem : pyarrow.fs.FileSystem, optional
        Where the path is, if it does not say so itself.
    target_bytes : int
        A file that is larger is closed, and another one begun.
    changelog : bool
        In mode "update", add every change with two more columns: its `epoch`, and `weight`, how often the row is added
        (positive) or taken back (negative). Summed up over the epochs up to one, it is the table as it was then.

    Examples
    --------
    >>> import pandas as pd, playhead as ph, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> trades = ph.from_pandas(pd.DataFrame({"symbol": ["A", "B", "A"], "price": [1.0, 2.0, 3.0]}))
    >>> highest = trades.groupby("symbol").agg(price=("price", "max"))
    >>> _ = highest.start(ph.to_parquet(folder), mode="update").wait()
    >>> pd.read_parquet(folder).sort_values("symbol", ignore_index=True)
      symbol  price
    0      A    3.0
    1      B    2.0
    """
    return ParquetSink(path, filesystem, target_bytes, changelog)


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
