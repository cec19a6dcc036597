"""The groups of an aggregate: a slot for every key, and an accumulator column for every aggregate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator, Aggregate
from playhead.batch import Int64s
from playhead.expr import Compiled
from playhead.operators.changes import Shown
from playhead.state.accumulators.overflow import SumOverflowError
from playhead.state.flags import TOUCHED, saved_ones, snapshot_taken, touched_slots
from playhead.state.growable import grown
from playhead.state.keyed_slots import KeyedSlots
from playhead.state.tables import (
    REMOVED,
    column_of,
    columns_of,
    in_key_groups,
    named,
    numbers_of,
    state_table,
    without_dictionary,
)

Extra = Callable[[Int64s], Mapping[str, pa.Array]]
"""More columns for slots."""


@dataclass(frozen=True)
class AggregateColumn:
    """One aggregate of a running plan: what it is, over which arguments, and what its column is called."""

    name: str
    aggregate: Aggregate
    types: tuple[pa.DataType, ...]
    arguments: tuple[Compiled, ...]


class Groups:
    """Slots by key, with a time in front of it if there is a `prefix`, and accumulators by slot.

    Also knows which slots were touched since the last snapshot, and how many rows each holds where
    rows can be taken back, so that a group without rows can disappear.
    """

    def __init__(
        self,
        keys: Mapping[str, pa.DataType],
        columns: Sequence[AggregateColumn],
        *,
        prefix: pa.Field | None = None,
        retractable: bool,
    ) -> None:
        self.columns, self.retractable, self.prefix = tuple(columns), retractable, prefix
        self.key_names, self.key_types = tuple(keys), tuple(keys.values())
        self.keyed = KeyedSlots(self.key_types, prefix_words=0 if prefix is None else 1)
        self._rows_name = named("rows", [*keys, *(column.name for column in columns)])
        self.accumulators: list[Accumulator] = [
            column.aggregate.accumulator(column.types, retractable=retractable) for column in self.columns
        ]
        self.schema = pa.schema([(column.name, column.aggregate.result_type(column.types)) for column in self.columns])
        """Of the aggregates."""
        self.rows = np.zeros(0, np.int64)
        self.flags = np.zeros(0, np.uint8)
        self.describe: Callable[[int], str] = lambda slot: ""
        """The group of a slot in the words of the query, for errors."""
        self._removed: list[pa.Table] | None = None
        self._grow()

    def find_or_insert(self, prefix: tuple[Int64s, ...], keys: Sequence[pa.Array], rows: int) -> tuple[Int64s, Int64s]:
        """The slot of every row, and the slots that are new."""
        slots, new = self.keyed.find_or_insert(prefix, keys, rows=rows)
        if len(new) and self.keyed.capacity > len(self.flags):
            self._grow()
        return slots, new

    def add(self, slots: Int64s, batch: pa.RecordBatch, weights: Int64s) -> None:
        """Add the rows of a batch to their slots."""
        if self.retractable:
            if len(weights):
                np.add.at(self.rows, slots, weights)
            else:
                np.add.at(self.rows, slots, 1)
        for column, accumulator in zip(self.columns, self.accumulators, strict=True):
            accumulator.add(slots, [argument(batch) for argument in column.arguments], weights)

    def merge(self, slots: Int64s, other: Groups, other_slots: Int64s) -> None:
        """Add other groups' slots to slots of these."""
        if self.retractable:
            np.add.at(self.rows, slots, other.rows[other_slots])
        for mine, theirs in zip(self.accumulators, other.accumulators, strict=True):
            mine.merge(slots, theirs, other_slots)

    def results(self, slots: Int64s) -> pa.RecordBatch:
        """The aggregates of `slots`, a column each."""
        results = []
        for column, accumulator in zip(self.columns, self.accumulators, strict=True):
            try:
                results.append(accumulator.result(slots))
            except SumOverflowError as error:
                raise error.named(column.name, self.describe(error.slot)) from error
        return pa.RecordBatch.from_arrays(results, schema=self.schema)

    def shown(self, slots: Int64s) -> Shown:
        """The aggregates of `slots`, to be compared with others."""
        return Shown(slots, self.results(slots))

    def alive(self, slots: Int64s) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which of `slots` hold rows."""
        return self.rows[slots] != 0 if self.retractable else np.ones(len(slots), bool)

    def forget(self, slots: Int64s) -> None:
        """Give the slots back."""
        if not len(slots):
            return
        if self._removed is not None:
            saved = saved_ones(slots, self.flags)
            if len(saved):
                identity = self._identity(saved)
                self._removed.append(state_table(identity, list(identity), increment=True))
        for accumulator in self.accumulators:
            accumulator.reset(slots)
        if self.retractable:
            self.rows[slots] = 0
        self.flags[slots] = 0
        self.keyed.remove(slots)

    @property
    def nbytes(self) -> int:
        return self.keyed.nbytes + self.rows.nbytes + self.flags.nbytes + sum(part.nbytes for part in self.accumulators)

    @property
    def size(self) -> int:
        return self.keyed.size

    def _grow(self) -> None:
        self.grow_to(self.keyed.capacity)

    def grow_to(self, capacity: int) -> None:
        """Room for `capacity` slots; for groups that are only merged into, whose slots somebody else numbers."""
        self.flags = grown(self.flags, capacity, 0)
        if self.retractable:
            self.rows = grown(self.rows, capacity, 0)
        for accumulator in self.accumulators:
            accumulator.grow(capacity)

    # State

    def snapshot(
        self, name: str, key_groups: range | None, *, touched_only: bool, extra: Extra | None = None
    ) -> dict[str, pa.Table]:
        """The table `name`: key, prefix, a struct for each aggregate, and what `extra` gives for slots.

        `key_groups` is None for all. With `touched_only` there may also be a table of the removed keys.
        """
        slots = touched_slots(self.flags) if touched_only else self.keyed.live_slots()
        identity = self._identity(slots)
        inside = in_key_groups(key_groups, list(identity.values())[: len(self.key_names)], len(slots))
        if inside is not None:
            slots = slots[inside]
            identity = self._identity(slots)
        columns = dict(identity)
        if extra is not None:
            columns |= extra(slots)
        for column, accumulator in zip(self.columns, self.accumulators, strict=True):
            parts = {part: without_dictionary(values) for part, values in accumulator.snapshot(slots).items()}
            columns[column.name] = pa.StructArray.from_arrays(list(parts.values()), names=list(parts))
        if self.retractable or not columns:
            rows = self.rows[slots] if self.retractable else np.ones(len(slots), np.int64)
            columns[self._rows_name] = pa.array(rows)
        tables = {name: state_table(columns, list(identity), increment=touched_only)}
        if touched_only and self._removed:
            tables[REMOVED + name] = self._removed_table(key_groups)
        return tables

    @property
    def snapshots_follow(self) -> bool:
        """There has been a snapshot, so that it matters for the next one what is touched."""
        return self._removed is not None

    def snapshot_taken(self) -> None:
        """From now on "touched" means since this moment; before the first time it was of no interest."""
        if self._removed is None:
            self.flags[self.keyed.live_slots()] |= TOUCHED
        snapshot_taken(self.flags)
        self._removed = []

    def load(self, table: pa.Table) -> Int64s:
        """Add the groups of a snapshot, none of which is there with rows; returns their slots."""
        keys = [column_of(table, name, kind) for name, kind in zip(self.key_names, self.key_types, strict=True)]
        prefix = () if self.prefix is None else (numbers_of(table, self.prefix.name),)
        slots, new = self.find_or_insert(prefix, keys, table.num_rows)
        self.flags[slots] = TOUCHED
        if len(new) != len(slots):
            for accumulator in self.accumulators:
                accumulator.reset(slots)
        if self.retractable:
            self.rows[slots] = numbers_of(table, self._rows_name)
        for column, accumulator in zip(self.columns, self.accumulators, strict=True):
            if column.name in table.column_names:
                state = column_of(table, column.name)
                parts = dict(zip((field.name for field in state.type), state.flatten(), strict=True))
                accumulator.restore(slots, parts)
        return slots

    def _identity(self, slots: Int64s) -> dict[str, pa.Array]:
        """The columns that say which group is in each of `slots`."""
        columns = dict(zip(self.key_names, map(without_dictionary, self.keyed.keys(slots)), strict=True))
        if self.prefix is not None:
            columns[self.prefix.name] = pa.array(self.keyed.prefix(slots, 0)).view(self.prefix.type)
        return columns

    def _removed_table(self, key_groups: range | None) -> pa.Table:
        gone = pa.concat_tables(self._removed or [])
        inside = in_key_groups(key_groups, columns_of(gone, self.key_names), gone.num_rows)
        return gone if inside is None else gone.filter(pa.array(inside))
