"""A name of the user's for the last step of a plan that keeps a state."""

from __future__ import annotations

from dataclasses import replace

from playhead import plan
from playhead.errors import PlanError
from playhead.optimize.rewrite import with_inputs


def named(node: plan.Node, name: str) -> plan.Node:
    """The plan with `name` as the label of its last stateful step; steps with one input are looked through."""
    if not isinstance(name, str) or not name.strip():
        raise PlanError(f"named({name!r}): a step's name is a text that is not empty")
    if isinstance(node, plan.Aggregate | plan.Merge | plan.MergeAsof | plan.Limit | plan.WithTime):
        return replace(node, label=name)
    if len(node.inputs) != 1:
        raise PlanError(
            f"named({name!r}): there is no step with a state to be called so; call it on an aggregate or join"
        )
    return with_inputs(node, (named(node.inputs[0], name),))
