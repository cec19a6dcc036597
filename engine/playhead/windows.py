"""Windows: which stretches of event time a row belongs to.

A window in `groupby` becomes two columns, `window_start` and `window_end`. Tumbling and hopping
windows are `[start, end)`; a session is `[first, last + gap]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import gcd
from typing import Any

from playhead.durations import calendar_unit, microseconds, readable
from playhead.errors import PlanError

WINDOW_START, WINDOW_END = "window_start", "window_end"

MONDAY = 4 * 86_400_000_000
"""Weeks align to Monday; 1970 began on a Thursday, so its first Monday was day 4."""


@dataclass(frozen=True, slots=True)
class Tumbling:
    """Back-to-back windows of one fixed length."""

    size: int
    offset: int = 0
    """Where windows begin, in microseconds after `origin`."""
    origin: str | datetime | None = None
    """A moment at which a window begins; None: 1970, UTC. A naive one is read in the column's zone."""

    def __str__(self) -> str:
        return f"tumbling({readable(self.size)})"


@dataclass(frozen=True, slots=True)
class CalendarTumbling:
    """Back-to-back windows of days, weeks, months, quarters or years as the zone's calendar has them."""

    count: int
    unit: str
    offset: int = 0

    def __str__(self) -> str:
        return f"tumbling({self.count} {self.unit}{'s' if self.count > 1 else ''})"


@dataclass(frozen=True, slots=True)
class Hopping:
    """Windows of one fixed length that begin every `hop`; a row is in size / hop of them."""

    size: int
    hop: int
    offset: int = 0
    origin: str | datetime | None = None

    @property
    def pane(self) -> int:
        """The longest stretch that never crosses the edge of a window: windows are unions of panes."""
        return gcd(self.size, self.hop)

    def __str__(self) -> str:
        return f"hopping({readable(self.size)}, every {readable(self.hop)})"


@dataclass(frozen=True, slots=True)
class Session:
    """Rows of a key that are at most `gap` apart."""

    gap: int

    def __str__(self) -> str:
        return f"session({readable(self.gap)})"


Window = Tumbling | CalendarTumbling | Hopping | Session


def tumbling(size: Any, *, offset: Any = None, origin: str | datetime | None = None) -> Tumbling | CalendarTumbling:
    """Back-to-back windows, for `groupby`.

    Parameters
    ----------
    size : str or timedelta
        "10s", "1h", ...; days, weeks ("D", "W"), months, quarters, years ("MS", "QS", "YS") are those of
        the event time's zone, so that a day may have 23 or 25 hours.
    offset : str or timedelta, optional
        Moves the beginning of every window.
    origin : str or datetime, optional
        A moment at which a window begins. Default: 1970-01-01 UTC, weeks Monday.

    Examples
    --------
    >>> import playhead as ph
    >>> ph.tumbling("1h30min")
    Tumbling(size=5400000000, offset=0, origin=None)
    """
    shift = 0 if offset is None else microseconds(offset, "offset")
    unit = calendar_unit(size)
    if unit and origin is None:
        _require_positive(unit[0], size)
        return CalendarTumbling(unit[0], unit[1], shift)
    length = microseconds(size, "the size of a tumbling window")
    _require_positive(length, size)
    return Tumbling(length, shift, origin)


def hopping(size: Any, hop: Any, *, offset: Any = None, origin: str | datetime | None = None) -> Hopping | Tumbling:
    """Overlapping windows of length `size`, one beginning every `hop`, for `groupby`.

    Parameters
    ----------
    size, hop : str or timedelta
        "10s", "1h", "7D", ...; months and years are for `tumbling` only.
    offset, origin
        As for `tumbling`.

    Examples
    --------
    >>> import playhead as ph
    >>> str(ph.hopping("10s", "2s"))
    'hopping(10s, every 2s)'
    """
    for name, value in (("size", size), ("hop", hop)):
        unit = calendar_unit(value)
        if unit and unit[1] in ("month", "quarter", "year"):
            raise PlanError(
                f"{name}={value!r}: units of the calendar are for tumbling windows only; give a fixed length"
            )
    length, step = microseconds(size, "the size of a hopping window"), microseconds(hop, "the hop of a window")
    _require_positive(length, size)
    _require_positive(step, hop)
    if step > length:
        raise PlanError(f"hop={hop!r} is longer than size={size!r}: rows between the windows would be in none")
    shift = 0 if offset is None else microseconds(offset, "offset")
    return Tumbling(length, shift, origin) if step == length else Hopping(length, step, shift, origin)


def session(gap: Any) -> Session:
    """Windows that end when nothing happens for longer than `gap`, for `groupby`.

    Rows exactly one gap apart belong together; the window is `[first, last + gap]`.

    Examples
    --------
    >>> import playhead as ph
    >>> ph.session("30min")
    Session(gap=1800000000)
    """
    length = microseconds(gap, "the gap of a session")
    _require_positive(length, gap)
    return Session(length)


def _require_positive(length: int, given: Any) -> None:
    if length <= 0:
        raise PlanError(f"a window of length {given!r} holds nothing; give a positive length")
