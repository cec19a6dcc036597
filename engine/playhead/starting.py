"""From a frame and a wish to a running query, or to an answer."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from playhead import plan
from playhead.checkpoint.catalog import Retention
from playhead.checks import check_plan
from playhead.durations import microseconds
from playhead.errors import PlanError, UnboundedError, did_you_mean, frames_to_user
from playhead.left_out import ways_to_lose
from playhead.preparing import QuerySettings, prepare, system_clock
from playhead.query import Query
from playhead.results import sorted_result, to_pandas
from playhead.resuming import CheckpointOptions
from playhead.runtime.coordinator import EpochLimits
from playhead.runtime.pacing import parse_speed
from playhead.runtime.progress import ProgressBar, progress_of
from playhead.runtime.time_range import time_range
from playhead.sinks.memory import MemorySink
from playhead.sinks.sink import Sink

if TYPE_CHECKING:
    import pandas as pd

PREVIEW_SECONDS = 5.0
"""So long `head` waits for rows of an endless input."""


def require_bounded(node: plan.Node, what: str) -> None:
    """Refuse questions that an endless input can never answer."""
    if not node.bounded:
        raise UnboundedError(
            f"{what} needs an input that ends, and {_endless(node)} does not. Use .start() and .latest() for results "
            "as they come, or .limit(n), or .on(history) to ask the same of a bounded source"
        )


def _endless(node: plan.Node) -> str:
    return ", ".join(scan.source.name for scan in plan.scans(node) if not scan.source.bounded)


def run_to_end(node: plan.Node, *, parallelism: int = 1) -> pa.Table:
    """The whole answer of a bounded plan, worked out on the calling thread (and others, if asked)."""
    require_bounded(node, "compute()")
    sink = MemorySink(keep_changes=0)
    limits = EpochLimits(max_delay=10**12) if _all_end(node) else EpochLimits()
    joins = any(isinstance(part, plan.Merge | plan.MergeAsof) for part in plan.walk(node))
    settings = QuerySettings("append", "time" if joins else "sequence", True, parallelism, limits)
    run = prepare(node, [sink], settings, "compute()")
    bar = ProgressBar("compute()", delay=2.0)
    begun = system_clock()
    run.on_epoch = lambda: bar.update(lambda: progress_of(run, node, settings, "running", system_clock() - begun))
    try:
        run.loop()
    finally:
        bar.close(None)
    for way in ways_to_lose(node):
        told = way.told(run)
        if told is not None:
            warnings.warn(told, way.category, stacklevel=frames_to_user())
    return sink.latest()


def preview(node: plan.Node, n: int) -> pd.DataFrame:
    """The first `n` rows that a plan gives."""
    if node.append_only:
        limited = plan.Limit(node, n)
        if _all_end(node):
            return to_pandas(_first_rows(limited, n))
        return to_pandas(_within_seconds(limited, n, PREVIEW_SECONDS))
    if node.bounded:
        return to_pandas(sorted_result(run_to_end(node), node).slice(0, n))
    return to_pandas(sorted_result(_within_seconds(node, n, PREVIEW_SECONDS), node).slice(0, n))


def _all_end(node: plan.Node) -> bool:
    """Whether every source ends by itself; a limit ends a plan over one that does not."""
    return all(scan.source.bounded for scan in plan.scans(node))


def _first_rows(node: plan.Node, n: int) -> pa.Table:
    sink = MemorySink(keep_changes=0)
    limits = EpochLimits(max_rows=max(1024, n), max_delay=10**12)
    run = prepare(node, [sink], QuerySettings("append", "sequence", True, 1, limits), "head()")
    run.loop()
    return sink.latest()


def _within_seconds(node: plan.Node, n: int, seconds: float) -> pa.Table:
    sink = MemorySink()
    query = Query(node, [sink], QuerySettings("update", "time", False), name="head()")
    deadline = time.monotonic() + seconds
    with query, query._run.changed:
        while query._run.delivery.rows < n and not query._done.is_set() and time.monotonic() < deadline:
            query._run.changed.wait(0.05)
    if not query._run.delivery.rows:
        raise UnboundedError(
            f"nothing to show came within {seconds:g} s; .start() the frame and look at .latest() when you like"
        )
    return sink.latest()


def start_query(
    node: plan.Node,
    sinks: list[Sink],
    *,
    mode: str | None,
    parallelism: int,
    name: str | None,
    max_rows: int,
    max_delay: int,
    allow_unbounded_state: bool,
    frame_of: Callable[[pa.Table, str], Any],
    checkpoint: CheckpointOptions | None = None,
) -> Query:
    """Run a plan as `Frame.start` says."""
    sinks = sinks or [MemorySink()]
    chosen = choose_mode(sinks, mode)
    check_plan(node, chosen, allow_unbounded_state=allow_unbounded_state)
    limits = _limits(max_rows, max_delay)
    settings = QuerySettings(chosen, "time", False, parallelism, limits, frame_of=frame_of, checkpoint=checkpoint)
    return Query(node, sinks, settings, name=name)


def start_replay(
    node: plan.Node,
    sinks: list[Sink],
    *,
    duration: int | None,
    speed: float | str | None,
    mode: str | None,
    parallelism: int,
    name: str | None,
    max_rows: int,
    max_delay: int,
    paused: bool,
    frame_of: Callable[[pa.Table, str], Any],
) -> Query:
    """Run a plan as `Frame.replay` says."""
    sinks = sinks or [MemorySink()]
    chosen = choose_mode(sinks, mode)
    check_plan(node, chosen, allow_unbounded_state=True)
    if not _all_end(node):
        raise UnboundedError(
            f"replay() shows what has happened, and {_endless(node)} is still happening; use .start(), or .on(history)"
        )
    first, last = time_range([scan.source for scan in plan.scans(node)])  # type: ignore[misc]
    pace = parse_speed(speed)
    if duration is not None:
        pace = max(last - first, 1) / max(duration, 1)
    elif speed is None:
        pace = 1.0
    settings = QuerySettings(
        chosen, "replay", False, parallelism, _limits(max_rows, max_delay), pace, first, last, frame_of=frame_of
    )
    return Query(node, sinks, settings, name=name, paused=paused)


def checkpoint_options(
    path: Any,
    filesystem: Any,
    *,
    every: Any,
    keep: int,
    spacing: Any,
    resume: Any,
    fresh: bool | str,
    restarts: int,
) -> CheckpointOptions | None:
    """What `Frame.start` was told about checkpoints; None if there are to be none."""
    if path is None:
        if resume is not None or fresh:
            raise PlanError("resume= and fresh= are about checkpoints: say checkpoint='a folder' and name= too")
        return None
    if keep < 1:
        raise PlanError(f"checkpoint_keep={keep!r}: at least the newest checkpoint is kept, so give 1 or more")
    return CheckpointOptions(
        path,
        filesystem,
        None if every is None else microseconds(every, "checkpoint_every"),
        Retention(keep, None if spacing is None else microseconds(spacing, "checkpoint_spacing")),
        resume,
        fresh,
        restarts,
    )


def _limits(max_rows: int, max_delay: int) -> EpochLimits:
    if max_rows < 1:
        raise PlanError(f"max_rows={max_rows!r}: an epoch takes 1 row or more")
    return EpochLimits(max_rows, max_delay)


def listed(sink: Sink | Sequence[Sink] | None) -> list[Sink]:
    """The sinks that were given; what is none is refused as what it is, a path for example."""
    sinks = [] if sink is None else list(sink) if isinstance(sink, list | tuple) else [cast(Sink, sink)]
    for each in sinks:
        _require_sink(each)
    return sinks


def choose_mode(sinks: Sequence[Sink], mode: str | None) -> str:
    """The mode asked for, or the one that the first sink likes best and all can take."""
    modes = ("update", "append", "complete")
    if mode is not None and mode not in modes:
        raise PlanError(f"mode={mode!r} is none of {', '.join(modes)}{did_you_mean(mode, modes)}")
    for sink in sinks:
        if mode is not None and mode not in sink.modes:
            raise PlanError(f"{type(sink).__name__} cannot take mode={mode!r}; it takes {', '.join(sink.modes)}")
    common = [candidate for candidate in sinks[0].modes if all(candidate in sink.modes for sink in sinks)]
    if not common:
        raise PlanError(
            "these sinks have no mode in common: "
            + "; ".join(f"{type(sink).__name__}: {', '.join(sink.modes)}" for sink in sinks)
        )
    return mode or common[0]


def _require_sink(sink: Any) -> None:
    if hasattr(sink, "modes") and hasattr(sink, "write"):
        return
    if isinstance(sink, str | os.PathLike):
        hint = f"ph.to_parquet({os.fspath(sink)!r}) writes Parquet files there"
    elif callable(sink):
        hint = f"ph.to_callback({getattr(sink, '__name__', 'function')}) calls it after each epoch"
    else:
        hint = "ph.to_memory(), ph.to_callback(...) and ph.to_parquet(...) make some"
    raise PlanError(f"{sink!r} is not a sink; {hint}")
