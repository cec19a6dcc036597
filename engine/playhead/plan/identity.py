"""What a step of a plan is called in checkpoints, independent of the steps around it: a stable name for its state.

The name says what the step does to keys ("aggregate carrier, tumbling(1h)"), with a number where a plan has several
alike, or it is what the user gave it with `.named("bars")`. Sources, filters and columns do not count, so that
state survives a query that reads, filters or computes otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from playhead import plan
from playhead.expr import Col


@dataclass(frozen=True)
class Identity:
    """Which operator a state belongs to, and what the state depends on."""

    id: str
    kind: str
    description: str
    """What the operator does, as `explain()` says it."""
    layout: Mapping[str, Any] = field(default_factory=dict)
    """JSON-able: keys and types, aggregates by name, columns that are stored."""


VIEW = "Table"
"""The kind of a result that is kept in memory, which is state too."""


def view_identity(id: str, schema: pa.Schema) -> Identity:
    """The identity of a result that is kept in memory."""
    columns = [[field.name, str(field.type)] for field in schema]
    return Identity(id, VIEW, "the result in memory", {"columns": columns})


class Identities:
    """Gives the nodes of one plan their identities, in the order in which they are asked for."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, node: plan.Node) -> Identity | None:
        """The identity of a node; None for one that keeps no state."""
        found = _name_and_layout(node)
        if found is None:
            return None
        name, layout = found
        label = getattr(node, "label", None)
        name = label or name
        self._seen[name] += 1
        number = self._seen[name]
        return Identity(name if number == 1 else f"{name} #{number}", type(node).__name__, str(node), layout)


def _name_and_layout(node: plan.Node) -> tuple[str, dict[str, Any]] | None:
    match node:
        case plan.Aggregate():
            return f"aggregate {', '.join(_groupers(node)) or 'all'}", _aggregate_layout(node)
        case plan.Merge():
            return f"merge {node.how} on {_pairs(node.on)}", _sides(node) | {"ttl": node.ttl}
        case plan.MergeAsof():
            return f"merge_asof by {_pairs(node.by)}", _sides(node) | {"tolerance": node.tolerance}
        case plan.Limit():
            return "limit", {"count": node.count}
        case plan.WithTime():
            return f"with_time {node.event_time.column}", {"out_of_order": node.out_of_order}
        case plan.Metric():
            return f"metric {node.name}", {"call": str(node.call)}
        case _:
            return None


def _groupers(node: plan.Aggregate) -> list[str]:
    keys = [name if expr == Col(name) else f"{name}={expr}" for name, expr in node.keys]
    if node.window is not None:
        keys.insert(node.window_position, str(node.window))
    return keys


def _aggregate_layout(node: plan.Aggregate) -> dict[str, Any]:
    kinds = [str(node.schema.field(name).type) for name, _ in node.keys]
    return {
        "keys": [[name, kind] for (name, _), kind in zip(node.keys, kinds, strict=True)],
        "window": None if node.window is None else str(node.window),
        "aggregates": [
            [name, call.aggregate.name, [str(kind) for kind in node.argument_types(call)], str(call)]
            for name, call in node.aggregates
        ],
        "append_only_input": node.input.append_only,
        "dropna": node.dropna,
    }


def _sides(node: plan.Merge | plan.MergeAsof) -> dict[str, Any]:
    columns = [[[field.name, str(field.type)] for field in side.schema] for side in node.inputs]
    return {"left": columns[0], "right": columns[1], "append_only_inputs": [side.append_only for side in node.inputs]}


def _pairs(pairs: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(left if left == right else f"{left}={right}" for left, right in pairs) or "nothing"
