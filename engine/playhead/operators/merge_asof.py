"""Each left row with the latest right row of its key that is not after it.

Both inputs are kept sorted by key and time. A left row of time t is final when the watermark has passed t: no right row
at or before t can come any more. A row that comes behind the watermark, left or right, cannot be joined rightly, as
what it would meet may be gone: it is reported as late and left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from playhead import plan
from playhead.batch import Batch, Int64s
from playhead.kernels import asof as kernels
from playhead.operators.asof_side import AsofSide
from playhead.operators.changes import rows_differ, taken_back_and_added
from playhead.operators.joined_rows import LEFT, RIGHT, JoinedRows
from playhead.operators.late_rows import without_late
from playhead.operators.merge import without_key
from playhead.operators.operator import Operator, Report
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.state.growable import grown
from playhead.state.keyed_slots import KeyedSlots
from playhead.state.tables import Tables, greatest, progress_tables

NO_PARTNER, NOT_SHOWN = -1, -2

FEW_KEYS = 1024
"""So many keys without rows are never worth looking for."""


def merge_asof_operator(node: plan.MergeAsof, *, emits_changes: bool) -> MergeAsofOperator:
    """The operator of a merge_asof."""
    return MergeAsofOperator(node, emits_changes=emits_changes)


class MergeAsofOperator(Operator):
    """Joins left rows with the right rows that were the latest at their time.

    In update mode every left row is shown in its epoch with the best partner so far and corrected while it is not
    final; in append mode it is shown once, when it is.
    """

    def __init__(self, node: plan.MergeAsof, *, emits_changes: bool) -> None:
        self.emits_changes, self.exact = emits_changes, node.allow_exact_matches
        self.tolerance = -1 if node.tolerance is None else node.tolerance
        self.joined = JoinedRows(node)
        self.comparable = not any(pa.types.is_nested(kind) for kind in node.schema.types)
        self.sides = tuple(AsofSide(input, [pair[side] for pair in node.by]) for side, input in enumerate(node.inputs))
        self.keys = KeyedSlots([node.left.schema.field(name).type for name, _ in node.by])
        self.partners: Int64s = np.full(64, NOT_SHOWN, np.int64)
        """By left slot: the right slot that it is shown with."""
        self.watermark = MIN_TIME
        self._report = Report()

    # Rows

    def on_batch(self, index: int, batch: Batch) -> Iterable[Batch]:
        side = self.sides[index]
        batch, times = without_late(batch, side.times_of(batch), self.watermark, self._report, side.kind)
        unmatchable = without_key(side.key_arrays(batch.rows))
        if unmatchable is not None:
            if index == LEFT:
                yield from self.joined.without_partner(batch.take(np.flatnonzero(unmatchable)))
            matchable = np.flatnonzero(~unmatchable)
            batch, times = batch.take(matchable), times[matchable]
        if batch.num_rows:
            self._add(index, batch.rows, times)

    def _add(self, index: int, rows: pa.RecordBatch, times: Int64s) -> None:
        side = self.sides[index]
        key_slots, _ = self.keys.find_or_insert((), side.key_arrays(rows), rows=rows.num_rows)
        slots = side.add(rows, key_slots, times)
        if index == LEFT:
            self.partners = grown(self.partners, side.rows.capacity, NOT_SHOWN)
            self.partners[slots] = NOT_SHOWN

    def end_epoch(self) -> Iterable[Batch]:
        left, right = self.sides
        new_left, new_right = left.arrange(), right.arrange()
        replaced = right.drop_all_but_last_of_a_time() if new_right else np.empty(0, np.int64)
        if self.emits_changes and (new_left or new_right):
            yield from self._changes()
        right.rows.remove(replaced)

    def _changes(self) -> Iterator[Batch]:
        """Show left rows whose partner is not the one that they are shown with."""
        slots, partners = self.sides[LEFT].slots, self._latest()
        shown = self.partners[slots]
        self.partners[slots] = partners
        corrected = np.flatnonzero((partners != shown) & (shown != NOT_SHOWN))
        if len(corrected):
            yield from self._corrections(slots[corrected], shown[corrected], partners[corrected])
        added = np.flatnonzero(shown == NOT_SHOWN)
        yield from self._rows(slots[added], partners[added])

    def _corrections(self, slots: Int64s, shown: Int64s, partners: Int64s) -> Iterator[Batch]:
        pairs = zip(self._rows(slots, shown), self._rows(slots, partners), strict=True)
        for before, after in pairs:
            old, new = before.rows, after.rows
            if self.comparable:
                differs = pa.array(rows_differ(old, new))
                old, new = old.filter(differs), new.filter(differs)
            if old.num_rows:
                yield taken_back_and_added(old, new)

    def _latest(self) -> Int64s:
        """The best partner so far of each left row, by its place in the order."""
        left, right = self.sides
        found = np.empty(len(left.slots), np.int64)
        kernels.latest(left.keys, left.times, right.keys, right.times, self.exact, self.tolerance, found)
        if not len(right.slots):
            return found
        return np.where(found >= 0, right.slots[found], NO_PARTNER)

    def _rows(self, lefts: Int64s, rights: Int64s) -> Iterator[Batch]:
        return self.joined.of_slots(self.sides[LEFT].rows, lefts, self.sides[RIGHT].rows, rights)

    # Time

    def on_watermark(self, watermark: int) -> Iterable[Batch]:
        if watermark <= self.watermark:
            return
        self.watermark = watermark
        left = self.sides[LEFT]
        final = left.times < watermark if watermark < MAX_TIME else np.ones(len(left.times), bool)
        if final.any():
            slots = left.slots[final]
            if not self.emits_changes:
                self.partners[slots] = self._latest()[final]
                in_order = left.rows.in_order(slots)
                yield from self._rows(in_order, self.partners[in_order])
            left.keep(~final)
            left.rows.remove(slots)
            left.rows.compact()
        self._forget_old(watermark)

    def _forget_old(self, watermark: int) -> None:
        """Drop right rows that cannot be anybody's partner: all before the watermark but the last of each key."""
        right = self.sides[RIGHT]
        if not len(right.slots):
            return
        kept = right.times >= watermark
        followed = np.append((right.keys[1:] == right.keys[:-1]) & ~kept[1:], False)
        within = np.ones(len(kept), bool) if self.tolerance < 0 else watermark - right.times <= self.tolerance
        kept |= ~followed & within & (watermark < MAX_TIME)
        if not kept.all():
            gone = right.slots[~kept]
            right.keep(kept)
            right.rows.remove(gone)
            right.rows.compact()
        self._forget_keys()

    def _forget_keys(self) -> None:
        left, right = self.sides
        if self.keys.size <= 2 * (len(left.slots) + len(right.slots)) + FEW_KEYS:
            return
        unused = np.setdiff1d(self.keys.live_slots(), np.concatenate([left.keys, right.keys]))
        self.keys.remove(unused)
        self.keys.compact()

    # Around

    @property
    def report(self) -> Report:
        return self._report

    @property
    def state_bytes(self) -> int:
        return self.keys.nbytes + self.partners.nbytes + sum(side.nbytes for side in self.sides)

    # State

    def owns(self, key_groups: range) -> None:
        super().owns(key_groups)
        for side in self.sides:
            side.rows.owner = key_groups.start

    def snapshot(self, key_groups: range, *, touched_only: bool = False) -> dict[str, pa.Table]:
        """Tables `left` and `right`: the rows of each input as they came."""
        left, right = (side.rows for side in self.sides)
        asked = self.asked(key_groups)
        tables = left.snapshot("left", asked, {}, touched_only=touched_only)
        tables |= right.snapshot("right", asked, {}, touched_only=touched_only)
        rows = {"left_rows": left.next_number, "right_rows": right.next_number}
        return tables | progress_tables(key_groups, increment=touched_only, watermark=self.watermark, **rows)

    def snapshot_taken(self) -> None:
        for side in self.sides:
            side.rows.snapshot_taken()

    def load(self, tables: Tables) -> None:
        self.watermark = greatest(tables, "watermark", self.watermark)
        for name, side in zip(("left", "right"), self.sides, strict=True):
            slots, rows, _ = side.rows.load(tables[name], greatest(tables, f"{name}_rows", 0))
            if rows.num_rows:
                key_slots, _ = self.keys.find_or_insert((), side.key_arrays(rows), rows=rows.num_rows)
                side.put(slots, key_slots, side.times_of(Batch(rows)))
                side.arrange()
        left = self.sides[LEFT]
        self.partners = grown(self.partners, left.rows.capacity, NOT_SHOWN)
        if self.emits_changes:  # what is shown is the best of what is there, which has just come back
            self.partners[left.slots] = self._latest()
