"""A user's own metric: an aggregate over all rows that pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from playhead.batch import Batch
from playhead.operators.groups import AggregateColumn, Groups
from playhead.operators.operator import Operator


class MetricOperator(Operator):
    """Pass rows on and aggregate them on the way."""

    def __init__(self, name: str, columns: Sequence[AggregateColumn], retractable: bool) -> None:
        self.name = name
        self.groups = Groups((), columns, prefix=0, retractable=retractable)
        self.groups.find_or_insert((), (), 1)

    def on_batch(self, index: int, batch: Batch) -> Iterable[Batch]:
        self.groups.add(np.zeros(batch.num_rows, np.int64), batch.rows, batch.kernel_weights)
        return (batch,)

    @property
    def value(self) -> Any:
        """The aggregate over all rows so far."""
        return self.groups.results(np.zeros(1, np.int64))[0][0].as_py()

    def snapshot(self, key_groups: range, *, touched_only: bool = False) -> dict[str, pa.Table]:
        return self.groups.snapshot(key_groups, touched_only=False)

    def restore(self, tables: Mapping[str, pa.Table]) -> None:
        self.groups.restore(tables["groups"])
