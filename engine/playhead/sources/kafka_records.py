"""From Kafka records to rows: the values of many records are parsed at once, the bad ones among them are told apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from playhead.batch import Int64s
from playhead.errors import DataError, PlanError, did_you_mean
from playhead.sources.columns import conform
from playhead.sources.csv import CsvFormat
from playhead.sources.json import JsonFormat
from playhead.sources.salvage import Salvaged, salvage

FORMATS = ("json", "csv", "arrow")
HEADERS = pa.map_(pa.string(), pa.binary())
METADATA = {
    "partition": pa.int32(),
    "offset": pa.int64(),
    "timestamp": pa.timestamp("ms", tz="UTC"),
}
"""What Kafka itself says of a record, beside key, value and headers."""

END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""How a stream of Arrow IPC ends."""

OPEN, CLOSE = ord("{"), ord("}")


class Record(Protocol):
    """A record as the client library hands it out."""

    def value(self) -> Any: ...
    def key(self) -> Any: ...
    def headers(self) -> Any: ...
    def offset(self) -> Any: ...
    def partition(self) -> Any: ...
    def timestamp(self) -> tuple[int, int]: ...


class ValueFormat(Protocol):
    """How rows stand in the values of records."""

    def parse(self, values: Sequence[bytes]) -> tuple[pa.RecordBatch, Int64s | None]:
        """The rows of some values, and how many each value has (None: one each); raises if a value does not fit."""
        ...

    def why(self, error: Exception) -> str:
        """What was wrong with a value that stands alone, in words."""
        ...


@dataclass(frozen=True)
class JsonValues:
    """One JSON object a record."""

    format: JsonFormat

    def parse(self, values: Sequence[bytes]) -> tuple[pa.RecordBatch, Int64s | None]:
        _require_objects(values)
        rows = self.format.parse(b"\n".join(values), ())
        if rows.num_rows != len(values):
            raise ValueError(f"{rows.num_rows} JSON objects where there is to be one")
        return rows, None

    def why(self, error: Exception) -> str:
        return self.format.why(error, ())


@dataclass(frozen=True)
class CsvValues:
    """One line of CSV a record, without a header: the columns stand in the order of the schema."""

    format: CsvFormat

    def parse(self, values: Sequence[bytes]) -> tuple[pa.RecordBatch, Int64s | None]:
        data = b"\n".join(values)
        if data.count(b"\n") + 1 != len(values):
            data = b"\n".join([value.rstrip(b"\r\n") for value in values])
            if len(values) > 1 and data.count(b"\n") + 1 != len(values):
                raise ValueError("a cell that has several lines is parsed alone")
        rows = self.format.parse(data, self.format.names or ())
        if rows.num_rows != len(values):
            raise ValueError(f"{rows.num_rows} lines of CSV where there is to be one")
        return rows, None

    def why(self, error: Exception) -> str:
        return self.format.why(error, self.format.names or ())


@dataclass(frozen=True)
class ArrowValues:
    """A stream of Arrow IPC a record: a schema and any number of rows."""

    schema: pa.Schema

    def parse(self, values: Sequence[bytes]) -> tuple[pa.RecordBatch, Int64s | None]:
        try:
            tables = _tables(values)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f"no stream of Arrow IPC: {error}") from error
        counts = np.fromiter((table.num_rows for table in tables), np.int64, len(tables))
        try:
            chosen = [table.select(self.schema.names) for table in tables]
        except KeyError as error:
            raise DataError(str(error.args[0])) from error
        batches = pa.concat_tables(chosen).combine_chunks().to_batches()
        rows = batches[0] if batches else pa.RecordBatch.from_pylist([], schema=self.schema)
        return conform(rows, self.schema), counts

    def why(self, error: Exception) -> str:
        return str(error)


def _tables(values: Sequence[bytes]) -> list[pa.Table]:
    """The rows of each value, looked through so that broken ones do no harm."""
    tables = _batch_each(values) or [pa.ipc.open_stream(pa.py_buffer(value)).read_all() for value in values]
    for table in tables:
        table.validate(full=True)
    return tables


def _batch_each(values: Sequence[bytes]) -> list[pa.Table]:
    """The tables of streams of one batch and the same schema, read as one stream; nothing if they are not like that."""
    length = 8 + int.from_bytes(values[0][4:8], "little") if values else 0
    prefix = values[0][:length] if values else b""
    if len(values) < 2 or not all(value.startswith(prefix) and value.endswith(END_OF_STREAM) for value in values):
        return []
    source = pa.BufferReader(b"".join([prefix, *(value[length:-8] for value in values), END_OF_STREAM]))
    reader, tables, end = pa.ipc.open_stream(source), [], length
    for value in values:
        end += len(value) - length - len(END_OF_STREAM)
        batch = next(reader, None)
        if batch is None or source.tell() != end:
            return []
        tables.append(pa.Table.from_batches([batch]))
    return tables


def _require_objects(values: Sequence[bytes]) -> None:
    """Values that begin and end like an object: as many objects as values are then one object in each.

    A value with two objects and one with none, or a part of one, would else pass as two values with one each.
    """
    array = pa.array(values, pa.binary())
    offsets = np.frombuffer(array.buffers()[1], np.int32, len(values) + 1)
    data = np.frombuffer(array.buffers()[2] or b"", np.uint8)
    if (
        (offsets[1:] > offsets[:-1]).all()
        and (data[offsets[:-1]] == OPEN).all()
        and (data[offsets[1:] - 1] == CLOSE).all()
    ):
        return
    for value in values:
        text = value.strip()
        if not (text.startswith(b"{") and text.endswith(b"}")):
            raise ValueError("not a JSON object" if text else "an empty value")


