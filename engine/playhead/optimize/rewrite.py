"""Rebuilding a plan with other inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from playhead import plan
from playhead.plan import Node


def with_inputs(node: Node, inputs: tuple[Node, ...]) -> Node:
    """The same node over other inputs; the node itself if they are the same."""
    if all(new is old for new, old in zip(inputs, node.inputs, strict=True)):
        return node
    match node:
        case plan.Scan():
            return node
        case plan.Concat():
            return plan.Concat(inputs)
        case plan.Merge() | plan.MergeAsof():
            return replace(node, left=inputs[0], right=inputs[1])
        case (
            plan.Filter()
            | plan.Project()
            | plan.MapBatches()
            | plan.Aggregate()
            | plan.Limit()
            | plan.WithTime()
            | plan.Metric()
        ):
            return replace(node, input=inputs[0])
        case _:
            assert_never(node)


def bottom_up(node: Node, rewrite: Callable[[Node], Node]) -> Node:
    """Apply `rewrite` to every node, inputs first; what is shared is rewritten once."""
    done: dict[Node, Node] = {}

    def visit(part: Node) -> Node:
        if part not in done:
            done[part] = rewrite(with_inputs(part, tuple(visit(child) for child in part.inputs)))
        return done[part]

    return visit(node)
