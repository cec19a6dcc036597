"""Lengths of time as people write them: "5s", "1h30min", a timedelta; in microseconds."""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction
from typing import Any

from playhead.errors import PlanError, did_you_mean

MICROSECONDS = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "sec": 1_000_000,
    "second": 1_000_000,
    "seconds": 1_000_000,
    "min": 60_000_000,
    "minute": 60_000_000,
    "minutes": 60_000_000,
    "h": 3_600_000_000,
    "hour": 3_600_000_000,
    "hours": 3_600_000_000,
    "D": 86_400_000_000,
    "d": 86_400_000_000,
    "day": 86_400_000_000,
    "days": 86_400_000_000,
    "W": 604_800_000_000,
    "week": 604_800_000_000,
    "weeks": 604_800_000_000,
}

CALENDAR = {
    **dict.fromkeys(("D", "d", "day", "days"), "day"),
    **dict.fromkeys(("W", "week", "weeks"), "week"),
    **dict.fromkeys(("MS", "month", "months"), "month"),
    **dict.fromkeys(("QS", "quarter", "quarters"), "quarter"),
    **dict.fromkeys(("YS", "year", "years"), "year"),
}

_PART = re.compile(r"\s*(\d+(?:\.\d+)?)?\s*([A-Za-zµ]+)\s*")


def microseconds(duration: Any, what: str = "a duration") -> int:
    """A length of time in microseconds, from text, a timedelta (pandas' or numpy's too).

    Examples
    --------
    >>> microseconds("1h30min"), microseconds("250ms")
    (5400000000, 250000)
    """
    if isinstance(duration, timedelta):  # pandas' Timedelta is one
        return duration // timedelta(microseconds=1)
    if hasattr(duration, "astype") and getattr(duration, "dtype", None) is not None and duration.dtype.kind == "m":
        return int(duration.astype("timedelta64[us]").astype("int64"))
    if not isinstance(duration, str):
        raise PlanError(f"{what} is given as text such as '5s' or as a timedelta, not as {duration!r}")
    total = Fraction(0)
    for count, unit in _parts(duration, what):
        if unit not in MICROSECONDS:
            raise PlanError(
                f"{what} {duration!r} has the unit {unit!r}, which is none of {_UNITS}{did_you_mean(unit, _UNITS)}"
            )
        total += count * MICROSECONDS[unit]
    if total != int(total):
        raise PlanError(f"{what} {duration!r} is not a whole number of microseconds")
    return int(total)


def calendar_unit(duration: Any) -> tuple[int, str] | None:
    """(count, unit) if `duration` is text in units of the calendar, whose length depends on where and when."""
    if not isinstance(duration, str):
        return None
    parts = _parts(duration, "a duration")
    if len(parts) == 1 and parts[0][1] in CALENDAR:
        count, unit = parts[0]
        if count.denominator == 1:
            return int(count), CALENDAR[unit]
        if unit not in MICROSECONDS:
            raise PlanError(f"{duration!r} is not a whole number of {CALENDAR[unit]}s, and a calendar has no others")
    return None


def _parts(text: str, what: str) -> list[tuple[Fraction, str]]:
    parts, position = [], 0
    while position < len(text):
        match = _PART.match(text, position)
        if not match:
            raise PlanError(f"{what} {text!r} cannot be read; write a number and a unit, such as '90s' or '1h30min'")
        parts.append((Fraction(match[1] or 1), match[2]))
        position = match.end()
    if not parts:
        raise PlanError(f"{what} is empty; write a number and a unit, such as '90s'")
    return parts


_UNITS = ["us", "ms", "s", "min", "h", "D", "W"]


def readable(duration: int) -> str:
    """A length of time as people write it.

    Examples
    --------
    >>> readable(5_400_000_000), readable(0)
    ('1h30min', '0s')
    """
    parts, rest = [], abs(duration)
    for unit in ("D", "h", "min", "s", "ms", "us"):
        count, rest = divmod(rest, MICROSECONDS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if duration < 0 else "") + ("".join(parts) or "0s")
