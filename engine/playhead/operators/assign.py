"""Which window each row belongs to, for windows of fixed length and for those of the calendar."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from playhead.batch import Int64s
from playhead.kernels import windows as kernels
from playhead.schema import MIN_TIME
from playhead.windows import MONDAY, CalendarTumbling, Hopping, Tumbling


class Assigner(Protocol):
    """Rows to windows `[start, end)`."""

    def assign(self, times: Int64s, closed: int) -> tuple[Int64s, int]:
        """The start of each row's window, and how many rows are late: their window's end is at most `closed`."""
        ...

    def ends(self, starts: Int64s) -> Int64s:
        """The end of each window."""
        ...


class FixedAssigner:
    """Windows of `size` microseconds that begin at `origin + k * size`."""

    def __init__(self, size: int, origin: int) -> None:
        self.size, self.origin = size, origin

    def assign(self, times: Int64s, closed: int) -> tuple[Int64s, int]:
        starts = np.empty(len(times), np.int64)
        late = kernels.assign_fixed(times, self.size, self.origin, max(closed, MIN_TIME + self.size), starts)
        return starts, late

    def ends(self, starts: Int64s) -> Int64s:
        return starts + self.size


class CalendarAssigner:
    """Windows of days, weeks, months, quarters or years of a zone: the bounds around the rows seen so far."""

    def __init__(self, window: CalendarTumbling, zone: str) -> None:
        self.window, self.zone = window, zone
        self.bounds = np.empty(0, np.int64)

    def assign(self, times: Int64s, closed: int) -> tuple[Int64s, int]:
        self._cover(int(times.min()), int(times.max()))
        starts = np.empty(len(times), np.int64)
        late = kernels.assign_bounds(times, self.bounds, closed, starts)
        return starts, late

    def ends(self, starts: Int64s) -> Int64s:
        if len(starts):
            self._cover(int(starts.min()), int(starts.max()))
        return self.bounds[np.searchsorted(self.bounds, starts) + 1]

    def _cover(self, first: int, last: int) -> None:
        if len(self.bounds) and self.bounds[0] <= first and last < self.bounds[-1]:
            return
        low = min(first, int(self.bounds[0])) if len(self.bounds) else first
        high = max(last, int(self.bounds[-1])) if len(self.bounds) else last
        self.bounds = self._bounds(low, high)

    def _bounds(self, low: int, high: int) -> Int64s:
        unit, count, offset = self.window.unit, self.window.count, self.window.offset
        local = pc.local_timestamp(pa.array([low - offset, high - offset], pa.timestamp("us", tz=self.zone))).cast(
            pa.timestamp("us")
        )
        step = {"day": ("D", 1), "week": ("D", 7), "month": ("M", 1), "quarter": ("M", 3), "year": ("M", 12)}[unit]
        days = np.asarray(local.cast(pa.int64())) // 86_400_000_000
        units = days if step[0] == "D" else days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        anchor = MONDAY // 86_400_000_000 if unit == "week" else 0
        length = step[1] * count
        lowest = (units[0] - anchor) // length - 1
        highest = (units[1] - anchor) // length + 3
        edges = anchor + np.arange(lowest, highest) * length
        midnights = edges.astype(f"datetime64[{step[0]}]").astype("datetime64[us]")
        local_edges = pa.array(midnights.astype(np.int64), pa.timestamp("us"))
        edges_utc = pc.assume_timezone(local_edges, self.zone, ambiguous="earliest", nonexistent="latest")
        return np.asarray(edges_utc.cast(pa.int64())) + offset


def fixed_origin(window: Tumbling | Hopping, zone: str) -> int:
    """A moment at which a window of fixed length begins, in microseconds since 1970, UTC."""
    origin = window.origin
    if origin is None:
        week = 604_800_000_000
        return window.offset + (MONDAY if window.size % week == 0 else 0)
    moment = datetime.fromisoformat(origin) if isinstance(origin, str) else origin
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    since = moment - datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds + window.offset


def assigner_for(window: Tumbling | CalendarTumbling, zone: str) -> Assigner:
    """The assigner of a window over event times of `zone`."""
    if isinstance(window, CalendarTumbling):
        return CalendarAssigner(window, zone)
    return FixedAssigner(window.size, fixed_origin(window, zone))
