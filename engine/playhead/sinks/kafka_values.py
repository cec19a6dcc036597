"""From rows to the keys and values of Kafka records: whole columns are turned into text, not row by row."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from playhead.errors import PlanError
from playhead.sources.csv import CsvFormat

LARGEST = 512 * 1024
"""So many bytes of rows go into one record of Arrow IPC, at most; brokers refuse those of more than a million."""

SPECIAL = '["\\\\\\x00-\\x1f]'
ESCAPES = {"\\": "\\\\", '"': '\\"', **{chr(code): json.dumps(chr(code))[1:-1] for code in range(32)}}


def require_types(schema: pa.Schema, format: str) -> None:
    """Refuse columns whose values the format does not have."""
    for field in schema if format != "arrow" else ():
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        nested = pa.types.is_nested(kind) and (format == "csv" or pa.types.is_map(kind))
        if nested or pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind) or pa.types.is_large_binary(kind):
            raise PlanError(
                f"column {field.name!r} is {field.type}, which format={format!r} does not have; use format='arrow'"
            )


def values_of(rows: pa.Table, format: str) -> list[bytes]:
    """The value of each row, as a record of its own."""
    if format == "json":
        return json_objects(rows)
    if format == "csv":
        return csv_lines(rows)
    return [_stream(rows.slice(row, 1)) for row in range(rows.num_rows)]


def json_objects(rows: pa.Table) -> list[bytes]:
    """Each row as an object of JSON; what is null, infinite or not a number is null.

    Examples
    --------
    >>> json_objects(pa.table({"at": pa.array([0], pa.timestamp("us", "UTC")), "n": [1.5], "name": ['a "b"']}))
    [b'{"at":"1970-01-01T00:00:00.000000Z","n":1.5,"name":"a \\\\"b\\\\""}']
    """
    if not rows.num_rows:
        return []
    rows = rows.combine_chunks()
    pieces: list[pa.Array | pa.Scalar] = []
    for number, name in enumerate(rows.schema.names):
        pieces.append(pa.scalar(f"{',' if number else '{'}{json.dumps(name, ensure_ascii=False)}:", pa.large_string()))
        pieces.append(_json(_one(rows.column(number))).cast(pa.large_string()))
    joined = pc.binary_join_element_wise(*pieces, pa.scalar("}", pa.large_string()), pa.scalar("", pa.large_string()))
    return list(joined.cast(pa.large_binary()).to_pylist())


def csv_lines(rows: pa.Table) -> list[bytes]:
    """Each row as a line of CSV without its newline."""
    sink = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False)
    pyarrow.csv.write_csv(_plain_columns(rows), sink, options)
    return [line.removesuffix(b"\n") for line in CsvFormat().records(sink.getvalue().to_pybytes())]


def arrow_streams(rows: pa.Table, keys: Sequence[bytes | None] | None) -> list[tuple[bytes | None, bytes]]:
    """Rows as streams of Arrow IPC: those of one key together, in their order, in records that brokers take."""
    parts: list[tuple[bytes | None, pa.Table]]
    if keys is None:
        parts = [(None, rows)] if rows.num_rows else []
    else:
        places: dict[bytes | None, list[int]] = {}
        for row, key in enumerate(keys):
            places.setdefault(key, []).append(row)
        parts = [(key, rows.take(some)) for key, some in places.items()]
    return [(key, _stream(piece)) for key, part in parts for piece in _cut(part)]


def _cut(rows: pa.Table) -> list[pa.Table]:
    each = max(1, LARGEST // max(1, rows.nbytes // rows.num_rows))
    return [rows.slice(start, each) for start in range(0, rows.num_rows, each)]


def _stream(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows.combine_chunks())
    return bytes(sink.getvalue().to_pybytes())


def key_texts(rows: pa.Table, column: str) -> list[bytes | None]:
    """The values of a column as keys: text in UTF-8, bytes as they are."""
    values = _one(rows.column(column))
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_timestamp(values.type):
        values = _iso(values)
    text = values if pa.types.is_binary(values.type) else values.cast(pa.string()).cast(pa.binary())
    return list(text.to_pylist())


def _one(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.array([], column.type)])


def _json(values: pa.Array) -> pa.Array:
    """Each value as JSON."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _json(values.cast(kind.value_type))
    if pa.types.is_nested(kind):
        return pa.array([json.dumps(value, default=str) for value in values.to_pylist()], pa.string())
    if pa.types.is_floating(kind):
        values = pc.if_else(pc.is_finite(values), values, pa.scalar(None, kind))
    if pa.types.is_duration(kind):
        values = values.cast(pa.int64())
    if pa.types.is_timestamp(kind):
        return _quoted(_iso(values))
    text = values.cast(pa.string())
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return _quoted(text)
    return (
        _quoted(_escaped(text))
        if pa.types.is_string(kind) or pa.types.is_large_string(kind)
        else text.fill_null("null")
    )


def _iso(values: pa.Array) -> pa.Array:
    """Times in ISO 8601; those with a zone as UTC."""
    if values.type.tz is None:
        return pc.strftime(values, format="%Y-%m-%dT%H:%M:%S")
    return pc.strftime(values.cast(pa.timestamp(values.type.unit, "UTC")), format="%Y-%m-%dT%H:%M:%SZ")


def _quoted(text: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', text, '"', "").fill_null("null")


def _escaped(text: pa.Array) -> pa.Array:
    if not pc.any(pc.match_substring_regex(text, SPECIAL)).as_py():
        return text
    for character, escaped in ESCAPES.items():
        if pc.any(pc.match_substring(text, character)).as_py():
            text = pc.replace_substring(text, character, escaped)
    return text


def _plain_columns(rows: pa.Table) -> pa.Table:
    """Columns that Arrow can write as CSV, and as what the reader of CSV here takes."""
    for number, field in enumerate(rows.schema):
        column = rows.column(number)
        if pa.types.is_dictionary(field.type):
            column = column.cast(field.type.value_type)
        if pa.types.is_timestamp(column.type):
            column = pa.chunked_array([_iso(chunk) for chunk in column.chunks], pa.string())
        rows = rows.set_column(number, field.name, column)
    return rows
