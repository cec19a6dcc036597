"""Columns that nobody reads are not decoded: projections move down into the scans."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from playhead import plan
from playhead.expr import Col, Expr, columns_of
from playhead.optimize.rewrite import with_inputs
from playhead.plan import Node


def prune_columns(node: Node) -> Node:
    """Let every scan read only what the plan above needs; a source that is scanned twice is read once for both."""
    needed: dict[int, set[str]] = {}
    _require(node, set(node.schema.names), needed)
    return _exactly(_rewrite(node, set(node.schema.names), needed), node.schema.names)


def _require(node: Node, names: set[str], needed: dict[int, set[str]]) -> None:
    names = _at_least_one(node, names)
    if isinstance(node, plan.Scan):
        needed.setdefault(id(node.source), set()).update(names | _time(node))
    for child, wanted in zip(node.inputs, _wanted(node, names), strict=True):
        _require(child, wanted, needed)


def _rewrite(node: Node, names: set[str], needed: dict[int, set[str]]) -> Node:
    """The node with pruned inputs; it has at least the columns `names`, in their old order."""
    names = _at_least_one(node, names)
    if isinstance(node, plan.Scan):
        kept = tuple(name for name in node.schema.names if name in needed[id(node.source)])
        return plan.Scan(node.source, kept)
    if isinstance(node, plan.Project):
        columns = tuple((name, expr) for name, expr in node.columns if name in names)
        node = plan.Project(node.input, columns)
    children = []
    for child, wanted in zip(node.inputs, _wanted(node, names), strict=True):
        pruned = _rewrite(child, wanted, needed)
        if isinstance(node, plan.Concat | plan.Merge | plan.MergeAsof | plan.MapBatches):
            pruned = _exactly(pruned, [name for name in child.schema.names if name in wanted])
        children.append(pruned)
    return with_inputs(node, tuple(children))


def _at_least_one(node: Node, names: set[str]) -> set[str]:
    """Where rows are put together anew from columns, without any column there would be no rows to count."""
    return names if names or not isinstance(node, plan.Project | plan.Concat) else set(node.schema.names[:1])


def _wanted(node: Node, names: set[str]) -> list[set[str]]:
    """For each input, the columns that `node` reads of it to give the columns `names`."""
    match node:
        case plan.Scan():
            return []
        case plan.Filter(input, predicate):
            return [names | columns_of(predicate) | _time(input)]
        case plan.Project(input, columns):
            return [_columns(expr for name, expr in columns if name in names) | _time(input)]
        case plan.MapBatches(input) | plan.Limit(input):
            return [set(input.schema.names) if isinstance(node, plan.MapBatches) else names | _time(input)]
        case plan.WithTime(input, event_time):
            return [names | {event_time.column} | _time(input)]
        case plan.Metric(input, _, call):
            return [names | columns_of(call) | _time(input)]
        case plan.Aggregate(input, keys, aggregates):
            return [_columns(expr for _, expr in (*keys, *aggregates)) | _time(input)]
        case plan.Concat(inputs):
            return [names | {name for child in inputs for name in _time(child)} for _ in inputs]
        case plan.Merge() | plan.MergeAsof():
            return [_of_side(node, side, names) for side in (0, 1)]
        case _:
            assert_never(node)


def _of_side(node: plan.Merge | plan.MergeAsof, side: int, names: set[str]) -> set[str]:
    if isinstance(node, plan.MergeAsof) and side == 1:
        return set(node.right.schema.names)  # among rows of the same time, all their values decide
    keys = node.on if isinstance(node, plan.Merge) else node.by
    both = set(node.left.schema.names) & set(node.right.schema.names)  # names that suffixes tell apart
    wanted = {source for name, number, source in node.columns if number == side and name in names}
    return (
        wanted | {pair[side] for pair in keys} | (both & set(node.inputs[side].schema.names)) | _time(node.inputs[side])
    )


def _columns(expressions: Iterable[Expr]) -> set[str]:
    return set().union(*(columns_of(expr) for expr in expressions))


def _time(node: Node) -> set[str]:
    return {node.time.column} if node.time else set()


def _exactly(node: Node, names: list[str]) -> Node:
    return node if node.schema.names == list(names) else plan.Project(node, tuple((name, Col(name)) for name in names))
