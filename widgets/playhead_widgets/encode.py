"""Rows as a message: a few plain words about each column, and its values as bytes where they are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

Buffer = bytes | memoryview


def column_kind(kind: pa.DataType) -> str:
    """How a column is shown: "int", "uint", "float", "time", "duration", "bool" or "text"."""
    if pa.types.is_uint64(kind):
        return "uint"
    if pa.types.is_integer(kind):
        return "int"
    if pa.types.is_floating(kind):
        return "float"
    if pa.types.is_timestamp(kind):
        return "time"
    if pa.types.is_duration(kind):
        return "duration"
    return "bool" if pa.types.is_boolean(kind) else "text"


def describe(schema: pa.Schema) -> list[dict[str, Any]]:
    """What a view has to know of each column."""
    return [
        {
            "name": field.name,
            "kind": column_kind(field.type),
            "type": str(field.type),
            "zone": field.type.tz if pa.types.is_timestamp(field.type) else None,
        }
        for field in schema
    ]


def encode(table: pa.Table) -> tuple[list[dict[str, Any]], list[Buffer]]:
    """The values of a few rows, a column at a time: `{"nulls": [...]}` and a buffer, or `{"values": [...]}`."""
    columns: list[dict[str, Any]] = []
    buffers: list[Buffer] = []
    for field, column in zip(table.schema, table.columns, strict=True):
        kind = column_kind(field.type)
        if kind in ("bool", "text"):
            columns.append({"values": _texts(column) if kind == "text" else column.to_pylist()})
            continue
        columns.append({"nulls": np.flatnonzero(column.is_null().to_numpy()).tolist() if column.null_count else []})
        buffers.append(_numbers(column, kind))
    return columns, buffers


def _numbers(column: pa.ChunkedArray, kind: str) -> Buffer:
    if kind == "float":
        return bytes(column.cast(pa.float64()).fill_null(0.0).to_numpy().tobytes())
    if kind == "time":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    if kind == "duration":
        column = column.cast(pa.duration("us"), safe=False)
    whole = column.cast(pa.uint64() if kind == "uint" else pa.int64())
    return bytes(whole.fill_null(0).to_numpy().tobytes())


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        texts: list[str | None] = column.to_pylist()
        return texts
    return [None if value is None else str(value) for value in column.to_pylist()]
