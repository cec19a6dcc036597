"""What a frame shows of itself without running: repr, HTML, and the plan in words."""

from __future__ import annotations

from html import escape

import pyarrow as pa

from playhead import plan
from playhead.checks import key_state, row_state
from playhead.durations import readable
from playhead.frame.planned import Planned


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

    def explain(self, *, optimized: bool = True) -> str:
        """The plan as text, one step a line, its input below it; and what is worth knowing before running it.

        Parameters
        ----------
        optimized : bool
            The plan after the rewriting rules, as it runs; else as it was written.
        """
        from playhead.optimize import optimize

        node = optimize(self._node) if optimized else self._node
        lines = _tree(node, "")
        notes = _notes(self._node)
        return "\n".join([*lines, *(f"note: {note}" for note in notes)])


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


def _tree(node: plan.Node, indent: str) -> list[str]:
    lines = [f"{indent}{node}{_scan_times(node)}"]
    for child in node.inputs:
        lines += _tree(child, indent + "  ")
    return lines


def _scan_times(node: plan.Node) -> str:
    if not isinstance(node, plan.Scan):
        return ""
    parts = ["bounded" if node.bounded else "endless"]
    if node.source.time is not None:
        parts.append(f"time={node.source.time.column}")
    if node.source.arrival is not None:
        parts.append(f"arrival={node.source.arrival}")
    if node.source.out_of_order is not None:
        parts.append(f"out_of_order={readable(node.source.out_of_order)}")
    return f" ({', '.join(parts)})"


def _notes(node: plan.Node) -> list[str]:
    notes = []
    for part in dict.fromkeys(plan.walk(node)):
        if isinstance(part, plan.Aggregate):
            for name, call in part.aggregates:
                if call.aggregate.order_dependent and len(call.arguments) == 2:
                    notes.append(
                        f"{name}={call}: rows of equal time are told apart by their values; "
                        "declare sequence= where the order is known"
                    )
        if isinstance(part, plan.Scan) and not getattr(part.source, "replayable", True):
            notes.append(f"{part.source.name} cannot be read again: what was read before a crash is gone")
        problem = None if part.bounded else row_state(part) or key_state(part)
        if problem:
            notes.append(problem)
    return notes
