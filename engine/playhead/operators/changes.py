"""What changed in an epoch: old rows taken back, new rows added, and nothing where they are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from playhead.batch import Batch, Int64s
from playhead.expr import empty


@dataclass(frozen=True)
class Shown:
    """What some groups show: their ids, small distinct numbers, and their result columns."""

    ids: Int64s
    results: pa.RecordBatch

    def take(self, indices: Int64s) -> Shown:
        """Only the groups at `indices`."""
        return Shown(self.ids[indices], taken(self.results, indices))


def difference(old: Shown, new: Shown) -> tuple[Shown, Shown]:
    """What goes and what comes when `old` becomes `new`; groups whose results are the same, bit for bit, do neither."""
    if len(old.ids) == len(new.ids) and bool((old.ids == new.ids).all()):
        differs = rows_differ(old.results, new.results)
        if differs.all():
            return old, new
        changed = np.flatnonzero(differs)
        return old.take(changed), new.take(changed)
    if not len(old.ids):
        return old, new
    where = np.empty(1 + max(old.ids.max(initial=-1), new.ids.max(initial=-1)), np.int64)
    where[old.ids] = -1
    where[new.ids] = np.arange(len(new.ids))
    partner = where[old.ids]
    stays = np.flatnonzero(partner >= 0)
    there = partner[stays]
    differs = rows_differ(taken(old.results, stays), taken(new.results, there))
    goes = np.ones(len(old.ids), bool)
    goes[stays[~differs]] = False
    comes = np.ones(len(new.ids), bool)
    comes[there[~differs]] = False
    return old.take(np.flatnonzero(goes)), new.take(np.flatnonzero(comes))


def all_shown(parts: Sequence[Shown], columns: pa.Schema) -> Shown:
    """Several parts, without a group in common, as one."""
    if not parts:
        return Shown(np.empty(0, np.int64), empty(columns))
    if len(parts) == 1:
        return parts[0]
    return Shown(np.concatenate([part.ids for part in parts]), pa.concat_batches([part.results for part in parts]))


def taken(rows: pa.RecordBatch, indices: Int64s) -> pa.RecordBatch:
    """The rows at `indices`; `rows` itself if that is all of them in order."""
    whole = len(indices) == rows.num_rows and bool((indices == np.arange(len(indices))).all())
    return rows if whole else rows.take(pa.array(indices))


def one_after_the_other(old: Shown, new: Shown) -> Shown:
    """What goes and what comes as one, so that the rest of their rows is made at once."""
    if not len(old.ids) or not len(new.ids):
        return new if not len(old.ids) else old
    return Shown(np.concatenate([old.ids, new.ids]), pa.concat_batches([old.results, new.results]))


def weights_of(gone: int, come: int) -> Int64s:
    """So many rows taken back, then so many added."""
    weights = np.ones(gone + come, np.int64)
    weights[:gone] = -1
    return weights


def taken_back_and_added(old: pa.RecordBatch, new: pa.RecordBatch) -> Batch:
    """All rows of `old` with weight -1, then all rows of `new` with weight 1."""
    rows = [part for part in (old, new) if part.num_rows]
    return Batch(pa.concat_batches(rows) if rows else old, weights_of(old.num_rows, new.num_rows))


def rows_differ(left: pa.RecordBatch, right: pa.RecordBatch) -> npt.NDArray[np.bool_]:
    """Whether row i of `left` and row i of `right` differ in any column: bit by bit, null equal to null."""
    differs = np.zeros(left.num_rows, bool)
    for old, new in zip(left.columns, right.columns, strict=True):
        differs |= _values_differ(old, new)
        if differs.all():
            break
    return differs


_BITS: dict[int, type[np.unsignedinteger[Any]]] = {8: np.uint8, 16: np.uint16, 32: np.uint32, 64: np.uint64}


def _values_differ(old: pa.Array, new: pa.Array) -> npt.NDArray[np.bool_]:
    kind = old.type
    if not old.null_count and not new.null_count and not pa.types.is_boolean(kind) and pa.types.is_primitive(kind):
        bits = _BITS[kind.bit_width]
        return np.asarray(_raw(old, bits) != _raw(new, bits), dtype=bool)
    if pa.types.is_floating(kind):
        width = _BITS[kind.bit_width]
        bits_old, bits_new = _raw(old.fill_null(0.0), width), _raw(new.fill_null(0.0), width)
        nulls_differ: npt.NDArray[np.bool_] = np.asarray(old.is_null()) != np.asarray(new.is_null())
        return np.asarray(bits_old != bits_new, dtype=bool) | nulls_differ
    if pa.types.is_dictionary(kind):
        old, new = old.cast(kind.value_type), new.cast(kind.value_type)
    same = pc.equal(old, new).fill_null(False)
    both_null = pc.and_(old.is_null(), new.is_null())
    return ~np.asarray(pc.or_(same, both_null))


def _raw(array: pa.Array, bits: type[np.unsignedinteger[Any]]) -> npt.NDArray[np.unsignedinteger[Any]]:
    return (
        np.frombuffer(array.buffers()[1], dtype=bits)[array.offset : array.offset + len(array)]
        if len(array)
        else np.empty(0, bits)
    )
