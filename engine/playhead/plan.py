"""What a query means: logical nodes, a closed union of frozen dataclasses.

A node knows the columns of its result (`schema`), which of them says when a row happened (`time`),
whether it ends (`bounded`), whether rows are ever taken back in update mode (`append_only`), and
which columns identify a row (`unique_key`). It refuses nonsense when it is built.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import pyarrow as pa

from playhead.durations import readable
from playhead.errors import EventTimeError, PlanError, TypeMismatchError
from playhead.expr import AggregateCall, Col, Expr, type_of
from playhead.schema import EventTime, is_orderable, require_column
from playhead.windows import WINDOW_END, WINDOW_START, Window


class TableSource(Protocol):
    """What a plan needs to know of a source."""

    name: str
    schema: pa.Schema
    time: EventTime | None
    bounded: bool
    out_of_order: int | None
    sequence: tuple[str, ...]
    arrival: str | None


@dataclass(frozen=True)
class Scan:
    """The rows of a source; with `columns`, only those columns of them."""

    source: TableSource
    columns: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        _require_unique(self.source.schema.names, "the source")

    @cached_property
    def schema(self) -> pa.Schema:
        schema = self.source.schema
        return schema if self.columns is None else pa.schema([schema.field(name) for name in self.columns])

    @property
    def time(self) -> EventTime | None:
        time = self.source.time
        return time if time and time.column in self.schema.names else None

    bounded = property(lambda self: self.source.bounded)
    append_only = True
    unique_key = None
    inputs: tuple[Node, ...] = ()

    def __str__(self) -> str:
        columns = "" if self.columns is None else f" columns={list(self.columns)}"
        return f"Scan {self.source.name}{columns}"


class _OneInput:
    """Properties that most nodes have from their input."""

    input: Node

    @property
    def inputs(self) -> tuple[Node, ...]:
        return (self.input,)

    @property
    def schema(self) -> pa.Schema:
        return self.input.schema

    @property
    def time(self) -> EventTime | None:
        return self.input.time

    @property
    def bounded(self) -> bool:
        return self.input.bounded

    @property
    def append_only(self) -> bool:
        return self.input.append_only

    @property
    def unique_key(self) -> tuple[str, ...] | None:
        return self.input.unique_key


@dataclass(frozen=True)
class Filter(_OneInput):
    """The rows of `input` for which `predicate` is true; null counts as false."""

    input: Node
    predicate: Expr

    def __post_init__(self) -> None:
        kind = type_of(self.predicate, self.input.schema)
        if not pa.types.is_boolean(kind):
            raise TypeMismatchError(
                f"a filter needs true or false, but {self.predicate} is {kind}; compare it with something"
            )

    def __str__(self) -> str:
        return f"Filter {self.predicate}"


@dataclass(frozen=True)
class Project(_OneInput):
    """Columns computed from the columns of each row."""

    input: Node
    columns: tuple[tuple[str, Expr], ...]

    def __post_init__(self) -> None:
        _require_unique([name for name, _ in self.columns], "the result")
        self.schema  # noqa: B018  computing it checks every expression

    @cached_property
    def schema(self) -> pa.Schema:
        fields = []
        for name, expr in self.columns:
            if isinstance(expr, Col):
                fields.append(require_column(expr.name, self.input.schema).with_name(name))
            else:
                fields.append(pa.field(name, type_of(expr, self.input.schema)))
        return pa.schema(fields)

    @cached_property
    def time(self) -> EventTime | None:
        time = self.input.time
        name = time and self._renamed.get(time.column)
        return EventTime(name, time.offset) if time and name else None

    @cached_property
    def unique_key(self) -> tuple[str, ...] | None:
        names = [self._renamed.get(name) for name in self.input.unique_key or ()]
        return tuple(name for name in names if name) if names and all(names) else None

    @cached_property
    def _renamed(self) -> dict[str, str]:
        return {expr.name: name for name, expr in reversed(self.columns) if isinstance(expr, Col)}

    def __str__(self) -> str:
        parts = [name if expr == Col(name) else f"{name}={expr}" for name, expr in self.columns]
        return f"Project {', '.join(parts)}"


@dataclass(frozen=True)
class MapBatches(_OneInput):
    """The user's own function of whole batches of rows."""

    input: Node
    function: Callable[[Any], Any]
    output: pa.Schema
    format: str
    """"arrow" or "pandas": what the function gets."""

    def __post_init__(self) -> None:
        if not self.input.append_only:
            raise PlanError(
                "map_batches sees rows, not their weights, and this input takes rows back; put it before the aggregate"
            )

    @property
    def schema(self) -> pa.Schema:
        return self.output

    @property
    def time(self) -> EventTime | None:
        time = self.input.time
        known = time and time.column in self.output.names
        return (
            time
            if time and known and self.output.field(time.column).type == self.input.schema.field(time.column).type
            else None
        )

    @property
    def unique_key(self) -> tuple[str, ...] | None:
        return None

    def __str__(self) -> str:
        return f"MapBatches {getattr(self.function, '__qualname__', self.function)}"


