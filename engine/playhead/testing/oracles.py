"""Which windows a row is in and when it is late, in plain Python: by arithmetic, and sessions by sorting."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from playhead.windows import MONDAY, CalendarTumbling, Hopping, Session, Tumbling

MICROSECOND = timedelta(microseconds=1)
START = datetime(1970, 1, 1, tzinfo=UTC)

Span = tuple[datetime, datetime]


def windows_of(window: Tumbling | CalendarTumbling | Hopping, moment: datetime, zone: str = "UTC") -> list[Span]:
    """The windows `[start, end)` that a moment is in, earliest first.

    Examples
    --------
    >>> import playhead as ph
    >>> noon = datetime(2024, 1, 1, 12, 0, 7, tzinfo=UTC)
    >>> [f"{start:%S}-{end:%S}" for start, end in windows_of(ph.hopping("10s", "5s"), noon)]
    ['00-10', '05-15']
    """
    match window:
        case CalendarTumbling():
            return [_calendar(window, moment, ZoneInfo(zone))]
        case Tumbling():
            return _fixed(moment, window.size, window.size, _origin(window, zone))
        case Hopping():
            return _fixed(moment, window.size, window.hop, _origin(window, zone))
        case _:
            assert_never(window)


def sessions(moments: Iterable[datetime], gap: timedelta) -> list[Span]:
    """The sessions `[first, last + gap]` of one key: neighbours are at most a gap apart.

    Examples
    --------
    >>> at = [START + timedelta(seconds=second) for second in (9, 0, 5, 15)]
    >>> [(first.second, last.second) for first, last in sessions(at, timedelta(seconds=5))]
    [(0, 14), (15, 20)]
    """
    spans: list[Span] = []
    for moment in sorted(moments):
        if spans and moment <= spans[-1][1]:
            spans[-1] = (spans[-1][0], moment + gap)
        else:
            spans.append((moment, moment + gap))
    return spans


def is_late(window: Any, end: datetime, watermark: int, allowed_lateness: timedelta = timedelta(0)) -> bool:
    """Whether a window that ends at `end` is closed for good; a session is closed on the right."""
    limit = (end + allowed_lateness - START) // MICROSECOND
    return watermark > limit if isinstance(window, Session) else watermark >= limit


def _origin(window: Tumbling | Hopping, zone: str) -> datetime:
    shift = timedelta(microseconds=window.offset)
    if window.origin is None:
        weeks = window.size % (7 * 86_400_000_000) == 0
        return START + shift + timedelta(microseconds=MONDAY if weeks else 0)
    origin = datetime.fromisoformat(window.origin) if isinstance(window.origin, str) else window.origin
    return (origin if origin.tzinfo else origin.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC) + shift


def _fixed(moment: datetime, size: int, hop: int, origin: datetime) -> list[Span]:
    length, step = timedelta(microseconds=size), timedelta(microseconds=hop)
    start = origin + (moment.astimezone(UTC) - origin) // step * step
    spans = []
    while start + length > moment:
        spans.append((start, start + length))
        start -= step
    return spans[::-1]


def _calendar(window: CalendarTumbling, moment: datetime, zone: ZoneInfo) -> Span:
    shift = timedelta(microseconds=window.offset)
    day = (moment.astimezone(UTC) - shift).astimezone(zone).date()
    number = _unit_number(day, window.unit) // window.count * window.count
    edges = [_first_day(unit, window.unit) for unit in (number, number + window.count)]
    start, end = (_midnight(edge, zone) + shift for edge in edges)
    return start, end


def _unit_number(day: date, unit: str) -> int:
    """How many days, weeks, months, quarters or years after 1970 a date is."""
    days = (day - date(1970, 1, 1)).days
    months = (day.year - 1970) * 12 + day.month - 1
    return {
        "day": days,
        "week": (days - 4) // 7,
        "month": months,
        "quarter": months // 3,
        "year": day.year - 1970,
    }[unit]


def _first_day(number: int, unit: str) -> date:
    if unit in ("day", "week"):
        return date(1970, 1, 1) + timedelta(days=number if unit == "day" else 4 + 7 * number)
    months = number * {"month": 1, "quarter": 3, "year": 12}[unit]
    return date(1970 + months // 12, months % 12 + 1, 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
