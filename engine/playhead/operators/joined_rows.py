"""The result rows of a join: columns of a left row, then columns of its right row, or nulls if it has none."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from playhead import plan
from playhead.batch import Batch, Int64s
from playhead.state.row_store import RowStore

MOST_ROWS = 65_536
"""Rows of one batch of results."""

LEFT, RIGHT = 0, 1


class JoinedRows:
    """Puts result rows together as a join's node says."""

    def __init__(self, node: plan.Merge | plan.MergeAsof) -> None:
        self.schema, self.columns = node.schema, node.columns
        self._numbers = [
            [input.schema.get_field_index(name) for _, of, name in node.columns if of == side]
            for side, input in enumerate(node.inputs)
        ]
        self._right_types = [node.right.schema.types[number] for number in self._numbers[RIGHT]]

    def of_slots(
        self, left: RowStore, lefts: Int64s, right: RowStore, rights: Int64s, weights: Int64s | None = None
    ) -> Iterator[Batch]:
        """Row `lefts[i]` of `left` beside row `rights[i]` of `right`; -1 stands for no right row."""
        for start in range(0, len(lefts), MOST_ROWS):
            part = slice(start, start + MOST_ROWS)
            columns = left.take(lefts[part], self._numbers[LEFT]).columns
            weighted = None if weights is None else weights[part]
            yield self._batch(columns, self._right_columns(right, rights[part]), weighted)

    def without_partner(self, batch: Batch) -> Iterator[Batch]:
        """Left rows with nulls on their right."""
        if batch.num_rows:
            left = [batch.rows.column(number) for number in self._numbers[LEFT]]
            yield self._batch(left, self._nulls(batch.num_rows), batch.weights)

    def _right_columns(self, right: RowStore, slots: Int64s) -> list[pa.Array]:
        there = slots >= 0
        if there.all():
            columns: list[pa.Array] = right.take(slots, self._numbers[RIGHT]).columns
            return columns
        if not there.any():
            return self._nulls(len(slots))
        found = right.take(slots[there], self._numbers[RIGHT])
        where = pa.array(np.cumsum(there) - 1, mask=~there)
        return [column.take(where) for column in found.columns]

    def _nulls(self, rows: int) -> list[pa.Array]:
        return [pa.nulls(rows, kind) for kind in self._right_types]

    def _batch(self, left: list[pa.Array], right: list[pa.Array], weights: Int64s | None) -> Batch:
        columns = iter(left), iter(right)
        rows = pa.RecordBatch.from_arrays([next(columns[side]) for _, side, _ in self.columns], schema=self.schema)
        return Batch(rows, None if weights is None or (weights == 1).all() else weights)
