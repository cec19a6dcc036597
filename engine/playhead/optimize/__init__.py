"""Rewriting a plan into one with the same answer and less work: RULES, in the order in which they run."""

from __future__ import annotations

from playhead.optimize.merge_projects import merge_projects
from playhead.optimize.prune_columns import prune_columns
from playhead.optimize.push_predicates import push_predicates
from playhead.plan import Node

RULES = (merge_projects, push_predicates, prune_columns, merge_projects)


def optimize(node: Node) -> Node:
    """The plan after all rules."""
    for rule in RULES:
        node = rule(node)
    return node
