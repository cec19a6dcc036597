"""Groups of rows, and what `agg` makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn, cast

from playhead import plan
from playhead.durations import microseconds
from playhead.errors import EventTimeError, PlanError, TypeMismatchError, did_you_mean
from playhead.expr import AggregateCall, Call, Col, Expr, columns_of, has_aggregate, type_of, walk
from playhead.frame.column import Column, to_expr
from playhead.frame.pandas_arguments import refuse
from playhead.schema import require_column
from playhead.windows import WINDOW_END, WINDOW_START, Window

if TYPE_CHECKING:
    from playhead.aggregates.aggregate import Aggregate
    from playhead.frame.frame import Frame


@dataclass(frozen=True, repr=False)
class GroupBy:
    """Groups of a frame's rows; made by `groupby` and `resample`, ended by `agg` or an aggregate's name."""

    frame: Frame
    keys: tuple[tuple[str, Expr], ...]
    window: Window | None = None
    window_position: int = 0
    dropna: bool = False
    allowed_lateness: int = 0
    emit_every: int | None = None
    label: str | None = None
    """For `resample`: the one column that stands for the window, """
    label_end: bool = False
    """by its end instead of its beginning,"""
    shift: int = 0
    """less so many microseconds."""
    selected: tuple[str, ...] | None = None

    @classmethod
    def over(cls, frame: Frame, by: Any, *, dropna: bool, allowed_lateness: Any, emit_every: Any) -> GroupBy:
        keys: list[tuple[str, Expr]] = []
        window, position = None, 0
        if by is None:
            raise PlanError("groupby needs what to group by: column names, columns, a window such as ph.tumbling('1h')")
        for part in by if isinstance(by, list | tuple) else [by]:
            if isinstance(part, Window):
                if window is not None:
                    raise PlanError(f"one window in a groupby, not two: {window} and {part}")
                plan.require_event_time(frame.node, f"groupby({part})")
                window, position = part, len(keys)
            else:
                keys.append(_key(frame, part))
        lateness = 0 if allowed_lateness is None else microseconds(allowed_lateness, "allowed_lateness")
        every = None if emit_every is None else microseconds(emit_every, "emit_every")
        return cls(frame, tuple(keys), window, position, dropna, lateness, every)

    def agg(self, *args: Any, **named: Any) -> Frame:
        """Named aggregates over each group.

        Parameters
        ----------
        **named
            `name=("column", "mean")` as in pandas, or an expression over aggregates such as
            `vwap=ph.sum(ph.col("price") * ph.col("size")) / ph.sum("size")`.
        *args
            As in pandas, one dict `{column: aggregate}` or one name for all columns that can have it.

        Examples
        --------
        >>> import pandas as pd, playhead as ph
        >>> frame = ph.from_pandas(pd.DataFrame({"k": ["a", "a", "b"], "x": [1, 2, 5]}))
        >>> frame.groupby("k").agg(n=("x", "count"), spread=ph.max("x") - ph.min("x")).compute()
           k  n  spread
        0  a  2       1
        1  b  1       0
        """
        wanted = {**self._from_positional(args), **named}
        if not wanted:
            raise PlanError("agg needs at least one aggregate, such as n=('x', 'count')")
        outputs = {name: self._expression(name, spec) for name, spec in wanted.items()}
        return self._build(outputs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        from playhead.aggregates import NAMES

        if name in NAMES:

            def of_all_columns(**pandas: Any) -> Frame:
                refuse(pandas, name)
                return self._all_columns(name)

            return of_all_columns
        if name not in self.frame.columns:
            from playhead.frame.pandas_names import missing_from_groups

            raise missing_from_groups(name, self.frame.columns)
        return self[name]

    def __getitem__(self, columns: str | list[str]) -> GroupBy:
        """Only these columns are aggregated by the call that follows."""
        names = [columns] if isinstance(columns, str) else list(columns)
        for name in names:
            require_column(name, self.frame.schema)
        return replace(self, selected=tuple(names))

    def quantile(self, q: float = 0.5, **pandas: Any) -> Frame:
        """The quantile `q` of every numeric column."""
        refuse(pandas)
        from playhead.aggregates.quantile import Quantile

        return self._all_columns(Quantile(q))

    def __iter__(self) -> NoReturn:
        raise PlanError("groups are not looped over; say what is wanted of each with .agg(...)")

    def __repr__(self) -> str:
        by = [name for name, _ in self.keys]
        by[self.window_position : self.window_position] = [str(self.window)] if self.window else []
        return f"<GroupBy {', '.join(by) or 'all rows'}; end it with .agg(...) or the name of an aggregate>"

    # From the user's words to a plan

    def _from_positional(self, args: tuple[Any, ...]) -> dict[str, Any]:
        match args:
            case ():
                return {}
            case (Mapping() as columns,):
                for name, what in columns.items():
                    if isinstance(what, list | tuple):
                        raise PlanError(
                            f"several aggregates of {name!r} need names: {name}_mean=({name!r}, 'mean'), ..."
                        )
                return {name: (name, what) for name, what in columns.items()}
            case (list() | tuple(), *_):
                raise PlanError("several aggregates need names of their own: x_mean=('x', 'mean'), x_max=('x', 'max')")
            case (what,):
                return {name: (name, what) for name in self._columns_for(what)}
        raise PlanError(f"agg takes one positional argument, not {len(args)}")

    def _all_columns(self, what: Any) -> Frame:
        if what == "size":
            return self.agg(size=size_of_group())
        return self.agg(**{name: (name, what) for name in self._columns_for(what)})

    def _columns_for(self, what: Any) -> list[str]:
        if self.selected is not None:
            return list(self.selected)
        taken = {name for name, _ in self.keys} | {self.label}
        time = self.frame.node.time
        taken |= {time.column} if time and self.window else set()
        return [name for name in self.frame.columns if name not in taken and self._fits(name, what)]

    def _fits(self, name: str, what: Any) -> bool:
        try:
            call = self._call(Col(name), aggregate_named(what))
            call.aggregate.result_type([type_of(argument, self.frame.schema) for argument in call.arguments])
        except TypeMismatchError:
            return False
        return True

    def _expression(self, name: str, spec: Any) -> Expr:
        if isinstance(spec, tuple) and len(spec) == 2:  # pandas' NamedAgg is one
            column, what = spec
            argument = Col(column) if isinstance(column, str) else self.frame._resolve(column)
            if isinstance(argument, Col):
                require_column(argument.name, self.frame.schema)
            return self._call(argument, aggregate_named(what))
        if isinstance(spec, Column) or (callable(spec) and not isinstance(spec, type)):
            expr = to_expr(spec if isinstance(spec, Column) else spec(self.frame))
            if not has_aggregate(expr):
                raise PlanError(f"{name}={expr} has no aggregate; say ph.sum(...), ph.first(...) or the like")
            return self._ordered(expr)
        raise PlanError(
            f"{name}={spec!r} is not an aggregate; write {name}=('column', 'mean') "
            "or an expression such as ph.sum('column')"
        )

    def _call(self, argument: Expr, aggregate: Aggregate) -> AggregateCall:
        if aggregate.name == "size":
            return AggregateCall(aggregate, ())
        return ordered(AggregateCall(aggregate, (argument,)), self.frame.node)

    def _ordered(self, expr: Expr) -> Expr:
        match expr:
            case AggregateCall():
                return ordered(expr, self.frame.node)
            case Call(function, arguments, options):
                return Call(function, tuple(self._ordered(argument) for argument in arguments), options)
        return expr

    def _build(self, outputs: dict[str, Expr]) -> Frame:
        from playhead.frame.frame import Frame

        plain = {name: expr for name, expr in outputs.items() if isinstance(expr, AggregateCall)}
        calls: dict[AggregateCall, str] = {}
        if len(plain) < len(outputs):
            found = [node for expr in outputs.values() for node in walk(expr) if isinstance(node, AggregateCall)]
            calls = _names_of(dict.fromkeys(found), {name for name, _ in self.keys})
        aggregates = tuple((name, call) for call, name in calls.items()) or tuple(plain.items())
        node: plan.Node = plan.Aggregate(
            self.frame.node,
            self.keys,
            aggregates,
            self.window,
            self.window_position,
            self.allowed_lateness,
            self.emit_every,
            self.dropna,
        )
        if calls:
            keys = [(name, Col(name)) for name in node.schema.names[: len(node.schema.names) - len(aggregates)]]
            results = [(name, _over_results(expr, calls)) for name, expr in outputs.items()]
            for name, expr in results:
                _require_one_value_a_group(name, outputs[name], columns_of(expr) - set(node.schema.names))
            node = plan.Project(node, (*keys, *results))
        return Frame(node if self.label is None else self._labelled(node))

    def _labelled(self, node: plan.Node) -> plan.Node:
        names = [name for name in node.schema.names if name not in (WINDOW_START, WINDOW_END)]
        stands = to_expr(Column(Col(WINDOW_END if self.label_end else WINDOW_START)) - timedelta(0, 0, self.shift))
        label = stands if self.shift else Col(WINDOW_END if self.label_end else WINDOW_START)
        return plan.Project(node, ((str(self.label), label), *((name, Col(name)) for name in names)))


def _require_one_value_a_group(name: str, expr: Expr, others: frozenset[str]) -> None:
    if others:
        raise PlanError(
            f"{name}={expr}: {sorted(others)} are values of single rows beside aggregates; "
            "aggregate them too, or merge the aggregate with the rows"
        )


def _names_of(calls: Iterable[AggregateCall], taken: set[str]) -> dict[AggregateCall, str]:
    """A column name for each aggregate inside of expressions: what it is, as errors and `explain` show it."""
    names: dict[AggregateCall, str] = {}
    for call in calls:
        name = str(call)
        while name in taken:
            name += "'"
        taken.add(name)
        names[call] = name
    return names


def _over_results(expr: Expr, calls: Mapping[AggregateCall, str]) -> Expr:
    match expr:
        case AggregateCall():
            return Col(calls[expr])
        case Call(function, arguments, options):
            return Call(function, tuple(_over_results(argument, calls) for argument in arguments), options)
    return expr


def _key(frame: Frame, part: Any) -> tuple[str, Expr]:
    if isinstance(part, str):
        require_column(part, frame.schema)
        return part, Col(part)
    if callable(part) and not isinstance(part, Column):
        part = part(frame)
    if isinstance(part, Column):
        expr = frame._resolve(part)
        if part.name is None:
            raise PlanError(f"the group key {expr} needs a name: say .rename('...') on it")
        return part.name, expr
    raise PlanError(f"cannot group by {part!r}; give column names, columns, or a window such as ph.tumbling('1h')")


def ordered(call: AggregateCall, node: plan.Node) -> AggregateCall:
    """Give an order-dependent aggregate the order key: event time, then the source's sequence columns."""
    if call.aggregate.order_dependent and len(call.arguments) == 1:
        return AggregateCall(call.aggregate, call.arguments + order_key(node, str(call.aggregate)))
    return call


