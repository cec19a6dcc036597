"""Times and their zones: giving one, changing it, rounding on the clock of the wall, writing as text."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from playhead.expr import Function, Values
from playhead.functions.operands import DATE, DURATION, TIMESTAMP, convert, kind_of, null_like
from playhead.functions.through_numpy import apply_ufunc
from playhead.functions.time import PER_SECOND, local, require_kind

NULL = "NaT"


def convert_zone(values: Values, *, zone: str | None = None) -> Values:
    """The same instants on the clock of another zone; of none, as UTC without saying so."""
    require_kind(values, TIMESTAMP)
    if values.type.tz is None:
        raise TypeError("times without a zone cannot be converted; give them theirs with .dt.tz_localize(zone)")
    converted = values.cast(pa.timestamp(values.type.unit, tz=zone or "UTC"))
    return converted if zone else pc.local_timestamp(converted)


def localize(
    values: Values, *, zone: str | None = None, ambiguous: str = "raise", nonexistent: str = "raise"
) -> Values:
    """The same clock times in a zone, or without one.

    `ambiguous` and `nonexistent` say what happens to times that a change of the clock gives twice or
    not at all: "raise", "earliest", "latest" or "NaT".
    """
    require_kind(values, TIMESTAMP)
    if zone is None:
        return local(values)
    if values.type.tz is not None:
        raise TypeError(f"these times are in {values.type.tz} already; use .dt.tz_convert(zone)")
    first = _assume(values, zone, ambiguous, nonexistent)
    if ambiguous == NULL:
        first = _keep(pc.equal(first, _assume(values, zone, "latest", nonexistent)), first)
    if nonexistent == NULL:
        first = _keep(pc.equal(pc.local_timestamp(first), values), first)
    return first


def _assume(values: Values, zone: str, ambiguous: str, nonexistent: str) -> Values:
    return pc.assume_timezone(
        values,
        zone,
        ambiguous="earliest" if ambiguous == NULL else ambiguous,
        nonexistent="latest" if nonexistent == NULL else nonexistent,
    )


def _keep(condition: Values, values: Values) -> Values:
    return pc.if_else(condition, values, null_like(values))


def _ticks_of(size: int, unit: str) -> int | None:
    """`size` microseconds in ticks of the unit; None where it is less than one, so that there is nothing to round."""
    ticks, rest = divmod(size * PER_SECOND[unit], PER_SECOND["us"])
    if rest and ticks:
        raise TypeError(f"{size} us is not a whole number of {unit}")
    return ticks or None


def _rounded(values: Values, size: int, how: str) -> Values:
    """Naive times or durations rounded to multiples of `size` microseconds since 1970, or since 0."""
    step = _ticks_of(size, values.type.unit)
    if step is None or step == 1:
        return values
    unit = pa.scalar(step)
    ticks = convert(values, pa.int64())
    rest = apply_ufunc(np.remainder, ticks, unit)
    down = pc.subtract_checked(ticks, rest)
    if how == "floor":
        return convert(down, values.type)
    if how == "ceil":
        up = pc.greater(rest, pa.scalar(0))
    else:
        half = pc.multiply(rest, pa.scalar(2))
        odd = pc.not_equal(apply_ufunc(np.remainder, down, pa.scalar(2 * step)), pa.scalar(0))
        up = pc.or_(pc.greater(half, unit), pc.and_(pc.equal(half, unit), odd))
    return convert(pc.add_checked(down, pc.if_else(up, unit, pa.scalar(0))), values.type)


def round_time(values: Values, *, size: int, how: str) -> Values:
    """Rounded down ("floor"), up ("ceil") or to the nearest, halves to even ("round"), on the clock of the wall."""
    require_kind(values, TIMESTAMP, DURATION)
    if kind_of(values) == DURATION or values.type.tz is None:
        return _rounded(values, size, how)
    clock = pc.local_timestamp(values)
    rounded = _rounded(clock, size, how)
    moved = pc.add_checked(values, pc.subtract(rounded, clock))
    settled = pc.assume_timezone(rounded, values.type.tz, ambiguous="earliest", nonexistent="latest")
    return pc.if_else(pc.equal(pc.local_timestamp(moved), rounded), moved, settled)


def text(values: Values, *, format: str) -> Values:
    """Written as C's and Python's `strftime` does; `%f` is microseconds."""
    require_kind(values, TIMESTAMP, DATE)
    if kind_of(values) == DATE:
        values = pc.cast(values, pa.timestamp("s"))
    whole = values if values.type.unit == "s" else _whole_seconds(values)
    pieces = _pieces(format)
    if len(pieces) == 1:
        return pc.strftime(whole, format=pieces[0])
    fraction = pc.utf8_lpad(pc.cast(_microseconds(values), pa.string()), width=6, padding="0")
    parts: list[Any] = []
    for piece in pieces:
        parts += [fraction, pc.strftime(whole, format=piece) if piece else pa.scalar("")]
    return pc.binary_join_element_wise(*parts[1:], pa.scalar(""))


def _pieces(format: str) -> list[str]:
    """The format between its `%f`s.

    Examples
    --------
    >>> _pieces("%H.%f %%f")
    ['%H.', ' %%f']
    """
    tokens = re.findall(r"%.|[^%]+|%", format, flags=re.DOTALL)
    pieces = [""]
    for token in tokens:
        if token == "%f":
            pieces.append("")
        else:
            pieces[-1] += token
    return pieces


def _whole_seconds(values: Values) -> Values:
    """Rounded down; in UTC, because Arrow rounds on the clock of the zone, where an hour may occur twice."""
    instants = pc.cast(values, pa.timestamp(values.type.unit, values.type.tz and "UTC"))
    seconds = pc.cast(pc.floor_temporal(instants, unit="second"), pa.timestamp("s", values.type.tz and "UTC"))
    return pc.cast(seconds, pa.timestamp("s", values.type.tz))


def _microseconds(values: Values) -> Values:
    return pc.add(pc.multiply(pc.millisecond(values), pa.scalar(1_000)), pc.microsecond(values))


CONVERT_ZONE = Function("dt.tz_convert", convert_zone)
LOCALIZE = Function("dt.tz_localize", localize)
ROUND_TIME = Function("dt.round", round_time)
TEXT = Function("dt.strftime", text)
