"""Event times as they come (zoned, local, text, dates, integers), turned into microseconds in one zone."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from playhead.errors import EventTimeError, did_you_mean
from playhead.schema import event_time_type

EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first microsecond of year 1 and the last of year 9999."""

UNKNOWN_CHANGES = 2_145_916_800_000_000
"""The start of 2038 on any clock: Arrow knows of no daylight saving time from there on."""

PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True, slots=True)
class TimeParser:
    """Turns one column into `timestamp[us, zone]`; what has no event time becomes null and `why` says why."""

    column: str
    source_type: pa.DataType
    zone: str
    """The zone of the result, and of naive input."""
    unit: str | None = None
    """What an integer counts."""

    @property
    def type(self) -> pa.DataType:
        return event_time_type(self.zone)

    @property
    def local(self) -> bool:
        """Whether times are wall-clock times of a zone other than UTC, some of which are ambiguous."""
        naive = pa.types.is_timestamp(self.source_type) and self.source_type.tz is None
        dateless_zone = naive or pa.types.is_date(self.source_type) or pa.types.is_string(self.source_type)
        return dateless_zone and self.zone != "UTC"

    @property
    def exact(self) -> bool:
        """Whether every value of the type, within the years 1 to 9999, is an event time."""
        return pa.types.is_timestamp(self.source_type) and self.source_type.unit != "ns" and not self.local

    def parse(self, values: pa.Array) -> pa.Array:
        """The event times; null where there is none."""
        if pa.types.is_string(self.source_type):
            return _from_text(values, self.zone)
        if pa.types.is_date(self.source_type):
            days = values.cast(pa.date32()).view(pa.int32()).cast(pa.int64())
            return _localize(_scale(pc.multiply(days, 86_400), "s"), self.zone)
        if pa.types.is_integer(self.source_type):
            return _scale(values, self.unit or "us").cast(self.type)
        micros = _scale(values.view(pa.int64()), self.source_type.unit)
        return _localize(micros, self.zone) if self.local else micros.view(self.type)

    def why(self, value: pa.Scalar) -> str:
        """The reason why `value` has no event time, for people."""
        name = f"event time {self.column!r}"
        if not value.is_valid or as_text(value) == "":
            return f"{name} is null"
        shown = f"{name} = {as_text(value)[:100]!r}"
        if pa.types.is_string(self.source_type):
            return _why_not_text(shown, str(value), self.zone)
        if self._has_nanoseconds(value):
            return f"{shown} has nanoseconds that do not fit microseconds"
        if self.local:
            try:
                naive = value.cast(pa.timestamp("us"))
                return _why_not_local(shown, pa.array([naive.as_py()], naive.type), self.zone)
            except (pa.ArrowInvalid, OverflowError, ValueError):
                pass
        return f"{shown} is outside the years 1 to 9999"

    def _has_nanoseconds(self, value: pa.Scalar) -> bool:
        counts_nanoseconds = self.unit == "ns" or getattr(self.source_type, "unit", None) == "ns"
        return counts_nanoseconds and (value.as_py() if self.unit else value.value) % 1_000 != 0


def as_text(value: pa.Scalar) -> str:
    """A value for people; times that Python's calendar lacks are the number that is stored."""
    try:
        return str(value)
    except (OverflowError, ValueError):
        return str(getattr(value, "value", "?"))


def time_parser(field: pa.Field, tz: str | None, unit: str | None, *, text: bool = False) -> TimeParser:
    """The parser for a column, or the error that says what to do about its type; `text`: ISO 8601 is welcome."""
    if tz is not None:
        require_zone(tz)
    name, kind = field.name, field.type
    if unit is not None and (unit not in PER_SECOND or not pa.types.is_integer(kind)):
        raise EventTimeError(
            f"unit={unit!r} is for an integer event time and is one of {list(PER_SECOND)}; {name!r} has type {kind}"
        )
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        if tz not in (None, kind.tz):
            raise EventTimeError(
                f"{name!r} has the zone {kind.tz} already; leave tz={tz!r} out (tz= says what naive times mean)"
            )
        return TimeParser(name, kind, kind.tz)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind) or (text and pa.types.is_string(kind)):
        return TimeParser(name, kind, tz or "UTC")
    if pa.types.is_integer(kind) and unit is not None:
        return TimeParser(name, kind, tz or "UTC", unit)
    raise EventTimeError(f"{name!r} has type {kind}, which is no time; {_remedy(kind)}")


def require_zone(tz: str) -> None:
    """Refuse a zone that nobody knows."""
    try:
        pc.assume_timezone(pa.array([0], pa.timestamp("us")), tz)
    except (pa.ArrowInvalid, ValueError) as error:
        names = zoneinfo.available_timezones()
        raise EventTimeError(f"no time zone {tz!r}{did_you_mean(tz, names)}") from error


