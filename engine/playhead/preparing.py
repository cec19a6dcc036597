"""A plan, sinks and settings made ready to run: everything that can be refused is refused here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from playhead import plan
from playhead.errors import PlanError
from playhead.optimize import optimize
from playhead.physical import lower
from playhead.resuming import CheckpointOptions
from playhead.runtime.checkpoints import Checkpoints, Start
from playhead.runtime.coordinator import EpochLimits
from playhead.runtime.delivery import Delivery
from playhead.runtime.feed import Reading
from playhead.runtime.pacing import Clock
from playhead.runtime.run import NOWHERE, Run, RunSettings
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.sinks.sink import Sink, SinkContext


def system_clock() -> int:
    """Microseconds of a clock that never goes back."""
    return time.monotonic_ns() // 1000


class QueryFailedWarning(UserWarning):
    """A query that nobody was waiting for has failed."""


class QueryRestartedWarning(UserWarning):
    """A query failed and goes on from its newest checkpoint."""


@dataclass(frozen=True)
class QuerySettings:
    """What `start` and `replay` were asked for."""

    mode: str
    order: str
    known_watermark: bool
    parallelism: int = 1
    limits: EpochLimits = EpochLimits()  # noqa: RUF009  it is frozen
    speed: float | None = None
    range_start: int = MIN_TIME
    range_end: int = MAX_TIME
    clock: Clock = system_clock
    frame_of: Callable[[pa.Table, str], Any] = lambda table, name: table
    """Makes a frame of a table, for `late` and `rejected`: frames know queries, not the other way round."""
    checkpoint: CheckpointOptions | None = None


def prepare(
    node: plan.Node,
    sinks: Sequence[Sink],
    settings: QuerySettings,
    name: str,
    *,
    start: Start = NOWHERE,
    checkpoints: Checkpoints | None = None,
) -> Run:
    """A run of a plan, not yet begun; from its beginning, or from where a checkpoint says."""
    if settings.parallelism < 1:
        raise PlanError(f"parallelism={settings.parallelism} runs nothing; give 1 or more")
    optimized = optimize(node)
    physical = lower(optimized, mode="append" if settings.mode == "append" else "update")
    context = SinkContext(
        node.schema,
        settings.mode,
        node.unique_key,
        name,
        attempt=checkpoints.attempt if checkpoints is not None else 0,
        checkpointed=checkpoints is not None,
    )
    reading = Reading(settings.order, settings.known_watermark)
    run_settings = RunSettings(
        reading, settings.limits, settings.parallelism, settings.clock, settings.speed, settings.range_start
    )
    return Run(
        physical,
        Delivery(sinks, context, net=isinstance(optimized, plan.Aggregate)),
        run_settings,
        start=start,
        checkpoints=checkpoints,
    )
