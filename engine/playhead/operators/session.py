"""Aggregates by key and session: rows that are at most a gap apart, directly or over others.

All rows of an epoch are put together with the open sessions of their keys at once, so that it does not matter in which
order they came. On input that only grows a session is one slot, and sessions that meet are merged. Where rows can be
taken back a session may fall apart; see `session_points`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from playhead.batch import Batch, Int64s, concat
from playhead.operators.changes import Shown, all_shown, difference, taken_back_and_added
from playhead.operators.grouping import Grouping, report_late
from playhead.operators.operator import Operator, Report
from playhead.operators.session_keys import SessionKeys
from playhead.operators.session_points import Runs, SessionPoints
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.state.flags import IN_EPOCH
from playhead.state.session_lists import Joined, SessionLists
from playhead.state.tables import (
    Tables,
    column_of,
    greatest,
    in_key_groups,
    numbers_of,
    owned_tables,
    progress_tables,
)
from playhead.windows import WINDOW_END, WINDOW_START


class SessionAggregate(Operator):
    """Groups by key and session `[first, last + gap]`, which is closed on the right.

    A session is closed for good when the watermark, less the allowed lateness, has passed its end. A row is late if
    what it belongs to is closed for good: a session that was, or the one that the rows of its epoch make without an
    open one.
    """

    def __init__(self, grouping: Grouping, gap: int) -> None:
        self.grouping, self.gap = grouping, gap
        self.sessions = grouping.groups(WINDOW_START)
        self.points = SessionPoints(grouping, gap) if grouping.retractable else None
        self.lists = SessionLists(gap)
        self.keys = SessionKeys(grouping.key_fields, gap, grouping.window_type)
        self.watermark = self.shown = MIN_TIME
        self._batches: list[Batch] = []
        self._touched: list[tuple[Int64s, Int64s]] = []
        """Sessions to be shown, and their keys; some may have gone into others since."""
        self._before: list[Shown] = []
        """Rows to be taken back then. An id says which session the row is to be compared with; that may be wrong."""
        self._before_keys: list[Int64s] = []
        self._report = Report()

    # Rows

    def on_batch(self, index: int, batch: Batch) -> Iterable[Batch]:
        batch = self.grouping.without_missing_keys(batch, self._report)
        if batch.num_rows:
            self._batches.append(batch)
        return ()

    def end_epoch(self) -> Iterable[Batch]:
        if self._batches:
            batch, self._batches = concat(self._batches), []
            self._add(batch)
        if self.grouping.emits_changes and self.grouping.emit_every is None:
            yield from self._changes()

    def _add(self, batch: Batch) -> None:
        """Add the rows of an epoch to the sessions that they belong to."""
        closed = self._closed(self.watermark)
        key_slots = self.keys.find_or_insert(self.grouping.key_arrays(batch), batch.num_rows, closed)
        times, all_keys = self.grouping.times(batch), key_slots
        batch, key_slots, times = self._without(self.keys.unreachable(key_slots, times), batch, key_slots, times)
        order = np.lexsort((times, key_slots))
        joined = self.lists.join(key_slots[order], times[order])
        late = ~joined.is_open & (joined.lasts + self.gap < closed) if closed > MIN_TIME else np.zeros(1, bool)
        if late.any():
            is_late = np.empty(len(order), bool)
            is_late[order] = late[joined.groups]
            batch, key_slots, times = self._without(is_late, batch, key_slots, times)
            order = np.lexsort((times, key_slots))
            joined = self.lists.join(key_slots[order], times[order])
        if batch.num_rows:
            self._join(batch, key_slots, times, order, joined)
        if len(times) < len(all_keys) or self.points is not None:
            self.keys.forget_later(self.lists.without_sessions(np.unique(all_keys)))

    def _without(
        self, late: np.ndarray[tuple[int], np.dtype[np.bool_]], batch: Batch, key_slots: Int64s, times: Int64s
    ) -> tuple[Batch, Int64s, Int64s]:
        """The rows that are not late; the others are reported with the session that they missed."""
        if not late.any():
            return batch, key_slots, times
        rows, kept = np.flatnonzero(late), np.flatnonzero(~late)
        kind = self.grouping.schema.field(self.grouping.window_position).type
        missed = self.keys.missed(key_slots[rows], times[rows], self._closed(self.watermark))
        report_late(self._report, batch, rows, *missed, kind)
        return batch.take(kept), key_slots[kept], times[kept]

    def _join(self, batch: Batch, key_slots: Int64s, times: Int64s, order: Int64s, joined: Joined) -> None:
        """Make one session of each group, or where rows can be taken back as many as its points are."""
        groups = np.empty(len(order), np.int64)
        groups[order] = joined.groups
        rows = _some_row(groups, len(joined.firsts))
        self._remember(joined.absorbed)
        self.lists.remove(joined.absorbed)
        if self.points is not None:
            found = self.points.regroup(batch, times, groups, joined)
            keys = key_slots[rows][found.groups]
            slots = self._form(self.points, found, keys)
            self.sessions.forget(np.setdiff1d(joined.absorbed, slots))
        else:
            keys = key_slots[rows]
            slots = self._extend(batch, groups, rows, joined)
            self.lists.insert(slots, keys, joined.firsts, joined.lasts)
        self.sessions.flags[slots] |= 3
        if self.grouping.emits_changes:
            self._touched.append((slots, keys))

    def _extend(self, batch: Batch, groups: Int64s, rows: Int64s, joined: Joined) -> Int64s:
        """Add rows to the session of their group, into which the sessions that it joins are merged."""
        keys = [key.take(pa.array(rows)) for key in self.grouping.key_arrays(batch)]
        slots, _ = self.sessions.find_or_insert((joined.firsts,), keys, len(rows))
        targets = slots[joined.absorbed_groups]
        merged = np.flatnonzero(targets != joined.absorbed)
        self.sessions.merge(targets[merged], self.sessions, joined.absorbed[merged])
        self.sessions.forget(joined.absorbed[merged])
        self.sessions.add(slots[groups], batch.rows, batch.kernel_weights)
        return slots

    def _form(self, points: SessionPoints, found: Runs, keys: Int64s) -> Int64s:
        """Merge sessions from their points, whatever they were before, and list them by `keys`."""
        slots, _ = self.sessions.find_or_insert((found.firsts,), found.keys, len(found.firsts))
        for accumulator in self.sessions.accumulators:
            accumulator.reset(slots)
        self.sessions.rows[slots] = 0
        self.sessions.merge(slots[found.runs], points.groups, found.points)
        points.belong(found.points, slots[found.runs], self.sessions.keyed.capacity)
        order = np.lexsort((-found.firsts, keys))
        self.lists.insert(slots[order], keys[order], found.firsts[order], found.lasts[order])
        return slots

    # Results

    def _remember(self, slots: Int64s) -> None:
        """Keep what sessions show, which are about to change, unless they have changed already."""
        if self.grouping.emits_changes:
            untouched = slots[self.sessions.flags[slots] & 1 == 0]
            if len(untouched):
                self._before.append(Shown(untouched, self._rows(untouched)))
                self._before_keys.append(self.lists.keys_of(untouched))

    def _changes(self, of_keys: Int64s | None = None) -> Iterator[Batch]:
        """The net change of every touched session since results were last shown; of all keys or some."""
        touched, keys = self._touched_sessions()
        old = all_shown(self._before, self.grouping.schema)
        old_keys = np.concatenate(self._before_keys) if self._before_keys else np.empty(0, np.int64)
        self._touched, self._before, self._before_keys = [], [], []
        if of_keys is not None:
            stays, old_stays = (np.flatnonzero(~np.isin(some, of_keys)) for some in (keys, old_keys))
            self._touched = [(touched[stays], keys[stays])]
            self._before, self._before_keys = [old.take(old_stays)], [old_keys[old_stays]]
            touched, old = np.delete(touched, stays), old.take(np.flatnonzero(np.isin(old_keys, of_keys)))
        if not len(touched) and not len(old.ids):
            return
        self.sessions.flags[touched] &= 0xFF - IN_EPOCH
        goes, comes = difference(old, Shown(touched, self._rows(touched)))
        if len(goes.ids) or len(comes.ids):
            yield taken_back_and_added(goes.results, comes.results)

    def _touched_sessions(self) -> tuple[Int64s, Int64s]:
        """The sessions that are to be shown, and their keys."""
        if not self._touched:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        slots, keys = (np.concatenate(parts)[::-1] for parts in zip(*self._touched, strict=True))
        slots, last = np.unique(slots, return_index=True)  # a slot that was used again has its last key
        there = np.flatnonzero(self.sessions.flags[slots] & IN_EPOCH)  # without those that went into others
        return slots[there], keys[last[there]]

    def _rows(self, slots: Int64s) -> pa.RecordBatch:
        first, last = self.lists.bounds[slots].T
        keys = self.sessions.keyed.keys(slots)
        return self.grouping.rows((first.copy(), last + self.gap), keys, self.sessions.results(slots))

    # Time

    def on_watermark(self, watermark: int) -> Iterable[Batch]:
        if watermark == self.watermark and watermark != MAX_TIME:
            return
        self.watermark = watermark
        closed = self._closed(watermark)
        slots, keys = self.lists.pop_until(closed if closed in (MIN_TIME, MAX_TIME) else closed - 1)
        gone = self._close(slots, keys, closed)
        if self.grouping.shows_now_and_then:
            yield from self._changes_now_and_then(watermark, np.union1d(keys, gone))
        if len(slots):
            if not self.grouping.emits_changes:
                yield Batch(self._rows(slots))
            if self.points is not None:
                self.points.forget(slots)
            self.sessions.forget(slots)
            self.sessions.keyed.compact()
        self.keys.forget(gone)

    def _close(self, slots: Int64s, keys: Int64s, closed: int) -> Int64s:
        """Remember which sessions are closed for good; the keys of which nothing need be known any more."""
        if closed == MIN_TIME:
            return keys
        if len(slots):
            first, last = self.lists.bounds[slots].T
            self.keys.close(keys, first, last + self.gap)
            self.keys.forget_later(self.lists.without_sessions(np.unique(keys)))
        return self.lists.without_sessions(self.keys.due(closed))

    def _changes_now_and_then(self, watermark: int, closing: Int64s) -> Iterator[Batch]:
        """All changes when the watermark has passed a multiple of `emit_every`, and those of keys that close now."""
        assert self.grouping.emit_every is not None
        passed = watermark // self.grouping.emit_every
        if passed > self.shown or watermark == MAX_TIME:
            self.shown = passed
            yield from self._changes()
        elif len(closing):
            yield from self._changes(closing)

    def _closed(self, watermark: int) -> int:
        """Sessions that end before this are closed for good."""
        if watermark in (MIN_TIME, MAX_TIME):
            return watermark
        return watermark - self.grouping.allowed_lateness

    def output_watermark(self, watermark: int) -> int:
        """A session that ends at `closed` is still open, and its event time is just before that."""
        closed = self._closed(watermark)
        return closed if watermark in (MIN_TIME, MAX_TIME) else closed - 1

    # Around

    @property
    def report(self) -> Report:
        return self._report

    @property
    def state_bytes(self) -> int:
        points = self.points.nbytes if self.points is not None else 0
        return self.sessions.nbytes + self.lists.nbytes + self.keys.nbytes + points

    # State

    def snapshot(self, key_groups: range, *, touched_only: bool = False) -> dict[str, pa.Table]:
        """Table `sessions` (keys, window, a struct of state for each aggregate), or where rows can be taken back table
        `points` of which sessions are made; and table `keys`: which session of each was closed last.

        With `emit_every` also, whole each time, table `waiting`: the sessions to be shown again; and table `shown`: the
        rows that will be taken back then.
        """
        asked, waits = self.asked(key_groups), self.grouping.shows_now_and_then
        if self.points is not None:
            tables = self.points.groups.snapshot("points", asked, touched_only=touched_only)
        else:
            tables = self.sessions.snapshot("sessions", asked, touched_only=touched_only, extra=self._windows)
        for name, columns in {"waiting": self._waiting(), "shown": self._shown()}.items() if waits else ():
            keys = [columns[key] for key in self.grouping.key_fields]
            inside = in_key_groups(asked, keys, len(columns[WINDOW_START]))
            if inside is not None:
                columns = {name: column.filter(pa.array(inside)) for name, column in columns.items()}
            tables |= owned_tables(name, columns, key_groups, increment=touched_only)
        tables |= self.keys.snapshot(asked, touched_only=touched_only)
        progress = {"watermark": self.watermark, "shown": self.shown}
        return tables | progress_tables(key_groups, increment=touched_only, **progress)

    def _windows(self, slots: Int64s) -> dict[str, pa.Array]:
        first, last = self.lists.bounds[slots].T
        return self.grouping.windows(first.copy(), last + self.gap)

    def _waiting(self) -> dict[str, pa.Array]:
        slots, _ = self._touched_sessions()
        keys = self.sessions.keyed.keys(slots)
        return dict(zip(self.grouping.key_fields, keys, strict=True)) | self._windows(slots)

    def _shown(self) -> dict[str, pa.Array]:
        rows = all_shown(self._before, self.grouping.schema).results
        return dict(zip(rows.schema.names, rows.columns, strict=True))

    def snapshot_taken(self) -> None:
        self.keys.snapshot_taken()
        if self.points is not None:
            self.points.groups.snapshot_taken()
        else:
            self.sessions.snapshot_taken()

    def load(self, tables: Tables) -> None:
        self.watermark = greatest(tables, "watermark", self.watermark)
        self.shown = greatest(tables, "shown", self.shown)
        self.keys.load(tables["keys"])
        table = tables["sessions" if self.points is None else "points"]
        key_slots = self.keys.find_or_insert(self._keys_of(table), table.num_rows, MIN_TIME)
        if self.points is not None:
            found = self.points.load(table, key_slots)
            self._form(self.points, found, found.groups)
        else:
            slots, firsts = self.sessions.load(table), numbers_of(table, WINDOW_START)
            order = np.lexsort((-firsts, key_slots))
            lasts = numbers_of(table, WINDOW_END) - self.gap
            self.lists.insert(slots[order], key_slots[order], firsts[order], lasts[order])
        if "waiting" in tables:
            self._load_waiting(tables["waiting"], tables["shown"])
        self.keys.forget_later(self.lists.without_sessions(self.keys.slots.live_slots()))

    def _load_waiting(self, waiting: pa.Table, shown: pa.Table) -> None:
        slots, keys = self._slots_of(waiting)
        self.sessions.flags[slots] |= IN_EPOCH
        self._touched.append((slots, keys))
        if shown.num_rows:
            ids, keys = self._slots_of(shown)
            gone = np.flatnonzero(ids < 0)
            ids[gone] = self.sessions.keyed.capacity + np.arange(len(gone))
            arrays = [column_of(shown, field.name, field.type) for field in self.grouping.schema]
            rows = pa.RecordBatch.from_arrays(arrays, schema=self.grouping.schema)
            self._before.append(Shown(ids, rows))
            self._before_keys.append(keys)

    def _slots_of(self, table: pa.Table) -> tuple[Int64s, Int64s]:
        """The slots of sessions, -1 for those that are not there any more, and of their keys."""
        keys, starts = self._keys_of(table), numbers_of(table, WINDOW_START)
        slots = self.sessions.keyed.find((starts,), keys, rows=table.num_rows)
        return slots, self.keys.find_or_insert(keys, table.num_rows, MIN_TIME)

    def _keys_of(self, table: pa.Table) -> list[pa.Array]:
        return [column_of(table, name, kind) for name, kind in self.grouping.key_fields.items()]


def _some_row(groups: Int64s, count: int) -> Int64s:
    """A row of each group."""
    rows = np.empty(count, np.int64)
    rows[groups] = np.arange(len(groups))
    return rows