def _remedy(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "say what it counts: unit='s', 'ms', 'us' or 'ns'"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "turn the text into times first, for instance with pandas.to_datetime(...) or pyarrow's strptime"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "turn it into whole numbers first and pass unit='s', 'ms', 'us' or 'ns'"
    if pa.types.is_time(kind):
        return "a time of day needs a date: add the two into a timestamp first"
    if pa.types.is_dictionary(kind):
        return "decode the dictionary first"
    return "an event time is a timestamp, a date, or an integer with unit="


def _scale(ints: pa.Array, unit: str) -> pa.Array:
    """Counts of `unit` as int64 microseconds; null where they are not whole or outside the years 1 to 9999."""
    per_second = PER_SECOND[unit]
    low, high = _bounds(unit, ints.type)
    smallest, largest = pc.min_max(ints).as_py().values()
    if smallest is not None and (smallest < low or largest > high):
        inside = pc.and_(
            pc.greater_equal(ints, pa.scalar(low, ints.type)), pc.less_equal(ints, pa.scalar(high, ints.type))
        )
        ints = pc.if_else(inside, ints, pa.scalar(None, ints.type))
    ints = ints.cast(pa.int64())
    if per_second < 1_000_000:
        return pc.multiply(ints, 1_000_000 // per_second)
    if per_second == 1_000_000:
        return ints
    micros = pc.divide(ints, 1_000)  # rounds towards zero, which is exact where it is kept
    whole = pc.equal(pc.multiply(micros, 1_000), ints)
    return micros if pc.all(whole).as_py() is not False else pc.if_else(whole, micros, pa.scalar(None, pa.int64()))


def _bounds(unit: str, kind: pa.DataType) -> tuple[int, int]:
    """Year 1 to 9999 in counts of `unit`, as far as the integer type reaches."""
    per_second = PER_SECOND[unit]
    low, high = EARLIEST // 1_000_000 * per_second, (LATEST + 1) // 1_000_000 * per_second - 1
    if pa.types.is_unsigned_integer(kind):
        return max(low, 0), min(high, 2**kind.bit_width - 1)
    return max(low, -(2 ** (kind.bit_width - 1))), min(high, 2 ** (kind.bit_width - 1) - 1)


def _localize(micros: pa.Array, zone: str) -> pa.Array:
    """Wall-clock microseconds as instants; null where the clock showed them twice or never."""
    naive = micros.cast(pa.timestamp("us"))
    if zone == "UTC":
        return naive.view(event_time_type("UTC"))
    last = pc.max(micros).as_py()
    if last is not None and last >= UNKNOWN_CHANGES:
        naive = pc.if_else(pc.less(micros, UNKNOWN_CHANGES), naive, pa.scalar(None, naive.type))
    earliest, latest = _readings(naive, zone)
    same = pc.equal(earliest, latest)
    if pc.all(same).as_py() is not False:
        return earliest
    return pc.if_else(same, earliest, pa.scalar(None, earliest.type))


def _readings(naive: pa.Array, zone: str) -> tuple[pa.Array, pa.Array]:
    earliest = pc.assume_timezone(naive, zone, ambiguous="earliest", nonexistent="earliest")
    return earliest, pc.assume_timezone(naive, zone, ambiguous="latest", nonexistent="latest")


def _from_text(texts: pa.Array, zone: str) -> pa.Array:
    """ISO 8601 texts as event times: with an offset as they say, without one in `zone`."""
    instant = event_time_type(zone)
    try:
        return _localize(_scale(texts.cast(pa.timestamp("us")).view(pa.int64()), "us"), zone)
    except pa.ArrowInvalid:
        pass
    try:
        return _scale(texts.cast(instant).view(pa.int64()), "us").view(instant)
    except pa.ArrowInvalid:
        pass
    offsets = pc.match_substring_regex(texts, r"(Z|z|[+-]\d\d(:?\d\d)?)$")
    clocked = pc.and_kleene(offsets, pc.match_substring(texts, ":"))  # the "-01" of a date is no offset
    naive = cast_where_possible(pc.if_else(clocked, pa.scalar(None, pa.string()), texts), pa.timestamp("us"))
    zoned = cast_where_possible(pc.if_else(clocked, texts, pa.scalar(None, pa.string())), instant)
    local = _localize(_scale(naive.view(pa.int64()), "us"), zone)
    return pc.coalesce(_scale(zoned.view(pa.int64()), "us").view(instant), local)


def cast_where_possible(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """`values` as `kind`, null where one does not fit; found by halving, so that a few bad ones cost little."""
    return pa.concat_arrays(_halving(values, lambda part: part.cast(kind), pa.scalar(None, kind)))


def _halving(values: pa.Array, cast: Callable[[pa.Array], pa.Array], null: pa.Scalar) -> list[pa.Array]:
    try:
        return [cast(values)]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        if len(values) == 1:
            return [pa.array([None], null.type)]
    middle = len(values) // 2
    return _halving(values[:middle], cast, null) + _halving(values[middle:], cast, null)


def _why_not_text(shown: str, text: str, zone: str) -> str:
    if re.search(r"\.\d{7,9}(?!\d)", text):
        return f"{shown} has nanoseconds that do not fit microseconds"
    try:
        naive = pa.array([text]).cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return f"{shown} is not a time in ISO 8601, such as 2013-01-31T23:59:59.5"
    return _why_not_local(shown, naive, zone)


def _why_not_local(shown: str, naive: pa.Array, zone: str) -> str:
    if zone != "UTC":
        if naive[0].value >= UNKNOWN_CHANGES:
            return f"{shown} is after 2037, when clocks change in {zone} is not known; give it an offset or zone"
        earliest, latest = _readings(naive, zone)
        if earliest[0] != latest[0]:
            if pc.local_timestamp(earliest)[0].value == naive[0].value:
                return f"{shown} is ambiguous in {zone}: clocks showed it twice"
            return f"{shown} does not exist in {zone}: clocks skipped it"
    return f"{shown} is outside the years 1 to 9999"