def value_format(format: str, schema: pa.Schema, *, complete: bool) -> ValueFormat:
    """How values of the columns of `schema` are read; `complete`: a field of JSON beside them is a surprise."""
    if format == "json":
        return JsonValues(JsonFormat(schema, complete))
    if format == "csv":
        return CsvValues(CsvFormat(names=tuple(schema.names), schema=schema))
    return ArrowValues(schema)


def require_format(format: str) -> None:
    """Refuse a format that nobody knows."""
    if format not in FORMATS:
        raise PlanError(f"format={format!r} is none of {list(FORMATS)}{did_you_mean(format, FORMATS)}")


@dataclass(frozen=True)
class RecordFormat:
    """How a record becomes rows: columns of its value, of its key, its headers, and what Kafka says of it."""

    values: ValueFormat
    value_schema: pa.Schema
    keys: pa.Schema
    """The columns that come from the key: one is the key as text, several are fields of a JSON object."""
    key_object: bool = False
    headers: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    """(what, column)"""
    deleted: str | None = None
    """The column that says of a record that it has no value and so deletes its key."""

    def rows(self, records: Sequence[Record], extras: Sequence[str]) -> tuple[Salvaged[Record], list[Int64s]]:
        """What became of some records, and how many rows each good one gave (by batch; none: one each).

        Headers and metadata are made only where `extras` names them.
        """
        counts: list[Int64s] = []

        def convert(part: Sequence[Record]) -> pa.RecordBatch:
            rows, number = self._values(part)
            columns = dict(zip(rows.schema.names, rows.columns, strict=True))
            beside = [*self._keys(part), *self._extras(part, extras)]
            for name, array in beside:
                columns[name] = (
                    array if number is None else array.take(pa.array(np.repeat(np.arange(len(part)), number)))
                )
            batch = pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
            if number is not None:
                counts.append(number)
            return batch

        return salvage(records, convert, self._why), counts

    def _values(self, records: Sequence[Record]) -> tuple[pa.RecordBatch, Int64s | None]:
        values = [record.value() for record in records]
        if None not in values:
            return self.values.parse(values)
        if self.deleted is None:
            raise ValueError("the record has no value; with upsert_key= it would delete the row of its key")
        there = [value for value in values if value is not None]
        rows, counts = self.values.parse(there) if there else (_nothing(self.value_schema), None)
        if counts is not None and (counts != 1).any():
            raise ValueError("with upsert_key= a record has one row")
        missing = np.fromiter((value is None for value in values), bool, len(values))
        places = pa.array(np.cumsum(~missing) - 1, mask=missing)
        return rows.take(places), None

    def _keys(self, records: Sequence[Record]) -> list[tuple[str, pa.Array]]:
        if not len(self.keys):
            return []
        keys = [record.key() for record in records]
        if None in keys and (self.key_object or self.deleted is not None):
            raise ValueError("the record has no key")
        if not self.key_object:
            (field,) = self.keys
            return [(field.name, _of_text(pa.array(keys, pa.binary()), field))]
        try:
            rows, _ = JsonValues(JsonFormat(self.keys, complete=False)).parse(keys)
        except (pa.ArrowInvalid, ValueError) as error:
            raise ValueError(f"key: {error}") from error
        return list(zip(rows.schema.names, rows.columns, strict=True))

    def _extras(self, records: Sequence[Record], wanted: Sequence[str]) -> list[tuple[str, pa.Array]]:
        found: list[tuple[str, pa.Array]] = []
        if self.headers is not None and self.headers in wanted:
            found.append((self.headers, pa.array([_pairs(record.headers()) for record in records], HEADERS)))
        for what, column in self.metadata:
            if column in wanted:
                read = READ[what]
                found.append((column, pa.array([read(record) for record in records], METADATA[what])))
        if self.deleted is not None:
            found.append((self.deleted, pa.array([record.value() is None for record in records], pa.bool_())))
        return found

    def _why(self, error: Exception) -> str:
        return self.values.why(error)


READ: dict[str, Callable[[Record], Any]] = {
    "partition": lambda record: record.partition(),
    "offset": lambda record: record.offset(),
    "timestamp": lambda record: _milliseconds(*record.timestamp()),
}


def _milliseconds(kind: int, moment: int) -> int | None:
    return moment if kind else None


def _pairs(headers: Any) -> Any:
    """Headers as a map has them; none are an empty map."""
    return [(name, value.encode() if isinstance(value, str) else value) for name, value in headers or ()]


def _of_text(keys: pa.Array, field: pa.Field) -> pa.Array:
    """Keys as values of a column: bytes as they are, all else from UTF-8 text."""
    if pa.types.is_binary(field.type):
        return keys
    try:
        text = keys.cast(pa.string())
        return text if field.type == text.type else text.cast(field.type)
    except pa.ArrowInvalid as error:
        reason = "broken UTF-8" if "UTF8" in str(error) else re.sub(r"^.*?: ", "", str(error))
        raise ValueError(f"key, column {field.name!r}: {reason}") from error


def _nothing(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)


@dataclass
class Places:
    """Which record each row came from."""

    records: Sequence[Record]
    counts: Sequence[Int64s] = field(default_factory=list)

    def record(self, row: int) -> Record:
        if not self.counts:
            return self.records[row]
        ends = np.cumsum(np.concatenate(self.counts))
        return self.records[int(np.searchsorted(ends, row, side="right"))]


def place(record: Record) -> str:
    """Where a record stands, for people."""
    return f"partition {record.partition()}, offset {record.offset()}"


def text(record: Record) -> str:
    """What a record says, for people."""
    value = record.value()
    return "" if value is None else bytes(value).decode(errors="backslashreplace")