@dataclass(frozen=True)
class Aggregate(_OneInput):
    """One row per group: the group's key columns, its window if there is one, and aggregates over its rows."""

    input: Node
    keys: tuple[tuple[str, Expr], ...]
    aggregates: tuple[tuple[str, AggregateCall], ...]
    window: Window | None = None
    window_position: int = 0
    """How many key columns stand before the window's two columns."""
    allowed_lateness: int = 0
    emit_every: int | None = None
    dropna: bool = False

    def __post_init__(self) -> None:
        _require_unique(self.schema.names, "the aggregate's result")
        for name, expr in self.keys:
            kind = type_of(expr, self.input.schema)
            if not is_orderable(kind):
                raise TypeMismatchError(f"cannot group by {name!r}: {kind} values have no order")
        if self.window is not None:
            require_event_time(self.input, f"{self.window}")
        if self.allowed_lateness and self.window is None:
            raise PlanError("allowed_lateness is about windows that close; an aggregate without a window never does")
        if not self.input.append_only:
            for name, call in self.aggregates:
                if not call.aggregate.can_take_back:
                    raise PlanError(
                        f"{name}={call} cannot take rows back, but its input does; use nunique instead, or a window before it"
                    )

    @cached_property
    def schema(self) -> pa.Schema:
        fields = [pa.field(name, type_of(expr, self.input.schema)) for name, expr in self.keys]
        if self.window is not None:
            time = require_event_time(self.input, f"{self.window}")
            kind = self.input.schema.field(time.column).type
            fields[self.window_position : self.window_position] = [
                pa.field(WINDOW_START, kind),
                pa.field(WINDOW_END, kind),
            ]
        for name, call in self.aggregates:
            fields.append(pa.field(name, call.aggregate.result_type(self.argument_types(call))))
        return pa.schema(fields)

    def argument_types(self, call: AggregateCall) -> list[pa.DataType]:
        return [type_of(argument, self.input.schema) for argument in call.arguments]

    @property
    def time(self) -> EventTime | None:
        if self.window is None:
            return None
        return EventTime(WINDOW_END, -1)

    @property
    def append_only(self) -> bool:
        return False

    @cached_property
    def unique_key(self) -> tuple[str, ...] | None:
        return tuple(self.schema.names[: len(self.keys) + (2 if self.window else 0)])

    def __str__(self) -> str:
        keys: list[str] = [name if expr == Col(name) else f"{name}={expr}" for name, expr in self.keys]
        if self.window is not None:
            keys.insert(self.window_position, str(self.window))
        parts = [f"by {', '.join(keys)}"] if keys else []
        parts.append(", ".join(f"{name}={call}" for name, call in self.aggregates))
        if self.allowed_lateness:
            parts.append(f"allowed_lateness={readable(self.allowed_lateness)}")
        if self.emit_every:
            parts.append(f"emit_every={readable(self.emit_every)}")
        return f"Aggregate {'; '.join(parts)}"


@dataclass(frozen=True)
class Concat:
    """The rows of several inputs with the same columns."""

    inputs: tuple[Node, ...]

    def __post_init__(self) -> None:
        first = self.inputs[0]
        for number, other in enumerate(self.inputs[1:], 2):
            if other.schema.names != first.schema.names or other.schema.types != first.schema.types:
                raise PlanError(
                    f"concat needs the same columns everywhere; input {number} differs: {schema_difference(first.schema, other.schema)}"
                )

    schema = property(lambda self: self.inputs[0].schema)
    bounded = property(lambda self: all(node.bounded for node in self.inputs))
    append_only = property(lambda self: all(node.append_only for node in self.inputs))
    unique_key = None

    @property
    def time(self) -> EventTime | None:
        times = {node.time for node in self.inputs}
        return times.pop() if len(times) == 1 else None

    def __str__(self) -> str:
        return f"Concat {len(self.inputs)} inputs"


