"""What a query means: logical nodes, a closed union of frozen dataclasses.

A node knows the columns of its result (`schema`), which of them says when a row happened (`time`),
whether it ends (`bounded`), whether rows are ever taken back in update mode (`append_only`), which
columns identify a row (`unique_key`), and which order rows of equal times (`sequence`, as sources
declare them). It refuses nonsense when it is built.
"""

from __future__ import annotations

from collections.abc import Iterator

from playhead.plan.aggregate import Aggregate
from playhead.plan.common import require_event_time, schema_difference
from playhead.plan.joins import Merge, MergeAsof
from playhead.plan.rows import Concat, Filter, Limit, MapBatches, Metric, Project, Scan, TableSource, WithTime

Node = Scan | Filter | Project | MapBatches | Aggregate | Concat | Merge | MergeAsof | Limit | WithTime | Metric


def walk(node: Node) -> Iterator[Node]:
    """Every node of a plan, inputs before what reads them; a shared node comes as often as it is used."""
    for child in node.inputs:
        yield from walk(child)
    yield node


def scans(node: Node) -> list[Scan]:
    """The scans of a plan, each source once."""
    found: dict[int, Scan] = {}
    for part in walk(node):
        if isinstance(part, Scan):
            found.setdefault(id(part.source), part)
    return list(found.values())


__all__ = [
    "Aggregate",
    "Concat",
    "Filter",
    "Limit",
    "MapBatches",
    "Merge",
    "MergeAsof",
    "Metric",
    "Node",
    "Project",
    "Scan",
    "TableSource",
    "WithTime",
    "require_event_time",
    "scans",
    "schema_difference",
    "walk",
]
