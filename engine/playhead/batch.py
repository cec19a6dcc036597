"""What travels along an edge of a running plan: Arrow rows, each with a weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Int64s = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

NO_WEIGHTS: Int64s = np.empty(0, dtype=np.int64)
"""Stands for "every row counts once" where a kernel wants an array."""

ALL_VALID: Bytes = np.empty(0, dtype=np.uint8)
"""Stands for "no value is missing" where a kernel wants an array."""

NO_WEIGHTS.flags.writeable = False
ALL_VALID.flags.writeable = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that travel together, and how often each of them counts.

    A positive weight adds a row that many times, a negative one takes it back. `weights` is None
    where every row is simply added once, which is the case for almost all rows of almost all plans.
    """

    rows: pa.RecordBatch
    weights: Int64s | None = None

    @property
    def num_rows(self) -> int:
        return int(self.rows.num_rows)

    @property
    def kernel_weights(self) -> Int64s:
        """The weights as kernels take them: of length 0 where all are one."""
        return NO_WEIGHTS if self.weights is None else self.weights

    def with_rows(self, rows: pa.RecordBatch) -> Batch:
        """The same weights over other columns of the same rows."""
        return Batch(rows, self.weights)

    def filter(self, mask: pa.Array) -> Batch:
        """The rows for which `mask` is true; null counts as false."""
        rows = self.rows.filter(mask)
        if self.weights is None:
            return Batch(rows)
        if rows.num_rows == self.rows.num_rows:
            return Batch(rows, self.weights)
        keep = np.asarray(mask.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)
        return Batch(rows, self.weights[keep])

    def take(self, indices: Int64s) -> Batch:
        """The rows at `indices`, in that order."""
        rows = self.rows.take(pa.array(indices))
        return Batch(rows, None if self.weights is None else self.weights[indices])

    def slice(self, offset: int, length: int) -> Batch:
        """`length` rows from `offset` on, without copying."""
        weights = None if self.weights is None else self.weights[offset : offset + length]
        return Batch(self.rows.slice(offset, length), weights)


def concat(batches: list[Batch]) -> Batch:
    """One batch with the rows of all; at least one is needed."""
    if len(batches) == 1:
        return batches[0]
    rows = pa.concat_batches([batch.rows for batch in batches])
    if all(batch.weights is None for batch in batches):
        return Batch(rows)
    weights = [np.ones(batch.num_rows, np.int64) if batch.weights is None else batch.weights for batch in batches]
    return Batch(rows, np.concatenate(weights))
