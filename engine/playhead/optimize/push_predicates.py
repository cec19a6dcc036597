"""Comparisons with literals move down into the scans, for sources that can leave out rows by what is known of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from playhead import plan
from playhead.expr import Call, Col, Expr, Lit, columns_of, substitute
from playhead.functions import comparison
from playhead.optimize.rewrite import bottom_up, with_inputs
from playhead.plan import Node

TURNED = {
    comparison.EQUAL: comparison.EQUAL,
    comparison.LESS: comparison.GREATER,
    comparison.LESS_EQUAL: comparison.GREATER_EQUAL,
    comparison.GREATER: comparison.LESS,
    comparison.GREATER_EQUAL: comparison.LESS_EQUAL,
}
"""The comparisons that are pushed, and what they are with their sides exchanged."""


def push_predicates(node: Node) -> Node:
    """Tell sources which rows the filters above them keep; the filters stay, so that answers do not depend on it.

    A source that is scanned more than once is left alone: it is read once for all.
    """
    times = Counter(id(part.source) for part in plan.walk(node) if isinstance(part, plan.Scan))
    shared = {source for source, count in times.items() if count > 1}

    def push(part: Node) -> Node:
        if not isinstance(part, plan.Filter):
            return part
        comparisons = _comparisons(part.predicate)
        return with_inputs(part, (_restricted(part.input, comparisons, shared),)) if comparisons else part

    return bottom_up(node, push)


def _comparisons(predicate: Expr) -> list[Call]:
    """Those parts of a conjunction that compare a column with a literal, the column on the left."""
    match predicate:
        case Call(comparison.AND, (left, right)):
            return _comparisons(left) + _comparisons(right)
        case Call(function, (Col(), Lit(value))) if function in TURNED and value.is_valid:
            return [predicate]
        case Call(function, (Lit(value) as literal, Col() as column)) if function in TURNED and value.is_valid:
            return [Call(TURNED[function], (column, literal))]
        case _:
            return []


def _restricted(node: Node, comparisons: Sequence[Call], shared: set[int]) -> Node:
    """The node over a scan of fewer rows, where between it and the scan columns are at most renamed."""
    match node:
        case plan.Scan(source) if id(source) not in shared and hasattr(source, "restricted"):
            restricted = source.restricted(comparisons)
            return node if restricted is source else replace(node, source=restricted)
        case plan.Filter(input):
            return with_inputs(node, (_restricted(input, comparisons, shared),))
        case plan.Project(input, columns) if all(isinstance(expr, Col) for _, expr in columns):
            inner = [
                substitute(each, dict(columns)) for each in comparisons if columns_of(each) <= dict(columns).keys()
            ]
            calls = [each for each in inner if isinstance(each, Call)]
            return with_inputs(node, (_restricted(input, calls, shared),))
        case _:
            return node
