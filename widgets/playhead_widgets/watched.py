"""A query as its views need it: where it stands and what it shows, both of the same epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from playhead import plan
from playhead.errors import RunError
from playhead.query import Query
from playhead.runtime.progress import Progress
from playhead.sinks.memory import MemorySink, Standing

TRIES = 500
"""So often a query that is between two epochs is looked at again, a millisecond apart."""


@dataclass(frozen=True)
class Moment:
    """A query at the end of an epoch."""

    progress: Progress
    standing: Standing

    @property
    def epoch(self) -> int:
        return self.progress.epoch

    @property
    def version(self) -> tuple[int, int]:
        """Differs where the result differs."""
        return (self.standing.rewound, self.standing.epoch)

    @property
    def stamp(self) -> tuple[Any, ...]:
        """Differs where there is something new to see."""
        progress = self.progress
        return (progress.epoch, progress.state, progress.playhead, progress.watermark, progress.rows)


class Watched:
    """The one place that knows a query's inside."""

    def __init__(self, query: Query) -> None:
        self.query = query
        if query._view is None:
            raise RunError(
                f"{query.name} sends its results to other sinks and keeps none to look at; add ph.to_memory() to them"
            )
        self.sink: MemorySink = query._view

    @property
    def node(self) -> plan.Node:
        return self.query._node

    @property
    def schema(self) -> pa.Schema:
        return self.node.schema

    @property
    def is_replay(self) -> bool:
        """It can be paced, and stepped by a duration."""
        return self.query._settings.order == "replay"

    @property
    def zone(self) -> str:
        return self.query._zone

    @property
    def alive(self) -> bool:
        return self.query.state in ("running", "paused")

    def since(self, seen: Standing | None, *, table: bool) -> Moment:
        """Where the query stands, with the changes after `seen`; no epoch is seen half."""
        for _ in range(TRIES):
            progress = self.query.progress
            standing = self.sink.since(seen, table=table)
            if standing.epoch <= progress.epoch or not self.alive:
                break
            with self.query._run.changed:
                self.query._run.changed.wait(0.001)
        return Moment(progress, standing)
