"""The nodes of joins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from playhead.durations import readable
from playhead.errors import PlanError
from playhead.plan.common import require_event_time, require_same_key_types, require_unique

if TYPE_CHECKING:
    from playhead.plan import Node


@dataclass(frozen=True)
class Merge:
    """Pairs of rows of two inputs whose keys are equal; with how="left", left rows without a partner too."""

    left: Node
    right: Node
    on: tuple[tuple[str, str], ...]
    how: str
    ttl: int | None = None
    suffixes: tuple[str, str] = ("_x", "_y")
    label: str | None = None
    """What the user calls this step, for its state in checkpoints."""

    def __post_init__(self) -> None:
        require_same_key_types(self.left, self.right, self.on, "merge")
        require_unique(self.schema.names, "the merge's result (see suffixes=)")
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
    sequence = property(lambda self: joined_sequence(self.inputs, self.columns))
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
    label: str | None = None
    """What the user calls this step, for its state in checkpoints."""

    def __post_init__(self) -> None:
        for side in self.inputs:
            require_event_time(side, "merge_asof")
            if not side.append_only:
                raise PlanError("merge_asof takes inputs that never take rows back; aggregate after it, not before")
        require_same_key_types(self.left, self.right, self.by, "merge_asof")
        require_unique(self.schema.names, "the merge's result (see suffixes=)")

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
    sequence = property(lambda self: joined_sequence(self.inputs, self.columns))
    unique_key = None
    append_only = False

    def __str__(self) -> str:
        by = ", ".join(left if left == right else f"{left}={right}" for left, right in self.by)
        return (
            "MergeAsof"
            + (f" by {by}" if by else "")
            + (f", tolerance={readable(self.tolerance)}" if self.tolerance is not None else "")
        )


def joined_columns(
    left: pa.Schema, right: pa.Schema, same: tuple[tuple[str, str], ...], suffixes: tuple[str, str]
) -> tuple[tuple[str, int, str], ...]:
    """Names of a join's columns: (result name, 0 left or 1 right, input's name); a key with one name comes once."""
    once = {name for name, other in same if name == other}
    both = (set(left.names) & set(right.names)) - once
    result = [(name + suffixes[0] if name in both else name, 0, name) for name in left.names]
    result += [(name + suffixes[1] if name in both else name, 1, name) for name in right.names if name not in once]
    return tuple(result)


def joined_sequence(inputs: tuple[Node, ...], columns: tuple[tuple[str, int, str], ...]) -> tuple[str, ...]:
    """What the sequence columns of a join's inputs are called in its result."""
    names = {(side, source): name for name, side, source in columns}
    wanted = [(side, name) for side, node in enumerate(inputs) for name in node.sequence]
    return tuple(names[each] for each in wanted if each in names)


def joined_schema(left: pa.Schema, right: pa.Schema, columns: tuple[tuple[str, int, str], ...]) -> pa.Schema:
    return pa.schema([(right if side else left).field(source).with_name(name) for name, side, source in columns])
