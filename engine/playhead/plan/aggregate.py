"""The node of groups and their aggregates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from playhead.durations import readable
from playhead.errors import PlanError, TypeMismatchError
from playhead.expr import AggregateCall, Col, Expr, type_of
from playhead.plan.common import OneInput, require_event_time, require_unique
from playhead.schema import EventTime, is_orderable
from playhead.windows import WINDOW_END, WINDOW_START, Window

if TYPE_CHECKING:
    from playhead.plan import Node


@dataclass(frozen=True)
class Aggregate(OneInput):
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
    label: str | None = None
    """What the user calls this step, for its state in checkpoints."""

    def __post_init__(self) -> None:
        require_unique(self.schema.names, "the aggregate's result")
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
                    raise PlanError(f"{name}={call} cannot take rows back, but its input does; use nunique instead")

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

    @cached_property
    def sequence(self) -> tuple[str, ...]:
        keys = {expr.name: name for name, expr in reversed(self.keys) if isinstance(expr, Col)}
        names = [keys.get(name, name) for name in self.input.sequence]
        return tuple(name for name in names if name in self.schema.names)

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