def order_key(node: plan.Node, what: str) -> tuple[Expr, ...]:
    """The columns that say which of two rows comes first: event time, then the sources' sequence columns."""
    if node.time is None:
        raise EventTimeError(
            f"{what} asks which row comes first, and a frame has no order: "
            "it needs an event time (time= or .with_time(...))"
        )
    return (Col(node.time.column), *(Col(name) for name in node.sequence))


def aggregate_named(what: Any) -> Aggregate:
    """The aggregate that a name or an object stands for, or the error that lists the names."""
    from playhead.aggregates import NAMES
    from playhead.aggregates.user import UserAggregate, UserDefined

    if what in ("quantile", "approx_quantile"):
        raise PlanError(f"{what} needs the share q: write ph.{what}('column', 0.5)")
    if isinstance(what, str):
        if what not in NAMES:
            raise PlanError(f"no aggregate {what!r}; there are {', '.join(NAMES)}{did_you_mean(what, NAMES)}")
        return NAMES[what]
    if isinstance(what, type) and issubclass(what, UserAggregate):
        what = what()
    if isinstance(what, UserAggregate):
        return UserDefined(what)
    if hasattr(what, "accumulator"):
        return cast("Aggregate", what)
    said = f"the function {getattr(what, '__qualname__', what)!r}" if callable(what) else repr(what)
    raise PlanError(f"{said} is not an aggregate; give a name such as 'mean', or subclass ph.UserAggregate")


def size_of_group() -> Column:
    from playhead.aggregates import NAMES

    return Column(AggregateCall(NAMES["size"], ()))


@dataclass(frozen=True)
class UserMetric:
    """A number of the user's own, kept by a running query."""

    name: str
    aggregate: Column


def metric(name: str, aggregate: Column) -> UserMetric:
    """A metric of your own for `frame.with_metrics`: one aggregate such as `ph.sum("size")`, under a name.

    Examples
    --------
    >>> import pandas as pd, playhead as ph
    >>> trades = ph.from_pandas(pd.DataFrame({"size": [1, 2]}))
    >>> query = trades.with_metrics(ph.metric("largest", ph.max("size"))).start().wait()
    >>> query.metrics["largest"]
    2
    """
    return UserMetric(name, aggregate)


def metric_call(node: plan.Node, wanted: UserMetric) -> AggregateCall:
    """The aggregate of a user's metric: exactly one, over columns of this frame."""
    expr = to_expr(wanted.aggregate)
    if not isinstance(expr, AggregateCall):
        raise PlanError(f"the metric {wanted.name!r} is one aggregate, such as ph.sum('size'), not {expr}")
    return ordered(expr, node)
