"""The same plan over another source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playhead import plan
from playhead.errors import PlanError
from playhead.optimize.rewrite import with_inputs


def rebase(node: plan.Node, source: Any) -> plan.Node:
    """The plan with its source, or with each old frame of a mapping, replaced."""
    if isinstance(source, Mapping):
        return _replaced(node, [(node_of(old), node_of(new)) for old, new in source.items()])
    new = node_of(source)
    scans = plan.scans(node)
    if len(scans) != 1:
        names = ", ".join(scan.source.name for scan in scans)
        raise PlanError(
            f"this query reads {len(scans)} sources ({names}); say which is which: on({{old frame: new frame}})"
        )
    return _replaced(node, [(scans[0], new)])


def node_of(source: Any) -> plan.Node:
    """The plan of a frame, or of what has one, such as `ph.push(...)`."""
    frame = getattr(source, "frame", source)
    if not hasattr(frame, "node"):
        raise PlanError(f"on() takes a frame, or {{old frame: new frame}}, not {type(source).__name__}")
    node: plan.Node = frame.node
    return node


def _replaced(node: plan.Node, pairs: list[tuple[plan.Node, plan.Node]]) -> plan.Node:
    found: set[int] = set()

    def visit(part: plan.Node) -> plan.Node:
        for number, (old, new) in enumerate(pairs):
            if part == old:
                found.add(number)
                _require_alike(old, new)
                return new
        return with_inputs(part, tuple(visit(child) for child in part.inputs))

    result = visit(node)
    for number, (old, _) in enumerate(pairs):
        if number not in found:
            raise PlanError(
                f"the query does not read {old}; it reads {', '.join(str(scan) for scan in plan.scans(node))}"
            )
    return result


def _require_alike(old: plan.Node, new: plan.Node) -> None:
    expected = {field.name: field.type for field in old.schema}
    actual = {field.name: field.type for field in new.schema}
    if any(actual.get(name) != kind for name, kind in expected.items()):
        raise PlanError(f"the new source differs: {plan.schema_difference(old.schema, new.schema)}")
    if old.time != new.time:
        before, after = (node.time.column if node.time else "none" for node in (old, new))
        raise PlanError(f"the new source has another event time: {after}, not {before}")
