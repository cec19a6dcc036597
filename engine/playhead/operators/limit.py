"""The first rows that arrive."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from playhead.batch import Batch
from playhead.operators.operator import Operator
from playhead.state.tables import Tables, owned_tables


class LimitOperator(Operator):
    """Pass the first `count` rows on and nothing after them. Runs in one task only."""

    def __init__(self, count: int) -> None:
        self.left = count

    def on_batch(self, index: int, batch: Batch) -> Iterable[Batch]:
        if not self.left:
            return ()
        kept = batch if batch.num_rows <= self.left else batch.slice(0, self.left)
        self.left -= kept.num_rows
        return (kept,)

    @property
    def done(self) -> bool:
        return not self.left

    def snapshot(self, key_groups: range, *, touched_only: bool = False) -> dict[str, pa.Table]:
        """Table `limit`: how many rows are still to pass."""
        if 0 not in key_groups:
            return {}
        return owned_tables("limit", {"left": pa.array([self.left])}, key_groups, increment=touched_only)

    def load(self, tables: Tables) -> None:
        if "limit" in tables:
            self.left = min([self.left, *tables["limit"]["left"].to_pylist()])