@dataclass(frozen=True)
class Merge:
    """Pairs of rows of two inputs whose keys are equal; with how="left", left rows without a partner too."""

    left: Node
    right: Node
    on: tuple[tuple[str, str], ...]
    how: str
    ttl: int | None = None
    suffixes: tuple[str, str] = ("_x", "_y")

    def __post_init__(self) -> None:
        require_same_key_types(self.left, self.right, self.on, "merge")
        _require_unique(self.schema.names, "the merge's result (see suffixes=)")
        if self.ttl is not None:
            for side in self.inputs:
                require_event_time(side, "merge with ttl=")

    @property
    def inputs(self) -> tuple[Node, ...]:
        return (self.left, self.right)

    @cached_property
    def columns(self) -> tuple[tuple[str, int, str], ...]:
        """(result name, input number, input's name) in result order, as pandas arranges them."""
        return joined_columns(self.left.schema, self.right.schema, self.on, self.suffixes)

    @cached_property
    def schema(self) -> pa.Schema:
        return joined_schema(self.left.schema, self.right.schema, self.columns)

    time = None
    bounded = property(lambda self: self.left.bounded and self.right.bounded)
    unique_key = None

    @property
    def append_only(self) -> bool:
        return self.how == "inner" and self.left.append_only and self.right.append_only

    def __str__(self) -> str:
        on = ", ".join(left if left == right else f"{left}={right}" for left, right in self.on)
        return f"Merge {self.how} on {on}" + (f", ttl={readable(self.ttl)}" if self.ttl else "")


@dataclass(frozen=True)
class MergeAsof:
    """Each left row with the latest right row of the same `by` that is not after it."""

    left: Node
    right: Node
    by: tuple[tuple[str, str], ...]
    tolerance: int | None = None
    allow_exact_matches: bool = True
    suffixes: tuple[str, str] = ("_x", "_y")

    def __post_init__(self) -> None:
        for side in self.inputs:
            require_event_time(side, "merge_asof")
            if not side.append_only:
                raise PlanError("merge_asof takes inputs that never take rows back; aggregate after it, not before")
        require_same_key_types(self.left, self.right, self.by, "merge_asof")
        _require_unique(self.schema.names, "the merge's result (see suffixes=)")

    @property
    def inputs(self) -> tuple[Node, ...]:
        return (self.left, self.right)

    @cached_property
    def columns(self) -> tuple[tuple[str, int, str], ...]:
        left, right = require_event_time(self.left, "merge_asof"), require_event_time(self.right, "merge_asof")
        same = ((left.column, right.column),) if left.column == right.column else ()
        return joined_columns(self.left.schema, self.right.schema, self.by + same, self.suffixes)

    @cached_property
    def schema(self) -> pa.Schema:
        return joined_schema(self.left.schema, self.right.schema, self.columns)

    time = property(lambda self: self.left.time)
    bounded = property(lambda self: self.left.bounded and self.right.bounded)
    unique_key = None
    append_only = False

    def __str__(self) -> str:
        by = ", ".join(left if left == right else f"{left}={right}" for left, right in self.by)
        return (
            "MergeAsof"
            + (f" by {by}" if by else "")
            + (f", tolerance={readable(self.tolerance)}" if self.tolerance is not None else "")
        )


@dataclass(frozen=True)
class Limit(_OneInput):
    """The first `count` rows that arrive."""

    input: Node
    count: int

    def __post_init__(self) -> None:
        if not self.input.append_only:
            raise PlanError(
                "limit takes inputs that never take rows back; use compute().head() for the result of an aggregate"
            )

    def __str__(self) -> str:
        return f"Limit {self.count}"


