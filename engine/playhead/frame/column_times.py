"""`column.dt`: pandas' methods for times, dates and durations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from playhead.durations import calendar_unit, microseconds
from playhead.errors import PlanError
from playhead.functions import time, zones

if TYPE_CHECKING:
    from playhead.frame.column import Column

_AMBIGUOUS = {
    "raise": "raise",
    "NaT": "NaT",
    "earliest": "earliest",
    "latest": "latest",
    True: "earliest",
    False: "latest",
}
_NONEXISTENT = {"raise": None, "NaT": "NaT", "shift_forward": "latest", "shift_backward": "earliest"}


def _field(name: str, doc: str) -> property:
    function = time.FIELDS[name]

    def get(self: TimeMethods) -> Column:
        return self._column._of(function)

    return property(get, doc=doc)


class TimeMethods:
    """The fields of times, dates and durations by pandas' names, in the column's own zone.

    Examples
    --------
    >>> import playhead as ph
    >>> ph.col("departed").dt.hour
    Column: dt.hour(departed)
    """

    __slots__ = ("_column",)

    def __init__(self, column: Column) -> None:
        self._column = column

    year = _field("year", "The year.")
    month = _field("month", "The month, from 1.")
    day = _field("day", "The day of the month, from 1.")
    hour = _field("hour", "The hour, 0 to 23.")
    minute = _field("minute", "The minute, 0 to 59.")
    second = _field("second", "The second, 0 to 59.")
    microsecond = _field("microsecond", "The microseconds within the second.")
    nanosecond = _field("nanosecond", "The nanoseconds within the microsecond.")
    dayofweek = day_of_week = weekday = _field("day_of_week", "The day of the week, Monday is 0.")
    dayofyear = day_of_year = _field("day_of_year", "The day of the year, from 1.")
    quarter = _field("quarter", "The quarter, 1 to 4.")
    days_in_month = daysinmonth = _field("days_in_month", "How many days the month has.")
    is_leap_year = _field("is_leap_year", "Whether the year has 366 days.")
    is_month_start = _field("is_month_start", "Whether it is the first day of the month.")
    is_month_end = _field("is_month_end", "Whether it is the last day of the month.")
    is_quarter_start = _field("is_quarter_start", "Whether it is the first day of the quarter.")
    is_quarter_end = _field("is_quarter_end", "Whether it is the last day of the quarter.")
    is_year_start = _field("is_year_start", "Whether it is the first day of the year.")
    is_year_end = _field("is_year_end", "Whether it is the last day of the year.")
    date = _field("date", "The date.")

    @property
    def time(self) -> Column:
        """The time on the clock."""
        return self._column._of(time.TIME_OF_DAY)

    @property
    def days(self) -> Column:
        """The whole days of a duration, rounded down."""
        return self._column._of(time.DAYS)

    @property
    def seconds(self) -> Column:
        """The seconds of a duration beside its days."""
        return self._column._of(time.SECONDS)

    @property
    def microseconds(self) -> Column:
        """The microseconds of a duration beside its days and seconds."""
        return self._column._of(time.MICROSECONDS)

    def total_seconds(self) -> Column:
        """A duration in seconds."""
        return self._column._of(time.TOTAL_SECONDS)

    def isocalendar(self) -> IsoCalendar:
        """The calendar of ISO 8601: `.year`, `.week` and `.day` of what this gives."""
        return IsoCalendar(self._column)

    def day_name(self) -> Column:
        """The day of the week in English."""
        return self.strftime("%A")

    def month_name(self) -> Column:
        """The month in English."""
        return self.strftime("%B")

    def strftime(self, date_format: str) -> Column:
        """As text, by Python's format codes."""
        return self._column._of(zones.TEXT, format=date_format)

    def floor(self, freq: Any) -> Column:
        """Rounded down to a multiple of `freq` on the clock of the column's zone.

        Examples
        --------
        >>> import playhead as ph
        >>> ph.col("departed").dt.floor("15min")
        Column: dt.round(departed, how='floor', size=900000000)
        """
        return self._round(freq, "floor")

    def ceil(self, freq: Any) -> Column:
        """Rounded up to a multiple of `freq` on the clock of the column's zone."""
        return self._round(freq, "ceil")

    def round(self, freq: Any) -> Column:
        """Rounded to the nearest multiple of `freq`, halves to the even one."""
        return self._round(freq, "round")

    def normalize(self) -> Column:
        """Midnight of the same day."""
        return self._round("1D", "floor")

    def _round(self, freq: Any, how: str) -> Column:
        unit = calendar_unit(freq)
        if unit and unit[1] != "day":
            raise PlanError(f"times are rounded to fixed lengths such as '1h' or '1D', not to {freq!r}")
        size = microseconds(freq, "the frequency")
        if size <= 0:
            raise PlanError(f"the frequency {freq!r} is not longer than nothing")
        return self._column._of(zones.ROUND_TIME, size=size, how=how)

    def tz_convert(self, tz: str | None) -> Column:
        """The same instants on the clock of another zone; None is UTC without a zone."""
        return self._column._of(zones.CONVERT_ZONE, zone=_zone(tz))

    def tz_localize(self, tz: str | None, ambiguous: Any = "raise", nonexistent: str = "raise") -> Column:
        """Clock times in a zone; None takes the zone away.

        Parameters
        ----------
        ambiguous
            What a time that occurs twice is: "raise", "NaT" (null), True or "earliest" (summer), False or "latest".
        nonexistent
            What a time that never occurs is: "raise", "NaT", "shift_forward" or "shift_backward".
        """
        if ambiguous not in _AMBIGUOUS:
            raise PlanError(f"ambiguous is one of {list(_AMBIGUOUS)}, not {ambiguous!r}")
        if nonexistent not in _NONEXISTENT:
            raise PlanError(f"nonexistent is one of {list(_NONEXISTENT)}, not {nonexistent!r}")
        return self._column._of(
            zones.LOCALIZE, zone=_zone(tz), ambiguous=_AMBIGUOUS[ambiguous], nonexistent=_NONEXISTENT[nonexistent]
        )


class IsoCalendar:
    """Year, week and day by ISO 8601: weeks start on Monday, the first has the year's first Thursday."""

    __slots__ = ("_column",)

    def __init__(self, column: Column) -> None:
        self._column = column

    @property
    def year(self) -> Column:
        """The year that the week belongs to."""
        return self._column._of(time.FIELDS["iso_year"])

    @property
    def week(self) -> Column:
        """The week, 1 to 53."""
        return self._column._of(time.FIELDS["iso_week"])

    @property
    def day(self) -> Column:
        """The day of the week, Monday is 1."""
        return self._column._of(time.FIELDS["iso_day"])


def _zone(name: Any) -> str | None:
    if name is None:
        return None
    try:
        return ZoneInfo(str(name)).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if _is_offset(str(name)):
            return str(name)
        raise PlanError(f"no time zone {name!r}; zones are named as 'America/New_York' or 'UTC'") from error


def _is_offset(name: str) -> bool:
    """Whether a zone is given as its distance from UTC, such as "+02:00"."""
    return len(name) == 6 and name[0] in "+-" and name[3] == ":" and (name[1:3] + name[4:]).isdigit()
