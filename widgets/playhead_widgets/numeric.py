"""Columns of any type as the floats that a chart draws."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from playhead.errors import TypeMismatchError
from playhead_widgets.kernels import Floats


def is_drawable(kind: pa.DataType) -> bool:
    """Whether values of this type have a place on an axis of numbers or of time."""
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_temporal(kind)
    )


def require_drawable(name: str, kind: pa.DataType, axis: str) -> None:
    """Refuse a column that has no place on an axis."""
    if not is_drawable(kind):
        raise TypeMismatchError(f"{axis}={name!r} is {kind}; a chart draws numbers and times")


def as_floats(column: pa.Array | pa.ChunkedArray) -> Floats:
    """Values as float64: times as milliseconds since 1970, lengths of time as seconds, null as NaN.

    Examples
    --------
    >>> as_floats(pa.array([1, None])).tolist(), as_floats(pa.array([5_000], pa.timestamp("us", "UTC"))).tolist()
    ([1.0, nan], [5.0])
    """
    kind = column.type
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("us"))
    elif pa.types.is_time(kind):
        column = column.cast(pa.time64("us")).cast(pa.int64()).cast(pa.duration("us"))
    scale = 1.0
    if pa.types.is_timestamp(column.type):
        column, scale = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64()), 1e3
    elif pa.types.is_duration(column.type):
        column, scale = column.cast(pa.duration("us")).cast(pa.int64()), 1e6
    floats = pc.cast(column, pa.float64(), safe=False)
    values = np.asarray(floats.fill_null(np.nan).to_numpy(), dtype=np.float64)
    return values / scale if scale != 1.0 else values
