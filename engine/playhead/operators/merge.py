"""Pairs of rows with equal keys, kept right while both inputs change: a symmetric hash join.

An epoch's output is the difference between the join of all rows before it and after it, pair by pair, so a
left row whose partner comes in the same epoch never shows a null. With a time to live, rows further apart than
that are no pair even if they happen to be remembered, so that the result does not depend on when they are forgotten.

Once an input has ended, a row of the other changes the result by itself alone, be it added or taken back: it is
joined and let go. So a stream beside a table that ends needs the memory of that table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playhead import plan
from playhead.batch import Batch, Int64s
from playhead.operators.join_side import NOTHING, JoinSide
from playhead.operators.joined_rows import LEFT, RIGHT, JoinedRows
from playhead.operators.late_rows import without_late
from playhead.operators.operator import Operator, Report
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.state.flags import TOUCHED
from playhead.state.keyed_slots import KeyedSlots
from playhead.state.tables import Tables, greatest, progress_tables


def merge_operator(node: plan.Merge, *, emits_changes: bool, retractable: tuple[bool, bool]) -> MergeOperator:
    """The operator of a merge; `retractable` says which inputs may take rows back."""
    return MergeOperator(node, emits_changes=emits_changes, retractable=retractable)


class MergeOperator(Operator):
    """Joins two inputs on equal keys, inner or left.

    In update mode left rows without a partner are shown with nulls as long as they have none. In append mode
    they are shown once nothing can match them any more: when their time to live is over, or the right input ends.
    """

    def __init__(self, node: plan.Merge, *, emits_changes: bool, retractable: tuple[bool, bool]) -> None:
        self.emits_changes, self.keeps_left, self.ttl = emits_changes, node.how == "left", node.ttl
        self.joined = JoinedRows(node)
        self.sides = tuple(
            JoinSide(input, [pair[side] for pair in node.on], retractable=retractable[side], ttl=node.ttl)
            for side, input in enumerate(node.inputs)
        )
        self.keys = KeyedSlots([node.left.schema.field(name).type for name, _ in node.on])
        self.watermark = MIN_TIME
        self.ended = [False, False]
        self._report = Report()

    # Rows

    def on_batch(self, index: int, batch: Batch) -> Iterable[Batch]:
        side, times = self.sides[index], NOTHING
        if self.ttl is not None and side.time is not None:
            kind = batch.rows.schema.field(side.time).type
            batch, times = without_late(batch, side.times_of(batch), self.watermark, self._report, kind)
        unmatchable = without_key(side.key_arrays(batch.rows))
        if unmatchable is not None:
            if index == LEFT and self.keeps_left:
                yield from self.joined.without_partner(batch.take(np.flatnonzero(unmatchable)))
            matchable = np.flatnonzero(~unmatchable)
            batch, times = batch.take(matchable), times[matchable] if len(times) else times
        if batch.num_rows:
            key_slots, _ = self.keys.find_or_insert((), side.key_arrays(batch.rows), rows=batch.num_rows)
            self._grow_keys()
            side.add(batch, key_slots, self.keys.capacity, times)

    def end_epoch(self) -> Iterable[Batch]:
        left, right = self.sides
        touched = left.touched(), right.touched()
        if len(touched[LEFT]) or len(touched[RIGHT]):
            yield from self._changes(*touched)
            if not left.keeps_rows:
                yield from self._final_lone_rows(touched[LEFT])
            self._forget_keys(np.concatenate([left.end_epoch(), right.end_epoch()]))
        for side, other_ended in zip(self.sides, reversed(self.ended), strict=True):
            if other_ended and side.keeps_rows:
                if side is left:
                    yield from self._final_lone_rows(left.rows.live_slots())
                self._forget_keys(side.stop_keeping())

    def input_ended(self, index: int) -> None:
        """Rows of the other side are from now on joined and let go: nothing that they are joined with can change."""
        self.ended[index] = True

    def _changes(self, left_touched: Int64s, right_touched: Int64s) -> Iterator[Batch]:
        """The net change of every pair with a touched row, and of every left row that lost or found its partners."""
        left, right = self.sides
        of_left = left.partners(left_touched, right, touched=True)
        of_right = right.partners(right_touched, left, touched=False)
        lefts, rights = np.concatenate([of_left[0], of_right[1]]), np.concatenate([of_left[1], of_right[0]])
        change = left.weights[lefts] * right.weights[rights] - left.before[lefts] * right.before[rights]
        lone, lone_change = self._lone_changes(left_touched, lefts, rights)
        changed = np.flatnonzero(change)
        lefts, rights, change = lefts[changed], rights[changed], change[changed]
        for sign in (-1, 1):
            pairs, nulls = np.flatnonzero(change * sign > 0), np.flatnonzero(lone_change * sign > 0)
            yield from self.joined.of_slots(left.rows, lefts[pairs], right.rows, rights[pairs], change[pairs])
            yield from self._lone_rows(lone[nulls], lone_change[nulls])

    def _lone_changes(self, touched: Int64s, lefts: Int64s, rights: Int64s) -> tuple[Int64s, Int64s]:
        """Count the partners of left rows anew; the rows without any, and how their weights with nulls change."""
        if not self.keeps_left:
            return NOTHING, NOTHING
        left, right = self.sides
        is_new = left.before[lefts] == 0
        slots = np.unique(np.concatenate([touched, lefts]))
        before = np.where(left.matches[slots] == 0, left.before[slots], 0)
        np.add.at(left.matches, lefts, right.weights[rights] - np.where(is_new, 0, right.before[rights]))
        left.rows.flags[slots] |= TOUCHED
        if not self.emits_changes:
            return NOTHING, NOTHING
        after = np.where(left.matches[slots] == 0, left.weights[slots], 0)
        return slots, after - before

    # Time

    def on_watermark(self, watermark: int) -> Iterable[Batch]:
        self.watermark = watermark
        if watermark == MAX_TIME:
            yield from self._final_lone_rows(self.sides[LEFT].rows.live_slots())
            return
        empty = []
        for index, side in enumerate(self.sides):
            gone = side.expired(watermark)
            if len(gone):
                if index == LEFT:
                    yield from self._final_lone_rows(gone)
                self._report.count("expired", len(gone))
                empty.append(side.remove(gone))
                side.rows.compact()
        if empty:
            self._forget_keys(np.concatenate(empty))

    def _final_lone_rows(self, slots: Int64s) -> Iterator[Batch]:
        """In append mode: left rows that will never have a partner, once."""
        if not self.keeps_left or self.emits_changes:
            return
        left = self.sides[LEFT]
        lone = left.rows.in_order(slots[left.matches[slots] == 0])
        yield from self._lone_rows(lone, left.weights[lone])
        left.matches[lone] = 1
        left.rows.flags[lone] |= TOUCHED

    def _lone_rows(self, slots: Int64s, weights: Int64s) -> Iterator[Batch]:
        left, right = self.sides
        return self.joined.of_slots(left.rows, slots, right.rows, np.full(len(slots), -1), weights)

    def _forget_keys(self, keys: Int64s) -> None:
        left, right = self.sides
        keys = np.unique(keys)
        gone = keys[left.has_no(keys) & right.has_no(keys)]
        if len(gone):
            self.keys.remove(gone)
            self.keys.compact()

    def _grow_keys(self) -> None:
        for side in self.sides:
            side.grow_keys(self.keys.capacity)

    # Around

    @property
    def report(self) -> Report:
        return self._report

    @property
    def state_bytes(self) -> int:
        return self.keys.nbytes + sum(side.nbytes for side in self.sides)

    # State

    def owns(self, key_groups: range) -> None:
        super().owns(key_groups)
        for side in self.sides:
            side.rows.owner = key_groups.start

    def snapshot(self, key_groups: range, *, touched_only: bool = False) -> dict[str, pa.Table]:
        """Tables `left` and `right`: the rows of each input as they came."""
        left, right = self.sides
        asked = self.asked(key_groups)
        tables = left.snapshot("left", asked, with_matches=self.keeps_left, touched_only=touched_only)
        tables |= right.snapshot("right", asked, with_matches=False, touched_only=touched_only)
        return tables | progress_tables(
            key_groups,
            increment=touched_only,
            watermark=self.watermark,
            left_ended=self.ended[LEFT],
            right_ended=self.ended[RIGHT],
            left_rows=left.rows.next_number,
            right_rows=right.rows.next_number,
        )

    def snapshot_taken(self) -> None:
        for side in self.sides:
            side.rows.snapshot_taken()

    def load(self, tables: Tables) -> None:
        self.watermark = greatest(tables, "watermark", self.watermark)
        for index, (name, side) in enumerate(zip(("left", "right"), self.sides, strict=True)):
            self.ended[index] = bool(greatest(tables, f"{name}_ended", 0))
            rows = side.load(tables[name], greatest(tables, f"{name}_rows", 0))
            key_slots, _ = self.keys.find_or_insert((), side.key_arrays(rows), rows=rows.num_rows)
            self._grow_keys()
            side.chain(rows, key_slots, self.keys.capacity)
        for index, side in enumerate(self.sides):
            side.keeps_rows = not self.ended[1 - index]


def without_key(keys: list[pa.Array]) -> npt.NDArray[np.bool_] | None:
    """Which rows have a null among their keys, so that nothing matches them; None if there are none."""
    missing: npt.NDArray[np.bool_] | None = None
    for key in keys:
        if key.null_count or (pa.types.is_dictionary(key.type) and key.dictionary.null_count):
            nulls = np.asarray(
                key.is_null() if not pa.types.is_dictionary(key.type) else key.dictionary_decode().is_null()
            )
            missing = nulls if missing is None else missing | nulls
    return missing
