"""What all verbs of a frame stand on: its plan, and how the next frame is made of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from playhead import plan

if TYPE_CHECKING:
    from playhead.frame.frame import Frame


class Planned:
    """A plan, and nothing that runs it."""

    __slots__ = ("_node",)
    _node: plan.Node

    def __init__(self, node: plan.Node) -> None:
        object.__setattr__(self, "_node", node)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._node,)

    def __deepcopy__(self, memo: object) -> Self:
        return self  # a frame does not change

    @property
    def node(self) -> plan.Node:
        """The plan behind the frame."""
        return self._node

    @property
    def schema(self) -> pa.Schema:
        """The columns as an Arrow schema."""
        return self._node.schema

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self._node.schema.names)

    def _with(self, node: plan.Node) -> Frame:
        """A frame of another plan."""
        from playhead.frame.frame import Frame

        return Frame(node)

    def _frame(self) -> Frame:
        return self._with(self._node)
