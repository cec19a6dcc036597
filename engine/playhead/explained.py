"""A plan in words: its steps, how it runs and what its sinks promise, and what is worth knowing before it does."""

from __future__ import annotations

from collections.abc import Sequence

from playhead import plan
from playhead.checks import check_mode, key_state, row_state
from playhead.durations import readable
from playhead.errors import PlanError
from playhead.optimize import optimize
from playhead.sinks.sink import Sink

MODES = {
    "update": "each epoch's net changes",
    "append": "each row once, when it is final",
    "complete": "the whole table after each epoch",
}


def explained(
    node: plan.Node, mode: str, sinks: Sequence[Sink], *, optimized: bool = True, checkpoint: str | None = None
) -> str:
    """The plan, one step a line with its input below it; then mode and sinks, and where checkpoints go; then notes."""
    lines = _tree(optimize(node) if optimized else node, "")
    lines.append(f"mode: {mode}, {MODES[mode]}")
    lines += [f"sink: {_name(sink)}; guarantee: {sink.guarantee}" for sink in sinks]
    if checkpoint is not None:
        lines.append(f"checkpoint: {checkpoint}; state, positions and results in memory go on from there")
    refused = _refusal(node, mode)
    if refused:
        lines.append(f"refused: {refused}")
    return "\n".join([*lines, *(f"note: {note}" for note in _notes(node))])


def _name(sink: Sink) -> str:
    """What the sink calls itself, without how far it has come."""
    return repr(sink).strip("<>").removesuffix(f": epoch {getattr(sink, 'epoch', None)}")


def _refusal(node: plan.Node, mode: str) -> str:
    try:
        check_mode(node, mode)
    except PlanError as error:
        return str(error)
    return ""


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
