"""What `.dt` does to times, dates and durations: fields of the calendar in the column's own zone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from playhead.expr import Function, Values
from playhead.functions.operands import DATE, DURATION, TIME, TIMESTAMP, kind_of

PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
DAY = 86_400


def require_kind(values: Values, *kinds: str) -> Values:
    """The values themselves if they are of one of `kinds`.

    Raises
    ------
    TypeError
        If they are not; the message says what they are and what would help.
    """
    kind = kind_of(values)
    if kind in kinds:
        return values
    remedy = "; .astype('datetime64[us]') or .astype('datetime64[us, UTC]') first" if kind == "string" else ""
    names = " or ".join(f"{name}s" for name in kinds)
    raise TypeError(f".dt works here on {names}, not on {values.type}{remedy}")


def _field(name: str, kernel: Callable[..., Any], *kinds: str, result: pa.DataType | None = None) -> Function:
    wanted = pa.int32() if result is None else result

    def evaluate(values: Values) -> Values:
        found = kernel(require_kind(values, *kinds))
        return found if found.type == wanted else pc.cast(found, wanted)

    evaluate.__name__ = evaluate.__qualname__ = name
    return Function(f"dt.{name}", evaluate)


def _microsecond(values: Values) -> Values:
    """Within the second, as pandas counts; Arrow counts within the millisecond."""
    return pc.add(pc.multiply(pc.millisecond(values), pa.scalar(1_000)), pc.microsecond(values))


def local(values: Values) -> Values:
    """What the clock on the wall shows: the same times without their zone."""
    if kind_of(values) == DATE:
        return pc.cast(values, pa.timestamp("s"))
    return values if values.type.tz is None else pc.local_timestamp(values)


def _day_start(values: Values) -> Values:
    return pc.cast(pc.cast(local(values), pa.date32()), pa.timestamp("s"))


def _tomorrow(values: Values) -> Values:
    return pc.add(_day_start(values), pa.scalar(DAY, pa.duration("s")))


def _days_in_month(values: Values) -> Values:
    first = pc.floor_temporal(_day_start(values), unit="month")
    following = pc.floor_temporal(pc.add(first, pa.scalar(31 * DAY, pa.duration("s"))), unit="month")
    return pc.divide(pc.cast(pc.subtract(following, first), pa.int64()), pa.scalar(DAY))


def _starts(unit: str) -> Callable[[Values], Values]:
    def first_day(values: Values) -> Values:
        day = _day_start(values)
        return pc.equal(day, pc.floor_temporal(day, unit=unit))

    return first_day


def _ends(unit: str) -> Callable[[Values], Values]:
    def last_day(values: Values) -> Values:
        tomorrow = _tomorrow(values)
        return pc.equal(tomorrow, pc.floor_temporal(tomorrow, unit=unit))

    return last_day


def _iso(name: str) -> Callable[[Values], Values]:
    return lambda values: pc.struct_field(pc.iso_calendar(values), name)


def _date(values: Values) -> Values:
    return pc.cast(local(values), pa.date32())


def _time_of_day(values: Values) -> Values:
    unit = values.type.unit if kind_of(values) == TIMESTAMP else "s"
    return pc.cast(local(values), pa.time64(unit) if unit in ("us", "ns") else pa.time32(unit))


_CALENDAR = (TIMESTAMP, DATE)
_CLOCK = (TIMESTAMP, TIME)
_BOOL = pa.bool_()
_FIELDS: tuple[Function, ...] = (
    _field("year", pc.year, *_CALENDAR),
    _field("month", pc.month, *_CALENDAR),
    _field("day", pc.day, *_CALENDAR),
    _field("hour", pc.hour, *_CLOCK),
    _field("minute", pc.minute, *_CLOCK),
    _field("second", pc.second, *_CLOCK),
    _field("microsecond", _microsecond, *_CLOCK),
    _field("nanosecond", pc.nanosecond, *_CLOCK),
    _field("day_of_week", pc.day_of_week, *_CALENDAR),
    _field("day_of_year", pc.day_of_year, *_CALENDAR),
    _field("quarter", pc.quarter, *_CALENDAR),
    _field("days_in_month", _days_in_month, *_CALENDAR),
    _field("is_leap_year", pc.is_leap_year, *_CALENDAR, result=_BOOL),
    _field("is_month_start", _starts("month"), *_CALENDAR, result=_BOOL),
    _field("is_month_end", _ends("month"), *_CALENDAR, result=_BOOL),
    _field("is_quarter_start", _starts("quarter"), *_CALENDAR, result=_BOOL),
    _field("is_quarter_end", _ends("quarter"), *_CALENDAR, result=_BOOL),
    _field("is_year_start", _starts("year"), *_CALENDAR, result=_BOOL),
    _field("is_year_end", _ends("year"), *_CALENDAR, result=_BOOL),
    _field("iso_year", _iso("iso_year"), *_CALENDAR),
    _field("iso_week", _iso("iso_week"), *_CALENDAR, result=pa.uint32()),
    _field("iso_day", _iso("iso_day_of_week"), *_CALENDAR, result=pa.uint32()),
    _field("date", _date, *_CALENDAR, result=pa.date32()),
)
FIELDS = {function.name.removeprefix("dt."): function for function in _FIELDS}
"""The functions without arguments, by pandas' names."""


def time_of_day(values: Values) -> Values:
    """The time on the clock, without its date."""
    return _time_of_day(require_kind(values, TIMESTAMP))


# durations


def _ticks(values: Values) -> tuple[Values, int]:
    """A duration as a number, and how many of them are a second."""
    require_kind(values, DURATION)
    return pc.cast(values, pa.int64()), PER_SECOND[values.type.unit]


def total_seconds(values: Values) -> Values:
    """A duration in seconds, float64."""
    ticks, per_second = _ticks(values)
    floats = pc.cast(ticks, options=pc.CastOptions.unsafe(pa.float64()))
    return pc.divide(floats, pa.scalar(float(per_second)))


def _floor_parts(ticks: Values, size: int) -> tuple[Values, Values]:
    """How many times `size` fits, rounded down, and what is left."""
    quotient = pc.divide(ticks, pa.scalar(size))
    rest = pc.subtract(ticks, pc.multiply(quotient, pa.scalar(size)))
    below = pc.cast(pc.less(rest, pa.scalar(0)), pa.int64())
    return pc.subtract(quotient, below), pc.add(rest, pc.multiply(below, pa.scalar(size)))


def days(values: Values) -> Values:
    """The whole days of a duration, rounded down."""
    ticks, per_second = _ticks(values)
    return _floor_parts(ticks, DAY * per_second)[0]


def seconds(values: Values) -> Values:
    """The whole seconds of a duration beside its days."""
    ticks, per_second = _ticks(values)
    _, rest = _floor_parts(ticks, DAY * per_second)
    return pc.cast(pc.divide(rest, pa.scalar(per_second)), pa.int32())


def microseconds(values: Values) -> Values:
    """The microseconds of a duration beside its days and seconds."""
    ticks, per_second = _ticks(values)
    _, rest = _floor_parts(ticks, per_second)
    scaled = pc.divide(pc.multiply(rest, pa.scalar(1_000_000)), pa.scalar(per_second))
    return pc.cast(scaled, pa.int32())


TIME_OF_DAY = Function("dt.time", time_of_day)
TOTAL_SECONDS = Function("dt.total_seconds", total_seconds)
DAYS = Function("dt.days", days)
SECONDS = Function("dt.seconds", seconds)
MICROSECONDS = Function("dt.microseconds", microseconds)
