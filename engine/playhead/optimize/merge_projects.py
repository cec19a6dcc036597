"""Project over project becomes one project, where no computed column would be computed twice."""

from __future__ import annotations

from collections import Counter

from playhead.expr import Col, Expr, substitute, walk
from playhead.optimize.rewrite import bottom_up
from playhead.plan import Node, Project


def merge_projects(node: Node) -> Node:
    """Merge neighbouring projects everywhere in the plan."""
    return bottom_up(node, _merge)


def _merge(node: Node) -> Node:
    if not isinstance(node, Project) or not isinstance(node.input, Project):
        return node
    inner = dict(node.input.columns)
    used = Counter(part.name for _, expr in node.columns for part in walk(expr) if isinstance(part, Col))
    if any(count > 1 and not isinstance(inner[name], Col) for name, count in used.items()):
        return node
    columns: tuple[tuple[str, Expr], ...] = tuple((name, substitute(expr, inner)) for name, expr in node.columns)
    return _merge(Project(node.input.input, columns))
