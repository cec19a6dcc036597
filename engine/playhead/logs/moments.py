"""Moments as users give them and as they are shown; in between they are microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from playhead.errors import PlanError
from playhead.functions.literals import scalar_of


def moment(value: Any, zone: str, what: str) -> int:
    """A moment given as ISO 8601 text, a datetime, or pandas' or numpy's time; a naive one is read in `zone`.

    Examples
    --------
    >>> moment("2013-01-01 10:00", "America/New_York", "since")
    1357052400000000
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise PlanError(f"{what}={value!r} is no time; write it such as '2013-01-01 10:00'") from error
    scalar = pa.scalar(None) if isinstance(value, bool | int | float) else scalar_of(value)
    if not pa.types.is_timestamp(scalar.type):
        raise PlanError(f"{what}={value!r} is no time; pass text such as '2013-01-01 10:00', or a datetime")
    if scalar.type.tz is None:
        scalar = pc.assume_timezone(scalar, zone, ambiguous="earliest", nonexistent="earliest")
    return int(scalar.cast(pa.timestamp("us", tz="UTC"), safe=False).value)


def shown(time: int | None) -> str:
    """A moment for people, in UTC."""
    if time is None:
        return "an unknown time"
    try:
        return f"{datetime.fromtimestamp(time / 1e6, ZoneInfo('UTC')):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return f"{time} us since 1970"
