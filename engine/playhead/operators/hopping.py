"""Aggregates by key and hopping window: rows go into panes, windows are sums of panes.

A pane is the longest stretch that no window's edge crosses, so a row is added once however many
windows it is in. A window's result is merged from its panes when it closes (append mode), or for the
windows of the panes that an epoch touched (update mode).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, overload

import numpy as np
import pyarrow as pa

from playhead.batch import Batch, Int64s
from playhead.kernels.touched import mark_touched
from playhead.operators.assign import FixedAssigner
from playhead.operators.changes import Shown, all_shown, difference, taken_back_and_added
from playhead.operators.grouping import Grouping, report_late
from playhead.operators.groups import Groups
from playhead.operators.operator import Operator, Report
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.state.key_index import KeyIndex
from playhead.state.slot_lists import SlotLists
from playhead.state.tables import (
    Tables,
    column_of,
    greatest,
    in_key_groups,
    named,
    numbers_of,
    owned_tables,
    progress_tables,
    rows_of_struct,
    struct_of,
)
from playhead.state.timers import TimerQueue
from playhead.windows import WINDOW_END, Hopping

AT_ONCE = 64
"""So many windows are merged in one go when many close together."""


class HoppingAggregate(Operator):
    """Groups by key and hopping window."""

    def __init__(self, grouping: Grouping, window: Hopping, origin: int) -> None:
        self.grouping, self.window, self.origin = grouping, window, origin
        self.assigner = FixedAssigner(window.pane, origin)
        self.panes = grouping.groups(named("pane_start", grouping.schema.names))
        self.by_start = SlotLists()
        self.ends, self.known_ends = TimerQueue(), KeyIndex(1)
        self.watermark, self.shown = MIN_TIME, MIN_TIME
        self._pairs: KeyIndex | None = None
        """The (window end, key) pairs touched since results were last shown; their number is their id."""
        self._before: list[Shown] = []
        self._report = Report()

    # Rows

    def on_batch(self, index: int, batch: Batch) -> Iterable[Batch]:
        batch = self.grouping.without_missing_keys(batch, self._report)
        if not batch.num_rows:
            return ()
        starts, _ = self.assigner.assign(self.grouping.times(batch), MIN_TIME)
        if self._first_end(int(starts.min())) <= self._closed(self.watermark):
            batch, starts = self._without_late(batch, starts)
        slots, new = self.panes.find_or_insert((starts,), self.grouping.key_arrays(batch), batch.num_rows)
        if len(new):
            self._expect(self.by_start.add(self.panes.keyed.prefix(new, 0), new))
        self._touch(slots, new)
        self.panes.add(slots, batch.rows, batch.kernel_weights)
        return ()

    def _without_late(self, batch: Batch, starts: Int64s) -> tuple[Batch, Int64s]:
        """Report each window that a row missed; leave out the rows that missed all of theirs."""
        closed = self._closed(self.watermark)
        end, last = self._first_end(starts), self._last_end(starts)
        kind = self.grouping.schema.field(self.grouping.window_position).type
        late = np.flatnonzero((end <= last) & (end <= closed))
        while len(late):
            report_late(self._report, batch, late, end[late] - self.window.size, end[late], kind)
            end[late] += self.window.hop
            late = late[(end[late] <= last[late]) & (end[late] <= closed)]
        kept = np.flatnonzero(end <= last)
        return batch.take(kept), starts[kept]

    @overload
    def _first_end(self, starts: int) -> int: ...
    @overload
    def _first_end(self, starts: Int64s) -> Int64s: ...
    def _first_end(self, starts: Any) -> Any:
        """The end of the first window that holds a pane."""
        base = self.origin + self.window.size
        return base - (base - starts - self.window.pane) // self.window.hop * self.window.hop

    @overload
    def _last_end(self, starts: int) -> int: ...
    @overload
    def _last_end(self, starts: Int64s) -> Int64s: ...
    def _last_end(self, starts: Any) -> Any:
        """The end of the last window that holds a pane."""
        return (starts - self.origin) // self.window.hop * self.window.hop + self.origin + self.window.size

    def _expect(self, starts: Int64s) -> None:
        """Remember that the windows over these panes will close; they are the first panes that start then."""
        if not len(starts):
            return
        for end in self._ends_of(starts):
            open_ends = np.unique(end[end > self._closed(self.watermark)])
            _, new = self.known_ends.find_or_insert(open_ends.reshape(1, -1))
            self.ends.push(self.known_ends.word_of(new, 0))

    def _ends_of(self, starts: Int64s) -> Iterator[Int64s]:
        """For the first, second, ... window of each pane its end; those that have fewer repeat their last."""
        end, last = self._first_end(starts), self._last_end(starts)
        while True:
            yield np.minimum(end, last)
            end = end + self.window.hop
            if (end > last).all():
                return

    def _closed(self, watermark: int) -> int:
        return watermark if watermark in (MIN_TIME, MAX_TIME) else watermark - self.grouping.allowed_lateness

    # Update mode: the windows of touched panes, before and after

    def _touch(self, slots: Int64s, new: Int64s) -> None:
        if not self.grouping.emits_changes and not self.panes.snapshots_follow:
            return
        first = np.empty(len(slots), np.int64)
        count = mark_touched(slots, self.panes.flags, 3, first)
        if not self.grouping.emits_changes or not count:
            return
        words = self.panes.keyed.words(first[:count])
        if self._pairs is None or self._pairs.width != len(words):
            self._widen_pairs(len(words))
        starts, closed = words[0].copy(), self._closed(self.watermark)
        for end in self._ends_of(starts):
            still_open = end > closed
            words[0] = end
            self._remember(np.ascontiguousarray(words[:, still_open]), new)

    def _remember(self, words: Int64s, new: Int64s) -> None:
        """Keep what new pairs showed before their first touch; panes that came with this batch are empty yet."""
        assert self._pairs is not None
        _, ids = self._pairs.find_or_insert(words)
        if len(ids):
            self._before.append(self._shown(ids, self._pairs.keys_of(ids), without=new))

    def _widen_pairs(self, width: int) -> None:
        if self._pairs is None:
            self._pairs = KeyIndex(width)
        while self._pairs.width < width:  # the first null among the keys made all keys longer
            self._pairs.add_word(0)

    def _shown(self, ids: Int64s, pairs: Int64s, without: Int64s | None = None) -> Shown:
        """Those of the (window end, key) pairs that have rows, and their results."""
        usable = np.ones(self.panes.keyed.capacity, bool)
        if without is not None:
            usable[without] = False
        ends, slots_of, pairs_of = pairs[0].copy(), [], []
        lookup = pairs.copy()
        for offset in range(-self.window.size, 0, self.window.pane):
            lookup[0] = ends + offset
            slots = self.panes.keyed.find_words(lookup)
            found = np.flatnonzero((slots >= 0) & usable[slots])
            slots_of.append(slots[found])
            pairs_of.append(found)
        slots, found = np.concatenate(slots_of), np.concatenate(pairs_of)
        merged = self._merged(pairs)
        merged.grow_to(len(ends))
        merged.merge(found, self.panes, slots)
        there = np.zeros(len(ends), bool)
        there[found] = True
        chosen = np.flatnonzero(there)
        chosen = chosen[merged.alive(chosen)]
        return Shown(ids[chosen], merged.results(chosen))

    def _merged(self, pairs: Int64s) -> Groups:
        """Fresh state with a slot for each of the (window end, key) pairs."""

        def describe(slot: int) -> str:
            keys = self.panes.keyed.decode(np.ascontiguousarray(pairs[1:, [slot]]))
            return self.grouping.group(keys, int(pairs[0, slot]) - self.window.size)

        merged = self.grouping.groups()
        merged.describe = describe
        return merged

    def _rows(self, pairs: Int64s, results: pa.RecordBatch) -> pa.RecordBatch:
        keys = self.panes.keyed.decode(np.ascontiguousarray(pairs[1:]))
        return self.grouping.rows((pairs[0] - self.window.size, pairs[0]), keys, results)

    # Results

    def end_epoch(self) -> Iterable[Batch]:
        if self.grouping.emits_changes and self.grouping.emit_every is None:
            yield from self._changes()

    def _changes(self, closing: int = MAX_TIME) -> Iterator[Batch]:
        """The net change of every touched window that ends by `closing` since it was last shown."""
        if self._pairs is None or not self._pairs.size:
            return
        ids = self._pairs.live_slots()
        pairs = self._pairs.keys_of(ids)
        due = np.flatnonzero(pairs[0] <= closing)
        ids, pairs = ids[due], np.ascontiguousarray(pairs[:, due])
        old, self._before = all_shown(self._before, self.panes.schema), []
        if closing < MAX_TIME:
            chosen = np.isin(old.ids, ids)
            self._before = [old.take(np.flatnonzero(~chosen))]
            old = old.take(np.flatnonzero(chosen))
        goes, comes = difference(old, self._shown(ids, pairs))
        if len(goes.ids) or len(comes.ids):
            yield taken_back_and_added(*[self._rows(self._pairs.keys_of(s.ids), s.results) for s in (goes, comes)])
        self._pairs.remove(ids)
        if closing == MAX_TIME:
            self.panes.flags &= 0xFE
            if self.panes.retractable:
                self._forget_empty_panes()

    def _forget_empty_panes(self) -> None:
        slots = self.panes.keyed.live_slots()
        empty_ones = slots[~self.panes.alive(slots)]
        self.by_start.remove(empty_ones)
        self.panes.forget(empty_ones)

    def on_watermark(self, watermark: int) -> Iterable[Batch]:
        if watermark == self.watermark:
            return
        self.watermark = watermark
        closed = self._closed(watermark)
        if self.grouping.emit_every is not None and self.grouping.emits_changes:
            passed = watermark // self.grouping.emit_every
            due = passed > self.shown or watermark == MAX_TIME
            self.shown = max(passed, self.shown)
            yield from self._changes(MAX_TIME if due else closed)
            self._compact()
        ends = self.ends.pop_until(closed)
        if not len(ends):
            return
        self.known_ends.remove(self.known_ends.find(ends.reshape(1, -1)))
        if not self.grouping.emits_changes:
            for first_end in range(0, len(ends), AT_ONCE):
                yield from self._final(ends[first_end : first_end + AT_ONCE])
        self._forget(closed)

    def _final(self, ends: Int64s) -> Iterator[Batch]:
        """The results of closed windows, merged from the panes of each."""
        offsets = np.arange(-self.window.size, 0, self.window.pane)
        slots, rows = self.by_start.listed((ends[:, None] + offsets).ravel())
        if not len(slots):
            return
        words = self.panes.keyed.words(slots)
        words[0] = ends[rows // len(offsets)]
        pairs = KeyIndex(len(words), max(64, len(slots)))
        ids, new = pairs.find_or_insert(words)
        windows = pairs.keys_of(new)
        merged = self._merged(windows)
        merged.grow_to(len(new))
        merged.merge(ids, self.panes, slots)
        yield Batch(self._rows(windows, merged.results(new)))

    def _forget(self, closed: int) -> None:
        """Give back the panes whose last window has closed."""
        size, hop = self.window.size, self.window.hop
        first_kept = MAX_TIME if closed == MAX_TIME else self._last_end(closed - size) - size + hop
        gone = self.by_start.pop_until(first_kept - 1)
        self.panes.forget(gone)
        self._compact()

    def _compact(self) -> None:
        """Let go of interned values that no pane has; pairs that wait to be shown know values by their old numbers."""
        if self._pairs is None or not self._pairs.size:
            self.panes.keyed.compact()

    # Around

    def output_watermark(self, watermark: int) -> int:
        return self._closed(watermark)

    @property
    def report(self) -> Report:
        return self._report

    @property
    def state_bytes(self) -> int:
        return self.panes.nbytes + self.by_start.nbytes + self.ends.nbytes + self.known_ends.nbytes

    # State

    def snapshot(self, key_groups: range, *, touched_only: bool = False) -> dict[str, pa.Table]:
        """Table `panes`: keys, when the pane starts, a struct of state for each aggregate; with `emit_every` also table
        `waiting`, whole each time: the windows to be shown again, and what each showed last."""
        asked = self.asked(key_groups)
        tables = self.panes.snapshot("panes", asked, touched_only=touched_only)
        if self.grouping.shows_now_and_then:
            tables |= owned_tables("waiting", self._waiting(asked), key_groups, increment=touched_only)
        progress = {"watermark": self.watermark, "shown": self.shown}
        return tables | progress_tables(key_groups, increment=touched_only, **progress)

    def _waiting(self, key_groups: range | None) -> dict[str, pa.Array]:
        ids = np.empty(0, np.int64) if self._pairs is None else self._pairs.live_slots()
        words = np.empty((1, 0), np.int64) if self._pairs is None else self._pairs.keys_of(ids)
        keys = self.panes.keyed.decode(np.ascontiguousarray(words[1:])) if len(ids) else self._no_keys()
        inside = in_key_groups(key_groups, keys, len(ids))
        if inside is not None:
            rows = np.flatnonzero(inside)
            ids, words, keys = ids[rows], words[:, rows], [key.take(pa.array(rows)) for key in keys]
        before = all_shown(self._before, self.panes.schema)
        where = np.full(max(ids.max(initial=-1), before.ids.max(initial=-1)) + 1, -1, np.int64)
        where[before.ids] = np.arange(len(before.ids))
        columns = dict(zip(self.grouping.key_fields, keys, strict=True))
        columns |= self.grouping.windows(words[0] - self.window.size, words[0])
        return columns | {self._shown_name: struct_of(before.results, where[ids])}

    def _no_keys(self) -> list[pa.Array]:
        return [pa.nulls(0, kind) for kind in self.grouping.key_types]

    @property
    def _shown_name(self) -> str:
        return named("shown", self.grouping.schema.names)

    def snapshot_taken(self) -> None:
        self.panes.snapshot_taken()

    def load(self, tables: Tables) -> None:
        self.watermark = greatest(tables, "watermark", self.watermark)
        self.shown = greatest(tables, "shown", self.shown)
        slots = self.panes.load(tables["panes"])
        if len(slots):
            starts = self.panes.keyed.prefix(slots, 0)
            self.by_start.add(starts, slots)
            self._expect(np.unique(starts))
        if "waiting" in tables and tables["waiting"].num_rows:
            self._load_waiting(tables["waiting"])

    def _load_waiting(self, table: pa.Table) -> None:
        keys = [column_of(table, name, kind) for name, kind in self.grouping.key_fields.items()]
        words = self.panes.keyed.encode((numbers_of(table, WINDOW_END),), keys, rows=table.num_rows)
        self._widen_pairs(len(words))
        assert self._pairs is not None
        ids, _ = self._pairs.find_or_insert(words)
        shown = column_of(table, self._shown_name)
        there = np.flatnonzero(np.asarray(shown.is_valid()))
        if len(there):
            self._before.append(Shown(ids[there], rows_of_struct(shown.take(pa.array(there)), self.panes.schema)))
