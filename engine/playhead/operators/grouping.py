"""What every aggregate operator does with a batch before it reaches the groups: keys, times, late rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from playhead.batch import Batch, Int64s
from playhead.expr import Compiled
from playhead.operators.groups import AggregateColumn, Groups
from playhead.operators.operator import Report
from playhead.state.columns import as_column, values_and_valid
from playhead.windows import WINDOW_END, WINDOW_START


@dataclass(frozen=True)
class Grouping:
    """An aggregate, ready to run: everything that its operators need and no plan."""

    keys: tuple[Compiled, ...]
    key_types: tuple[pa.DataType, ...]
    columns: tuple[AggregateColumn, ...]
    schema: pa.Schema
    """Of the result: keys, the window at its place, aggregates."""
    time: int | None
    """The column number of the event time in the input; None without a window."""
    time_offset: int
    window_position: int
    emits_changes: bool
    """Update mode: net changes at every epoch. Otherwise (append mode) every row once, when it is final."""
    retractable: bool
    """The input may take rows back."""
    allowed_lateness: int = 0
    emit_every: int | None = None
    dropna: bool = False
    owns_empty_key: bool = True
    """This task has the one group of an aggregate without keys."""

    def groups(self, prefix: str | None = None) -> Groups:
        """Fresh state, with a time in front of each key if that has a name: the start of its window, ..."""
        field = None if prefix is None else pa.field(prefix, self.window_type)
        groups = Groups(self.key_fields, self.columns, prefix=field, retractable=self.retractable)

        def describe(slot: int) -> str:
            slots = np.array([slot], np.int64)
            return self.group(groups.keyed.keys(slots), int(groups.keyed.prefix(slots, 0)[0]) if prefix else None)

        groups.describe = describe
        return groups

    @property
    def shows_now_and_then(self) -> bool:
        """Whether changes wait beyond their epoch."""
        return self.emits_changes and self.emit_every is not None

    @property
    def window_type(self) -> pa.DataType:
        """Of the times at which windows start and end."""
        return self.schema.field(self.window_position).type

    @property
    def key_fields(self) -> dict[str, pa.DataType]:
        """Names and types of the keys."""
        windowed = self.time is not None
        names = [name for name in self.schema.names if not (windowed and name in (WINDOW_START, WINDOW_END))]
        return dict(zip(names, self.key_types, strict=False))

    def windows(self, starts: Int64s, ends: Int64s) -> dict[str, pa.Array]:
        """The two columns of windows."""
        return {
            WINDOW_START: as_column(starts, self.window_type),
            WINDOW_END: as_column(ends, self.window_type),
        }

    def group(self, keys: Sequence[pa.Array], window_start: int | None) -> str:
        """The group of the first of `keys` in the words of the query, for errors."""
        names = [name for name in self.schema.names if window_start is None or name not in (WINDOW_START, WINDOW_END)]
        parts = [f"{name}={key[0].as_py()!r}" for name, key in zip(names, keys, strict=False)]
        if window_start is not None:
            start = pa.scalar(window_start).cast(self.window_type)
            parts.insert(self.window_position, f"{WINDOW_START}={start}")
        return ", ".join(parts)

    def times(self, batch: Batch) -> Int64s:
        """The event times of a batch."""
        assert self.time is not None
        times: Int64s = values_and_valid(batch.rows.column(self.time))[0]
        return times + self.time_offset if self.time_offset else times

    def key_arrays(self, batch: Batch) -> list[pa.Array]:
        return [key(batch.rows) for key in self.keys]

    def without_missing_keys(self, batch: Batch, report: Report) -> Batch:
        """With `dropna=True`, the rows whose keys are all there; the others are counted."""
        if not self.dropna:
            return batch
        missing: pa.Array | None = None
        for key in self.key_arrays(batch):
            gone = pc.is_null(key, nan_is_null=True)
            missing = gone if missing is None else pc.or_(missing, gone)
        if missing is None or not missing.true_count:
            return batch
        report.count("missing key", missing.true_count)
        return batch.filter(pc.invert(missing))

    def rows(
        self, window: tuple[Int64s, Int64s] | None, keys: Sequence[pa.Array], results: pa.RecordBatch
    ) -> pa.RecordBatch:
        """Result rows from their parts."""
        arrays = list(keys)
        if window is not None:
            arrays[self.window_position : self.window_position] = self.windows(*window).values()
        return pa.RecordBatch.from_arrays(arrays + results.columns, schema=self.schema)


def report_late(report: Report, batch: Batch, late: Int64s, starts: Int64s, ends: Int64s, kind: pa.DataType) -> None:
    """Keep the rows at `late`, each with the window that it missed, and count them."""
    rows = batch.rows.take(pa.array(late))
    for name, edges in ((WINDOW_START, starts), (WINDOW_END, ends)):
        if name not in rows.schema.names:
            rows = rows.append_column(pa.field(name, kind), pa.array(edges).view(kind))
    report.late.append(rows)
    report.count("late", len(late))
