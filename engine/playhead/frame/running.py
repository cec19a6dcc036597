"""The verbs that run a frame: compute, head, replay, start, and results for other libraries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from playhead import plan
from playhead.durations import microseconds
from playhead.errors import EventTimeError, PlanError, UnboundedError
from playhead.frame.pandas_arguments import refuse
from playhead.frame.planned import Planned

if TYPE_CHECKING:
    import pandas as pd

    from playhead.frame.frame import Frame
    from playhead.query import Query
    from playhead.sinks.sink import Sink


class RunVerbs(Planned):
    """What `Frame` can do with its plan besides making another one."""

    __slots__ = ()

    def compute(self, *, parallelism: int = 1, dtype_backend: Any = None) -> pd.DataFrame:
        """The whole answer as a pandas.DataFrame; nothing is ever late in it.

        Aggregates come sorted by their group columns, other plans in source order.

        Parameters
        ----------
        parallelism : int
            How many threads share the work. With 1 it is done on the calling thread, so breakpoints work.
        dtype_backend : {None, "numpy_nullable", "pyarrow"}
            As in pandas. By default only integers and booleans with missing values get nullable types.

        Raises
        ------
        UnboundedError
            If the input does not end.
        """
        from playhead.results import to_pandas

        return to_pandas(self.to_arrow(parallelism=parallelism), dtype_backend)

    def to_arrow(self, *, parallelism: int = 1) -> pa.Table:
        """The whole answer as a pyarrow.Table."""
        from playhead.results import sorted_result
        from playhead.starting import run_to_end

        return sorted_result(run_to_end(self._node, parallelism=parallelism), self._node)

    def to_polars(self, *, parallelism: int = 1) -> Any:
        """The whole answer as a polars.DataFrame."""
        try:
            import polars
        except ImportError as error:
            raise PlanError("to_polars needs polars: pip install 'playhead[polars]'") from error
        return polars.from_arrow(self.to_arrow(parallelism=parallelism))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule protocol: polars, DuckDB and others take a frame directly, and run it."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def to_parquet(self, path: Any, *, filesystem: Any = None, **pandas: Any) -> None:
        """Write the whole answer to a Parquet file (a folder if `path` ends with "/"); whole or not at all."""
        from playhead.sinks.parquet import write_parquet
        from playhead.starting import require_bounded

        refuse(pandas)
        require_bounded(self._node, "to_parquet()")
        table = self.to_arrow()
        write_parquet(path, iter(table.to_batches()), table.schema)

    def head(self, n: int = 5) -> pd.DataFrame:
        """A preview of `n` rows, at once: of the whole answer if it is an aggregate, else of the first rows to come.

        On an endless input: the first rows that arrive within 5 seconds.
        """
        from playhead.starting import preview

        _require_rows(n, "head")
        return preview(self._node, n)

    def tail(self, n: int = 5) -> pd.DataFrame:
        """The last `n` rows of the whole answer; an endless input has none."""
        from playhead.starting import require_bounded

        _require_rows(n, "tail")
        require_bounded(self._node, "tail()")
        return self.compute().tail(n)

    def start(
        self,
        sink: Sink | Sequence[Sink] | None = None,
        *,
        mode: str | None = None,
        parallelism: int = 1,
        name: str | None = None,
        max_rows: int = 65_536,
        max_delay: Any = "5ms",
        allow_unbounded_state: bool = False,
        checkpoint: Any = None,
        checkpoint_every: Any = "10s",
        checkpoint_keep: int = 3,
        checkpoint_spacing: Any = None,
        checkpoint_filesystem: Any = None,
        resume: Any = None,
        fresh: bool | str = False,
        restarts: int = 5,
    ) -> Query:
        """Run the frame on a thread of its own, as rows come; a bounded source as fast as possible.

        With `checkpoint=` and `name=`, the same call in another process goes on where the last one stopped or was
        killed: every source row counts exactly once, in the state and in sinks that can promise it (`explain()`).

        Parameters
        ----------
        sink : Sink or list of Sink, optional
            Where results go; default: kept in memory, for `latest()`.
        mode : {"update", "append", "complete"}, optional
            "update": each epoch's net changes. "append": each row once, when it is final. "complete": the whole table
            each time. Default: update in memory, else the strongest that the sink can hold.
        parallelism : int
            How many threads share the work.
        name : str, optional
            What the query is called in messages.
        max_rows, max_delay : int, str
            An epoch ends at so many rows, or so long after its first, whichever comes first.
        allow_unbounded_state : bool
            Run a plan whose memory grows with every row of an endless input.
        checkpoint : path, optional
            A folder or URI ("s3://bucket/folder"); the query's checkpoints go into a folder of its name there.
        checkpoint_every : str or timedelta, optional
            Time from one checkpoint to the next; None: only at the end and when asked (`savepoint`).
        checkpoint_keep : int
            How many checkpoints are kept.
        checkpoint_spacing : str or timedelta, optional
            Besides, keep one for each stretch of event time so long, 100 of them at most.
        checkpoint_filesystem : pyarrow.fs.FileSystem, optional
            Where `checkpoint` and `resume` are paths.
        resume : path, optional
            A savepoint to begin with if the query has no checkpoint of its own yet.
        fresh : bool or str
            Discard the query's checkpoints and begin from nothing: its name once more, or True to be asked for it.
        restarts : int
            How often in a row a failure is answered by going on from the newest checkpoint.

        Raises
        ------
        CheckpointError
            If the checkpoints are damaged, of a newer version, or do not fit this query.
        FencedError
            If the query runs elsewhere.
        """
        from playhead.starting import checkpoint_options, listed, start_query

        return start_query(
            self._node,
            listed(sink),
            mode=mode,
            parallelism=parallelism,
            name=name,
            max_rows=max_rows,
            max_delay=microseconds(max_delay, "max_delay"),
            allow_unbounded_state=allow_unbounded_state,
            frame_of=_frame_of,
            checkpoint=checkpoint_options(
                checkpoint,
                checkpoint_filesystem,
                every=checkpoint_every,
                keep=checkpoint_keep,
                spacing=checkpoint_spacing,
                resume=resume,
                fresh=fresh,
                restarts=restarts,
            ),
        )

    def replay(
        self,
        *,
        duration: Any = None,
        speed: float | str | None = None,
        sink: Sink | Sequence[Sink] | None = None,
        mode: str | None = None,
        parallelism: int = 1,
        name: str | None = None,
        max_rows: int = 65_536,
        max_delay: Any = "5ms",
        paused: bool = False,
    ) -> Query:
        """Play a bounded history as it happened, disorder and all.

        Rows are released in the order of the source's `arrival=` column, or of their event time. Those of a source
        that has neither, such as a table of names, are known from the beginning and come first, in source order.

        Parameters
        ----------
        duration : str or timedelta, optional
            How long the whole replay should take.
        speed : float or "max", optional
            Event time per time: 60 shows a minute each second. "max" does not pace. Default: 1, or by `duration`.
        max_rows, max_delay : int, str
            An epoch ends at so many rows, or so long after its first, whichever comes first.
        paused : bool
            Begin paused, for `step()`.
        """
        from playhead.starting import listed, start_replay

        if duration is not None and speed is not None:
            raise PlanError("give duration= or speed=, not both")
        scans = plan.scans(self._node)
        if speed != "max" and not any(scan.source.time or scan.source.arrival for scan in scans):
            names = ", ".join(dict.fromkeys(scan.source.name for scan in scans))
            raise EventTimeError(
                f"replay() follows time, and {names} has none: read it with time= or arrival=, "
                "or say speed='max', which takes rows in source order"
            )
        length = None if duration is None else microseconds(duration, "duration")
        return start_replay(
            self._node,
            listed(sink),
            duration=length,
            speed=speed,
            mode=mode,
            parallelism=parallelism,
            name=name,
            max_rows=max_rows,
            max_delay=microseconds(max_delay, "max_delay"),
            paused=paused,
            frame_of=_frame_of,
        )

    def named(self, name: str) -> Frame:
        """The same query, whose last step with a state (an aggregate, a join, a limit) is called `name` in checkpoints.

        By that name its state is found again when the query has changed around it.

        Examples
        --------
        >>> import pandas as pd, playhead as ph
        >>> frame = ph.from_pandas(pd.DataFrame({"k": ["a", "b", "a"]}))
        >>> frame.groupby("k").agg(n=ph.size()).named("counts").compute()
           k  n
        0  a  2
        1  b  1
        """
        from playhead.frame.naming import named

        return self._with(named(self._node, name))

    def __len__(self) -> int:
        raise UnboundedError(
            "a lazy frame has no length yet; ask for it: frame.agg(n=ph.size()).compute(), or frame.count().compute()"
        )

    def __bool__(self) -> bool:
        raise PlanError("a lazy frame is neither true nor false; ask frame.count().compute() for what is in it")

    def __iter__(self) -> Any:
        raise PlanError("a lazy frame cannot be looped over; compute() it, or let a sink take its batches")


def _require_rows(n: int, what: str) -> None:
    if not isinstance(n, int) or n < 0:
        raise PlanError(f"{what} takes a number of rows, not {n!r}")


def _frame_of(table: pa.Table, name: str) -> Frame:
    from playhead.frame.frame import Frame
    from playhead.sources.arrow import ArrowSource
    from playhead.sources.timing import Declared

    return Frame.from_source(ArrowSource(name, table, Declared(None)))
