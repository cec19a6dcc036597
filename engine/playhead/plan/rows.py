"""Nodes that treat each row by itself, and where rows begin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from playhead.durations import readable
from playhead.errors import EventTimeError, PlanError, TypeMismatchError
from playhead.expr import AggregateCall, Col, Expr, type_of
from playhead.plan.common import OneInput, require_unique, schema_difference
from playhead.schema import EventTime, require_column

if TYPE_CHECKING:
    from playhead.plan import Node


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
        require_unique(self.source.schema.names, "the source")

    @cached_property
    def schema(self) -> pa.Schema:
        schema = self.source.schema
        return schema if self.columns is None else pa.schema([schema.field(name) for name in self.columns])

    @property
    def time(self) -> EventTime | None:
        time = self.source.time
        return time if time and time.column in self.schema.names else None

    bounded = property(lambda self: self.source.bounded)
    sequence = property(lambda self: tuple(name for name in self.source.sequence if name in self.schema.names))
    append_only = True
    unique_key = None
    inputs: tuple[Node, ...] = ()

    def __str__(self) -> str:
        columns = "" if self.columns is None else f" columns={list(self.columns)}"
        predicate = getattr(self.source, "predicate", "")  # of sources that leave out what filters would
        return f"Scan {self.source.name}{columns}" + (f" predicate: {predicate}" if predicate else "")


@dataclass(frozen=True)
class Filter(OneInput):
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
class Project(OneInput):
    """Columns computed from the columns of each row."""

    input: Node
    columns: tuple[tuple[str, Expr], ...]

    def __post_init__(self) -> None:
        if not self.columns:
            raise PlanError(f"no column is left of {self.input.schema.names}; rows without columns cannot be shown")
        require_unique([name for name, _ in self.columns], "the result")
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
    def sequence(self) -> tuple[str, ...]:
        names = [self._renamed.get(name, name) for name in self.input.sequence]
        return tuple(name for name in names if name in self.schema.names)

    @cached_property
    def _renamed(self) -> dict[str, str]:
        return {expr.name: name for name, expr in reversed(self.columns) if isinstance(expr, Col)}

    def __str__(self) -> str:
        parts = [name if expr == Col(name) else f"{name}={expr}" for name, expr in self.columns]
        return f"Project {', '.join(parts)}"


@dataclass(frozen=True)
class MapBatches(OneInput):
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
class Concat:
    """The rows of several inputs with the same columns."""

    inputs: tuple[Node, ...]

    def __post_init__(self) -> None:
        first = self.inputs[0]
        for number, other in enumerate(self.inputs[1:], 2):
            if other.schema.names != first.schema.names or other.schema.types != first.schema.types:
                raise PlanError(
                    f"concat needs the same columns everywhere; input {number} differs: "
                    f"{schema_difference(first.schema, other.schema)}"
                )

    schema = property(lambda self: self.inputs[0].schema)
    bounded = property(lambda self: all(node.bounded for node in self.inputs))
    append_only = property(lambda self: all(node.append_only for node in self.inputs))
    sequence = property(lambda self: tuple(dict.fromkeys(name for node in self.inputs for name in node.sequence)))
    unique_key = None

    @property
    def time(self) -> EventTime | None:
        times = {node.time for node in self.inputs}
        return times.pop() if len(times) == 1 else None

    def __str__(self) -> str:
        return f"Concat {len(self.inputs)} inputs"


@dataclass(frozen=True)
class Limit(OneInput):
    """The first `count` rows that arrive."""

    input: Node
    count: int
    label: str | None = None
    """What the user calls this step, for its state in checkpoints."""

    def __post_init__(self) -> None:
        if not self.input.append_only:
            raise PlanError(
                "limit takes inputs that never take rows back; use compute().head() for the result of an aggregate"
            )

    bounded = True

    def __str__(self) -> str:
        return f"Limit {self.count}"


@dataclass(frozen=True)
class WithTime(OneInput):
    """The same rows with another event time; the watermark follows the rows seen, `out_of_order` behind."""

    input: Node
    event_time: EventTime
    out_of_order: int | None
    label: str | None = None
    """What the user calls this step, for its state in checkpoints."""

    def __post_init__(self) -> None:
        kind = require_column(self.event_time.column, self.input.schema).type
        if not (pa.types.is_timestamp(kind) and kind.unit == "us" and kind.tz):
            raise EventTimeError(
                f"{self.event_time.column!r} is {kind}; an event time is timestamp[us, zone]: "
                "astype('datetime64[us, UTC]') first"
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
class Metric(OneInput):
    """The same rows; an aggregate over all of them is shown in `query.metrics` under `name`."""

    input: Node
    name: str
    call: AggregateCall

    def __post_init__(self) -> None:
        self.call.aggregate.result_type([type_of(argument, self.input.schema) for argument in self.call.arguments])

    def __str__(self) -> str:
        return f"Metric {self.name}={self.call}"
