"""The last step of every function that makes a frame: what was declared, the source, the frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from playhead.errors import EventTimeError, PlanError
from playhead.frame.frame import Frame
from playhead.sources.arrival import ArrivalTime, StampedSource
from playhead.sources.timing import Declared


def arrival_time() -> ArrivalTime:
    """Given as `time=`: the time of a row is when it arrived, in a new column `arrival_time`.

    The reader stamps each row once, from the query's clock; the times of a stream never go backwards, so that
    `out_of_order` is 0.

    Examples
    --------
    >>> import pyarrow as pa, playhead as ph
    >>> ph.from_arrow(pa.table({"a": [1, 2]}), time=ph.arrival_time()).columns
    ['a', 'arrival_time']
    """
    return ArrivalTime()


def begin(declared: Declared, build: Callable[[Declared], Any]) -> Frame:
    """The frame over the source that `build` makes, stamped if its time is the time of arrival."""
    if declared.time is None:
        for option in ("out_of_order", "idle_timeout"):
            if getattr(declared, option) is not None:
                raise PlanError(f"{option}= is about the event time; name its column with time=")
    if not isinstance(declared.time, ArrivalTime):
        return Frame.from_source(build(declared))
    if declared.unit is not None or declared.arrival is not None:
        raise EventTimeError("with time=arrival_time() there is no column for unit= or arrival= to be about")
    source = build(replace(declared, time=None, tz=None, out_of_order=None))
    return Frame.from_source(StampedSource(source, declared.tz or "UTC"))
