"""A user's own metric: an aggregate over all rows that pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from playhead.batch import Batch
from playhead.operators.groups import AggregateColumn, Groups
from playhead.operators.operator import Operator
from playhead.state.tables import Tables, column_of, owned_tables

ONLY = np.zeros(1, np.int64)
"""The slot of the one group."""


class MetricOperator(Operator):
    """Pass rows on and aggregate them on the way."""

    def __init__(self, name: str, columns: Sequence[AggregateColumn], retractable: bool) -> None:
        self.name, self.columns, self.retractable = name, columns, retractable
        self.groups = self._empty()
        self.shown = self._empty()
        """What the last epoch's end left; never changed, so that other threads may read it."""

    def _empty(self) -> Groups:
        groups = Groups({}, self.columns, retractable=self.retractable)
        groups.find_or_insert((), (), 1)
        return groups

    def on_batch(self, index: int, batch: Batch) -> Iterable[Batch]:
        self.groups.add(np.zeros(batch.num_rows, np.int64), batch.rows, batch.kernel_weights)
        return (batch,)

    def end_epoch(self) -> Iterable[Batch]:
        shown = self._empty()
        shown.merge(ONLY, self.groups, ONLY)
        self.shown = shown
        return ()

    def value(self, others: Sequence[MetricOperator] = ()) -> Any:
        """The aggregate over all rows so far, of this task and of its copies in other tasks."""
        total = self._empty()
        for operator in (self, *others):
            total.merge(ONLY, operator.shown, ONLY)
        return total.results(ONLY).column(0)[0].as_py()

    def snapshot(self, key_groups: range, *, touched_only: bool = False) -> dict[str, pa.Table]:
        """Table `metric`: what each task has of it, with the first key group of the task."""
        if self.key_groups.start not in key_groups:
            return {}
        (table,) = self.groups.snapshot("metric", None, touched_only=False).values()
        columns = {name: column_of(table, name) for name in table.column_names}
        return owned_tables("metric", columns, key_groups, increment=touched_only)

    def load(self, tables: Tables) -> None:
        if "metric" not in tables:
            return
        for row in range(tables["metric"].num_rows):  # one a task
            part = self._empty()
            part.load(tables["metric"].slice(row, 1))
            self.groups.merge(ONLY, part, ONLY)
        self.end_epoch()
