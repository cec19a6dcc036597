"""What changed in an epoch: old rows taken back, new rows added, and nothing where they are the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from playhead.batch import Batch, Int64s


def net_changes(old_ids: Int64s, old: pa.RecordBatch, new_ids: Int64s, new: pa.RecordBatch) -> Iterator[Batch]:
    """What takes the rows `old`, by id, to the rows `new`: nothing where an id's row is the same, take-backs first.

    Ids are small distinct numbers; an id that is in one of the two only is a row that goes or comes.
    """
    where = np.full(1 + max(old_ids.max(initial=-1), new_ids.max(initial=-1)), -1, np.int64)
    where[new_ids] = np.arange(len(new_ids))
    partner = where[old_ids]
    stays = np.flatnonzero(partner >= 0)
    differs = stays[rows_differ(taken(old, stays), taken(new, partner[stays]))]
    gone = np.concatenate([np.flatnonzero(partner < 0), differs])
    come = np.ones(len(new_ids), bool)
    come[partner[stays]] = False
    come[partner[differs]] = True
    if len(gone) or come.any():
        yield taken_back_and_added(taken(old, gone), taken(new, np.flatnonzero(come)))


def taken(rows: pa.RecordBatch, indices: Int64s) -> pa.RecordBatch:
    """The rows at `indices`; `rows` itself if that is all of them in order."""
    whole = len(indices) == rows.num_rows and bool((indices == np.arange(len(indices))).all())
    return rows if whole else rows.take(pa.array(indices))


def taken_back_and_added(old: pa.RecordBatch, new: pa.RecordBatch) -> Batch:
    """All rows of `old` with weight -1, then all rows of `new` with weight 1."""
    weights = np.ones(old.num_rows + new.num_rows, np.int64)
    weights[: old.num_rows] = -1
    rows = [part for part in (old, new) if part.num_rows]
    return Batch(pa.concat_batches(rows) if rows else old, weights)


def rows_differ(left: pa.RecordBatch, right: pa.RecordBatch) -> npt.NDArray[np.bool_]:
    """Whether row i of `left` and row i of `right` differ in any column: bit by bit, null equal to null."""
    differs = np.zeros(left.num_rows, bool)
    for old, new in zip(left.columns, right.columns, strict=True):
        differs |= _values_differ(old, new)
    return differs


_BITS = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}


def _values_differ(old: pa.Array, new: pa.Array) -> npt.NDArray[np.bool_]:
    kind = old.type
    if not old.null_count and not new.null_count and not pa.types.is_boolean(kind) and pa.types.is_primitive(kind):
        bits = _BITS[kind.bit_width]
        result: npt.NDArray[np.bool_] = _raw(old, bits) != _raw(new, bits)
        return result
    if pa.types.is_floating(kind):
        width = _BITS[kind.bit_width]
        bits_old, bits_new = _raw(old.fill_null(0.0), width), _raw(new.fill_null(0.0), width)
        result = bits_old != bits_new
        return result | (np.asarray(old.is_null()) != np.asarray(new.is_null()))
    if pa.types.is_dictionary(kind):
        old, new = old.cast(kind.value_type), new.cast(kind.value_type)
    same = pc.equal(old, new).fill_null(False)
    both_null = pc.and_(old.is_null(), new.is_null())
    return ~np.asarray(pc.or_(same, both_null))


def _raw(array: pa.Array, bits: type) -> npt.NDArray[np.generic]:
    return (
        np.frombuffer(array.buffers()[1], dtype=bits)[array.offset : array.offset + len(array)]
        if len(array)
        else np.empty(0, bits)
    )
