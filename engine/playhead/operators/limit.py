"""The first rows that arrive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa

from playhead.batch import Batch
from playhead.operators.operator import Operator


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
        return {"limit": pa.table({"left": pa.array([self.left], pa.int64())})} if 0 in key_groups else {}

    def restore(self, tables: Mapping[str, pa.Table]) -> None:
        if "limit" in tables:
            self.left = tables["limit"]["left"][0].as_py()
