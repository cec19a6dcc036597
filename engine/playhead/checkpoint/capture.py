"""What a checkpoint is made of before it is written: Arrow tables and positions, taken at the end of an epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playhead.plan.identity import Identity
from playhead.sinks.sink import Prepared
from playhead.state.tables import Tables


@dataclass(frozen=True)
class OperatorCapture:
    """The state of one operator: a part from each task, each for key groups of its own."""

    identity: Identity
    parts: Sequence[Tables]
    incremental: bool
    """The parts hold only what was touched since the checkpoint before."""


@dataclass(frozen=True)
class Capture:
    """Everything a query knows at the end of an epoch."""

    epoch: int
    mode: str
    sources: tuple[Mapping[str, Any], ...]
    progress: Mapping[str, Any]
    operators: Sequence[OperatorCapture]
    prepared: Sequence[tuple[str, Prepared] | None] = ()
    """For each sink its description and what it has prepared; None where it takes no part."""
    parallelism: int = 1
    finished: bool = False
    savepoints: tuple[str, ...] = ()
    """Also write it whole, under each of these names."""
