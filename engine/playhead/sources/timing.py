"""What a user says about the times of a source, and the step that holds every decoded batch to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from playhead.durations import microseconds
from playhead.errors import DataError, EventTimeError, PlanError
from playhead.schema import EventTime, require_column
from playhead.sources.source import Rejected
from playhead.sources.time_parsing import TimeParser, as_text, time_parser

SHOWN = 200
"""How many characters of a rejected piece of input are kept."""


Entry = tuple[str, str, str]
"""Where bad input stood, the input, and what was wrong with it."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What the user says about the times of a source; names and durations are not checked yet."""

    time: Any = None
    """A name, None, or `arrival_time()`."""
    tz: str | None = None
    unit: str | None = None
    arrival: str | None = None
    sequence: str | Sequence[str] = ()
    out_of_order: Any = None
    idle_timeout: Any = None
    on_error: str = "reject"


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of a source, checked against its columns; `check` turns decoded rows into rows of the frame."""

    schema: pa.Schema
    """The columns of the frame: the event time is `timestamp[us, zone]`."""
    time: EventTime | None
    parsers: tuple[TimeParser, ...]
    """For the event time, and then for the arrival."""
    out_of_order: int | None
    sequence: tuple[str, ...]
    arrival: str | None
    idle_timeout: int | None
    on_error: str
    must_read: tuple[str, ...] = field(default=())
    """Columns that decide which rows are rejected: they are decoded whether a query asks for them or not."""

    def check(
        self, rows: pa.RecordBatch, where: Callable[[int], str], text: Callable[[int], str] | None = None
    ) -> tuple[pa.RecordBatch, Rejected | None]:
        """Rows whose times are `timestamp[us, zone]`, and those that have none.

        `where(i)` names the place of row i, `text(i)` is the input that it was read from (its values if not given).
        """
        checked, bad = rows, np.empty(0, dtype=np.int64)
        for parser in self.parsers:
            index = rows.schema.get_field_index(parser.column)
            if index < 0:
                continue
            times = parser.parse(rows.column(index))
            checked = checked.set_column(index, pa.field(parser.column, parser.type), times)
            bad = np.union1d(bad, self._without_time(parser, rows.column(index), times))
        if not len(bad):
            return checked, None
        keep = np.ones(rows.num_rows, dtype=bool)
        keep[bad] = False
        return checked.filter(pa.array(keep)), self.reject(self._reasons(rows, bad.tolist(), where, text))

    def _without_time(self, parser: TimeParser, values: pa.Array, times: pa.Array) -> Any:
        """Rows whose event time is missing, or whose arrival is there but cannot be read."""
        if times.null_count == 0 or (parser.column == self.arrival and times.null_count == values.null_count):
            return np.empty(0, dtype=np.int64)
        missing = times.is_null().to_numpy(zero_copy_only=False)
        if self.time is None or parser.column != self.time.column:
            missing &= values.is_valid().to_numpy(zero_copy_only=False)
        return np.flatnonzero(missing)

    def _reasons(
        self,
        rows: pa.RecordBatch,
        bad: Iterable[int],
        where: Callable[[int], str],
        text: Callable[[int], str] | None,
    ) -> Iterable[Entry]:
        parsers = [parser for parser in self.parsers if parser.column in rows.schema.names]
        for row in bad:
            cells = {parser.column: rows.column(parser.column).slice(row, 1) for parser in parsers}
            wrong = next(parser for parser in parsers if not parser.parse(cells[parser.column])[0].is_valid)
            shown = text(row) if text else str({name: as_text(rows.column(name)[row]) for name in rows.schema.names})
            yield where(row), shown, wrong.why(cells[wrong.column][0])

    def reject(self, entries: Iterable[Entry]) -> Rejected | None:
        """Report (place, text, reason) of bad input, or stop at the first if the user asked for that."""
        found = list(entries)
        if not found:
            return None
        if self.on_error == "raise":
            place, text, reason = found[0]
            raise DataError(f"{place}: {reason}; the input was {text[:SHOWN]!r} (on_error='reject' goes on without it)")
        places, texts, reasons = zip(*found, strict=True)
        return Rejected(places, [text[:SHOWN] for text in texts], reasons)


def timing(declared: Declared, schema: pa.Schema, *, bounded: bool, text: bool = False) -> Timing:
    """Check what the user declared against the columns that there are; `text`: ISO 8601 is an event time."""
    require_unique(schema.names)
    sequence = (declared.sequence,) if isinstance(declared.sequence, str) else tuple(declared.sequence)
    for name in sequence:
        require_column(name, schema)
    if declared.on_error not in ("reject", "raise"):
        raise PlanError(f"on_error={declared.on_error!r} is neither 'reject' nor 'raise'")
    _require_disorder(declared, bounded)
    names = dict.fromkeys(name for name in (declared.time, declared.arrival) if name is not None)
    if not names and (declared.tz or declared.unit):
        raise EventTimeError("tz= and unit= say how the event time is read; name its column with time=")
    parsers = tuple(_parser(require_column(name, schema), declared, text=text) for name in names)
    types = {parser.column: parser.type for parser in parsers}
    return Timing(
        schema=pa.schema([pa.field(each.name, types.get(each.name, each.type)) for each in schema]),
        time=EventTime(declared.time) if declared.time is not None else None,
        parsers=parsers,
        out_of_order=_length(declared.out_of_order, "out_of_order"),
        sequence=sequence,
        arrival=declared.arrival,
        idle_timeout=_length(declared.idle_timeout, "idle_timeout"),
        on_error=declared.on_error,
        must_read=tuple(each.column for each in parsers if each.column == declared.time or not each.exact),
    )


def _parser(field: pa.Field, declared: Declared, *, text: bool) -> TimeParser:
    """tz= and unit= are about the event time; they hold for the arrival where its type needs them."""
    if field.name == declared.time:
        return time_parser(field, declared.tz, declared.unit, text=text)
    zoned = pa.types.is_timestamp(field.type) and field.type.tz is not None
    unit = declared.unit if pa.types.is_integer(field.type) else None
    return time_parser(field, None if zoned else declared.tz, unit, text=text)


def _require_disorder(declared: Declared, bounded: bool) -> None:
    if bounded or declared.time is None or declared.out_of_order is not None:
        return
    raise EventTimeError(
        f"an endless source needs to know how far rows of time={declared.time!r} may be out of order: "
        "pass out_of_order='5s' (or '0s' where they never are)"
    )


def _length(duration: Any, what: str) -> int | None:
    if duration is None:
        return None
    length = microseconds(duration, what)
    if length < 0:
        raise PlanError(f"{what}={duration!r} is negative")
    return length


def require_unique(names: Sequence[str]) -> None:
    """Refuse two columns of one name."""
    double = sorted({str(name) for name in names if names.count(name) > 1})
    if double:
        raise PlanError(f"duplicate column names {double} in {[str(name) for name in names]}; rename them first")


def merged(first: Rejected | None, second: Rejected | None) -> Rejected | None:
    """Two reports of bad input as one."""
    if first is None or second is None:
        return first or second
    return Rejected([*first.position, *second.position], [*first.text, *second.text], [*first.reason, *second.reason])
