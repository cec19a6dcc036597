"""What plan nodes have in common, and what they refuse."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa

from playhead.errors import EventTimeError, PlanError, TypeMismatchError
from playhead.schema import EventTime, is_orderable, require_column

if TYPE_CHECKING:
    from playhead.plan import Node


class OneInput:
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

    @property
    def sequence(self) -> tuple[str, ...]:
        return tuple(name for name in self.input.sequence if name in self.schema.names)


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


def schema_difference(expected: pa.Schema, actual: pa.Schema) -> str:
    """What differs between two schemas, in words."""
    parts = [f"{name!r} is missing" for name in expected.names if name not in actual.names]
    parts += [f"{name!r} is extra" for name in actual.names if name not in expected.names]
    for name in expected.names:
        if name in actual.names and actual.field(name).type != expected.field(name).type:
            parts.append(f"{name!r} is {actual.field(name).type}, not {expected.field(name).type}")
    return "; ".join(parts) or f"the order of columns: {actual.names}, not {expected.names}"


def require_unique(names: list[str], what: str) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise PlanError(f"{what} would have two columns called {', '.join(map(repr, twice))}; rename one of them")
