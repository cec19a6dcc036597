"""What a frame's columns are: Arrow types, and which column says when each row happened."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

MIN_TIME = -(2**63)
"""The watermark before anything is known: no promise at all."""

MAX_TIME = 2**63 - 1
"""The watermark at the end of input: nothing will follow."""


@dataclass(frozen=True, slots=True)
class EventTime:
    """Which column says when a row happened.

    The event time of a row is the value of `column` plus `offset` microseconds: a window's rows
    happened at the last instant of the window, so their offset to `window_end` is -1.
    """

    column: str
    offset: int = 0


def require_column(name: str, schema: pa.Schema) -> pa.Field:
    """The field called `name`, or the error that lists what there is."""
    from playhead.errors import ColumnNotFoundError

    index = schema.get_field_index(name)
    if index < 0:
        raise ColumnNotFoundError(name, schema.names)
    return schema.field(index)


def event_time_type(time_zone: str) -> pa.DataType:
    """The one type that event times have: microseconds in a zone."""
    return pa.timestamp("us", tz=time_zone)


def is_orderable(data_type: pa.DataType) -> bool:
    """Whether values of this type can be compared, grouped and joined on."""
    return not (pa.types.is_nested(data_type) or pa.types.is_null(data_type) or pa.types.is_interval(data_type))
