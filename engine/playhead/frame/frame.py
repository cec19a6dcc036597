"""The lazy dataframe: an immutable plan with pandas' verbs; running it is somebody else's job."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from playhead import plan
from playhead.durations import microseconds
from playhead.errors import PlanError
from playhead.expr import Col, Expr, columns_of, has_aggregate
from playhead.frame.column import Column, to_expr
from playhead.frame.every_column import EveryColumnVerbs
from playhead.frame.joins import JoinVerbs
from playhead.frame.live import LiveVerbs
from playhead.frame.pandas_arguments import refuse
from playhead.frame.running import RunVerbs
from playhead.frame.show import ShowVerbs
from playhead.frame.summary import SummaryVerbs
from playhead.schema import EventTime, require_column

if TYPE_CHECKING:
    from playhead.frame.groupby import GroupBy, UserMetric

ColumnLike = Any
"""What a verb takes as a column: a Column, a function of the frame, or a plain value."""


class Frame(RunVerbs, LiveVerbs, EveryColumnVerbs, JoinVerbs, SummaryVerbs, ShowVerbs):
    """A lazy table, bounded or endless, with pandas' verbs.

    A frame has no index and no order. It is made by `read_parquet`, `from_pandas` and the like, and
    every verb gives a new one; nothing runs before `compute`, `replay` or `start`.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> trades = ph.from_pandas(pd.DataFrame({"symbol": ["a", "b", "a"], "price": [1.0, 2.0, 3.0]}))
    >>> trades[trades.price > 1].assign(double=lambda f: f.price * 2).compute()
      symbol  price  double
    0      b    2.0     4.0
    1      a    3.0     6.0
    """

    __slots__ = ()

    @classmethod
    def from_source(cls, source: plan.TableSource) -> Frame:
        """A frame of everything that a source gives."""
        return cls(plan.Scan(source))

    # What it is

    @property
    def dtypes(self) -> dict[str, pa.DataType]:
        """The Arrow type of each column."""
        return {field.name: field.type for field in self._node.schema}

    @property
    def time(self) -> str | None:
        """The event-time column, or None."""
        return self._node.time.column if self._node.time else None

    @property
    def bounded(self) -> bool:
        """Whether the input ends."""
        return bool(self._node.bounded)

    # Columns

    def __getattr__(self, name: str) -> Column:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._node.schema.names:
            from playhead.frame.pandas_names import missing_from_frame

            raise missing_from_frame(name, self.columns, type(self))
        return Column(Col(name), self)

    def __setattr__(self, name: str, value: Any) -> None:
        raise PlanError(f"a frame does not change; say frame = frame.assign({name}=...)")

    def __setitem__(self, name: str, value: Any) -> None:
        raise PlanError(f"a frame does not change; say frame = frame.assign({name}=...)")

    def __delitem__(self, name: str) -> None:
        raise PlanError(f"a frame does not change; say frame = frame.drop({name!r})")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for name in self.columns if name.isidentifier())})

    def _ipython_key_completions_(self) -> list[str]:
        return self.columns

    def __getitem__(self, key: Any) -> Any:
        """A column by name, several by a list of names, or the rows for which a boolean column is true."""
        if isinstance(key, str):
            require_column(key, self._node.schema)
            return Column(Col(key), self)
        if isinstance(key, list | tuple):
            return self.select(*key)
        if isinstance(key, slice | int):
            raise PlanError("a frame has no order and no row numbers; use head(n), limit(n) or a condition on a column")
        return Frame(plan.Filter(self._node, self._resolve(key)))

    def select(self, *columns: str | Column | list[str | Column]) -> Frame:
        """The given columns, in the given order; `.rename(name)` gives a computed one its name."""
        pairs = []
        for column in _flat(columns):
            name = column if isinstance(column, str) else getattr(column, "name", None)
            if name is None:
                raise PlanError(f"{column!r} has no name; say .rename('...') on it")
            pairs.append((name, self._resolve(Col(column) if isinstance(column, str) else column)))
        return Frame(plan.Project(self._node, tuple(pairs)))

    def assign(self, **columns: ColumnLike) -> Frame:
        """Add columns or replace them; each may use those before it, through a function of the frame.

        Examples
        --------
        >>> import pandas as pd, playhead as ph
        >>> frame = ph.from_pandas(pd.DataFrame({"a": [1, 2]}))
        >>> frame.assign(b=frame.a + 1, c=lambda f: f.b * 10).compute()
           a  b   c
        0  1  2  20
        1  2  3  30
        """
        result = self
        for name, value in columns.items():
            expr = result._resolve(value)
            pairs = [(other, Col(other)) for other in result.columns]
            where = result._node.schema.get_field_index(name)
            if where < 0:
                pairs.append((name, expr))  # type: ignore[arg-type]
            else:
                pairs[where] = (name, expr)  # type: ignore[assignment]
            result = Frame(plan.Project(result._node, tuple(pairs)))
        return result

    def drop(self, columns: str | Sequence[str], *, errors: str = "raise", **pandas: Any) -> Frame:
        """All columns but these; with `errors="ignore"` some of them may not be there."""
        refuse(pandas)
        gone = [columns] if isinstance(columns, str) else list(columns)
        for name in gone if errors == "raise" else ():
            require_column(name, self._node.schema)
        return self.select(*[name for name in self.columns if name not in gone])

    def rename(
        self, columns: Mapping[str, str] | Callable[[str], str], *, errors: str = "raise", **pandas: Any
    ) -> Frame:
        """Other names for columns: `{old: new}` or a function of the name; `errors="ignore"` allows missing ones."""
        refuse(pandas)
        if callable(columns):
            names = {name: columns(name) for name in self.columns}
        else:
            names = dict(columns)
            for name in names if errors == "raise" else ():
                require_column(name, self._node.schema)
        return Frame(plan.Project(self._node, tuple((names.get(name, name), Col(name)) for name in self.columns)))

    # Rows

    def query(self, expr: str, *, local_dict: Mapping[str, Any] | None = None, **pandas: Any) -> Frame:
        """The rows for which an expression is true, as in pandas: `query("dep_delay > 60 and carrier in @mine")`.

        Examples
        --------
        >>> import pandas as pd, playhead as ph
        >>> limit = 1
        >>> ph.from_pandas(pd.DataFrame({"a": [1, 2]})).query("a > @limit").compute()
           a
        0  2
        """
        from playhead.frame.query_text import parse_query

        refuse(pandas)
        caller = inspect.currentframe()
        scope = caller.f_back if caller else None
        known = {**scope.f_globals, **scope.f_locals} if scope and local_dict is None else dict(local_dict or {})
        return Frame(plan.Filter(self._node, parse_query(expr, self.columns, known)))

    def dropna(
        self, *, subset: str | Sequence[str] | None = None, how: str = "any", thresh: int | None = None, **pandas: Any
    ) -> Frame:
        """The rows without missing values (null or NaN) in any (or `how="all"`: in all) of the columns.

        With `thresh=` the rows that have at least so many values.
        """
        refuse(pandas)
        if how not in ("any", "all"):
            raise PlanError(f"how={how!r} is neither 'any' nor 'all'")
        names = self.columns if subset is None else [subset] if isinstance(subset, str) else list(subset)
        if not names:
            return self
        condition = self[names[0]].notna()
        if thresh is not None:
            there = [self[name].notna().astype("int64") for name in names]
            return Frame(plan.Filter(self._node, to_expr(sum(there[1:], there[0]) >= thresh)))
        for name in names[1:]:
            condition = condition & self[name].notna() if how == "any" else condition | self[name].notna()
        return Frame(plan.Filter(self._node, to_expr(condition)))

    def limit(self, n: int) -> Frame:
        """The first `n` rows that arrive, as a lazy frame; `head(n)` shows them at once."""
        if not isinstance(n, int) or n < 0:
            raise PlanError(f"limit takes a number of rows, not {n!r}")
        return Frame(plan.Limit(self._node, n))

    def map_batches(
        self, function: Callable[[Any], Any], *, schema: pa.Schema | None = None, format: str = "arrow"
    ) -> Frame:
        """Your own vectorised function of a batch of rows.

        Parameters
        ----------
        function : callable
            Gets a `pyarrow.RecordBatch` (or a `pandas.DataFrame`) of some rows, returns the same kind with
            any number of rows. How rows are cut into batches is not defined.
        schema : pyarrow.Schema, optional
            What it returns. Default: found by calling it on a batch of no rows.
        format : {"arrow", "pandas"}
            What the function gets.
        """
        from playhead.functions.udf import call_on_batch

        if format not in ("arrow", "pandas"):
            raise PlanError(f"format={format!r} is neither 'arrow' nor 'pandas'")
        if schema is None:
            from playhead.expr import empty

            schema = call_on_batch(function, empty(self.schema), format, None).schema
        return Frame(plan.MapBatches(self._node, function, schema, format))

    def pipe(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """`function(frame, ...)`, so that steps read from left to right."""
        return function(self, *args, **kwargs)

    # Time and sources

    def with_time(self, column: str, *, out_of_order: Any = None) -> Frame:
        """The same rows with `column` as their event time; the watermark follows the rows seen.

        Parameters
        ----------
        column : str
            A `timestamp[us, zone]` column.
        out_of_order : str or timedelta, optional
            How far behind the greatest time before it a row may be. Needed where the input does not end.
        """
        delay = None if out_of_order is None else microseconds(out_of_order, "out_of_order")
        return Frame(plan.WithTime(self._node, EventTime(column), delay))

    def on(self, source: Frame | Mapping[Frame, Frame]) -> Frame:
        """The same query over another source: a frame with the same columns, types and event time.

        For a query over several sources give `{old frame: new frame}`.
        """
        from playhead.frame.rebase import rebase

        return Frame(rebase(self._node, source))

    def with_metrics(self, *metrics: UserMetric) -> Frame:
        """The same rows; each `ph.metric(name, aggregate)` over all of them is shown live in `query.metrics[name]`.

        Examples
        --------
        >>> import pandas as pd, playhead as ph
        >>> frame = ph.from_pandas(pd.DataFrame({"size": [1, 2]})).with_metrics(ph.metric("volume", ph.sum("size")))
        >>> frame.start().wait().metrics["volume"]
        3
        """
        node = self._node
        from playhead.frame.groupby import metric_call

        for wanted in metrics:
            node = plan.Metric(node, wanted.name, metric_call(node, wanted))
        return Frame(node)

    # Groups

    def groupby(
        self,
        by: Any = None,
        *,
        dropna: bool = False,
        as_index: bool = False,
        sort: bool = True,
        allowed_lateness: Any = None,
        emit_every: Any = None,
        **pandas: Any,
    ) -> GroupBy:
        """Groups by columns, expressions and at most one window.

        Parameters
        ----------
        by : str, Column, window, or a list of them
            A window (`ph.tumbling`, `ph.hopping`, `ph.session`) becomes the columns `window_start` and
            `window_end` at its place in the list.
        dropna : bool, default False
            Leave out rows with a missing key (and count them). pandas' default is True.
        as_index, sort : bool
            For readers of pandas: keys are columns (`as_index=False`), and `compute` sorts by them.
        allowed_lateness : str or timedelta, optional
            How long a closed window keeps accepting corrections.
        emit_every : str or timedelta, optional
            Show early results only when the watermark has moved this far (update mode).
        """
        from playhead.frame.groupby import GroupBy

        refuse(pandas)
        if as_index:
            raise PlanError("a frame has no index: group keys are columns; say .compute().set_index(...) for one")
        if not sort:
            raise PlanError("sort=False: a frame has no order, and compute() sorts groups by their keys")
        return GroupBy.over(self, by, dropna=dropna, allowed_lateness=allowed_lateness, emit_every=emit_every)

    def resample(
        self,
        rule: Any,
        *,
        on: str | None = None,
        closed: str = "left",
        label: str = "left",
        origin: Any = None,
        offset: Any = None,
        **pandas: Any,
    ) -> GroupBy:
        """Groups by stretches of event time, labelled by their beginning in the event-time column, as pandas does.

        Stretches without rows give no row.

        Parameters
        ----------
        rule : str or timedelta
            "1min", "1h", "D", ...
        on : str, optional
            As in pandas, for readers: must be the event time.
        closed, label : {"left", "right"}
            Which end of a stretch belongs to it, and which is its label.
        origin, offset
            As for `ph.tumbling`.
        """
        from playhead.frame.resampling import resampled

        refuse(pandas)
        return resampled(self, rule, on=on, closed=closed, label=label, origin=origin, offset=offset)

    def agg(self, *args: Any, **named: Any) -> Frame:
        """Aggregates over all rows: a frame of one row. Arguments as in `groupby(...).agg`."""
        return self.groupby([]).agg(*args, **named)

    # For the verbs

    def _resolve(self, value: Any) -> Expr:
        """The expression that a user's argument stands for, checked against this frame."""
        if callable(value) and not isinstance(value, Column):
            value = value(self)
        expr: Expr = value if isinstance(value, Expr) else to_expr(value)
        if isinstance(value, Column) and value.frame is not None and value.frame is not self:
            self._require_same_rows(value, value.frame.node)
        if has_aggregate(expr):
            raise PlanError(f"{expr} is an aggregate; use it in agg(...), or groupby(...).agg(...) and a merge")
        return expr

    def _require_same_rows(self, column: Column, owner: plan.Node) -> None:
        """Allow columns of a frame that this one came from row by row, if they are still the same; refuse others."""
        node, names = self._node, columns_of(column.expr)
        while node != owner:
            kept = isinstance(node, plan.Filter | plan.Limit | plan.Metric | plan.WithTime)
            if isinstance(node, plan.Project):
                kept = all((name, Col(name)) in node.columns for name in names)
            if not kept:
                raise PlanError(
                    f"{column!r} belongs to another frame, whose rows do not line up with these; use a function, as in "
                    "frame[lambda f: ...], or ph.col(name), or merge the frames"
                )
            (node,) = node.inputs


def _flat(columns: Iterable[Any]) -> list[Any]:
    """Columns given one by one or as a list."""
    return [each for column in columns for each in (column if isinstance(column, list | tuple) else [column])]
