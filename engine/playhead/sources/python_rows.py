"""Rows that are Python objects (dicts, tuples, pandas, Arrow) as batches of declared columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from playhead.errors import ColumnNotFoundError, DataError, PlanError
from playhead.sources.columns import plain_schema
from playhead.sources.salvage import UNREADABLE
from playhead.sources.timing import require_unique


def is_table(item: Any) -> bool:
    """Whether an object is many rows in columns: Arrow's, pandas', polars'."""
    return _is_pandas(item) or hasattr(item, "__arrow_c_stream__") or hasattr(item, "__arrow_c_array__")


def as_table(item: Any) -> pa.Table:
    """An object with many rows as an Arrow table; an index is left out."""
    if _is_pandas(item):
        return pa.Table.from_pandas(item, preserve_index=False)
    return pa.table(item) if hasattr(item, "__arrow_c_stream__") else pa.Table.from_batches([pa.record_batch(item)])


def fit_table(item: Any, schema: pa.Schema) -> pa.RecordBatch:
    """The rows of a table in the columns and types of `schema`."""
    table = as_table(item)
    require_unique(table.schema.names)
    for name in table.schema.names:
        if name not in schema.names:
            raise ColumnNotFoundError(name, schema.names)
    missing = [name for name in schema.names if name not in table.schema.names]
    if missing:
        raise DataError(f"the columns {missing} are missing; there is {table.schema.names}")
    batches = table.select(schema.names).cast(schema).combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema)


def fit_rows(rows: Sequence[Any], schema: pa.Schema) -> pa.RecordBatch:
    """Dicts (by name; what lacks is null) or tuples (by place) as a batch; raises if a value does not fit."""
    dicts = [row if isinstance(row, Mapping) else _named(row, schema) for row in rows]
    for field in schema:
        if pa.types.is_timestamp(field.type) and field.type.tz is None:
            _refuse_zones(field.name, dicts)
    return pa.RecordBatch.from_pylist(dicts, schema=schema)


def fit(rows: Any, schema: pa.Schema) -> pa.RecordBatch:
    """Whatever has rows (a dict, a tuple, a list of those, a table) as a batch; or the error that says why not."""
    try:
        if is_table(rows):
            return fit_table(rows, schema)
        listed = rows_of(rows)
        for name in sorted(unknown_names(listed, schema), key=str):
            raise ColumnNotFoundError(name, schema.names)
        return fit_rows(listed, schema)
    except ColumnNotFoundError:
        raise
    except UNREADABLE as error:
        columns = ", ".join(f"{field.name}: {field.type}" for field in schema)
        raise DataError(f"the rows do not fit the columns {columns}: {error}") from error


def unknown_names(rows: Sequence[Any], schema: pa.Schema) -> set[str]:
    """Keys of dicts that are no columns."""
    names = set(schema.names)
    return {name for row in rows if isinstance(row, Mapping) and not row.keys() <= names for name in row.keys() - names}


def rows_of(item: Any) -> list[Any]:
    """A row, or a list of rows, as a list."""
    if isinstance(item, Mapping | tuple):
        return [item]
    if isinstance(item, list) and all(isinstance(row, Mapping | tuple) for row in item):
        return item
    raise TypeError(
        f"a row is a dict or a tuple, many are a list of those, an Arrow table or a DataFrame; not {item!r:.80}"
    )


def infer_schema(item: Any) -> pa.Schema:
    """Names and types of the columns, from the first rows."""
    if is_table(item):
        return plain_schema(as_table(item).schema)
    try:
        rows = rows_of(item)
    except TypeError as error:
        raise PlanError(str(error)) from error
    if not rows or isinstance(rows[0], tuple):
        raise PlanError("tuples and empty lists do not say what the columns are; pass schema= with names and types")
    table = pa.Table.from_pylist(rows)
    for field in table.schema:
        if pa.types.is_null(field.type):
            raise PlanError(f"the first row has nothing in {field.name!r}, so that its type is unknown; pass schema=")
    return plain_schema(table.schema)


def _named(row: Any, schema: pa.Schema) -> dict[str, Any]:
    if not isinstance(row, tuple) or len(row) != len(schema):
        raise ValueError(f"{len(row)} values where there are {len(schema)} columns")
    return dict(zip(schema.names, row, strict=True))


def _refuse_zones(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Arrow would drop the zone of a time without a word."""
    for row in rows:
        value = row.get(name)
        if isinstance(value, datetime) and value.tzinfo is not None:
            raise ValueError(f"{name!r} has a zone in {value}; declare the column as 'timestamp[us, tz=UTC]'")


def _is_pandas(item: Any) -> bool:
    return type(item).__module__.partition(".")[0] == "pandas" and hasattr(item, "columns")
