"""Aggregates by key and session: rows that are at most a gap apart, directly or over others.

All rows of an epoch are put together with the open sessions of their keys at once, so that it does not matter in which
order they came. On input that only grows a session is one slot, and sessions that meet are merged. Where rows can be
taken back a session may fall apart; see `session_points`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa

from playhead.batch import Batch, Int64s, concat
from playhead.operators.changes import Shown, all_shown, difference, taken_back_and_added
from playhead.operators.grouping import Grouping, report_late
from playhead.operators.operator import Operator, Report
from playhead.operators.session_keys import SessionKeys
from playhead.operators.session_points import Runs, SessionPoints
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.state.session_lists import Joined, SessionLists

NOTHING: Int64s = np.empty(0, np.int64)


class SessionAggregate(Operator):
    """Groups by key and session `[first, last + gap]`, which is closed on the right.

    A session is closed for good when the watermark, less the allowed lateness, has passed its end. A row is late if
    what it belongs to is closed for good: a session that was, or the one that the rows of its epoch make without an
    open one.
    """

    def __init__(self, grouping: Grouping, gap: int) -> None:
        self.grouping, self.gap = grouping, gap
        self.sessions = grouping.groups(prefix=1)
        self.points = SessionPoints(grouping, gap) if grouping.retractable else None
        self.lists = SessionLists(gap)
        self.keys = SessionKeys(grouping.key_types, gap)
        self.watermark = self.shown = MIN_TIME
        self._batches: list[Batch] = []
        self._touched: list[tuple[Int64s, Int64s]] = []
        """Sessions to be shown anew, and the slots of their keys."""
        self._before: list[tuple[Shown, Int64s]] = []
        """What sessions showed before they changed, and the slots of their keys."""
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
        self._remember(joined.absorbed, key_slots[rows][joined.absorbed_groups])
        self.lists.remove(joined.absorbed)
        if self.points is not None:
            found = self.points.regroup(batch, times, groups, joined)
            keys = key_slots[rows][found.groups]
            slots = self._form(self.points, found, keys)
            self.sessions.forget(np.setdiff1d(joined.absorbed, slots))
        else:
            slots, keys = self._extend(batch, groups, rows, joined), key_slots[rows]
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

    def _remember(self, slots: Int64s, keys: Int64s) -> None:
        """Keep what sessions of these keys show, which are about to change, unless they have changed already."""
        if self.grouping.emits_changes:
            untouched = np.flatnonzero(self.sessions.flags[slots] & 1 == 0)
            if len(untouched):
                shown = slots[untouched]
                self._before.append((Shown(shown, self._rows(shown)), keys[untouched]))

    def _changes(self, only: Int64s | None = None) -> Iterator[Batch]:
        """The net change of every touched session (of the keys in `only`) since results were last shown."""
        if not self._touched:
            return
        touched, keys = (np.concatenate(parts) for parts in zip(*self._touched, strict=True))
        old = all_shown([shown for shown, _ in self._before], self.grouping.schema)
        old_keys = np.concatenate([NOTHING, *(keys for _, keys in self._before)])
        self._touched, self._before = [], []
        if only is not None:
            now, old_now = np.isin(keys, only), np.isin(old_keys, only)
            self._touched = [(touched[~now], keys[~now])]
            self._before = [(old.take(np.flatnonzero(~old_now)), old_keys[~old_now])]
            touched, old = touched[now], old.take(np.flatnonzero(old_now))
        touched = np.unique(touched)
        touched = touched[self.sessions.flags[touched] & 1 != 0]  # not those that went into others
        self.sessions.flags[touched] &= 0xFE
        goes, comes = difference(old, Shown(touched, self._rows(touched)))
        if len(goes.ids) or len(comes.ids):
            yield taken_back_and_added(goes.results, comes.results)

    def _rows(self, slots: Int64s) -> pa.RecordBatch:
        first, last = self.lists.bounds[slots].T
        keys = self.sessions.keyed.keys(slots)
        return self.grouping.rows((first.copy(), last + self.gap), keys, self.sessions.results(slots))

    # Time

    def on_watermark(self, watermark: int) -> Iterable[Batch]:
        if watermark == self.watermark and watermark != MAX_TIME:
            return
        self.watermark = watermark
        closed, slots, keys = self._closed(watermark), NOTHING, NOTHING
        if closed > MIN_TIME:
            slots, keys = self.lists.pop_until(closed if closed == MAX_TIME else closed - 1)
        if self.grouping.emit_every is not None and self.grouping.emits_changes:
            yield from self._changes_now_and_then(watermark, keys, self.grouping.emit_every)
        if closed == MIN_TIME:
            return
        if len(slots):
            if not self.grouping.emits_changes:
                yield Batch(self._rows(slots))
            first, last = self.lists.bounds[slots].T
            self.keys.close(keys, first, last + self.gap)
            self.keys.forget_later(self.lists.without_sessions(np.unique(keys)))
            if self.points is not None:
                self.points.forget(slots)
            self.sessions.forget(slots)
            self.sessions.keyed.compact()
        self.keys.forget(self.lists.without_sessions(self.keys.due(closed)))

    def _changes_now_and_then(self, watermark: int, closing: Int64s, every: int) -> Iterator[Batch]:
        """All changes when the watermark has passed a multiple of `every`, and those of keys a session of which closes.

        What it says of a key depends on nothing but that key's rows and the watermark: not on the keys beside it.
        """
        passed = watermark // every
        if passed > self.shown or watermark == MAX_TIME:
            self.shown = passed
            yield from self._changes()
        elif len(closing):
            yield from self._changes(np.unique(closing))

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

    def snapshot(self, key_groups: range, *, touched_only: bool = False) -> dict[str, pa.Table]:
        if self.points is not None:
            tables = self.points.groups.snapshot(key_groups, touched_only=touched_only)
        else:
            tables = self.sessions.snapshot(key_groups, touched_only=touched_only)
            tables["groups"] = self._with_last(tables["groups"])
        progress = {"watermark": [self.watermark], "shown": [self.shown]}
        tables["progress"] = pa.table({name: pa.array(value, pa.int64()) for name, value in progress.items()})
        return tables | {"closed": self.keys.snapshot(key_groups, touched_only=touched_only)}

    def _with_last(self, table: pa.Table) -> pa.Table:
        slots = self.sessions.keyed.find(*_identity(table, len(self.grouping.key_types)), rows=table.num_rows)
        return table.append_column("last", pa.array(self.lists.bounds[slots, 1]))

    def snapshot_taken(self) -> None:
        """From now on "touched" means since this moment."""
        self.keys.snapshot_taken()
        self.sessions.snapshot_taken()
        if self.points is not None:
            self.points.groups.snapshot_taken()

    def restore(self, tables: Mapping[str, pa.Table]) -> None:
        known = self.keys.restore(tables["closed"])
        prefix, keys = _identity(tables["groups"], len(self.grouping.key_types))
        key_slots = self.keys.find_or_insert(keys, tables["groups"].num_rows, MIN_TIME)
        if self.points is not None:
            found = self.points.restore(tables["groups"], key_slots)
            self._form(self.points, found, found.groups)
        else:
            slots, firsts = self.sessions.restore(tables["groups"].drop_columns("last")), prefix[0]
            order = np.lexsort((-firsts, key_slots))
            lasts = np.asarray(tables["groups"]["last"])[order]
            self.lists.insert(slots[order], key_slots[order], firsts[order], lasts)
        self.keys.forget_later(self.lists.without_sessions(known))
        self.watermark = max(self.watermark, tables["progress"]["watermark"][0].as_py())
        self.shown = max(self.shown, tables["progress"]["shown"][0].as_py())


def _some_row(groups: Int64s, count: int) -> Int64s:
    """A row of each group."""
    rows = np.empty(count, np.int64)
    rows[groups] = np.arange(len(groups))
    return rows


def _identity(table: pa.Table, keys: int) -> tuple[tuple[Int64s], list[pa.Array]]:
    """The first times and the keys of the sessions of a snapshot."""
    columns = [table[f"key{number}"].combine_chunks() for number in range(keys)]
    arrays = [pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column for column in columns]
    return (np.asarray(table["prefix0"]).astype(np.int64),), arrays
