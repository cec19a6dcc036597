"""A new event time in the middle of a plan, with a watermark that follows the rows seen."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from playhead.batch import Batch
from playhead.operators.operator import Operator, Report
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.state.tables import Tables, greatest, progress_tables


class WithTimeOperator(Operator):
    """Pass rows on; promise that none comes more than `delay` behind the greatest time seen.

    Without a delay nothing is promised before the end of input. Rows without a time are left out and counted.
    All rows go to the first task, so that the promise is about all of them; the others promise everything.
    """

    def __init__(self, column: int, delay: int | None, *, first: bool = True) -> None:
        self.column, self.delay, self.first, self.greatest = column, delay, first, MIN_TIME
        self._report = Report()

    def on_batch(self, index: int, batch: Batch) -> Iterable[Batch]:
        times = batch.rows.column(self.column)
        if times.null_count:
            self._report.count("null time", times.null_count)
            batch = batch.filter(times.is_valid())
            times = batch.rows.column(self.column)
        if not batch.num_rows:
            return ()
        self.greatest = max(self.greatest, int(np.asarray(times.view(pa.int64())).max()))
        return (batch,)

    def output_watermark(self, watermark: int) -> int:
        if watermark == MAX_TIME or not self.first:
            return MAX_TIME
        return MIN_TIME if self.delay is None or self.greatest == MIN_TIME else self.greatest - self.delay

    @property
    def report(self) -> Report:
        return self._report

    def snapshot(self, key_groups: range, *, touched_only: bool = False) -> dict[str, pa.Table]:
        """The greatest time seen, which the first task alone has."""
        return progress_tables(key_groups, increment=touched_only, greatest=self.greatest) if 0 in key_groups else {}

    def load(self, tables: Tables) -> None:
        self.greatest = greatest(tables, "greatest", self.greatest)
