"""The groups of an aggregate: a slot for every key, and an accumulator column for every aggregate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator, Aggregate
from playhead.batch import Int64s
from playhead.expr import Compiled
from playhead.operators.changes import Shown
from playhead.state.accumulators.overflow import SumOverflowError
from playhead.state.growable import grown
from playhead.state.key_groups import key_groups as key_groups_of
from playhead.state.keyed_slots import KeyedSlots


@dataclass(frozen=True)
class AggregateColumn:
    """One aggregate of a running plan: what it is, over which arguments, and what its column is called."""

    name: str
    aggregate: Aggregate
    types: tuple[pa.DataType, ...]
    arguments: tuple[Compiled, ...]


class Groups:
    """Slots by key, `prefix` int64 words in front of each key (a window), and accumulators by slot.

    Also knows which slots were touched since the last snapshot, and how many rows each holds where
    rows can be taken back, so that a group without rows can disappear.
    """

    def __init__(
        self, key_types: Sequence[pa.DataType], columns: Sequence[AggregateColumn], *, prefix: int, retractable: bool
    ) -> None:
        self.columns, self.retractable, self.prefix = tuple(columns), retractable, prefix
        self.key_types = tuple(key_types)
        self.keyed = KeyedSlots(key_types, prefix_words=prefix)
        self.accumulators: list[Accumulator] = [
            column.aggregate.accumulator(column.types, retractable=retractable) for column in self.columns
        ]
        self.schema = pa.schema([(column.name, column.aggregate.result_type(column.types)) for column in self.columns])
        """Of the aggregates."""
        self.rows = np.zeros(0, np.int64)
        self.flags = np.zeros(0, np.uint8)
        self.describe: Callable[[int], str] = lambda slot: ""
        """The group of a slot in the words of the query, for errors."""
        self._removed: list[tuple[list[Int64s], list[pa.Array]]] | None = None
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
            self._removed.append((self.prefixes(slots), self.keyed.keys(slots)))
        for accumulator in self.accumulators:
            accumulator.reset(slots)
        if self.retractable:
            self.rows[slots] = 0
        self.flags[slots] = 0
        self.keyed.remove(slots)

    def prefixes(self, slots: Int64s) -> list[Int64s]:
        return [self.keyed.prefix(slots, number) for number in range(self.prefix)]

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

    # Snapshots

    def snapshot(
        self, key_groups: range, *, touched_only: bool, extra: Callable[[Int64s], dict[str, pa.Array]] | None = None
    ) -> dict[str, pa.Table]:
        """`groups`: key, prefix and state of the slots in `key_groups`; `removed`: keys gone since the last time."""
        slots = self.keyed.live_slots()
        if touched_only:
            slots = slots[self.flags[slots] & 2 != 0]
        slots = slots[self._in_groups(self.keyed.keys(slots), len(slots), key_groups)]
        columns: dict[str, pa.Array] = self._key_columns(self.prefixes(slots), self.keyed.keys(slots))
        if self.retractable:
            columns["rows"] = pa.array(self.rows[slots])
        for number, accumulator in enumerate(self.accumulators):
            columns |= {f"{number}.{name}": values for name, values in accumulator.snapshot(slots).items()}
        if extra is not None:
            columns |= extra(slots)
        tables = {"groups": pa.table(columns) if columns else pa.table({"slot": pa.array(slots)})}
        if touched_only and self._removed:
            removed = [self._removed_table(prefix, keys, key_groups) for prefix, keys in self._removed]
            tables["removed"] = pa.concat_tables(removed)
        return tables

    def snapshot_taken(self) -> None:
        """From now on "touched" means since this moment."""
        self.flags &= 0xFD
        self._removed = []

    def restore(self, table: pa.Table) -> Int64s:
        """Add the `groups` of a snapshot; returns their slots."""
        prefix = tuple(
            np.asarray(table[f"prefix{number}"].combine_chunks()).astype(np.int64) for number in range(self.prefix)
        )
        keys = [_one(table[f"key{number}"]) for number in range(len(self.key_types))]
        slots, new = self.find_or_insert(prefix, keys, table.num_rows)
        if len(new) != len(slots):
            self._reset(slots)
        if self.retractable:
            self.rows[slots] = np.asarray(table["rows"].combine_chunks())
        for number, accumulator in enumerate(self.accumulators):
            names = [name for name in table.column_names if name.startswith(f"{number}.")]
            accumulator.restore(slots, {name.split(".", 1)[1]: _one(table[name]) for name in names})
        return slots

    def _reset(self, slots: Int64s) -> None:
        for accumulator in self.accumulators:
            accumulator.reset(slots)

    def _key_columns(self, prefix: Sequence[Int64s], keys: Sequence[pa.Array]) -> dict[str, pa.Array]:
        columns = {f"prefix{number}": pa.array(words) for number, words in enumerate(prefix)}
        return columns | {f"key{number}": values for number, values in enumerate(keys)}

    def _removed_table(self, prefix: list[Int64s], keys: list[pa.Array], key_groups: range) -> pa.Table:
        rows = len(prefix[0]) if prefix else len(keys[0]) if keys else 0
        table = pa.table(self._key_columns(prefix, keys))
        return table.filter(pa.array(self._in_groups(keys, rows, key_groups)))

    def _in_groups(
        self, keys: Sequence[pa.Array], rows: int, key_groups: range
    ) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        if not keys:
            return np.full(rows, 0 in key_groups)
        groups = key_groups_of(keys)
        return (groups >= key_groups.start) & (groups < key_groups.stop)


def _one(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