@dataclass(frozen=True)
class WithTime(_OneInput):
    """The same rows with another event time; the watermark follows the rows seen, `out_of_order` behind."""

    input: Node
    event_time: EventTime
    out_of_order: int | None

    def __post_init__(self) -> None:
        kind = require_column(self.event_time.column, self.input.schema).type
        if not (pa.types.is_timestamp(kind) and kind.unit == "us" and kind.tz):
            raise EventTimeError(
                f"{self.event_time.column!r} is {kind}; an event time is timestamp[us, zone]: astype('datetime64[us, UTC]') first"
            )
        if not self.bounded and self.out_of_order is None:
            raise EventTimeError(
                "with_time on an endless input needs out_of_order=, how far behind a row may be ('5s')"
            )

    @property
    def time(self) -> EventTime | None:
        return self.event_time

    def __str__(self) -> str:
        return f"WithTime {self.event_time.column}" + (
            f", out_of_order={readable(self.out_of_order)}" if self.out_of_order is not None else ""
        )


@dataclass(frozen=True)
class Metric(_OneInput):
    """The same rows; an aggregate over all of them is shown in `query.metrics` under `name`."""

    input: Node
    name: str
    call: AggregateCall

    def __post_init__(self) -> None:
        self.call.aggregate.result_type([type_of(argument, self.input.schema) for argument in self.call.arguments])

    def __str__(self) -> str:
        return f"Metric {self.name}={self.call}"


Node = Scan | Filter | Project | MapBatches | Aggregate | Concat | Merge | MergeAsof | Limit | WithTime | Metric


def walk(node: Node) -> Iterator[Node]:
    """Every node of a plan, inputs before what reads them; a shared node comes as often as it is used."""
    for child in node.inputs:
        yield from walk(child)
    yield node


def scans(node: Node) -> list[Scan]:
    """The scans of a plan, each source once."""
    found: dict[int, Scan] = {}
    for part in walk(node):
        if isinstance(part, Scan):
            found.setdefault(id(part.source), part)
    return list(found.values())


def require_event_time(node: Node, what: str) -> EventTime:
    """The event time of a node, or the error that says how to get one."""
    if node.time is None:
        raise EventTimeError(
            f"{what} needs an event time, and this frame has none; columns: {node.schema.names}. "
            "Keep the time column, read the source with time=, or say .with_time(column, out_of_order=...)"
        )
    return node.time


def require_same_key_types(left: Node, right: Node, on: tuple[tuple[str, str], ...], what: str) -> None:
    """Refuse keys that are not there or could never be equal."""
    for left_name, right_name in on:
        left_type = require_column(left_name, left.schema).type
        right_type = require_column(right_name, right.schema).type
        if left_type != right_type:
            raise TypeMismatchError(
                f"{what}: {left_name!r} is {left_type} and {right_name!r} is {right_type}; make them equal with astype"
            )
        if not is_orderable(left_type):
            raise TypeMismatchError(f"cannot {what} on {left_name!r}: {left_type} values have no order")


def joined_columns(
    left: pa.Schema, right: pa.Schema, same: tuple[tuple[str, str], ...], suffixes: tuple[str, str]
) -> tuple[tuple[str, int, str], ...]:
    """Names of a join's columns: (result name, 0 left or 1 right, input's name); a key with one name comes once."""
    once = {name for name, other in same if name == other}
    both = (set(left.names) & set(right.names)) - once
    result = [(name + suffixes[0] if name in both else name, 0, name) for name in left.names]
    result += [(name + suffixes[1] if name in both else name, 1, name) for name in right.names if name not in once]
    return tuple(result)


def joined_schema(left: pa.Schema, right: pa.Schema, columns: tuple[tuple[str, int, str], ...]) -> pa.Schema:
    return pa.schema([(right if side else left).field(source).with_name(name) for name, side, source in columns])


def schema_difference(expected: pa.Schema, actual: pa.Schema) -> str:
    """What differs between two schemas, in words."""
    parts = [f"{name!r} is missing" for name in expected.names if name not in actual.names]
    parts += [f"{name!r} is extra" for name in actual.names if name not in expected.names]
    for name in expected.names:
        if name in actual.names and actual.field(name).type != expected.field(name).type:
            parts.append(f"{name!r} is {actual.field(name).type}, not {expected.field(name).type}")
    return "; ".join(parts) or f"the order of columns: {actual.names}, not {expected.names}"


def _require_unique(names: list[str], what: str) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise PlanError(f"{what} would have two columns called {', '.join(map(repr, twice))}; rename one of them")
