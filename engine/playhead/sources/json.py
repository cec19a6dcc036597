"""JSON lines as a text format: one object a line, fields of the declared types."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from playhead.errors import DataError
from playhead.sources.text_blocks import numbered, one_batch

ENDINGS = tuple(f"{name}{packed}" for name in (".jsonl", ".ndjson", ".json") for packed in ("", ".gz", ".bz2", ".zst"))
MOST_CONFLICTS = 100
"""How many objects may have fields of another type before the columns count as unknown."""


@dataclass(frozen=True)
class JsonFormat:
    """One JSON object a line; a field that an object lacks is null."""

    schema: pa.Schema | None = None
    """What to read of each object; None while it is not known yet."""
    complete: bool = True
    """Whether a field outside of the schema is a surprise, and not one that nobody asked for."""
    surprises: set[str] = field(default_factory=set, compare=False)
    """Fields that were met and are not in the schema; each is warned of once."""

    has_header = False

    def header(self, path: str, head: bytes) -> tuple[int, tuple[str, ...]]:
        """There is none."""
        return 0, ()

    def cut(self, data: bytes) -> int:
        """Up to the last newline."""
        return data.rfind(b"\n") + 1

    def records(self, data: bytes) -> list[bytes]:
        """The lines, blank ones too, each with its newline."""
        lines = data.split(b"\n")
        whole = [line + b"\n" for line in lines[:-1]]
        return whole if not lines[-1] else [*whole, lines[-1]]

    def infer(self, data: bytes, names: Sequence[str]) -> pa.Schema:
        """Names and types of the fields, from some lines that may have bad ones among them."""
        good = [record for _, record in numbered(self.records(data), 1) if _is_object(record)]
        for _ in range(MOST_CONFLICTS):
            if not good:
                return pa.schema([])
            try:
                found = _read(b"".join(good), None, "infer").schema
            except pa.ArrowInvalid as error:
                row = str(error).rpartition(" in row ")[2]
                if not row.isdigit() or int(row) >= len(good):
                    raise DataError(
                        f"the types of the fields cannot be told: {error}; pass them with schema="
                    ) from error
                del good[int(row)]
            else:
                return pa.schema([(each.name, _inferred(each.type)) for each in found])
        raise DataError("the same fields have different types in different lines; pass their types with schema=")

    def parse(self, data: bytes, names: Sequence[str]) -> pa.RecordBatch:
        """Some lines as rows; raises if one of them does not fit."""
        assert self.schema is not None
        if not data.isascii():
            data.decode()
        readable = pa.schema([(each.name, _readable(each.type)) for each in self.schema])
        surprise = "error" if self.complete and not self.surprises else "ignore"
        try:
            table = _read(data, readable, surprise)
        except pa.ArrowInvalid as error:
            if "unexpected field" not in str(error):
                raise
            table = _read(data, readable, "ignore")
            self._warn(data)
        rows = one_batch(table)
        columns = [_typed(column, each.type) for column, each in zip(rows.columns, self.schema, strict=True)]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def why(self, error: Exception, names: Sequence[str]) -> str:
        """What was wrong with a line, in words."""
        if isinstance(error, UnicodeDecodeError):
            return f"broken UTF-8 at byte {error.start}"
        return str(error).removesuffix(" in row 0")

    def _warn(self, data: bytes) -> None:
        assert self.schema is not None
        for record in self.records(data):
            more = [name for name in json.loads(record) if name not in self.schema.names] if record.strip() else []
            if more:
                self.surprises.add(more[0])
                break
        name = repr(min(self.surprises)) if self.surprises else "a field of an object within an object"
        self.surprises.add("")
        warnings.warn(
            f"JSON has {name}, which is not in the schema, so that it is not read; name it in schema= to read it",
            stacklevel=2,
        )


def _read(data: bytes, schema: pa.Schema | None, unexpected: str) -> pa.Table:
    return pyarrow.json.read_json(
        pa.py_buffer(data),
        read_options=pyarrow.json.ReadOptions(block_size=len(data) + 1),
        parse_options=pyarrow.json.ParseOptions(
            explicit_schema=schema, newlines_in_values=False, unexpected_field_behavior=unexpected
        ),
    )


def _is_object(record: bytes) -> bool:
    try:
        return isinstance(json.loads(record.decode()), dict)
    except ValueError:
        return False


def _inferred(kind: pa.DataType) -> pa.DataType:
    """Text that looks like a time stays text: half of the time it would look different further down."""
    return pa.string() if pa.types.is_null(kind) or pa.types.is_timestamp(kind) else kind


def _typed(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_time(kind):  # Arrow reads times of day only behind a date
        moments = pc.binary_join_element_wise("1970-01-01T", values, "").cast(pa.timestamp(kind.unit))
        return moments.cast(kind)
    return values if values.type == kind else values.cast(kind)


def _readable(kind: pa.DataType) -> pa.DataType:
    """The type that JSON has for values of `kind`."""
    if pa.types.is_date(kind) or pa.types.is_time(kind):
        return pa.string()
    if pa.types.is_duration(kind):
        return pa.int64()
    if pa.types.is_dictionary(kind):
        return _readable(kind.value_type)
    return pa.float32() if pa.types.is_float16(kind) else kind
