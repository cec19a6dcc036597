"""Operators that treat each row by itself and keep no state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa

from playhead.batch import Batch
from playhead.expr import Compiled
from playhead.operators.operator import Operator


class FilterOperator(Operator):
    """Keep the rows whose predicate is true."""

    def __init__(self, predicate: Compiled) -> None:
        self.predicate = predicate

    def on_batch(self, index: int, batch: Batch) -> Iterable[Batch]:
        kept = batch.filter(self.predicate(batch.rows))
        return (kept,) if kept.num_rows else ()


class ProjectOperator(Operator):
    """Compute columns row by row."""

    def __init__(self, columns: Sequence[Compiled], schema: pa.Schema) -> None:
        self.columns, self.schema = columns, schema

    def on_batch(self, index: int, batch: Batch) -> Iterable[Batch]:
        arrays = [column(batch.rows) for column in self.columns]
        return (batch.with_rows(pa.RecordBatch.from_arrays(arrays, schema=self.schema)),)


class MapBatchesOperator(Operator):
    """Call the user's function on every batch."""

    def __init__(self, function: Callable[[Any], Any], schema: pa.Schema, format: str) -> None:
        from playhead.functions.udf import call_on_batch

        self.call, self.function, self.schema, self.format = call_on_batch, function, schema, format

    def on_batch(self, index: int, batch: Batch) -> Iterable[Batch]:
        rows = self.call(self.function, batch.rows, self.format, self.schema)
        return (Batch(rows),) if rows.num_rows else ()


class ConcatOperator(Operator):
    """Pass the rows of all inputs on."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema

    def on_batch(self, index: int, batch: Batch) -> Iterable[Batch]:
        return (batch.with_rows(pa.RecordBatch.from_arrays(batch.rows.columns, schema=self.schema)),)
