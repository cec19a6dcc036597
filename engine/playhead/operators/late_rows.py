"""Rows that come behind the watermark to an operator without windows: left out, kept and counted."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from playhead.batch import Batch, Int64s
from playhead.operators.operator import Report
from playhead.windows import WINDOW_END, WINDOW_START


def event_times(batch: Batch, column: int, offset: int) -> Int64s:
    """The event times of a batch, in microseconds."""
    times: Int64s = np.asarray(batch.rows.column(column).view(pa.int64()))
    return times + offset


def without_late(
    batch: Batch, times: Int64s, watermark: int, report: Report, kind: pa.DataType
) -> tuple[Batch, Int64s]:
    """The rows that are not before `watermark`, and their times; the others go to `report`, without a window."""
    late = times < watermark
    if not late.any():
        return batch, times
    rows = batch.rows.filter(pa.array(late))
    for name in (WINDOW_START, WINDOW_END):
        if name not in rows.schema.names:
            rows = rows.append_column(pa.field(name, kind), pa.nulls(rows.num_rows, kind))
    report.late.append(rows)
    report.count("late", rows.num_rows)
    kept = np.flatnonzero(~late)
    return batch.take(kept), times[kept]
