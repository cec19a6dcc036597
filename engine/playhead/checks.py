"""What a plan must be before it may run: memory that cannot grow without bound, modes that can be kept."""

from __future__ import annotations

import warnings

from playhead import plan
from playhead.errors import PlanError, UnboundedStateError, frames_to_user


class StateGrowsWarning(UserWarning):
    """State in proportion to the distinct keys of an endless input."""


def check_plan(node: plan.Node, mode: str, *, allow_unbounded_state: bool) -> None:
    """Refuse or warn, before anything has started."""
    check_mode(node, mode)
    for part in dict.fromkeys(plan.walk(node)):
        if not part.bounded:
            _check_state(part, allow_unbounded_state)


def check_mode(node: plan.Node, mode: str) -> None:
    """Refuse a mode that the plan cannot keep."""
    for part in dict.fromkeys(plan.walk(node)):
        if mode == "append" and not part.bounded:
            _check_append(part)


def _check_append(node: plan.Node) -> None:
    if isinstance(node, plan.Aggregate) and node.window is None:
        raise PlanError(
            f"mode='append' shows each row once, when it is final, and {node} over an endless input never is; "
            "add a window, or use mode='update'"
        )
    if isinstance(node, plan.Merge) and node.how == "left" and node.ttl is None and _endless(node.right):
        raise PlanError(
            f"mode='append': a left row may always find a partner later, for {_endless(node.right)} is endless; "
            "give ttl=, how long it waits, or use how='inner', merge_asof, or mode='update'"
        )


def _check_state(node: plan.Node, allowed: bool) -> None:
    problem = row_state(node)
    if problem and not allowed:
        raise UnboundedStateError(f"{problem}; or start(..., allow_unbounded_state=True)")
    keys = key_state(node)
    if keys and not problem:
        warnings.warn(
            f"{keys}; query.metrics['state_bytes'] shows how much that is. A window bounds it.",
            StateGrowsWarning,
            stacklevel=frames_to_user(),
        )


def key_state(node: plan.Node) -> str | None:
    """What a node keeps for each distinct key of an endless input; None if it does not."""
    if isinstance(node, plan.Aggregate) and not node.bounded and node.window is None and node.keys:
        names = ", ".join(name for name, _ in node.keys)
        return f"an aggregate by {names} without a window keeps every distinct key of an endless input for ever"
    return None


def row_state(node: plan.Node) -> str | None:
    """Why a node's state grows with every row of an endless input, and the remedy; None if it does not."""
    if isinstance(node, plan.Merge) and node.ttl is None and (_endless(node.left) and _endless(node.right)):
        return (
            f"{node} keeps every row until one of its inputs has ended, and both are endless "
            f"({_endless(node.left)}; {_endless(node.right)}); give ttl=, how long a row waits for its partner"
        )
    if isinstance(node, plan.Aggregate) and node.window is None:
        for name, call in node.aggregates:
            if call.aggregate.keeps_rows or (
                not node.input.append_only and call.aggregate.name in ("min", "max", "first", "last")
            ):
                return (
                    f"{name}={call} without a window keeps the rows of an endless input; "
                    "add a window, or use approx_quantile or approx_nunique"
                )
    return None


def _endless(node: plan.Node) -> str:
    """The sources below a node that do not end, by name."""
    scans = [part for part in plan.walk(node) if isinstance(part, plan.Scan) and not part.bounded]
    return ", ".join(dict.fromkeys(scan.source.name for scan in scans))
