"""`resample`: tumbling windows that are aligned, closed and labelled as pandas does it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from playhead import plan
from playhead.durations import calendar_unit
from playhead.errors import PlanError
from playhead.frame.groupby import GroupBy
from playhead.windows import Tumbling, tumbling

if TYPE_CHECKING:
    from playhead.frame.frame import Frame

DAY = 86_400_000_000


def resampled(frame: Frame, rule: Any, *, on: str | None, closed: str, label: str, origin: Any, offset: Any) -> GroupBy:
    """The groups of `frame.resample(...)`.

    Times are whole microseconds, so `(start, end]` is `[start, end)` a microsecond later.
    """
    time = plan.require_event_time(frame.node, f"resample({rule!r})")
    if on is not None and on != time.column:
        raise PlanError(f"resample goes by event time, which is {time.column!r} here, not {on!r}; see .with_time(...)")
    for name, edge in (("closed", closed), ("label", label)):
        if edge not in ("left", "right"):
            raise PlanError(f"{name}={edge!r} is neither 'left' nor 'right'")
    unit = calendar_unit(rule)
    if unit and unit[1] == "week":
        raise PlanError(
            "resample('W') ends its weeks on Sunday in pandas; say groupby(ph.tumbling('W')), "
            "whose weeks begin on Monday"
        )
    window, shift = tumbling(rule, origin=origin, offset=offset), int(closed == "right")
    if isinstance(window, Tumbling) and origin is None:
        if DAY % window.size:
            raise PlanError(
                f"resample({rule!r}): pandas counts from the first row's midnight, "
                "which a stream does not know; give origin="
            )
        window = replace(window, origin="1970-01-01")
    window = replace(window, offset=window.offset + shift)
    return GroupBy(frame, (), window, 0, label=time.column, label_end=label == "right", shift=shift)
