"""Summing up a changelog: at most one entry per distinct row, take-backs before additions."""

from __future__ import annotations

import numpy as np

from playhead.batch import Batch
from playhead.state.keyed_slots import KeyedSlots


def consolidate(batch: Batch) -> Batch:
    """The net change of a batch: equal rows summed up, rows that cancel out gone, take-backs first.

    Rows keep the order of their first appearance. A batch without weights only adds rows and is
    returned as it is.
    """
    if batch.weights is None or not batch.num_rows:
        return batch
    keyed = KeyedSlots([field.type for field in batch.rows.schema])
    slots, new = keyed.find_or_insert((), batch.rows.columns, rows=batch.num_rows)
    sums = np.zeros(len(new), dtype=np.int64)
    np.add.at(sums, slots, batch.weights)
    first = np.empty(len(new), dtype=np.int64)
    first[slots[::-1]] = np.arange(len(slots) - 1, -1, -1)
    chosen = np.concatenate([np.flatnonzero(sums < 0), np.flatnonzero(sums > 0)])
    if len(chosen) == batch.num_rows and (chosen[1:] > chosen[:-1]).all():
        return batch
    rows = batch.take(first[chosen]).rows
    return Batch(rows, sums[chosen])
