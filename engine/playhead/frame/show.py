"""What a frame shows of itself without running: repr, HTML, and the plan in words."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import pyarrow as pa

from playhead import plan
from playhead.frame.planned import Planned

if TYPE_CHECKING:
    from playhead.sinks.sink import Sink


class ShowVerbs(Planned):
    """`repr`, `_repr_html_` and `explain`."""

    __slots__ = ()

    def __repr__(self) -> str:
        columns = ", ".join(f"{field.name}: {short_type(field.type)}" for field in self._node.schema)
        return f"<Frame {one_line(self._node)}; {_nature(self._node)}; {columns}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(field.name)}</td><td>{escape(short_type(field.type))}</td></tr>"
            for field in self._node.schema
        )
        return (
            f"<div><b>Frame</b>, {escape(_nature(self._node))}, not run yet"
            f"<table><thead><tr><th>column</th><th>type</th></tr></thead><tbody>{rows}</tbody></table>"
            f"<code>{escape(one_line(self._node))}</code></div>"
        )

    def explain(
        self, *, sink: Sink | Sequence[Sink] | None = None, mode: str | None = None, optimized: bool = True
    ) -> str:
        """The plan as text, one step a line with its input below it; how it would run; and what is worth knowing.

        Parameters
        ----------
        sink, mode
            As in `start`: explain what would run with them, and what the sink promises across a crash.
        optimized : bool
            The plan after the rewriting rules, as it runs; else as it was written.

        Examples
        --------
        >>> import pandas as pd, playhead as ph
        >>> frame = ph.from_pandas(pd.DataFrame({"x": [1, 2]}))
        >>> print(frame[frame.x > 1].explain(sink=ph.to_callback(print)))
        Filter (x > 1)
          Scan DataFrame columns=['x'] (bounded)
        mode: update, each epoch's net changes
        sink: callback: print, format=arrow; guarantee: at least once: ...
        """
        from playhead.explained import explained
        from playhead.sinks.memory import MemorySink
        from playhead.starting import choose_mode, listed

        sinks = listed(sink) or [MemorySink()]
        return explained(self._node, choose_mode(sinks, mode), sinks, optimized=optimized)


def one_line(node: plan.Node) -> str:
    """The plan in one line, from source to result."""
    parts: list[str] = []
    while True:
        parts.append(type(node).__name__ if not isinstance(node, plan.Scan) else node.source.name)
        if not node.inputs:
            return " > ".join(reversed(parts))
        if len(node.inputs) > 1:
            return " > ".join(["(" + ", ".join(one_line(child) for child in node.inputs) + ")", *reversed(parts)])
        node = node.inputs[0]


def short_type(kind: pa.DataType) -> str:
    """An Arrow type as people write it."""
    if pa.types.is_dictionary(kind):
        return f"dictionary<{short_type(kind.value_type)}>"
    return str(kind)


def _nature(node: plan.Node) -> str:
    ends = "bounded" if node.bounded else "endless"
    if node.time is None:
        return f"{ends}, no event time"
    zone = node.schema.field(node.time.column).type.tz
    return f"{ends}, event time {node.time.column} ({zone})"
