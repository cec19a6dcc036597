"""What a checkpoint is made of before it is written: Arrow tables and positions, taken at the end of an epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from playhead.sinks.sink import Prepared

Tables = Mapping[str, pa.Table]


@dataclass(frozen=True)
class Identity:
    """Which operator of which plan a state belongs to, independent of numbers that the next plan may give otherwise."""

    id: str
    kind: str
    description: str
    layout: Mapping[str, Any] = field(default_factory=dict)


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
    finished: bool = False
    savepoint: str | None = None
    """Also write it whole, under this name."""
