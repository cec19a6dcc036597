"""Aggregates by key, and by key and tumbling window: one slot for each group.

In update mode an epoch's change is the difference between what a touched group showed before its
first touch and what it shows now. In append mode a group is shown once, when its window has closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from playhead.batch import Batch, Int64s
from playhead.kernels.touched import mark_touched
from playhead.operators.assign import Assigner
from playhead.operators.changes import Shown, all_shown, difference, one_after_the_other, weights_of
from playhead.operators.grouping import Grouping, report_late
from playhead.operators.operator import Operator, Report
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.state.flags import IN_EPOCH
from playhead.state.slot_lists import SlotLists
from playhead.state.tables import (
    Tables,
    column_of,
    greatest,
    named,
    progress_tables,
    rows_of_struct,
    struct_of,
)
from playhead.windows import WINDOW_START

NEW = np.uint8(4)
"""The flag of slots that came with the batch at hand."""


class GroupAggregate(Operator):
    """Groups by key and, with an assigner, by tumbling window."""

    def __init__(self, grouping: Grouping, assigner: Assigner | None) -> None:
        self.grouping, self.assigner = grouping, assigner
        self.groups = grouping.groups(WINDOW_START if assigner else None)
        self.windows = SlotLists()
        self.watermark = MIN_TIME
        self.shown = MIN_TIME
        """The multiple of `emit_every` that the watermark had passed when results were last shown."""
        self._touched: list[Int64s] = []
        self._before: list[Shown] = []
        self._report = Report()
        self._always = not grouping.key_types and assigner is None and grouping.owns_empty_key
        """The one group of an aggregate without keys and window is there even without rows."""
        if self._always:
            self._create_only_group()

    # Rows

    def on_batch(self, index: int, batch: Batch) -> Iterable[Batch]:
        batch = self.grouping.without_missing_keys(batch, self._report)
        prefix: tuple[Int64s, ...] = ()
        if self.assigner is not None:
            batch, starts = self._without_late(batch, self.assigner)
            prefix = (starts,)
        if not batch.num_rows:
            return ()
        slots, new = self.groups.find_or_insert(prefix, self.grouping.key_arrays(batch), batch.num_rows)
        if self.assigner is not None and len(new):
            self.windows.add(self.assigner.ends(self.groups.keyed.prefix(new, 0)), new)
        self._touch(slots, new)
        self.groups.add(slots, batch.rows, batch.kernel_weights)
        return ()

    def _without_late(self, batch: Batch, assigner: Assigner) -> tuple[Batch, Int64s]:
        times = self.grouping.times(batch)
        closed = self._closed(self.watermark)
        starts, late = assigner.assign(times, closed)
        if not late:
            return batch, starts
        ends = assigner.ends(starts)
        is_late = ends <= closed
        rows = np.flatnonzero(is_late)
        kind = self.grouping.schema.field(self.grouping.window_position).type
        report_late(self._report, batch, rows, starts[rows], ends[rows], kind)
        kept = np.flatnonzero(~is_late)
        return batch.take(kept), starts[kept]

    def _closed(self, watermark: int) -> int:
        """Windows that end at or before this are closed for good."""
        if watermark in (MIN_TIME, MAX_TIME):
            return watermark
        return watermark - self.grouping.allowed_lateness

    def _touch(self, slots: Int64s, new: Int64s) -> None:
        if not self.grouping.emits_changes and not self.groups.snapshots_follow:
            return
        first = np.empty(len(slots), np.int64)
        count = mark_touched(slots, self.groups.flags, 3, first)
        if not self.grouping.emits_changes or not count:
            return
        touched = first[:count].copy()
        self._touched.append(touched)
        if len(new) < count:
            self.groups.flags[new] |= NEW
            there = touched[self.groups.flags[touched] & NEW == 0]
            self.groups.flags[new] &= ~NEW
            if len(there):
                self._before.append(self.groups.shown(there))

    # Results

    def end_epoch(self) -> Iterable[Batch]:
        if self.grouping.emits_changes and self.grouping.emit_every is None:
            yield from self._changes()

    def on_watermark(self, watermark: int) -> Iterable[Batch]:
        if watermark == self.watermark and watermark != MAX_TIME:
            return
        self.watermark = watermark
        if self.grouping.emit_every is not None and self.grouping.emits_changes:
            yield from self._changes_now_and_then(watermark, self.grouping.emit_every)
        closed = self.windows.pop_until(self._closed(watermark))
        if self.assigner is None and watermark == MAX_TIME and not self.grouping.emits_changes:
            closed = self.groups.keyed.live_slots()
        if not len(closed):
            return
        if not self.grouping.emits_changes:
            yield Batch(self._rows(self.groups.shown(closed)))
        self.groups.forget(closed)
        self.groups.keyed.compact()

    def _changes_now_and_then(self, watermark: int, every: int) -> Iterator[Batch]:
        """All changes when the watermark has passed a multiple of `every`, and those of windows that close now."""
        passed = watermark // every
        if passed > self.shown or watermark == MAX_TIME:
            self.shown = passed
            yield from self._changes()
        elif self._touched and self.assigner is not None:
            touched = np.concatenate(self._touched)
            closing = self.assigner.ends(self.groups.keyed.prefix(touched, 0)) <= self._closed(watermark)
            self._touched = [touched[~closing]]
            yield from self._changes_of(touched[closing])

    def _changes(self) -> Iterator[Batch]:
        """The net change of every touched group since it was last shown."""
        touched, self._touched = self._touched, []
        yield from self._changes_of(np.concatenate(touched) if touched else np.empty(0, np.int64))

    def _changes_of(self, touched: Int64s) -> Iterator[Batch]:
        if not len(touched):
            return
        self.groups.flags[touched] = self.groups.flags[touched] & 0xFE | 2
        old, self._before = all_shown(self._before, self.groups.schema), []
        if self._touched:
            chosen = self.groups.flags[old.ids] & 1 == 0
            self._before = [old.take(np.flatnonzero(~chosen))]
            old = old.take(np.flatnonzero(chosen))
        alive = self.groups.alive(touched)
        if self._always:
            alive[:] = True
        new_slots = touched if alive.all() else touched[alive]
        goes, comes = difference(old, self.groups.shown(new_slots))
        if len(goes.ids) or len(comes.ids):
            yield Batch(self._rows(one_after_the_other(goes, comes)), weights_of(len(goes.ids), len(comes.ids)))
        if len(new_slots) < len(touched):
            gone = touched[~alive]
            if self.assigner is not None:
                self.windows.remove(gone)
            self.groups.forget(gone)

    def _rows(self, shown: Shown) -> pa.RecordBatch:
        window = None
        if self.assigner is not None:
            starts = self.groups.keyed.prefix(shown.ids, 0)
            window = (starts, self.assigner.ends(starts))
        return self.grouping.rows(window, self.groups.keyed.keys(shown.ids), shown.results)

    def _create_only_group(self) -> None:
        slots, _ = self.groups.find_or_insert((), (), 1)
        self._touched.append(slots)
        self.groups.flags[slots] = 3

    # Around

    def output_watermark(self, watermark: int) -> int:
        return self._closed(watermark)

    @property
    def report(self) -> Report:
        return self._report

    @property
    def state_bytes(self) -> int:
        return self.groups.nbytes + self.windows.nbytes

    # State

    def snapshot(self, key_groups: range, *, touched_only: bool = False) -> dict[str, pa.Table]:
        """Table `groups`: keys, window, a struct of state for each aggregate; with `emit_every` also what waits."""
        return self.groups.snapshot(
            "groups", self.asked(key_groups), touched_only=touched_only, extra=self._beside_groups
        ) | progress_tables(key_groups, increment=touched_only, watermark=self.watermark, shown=self.shown)

    def _beside_groups(self, slots: Int64s) -> dict[str, pa.Array]:
        columns: dict[str, pa.Array] = {}
        if self.assigner is not None:
            starts = self.groups.keyed.prefix(slots, 0)
            columns |= self.grouping.windows(starts, self.assigner.ends(starts))
        if self.grouping.shows_now_and_then:
            columns |= self._pending(slots)
        return columns

    def _pending(self, slots: Int64s) -> dict[str, pa.Array]:
        """For each slot whether it waits to be shown again, and what it showed last if it does."""
        pending = np.zeros(self.groups.keyed.capacity, bool)
        for part in self._touched:
            pending[part] = True
        before = all_shown(self._before, self.groups.schema)
        where = np.full(self.groups.keyed.capacity, -1, np.int64)
        where[before.ids] = np.arange(len(before.ids))
        names = self._pending_names
        return {names[0]: pa.array(pending[slots]), names[1]: struct_of(before.results, where[slots])}

    @property
    def _pending_names(self) -> tuple[str, str]:
        return named("pending", self.grouping.schema.names), named("shown", self.grouping.schema.names)

    def snapshot_taken(self) -> None:
        self.groups.snapshot_taken()

    def load(self, tables: Tables) -> None:
        self.watermark = greatest(tables, "watermark", self.watermark)
        self.shown = greatest(tables, "shown", self.shown)
        table = tables["groups"]
        slots = self.groups.load(table)
        if self.assigner is not None and len(slots):
            self.windows.add(self.assigner.ends(self.groups.keyed.prefix(slots, 0)), slots)
        if self._always and len(slots):
            self._touched.clear()
        if self.grouping.shows_now_and_then:
            self._load_pending(table, slots)

    def _load_pending(self, table: pa.Table, slots: Int64s) -> None:
        pending, shown = (column_of(table, name) for name in self._pending_names)
        waiting = slots[np.asarray(pending)]
        if len(waiting):
            self._touched.append(waiting)
            self.groups.flags[waiting] |= IN_EPOCH
        there = np.flatnonzero(np.asarray(shown.is_valid()))
        if len(there):
            self._before.append(Shown(slots[there], rows_of_struct(shown.take(pa.array(there)), self.groups.schema)))
