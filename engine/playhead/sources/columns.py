"""Column types as the engine has them: one layout for text and bytes, no metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from playhead.errors import PlanError
from playhead.schema import require_column


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type that the engine uses for values of `kind`: large and view layouts become the ordinary ones."""
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_dictionary(kind):
        return pa.dictionary(pa.int32(), plain_type(kind.value_type))
    if pa.types.is_decimal32(kind) or pa.types.is_decimal64(kind):
        return pa.decimal128(kind.precision, kind.scale)
    return kind


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The columns as the engine has them."""
    return pa.schema([pa.field(field.name, plain_type(field.type)) for field in schema])


def chosen(schema: pa.Schema, columns: Sequence[str] | None) -> pa.Schema:
    """Only the named columns, in that order."""
    return schema if columns is None else pa.schema([require_column(name, schema) for name in columns])


def conform(rows: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The columns of `schema`, in its order and types; zero-copy where the layout fits already."""
    arrays = [rows.column(field.name) for field in schema]
    if not arrays:
        return rows.select([])
    cast = [
        array if array.type == field.type else array.cast(field.type)
        for array, field in zip(arrays, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(cast, schema=schema)


def require_declared(columns: Sequence[str] | None, declared: Mapping[str, str | Sequence[str] | None]) -> None:
    """Refuse a choice of columns without those that the user says something of, such as {"event time": "departed"}."""
    for what, names in declared.items():
        for name in [names] if isinstance(names, str) else names or ():
            if columns is not None and name not in columns:
                raise PlanError(f"columns= must include the {what} {name!r}")
