"""Which window each row belongs to, for windows of fixed length and for those of the calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from playhead.batch import Int64s
from playhead.kernels import windows as kernels
from playhead.schema import MIN_TIME
from playhead.windows import MONDAY, CalendarTumbling, Hopping, Tumbling

DAY = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        self.window, self.zone = window, ZoneInfo(zone)
        self.bounds = np.empty(0, np.int64)

    def assign(self, times: Int64s, closed: int) -> tuple[Int64s, int]:
        starts = np.empty(len(times), np.int64)
        if not len(times):
            return starts, 0
        self._cover(int(times.min()), int(times.max()))
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
        """The edges of all windows from the one that holds `low` to one behind that of `high`."""
        unit, count = self.window.unit, self.window.count
        step, months = {"day": (1, 0), "week": (7, 0), "month": (0, 1), "quarter": (0, 3), "year": (0, 12)}[unit]
        kind = "M" if months else "D"
        length = (step or months) * count
        anchor = MONDAY // DAY if unit == "week" else 0
        days = np.array([self._local_day(low), self._local_day(high)], "datetime64[D]")
        first, last = days.astype(f"datetime64[{kind}]").astype(np.int64).tolist()
        lowest, highest = (first - anchor) // length - 1, (last - anchor) // length + 3
        edges = (anchor + np.arange(lowest, highest) * length).astype(f"datetime64[{kind}]")
        midnights = [self._utc(day) for day in edges.astype("datetime64[D]").astype(np.int64).tolist()]  # not of rows
        return np.array(midnights, np.int64) + self.window.offset

    def _local_day(self, time: int) -> int:
        """The day since 1970 that it is in the zone; zones have no rules outside of the years 1 to 9999."""
        try:
            moment = EPOCH + timedelta(microseconds=time - self.window.offset)
            return (moment.astimezone(self.zone).date() - EPOCH.date()).days
        except OverflowError:
            return (time - self.window.offset) // DAY

    def _utc(self, day: int) -> int:
        """When a local day begins; where a clock change skips midnight, the moment of the change."""
        try:
            date = EPOCH.date() + timedelta(days=day)
            begins = datetime(date.year, date.month, date.day, tzinfo=self.zone).astimezone(UTC) - EPOCH
        except OverflowError:
            return day * DAY
        return begins // timedelta(microseconds=1)


def fixed_origin(window: Tumbling | Hopping, zone: str) -> int:
    """A moment at which a window of fixed length begins, in microseconds since 1970, UTC."""
    origin = window.origin
    if origin is None:
        return window.offset + (MONDAY if window.size % (7 * DAY) == 0 else 0)
    moment = datetime.fromisoformat(origin) if isinstance(origin, str) else origin
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return (moment.astimezone(UTC) - EPOCH) // timedelta(microseconds=1) + window.offset


def assigner_for(window: Tumbling | CalendarTumbling, zone: str) -> Assigner:
    """The assigner of a window over event times of `zone`."""
    if isinstance(window, CalendarTumbling):
        return CalendarAssigner(window, zone)
    return FixedAssigner(window.size, fixed_origin(window, zone))
