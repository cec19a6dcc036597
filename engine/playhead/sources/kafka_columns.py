"""What a user wants to see of Kafka records: columns of values and keys, headers, and what Kafka says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from playhead.errors import PlanError
from playhead.schema import require_column
from playhead.sources.kafka_records import HEADERS, METADATA, RecordFormat, require_format, value_format
from playhead.sources.text_columns import as_schema, with_text_times
from playhead.sources.timing import Declared


@dataclass(frozen=True)
class KafkaColumns:
    """What the user wants to see of a record."""

    schema: pa.Schema | Mapping[str, Any]
    format: str = "json"
    key: str | Sequence[str] | None = None
    """The columns of the schema that come from the key, not from the value."""
    headers: str | None = None
    metadata: Sequence[str] | Mapping[str, str] = ()
    deleted: str | None = None
    offset: str | None = None


def record_format(columns: KafkaColumns, declared: Declared) -> tuple[RecordFormat, pa.Schema, pa.Schema]:
    """How records are read; all columns as they are read; all columns as the user gave them."""
    require_format(columns.format)
    given = as_schema(columns.schema)
    assert given is not None
    keys = [columns.key] if isinstance(columns.key, str) else list(columns.key or ())
    for name in keys:
        require_column(name, given)
    read = given if columns.format == "arrow" else with_text_times(given, declared)
    values = pa.schema([each for each in read if each.name not in keys])
    metadata = _metadata(columns.metadata)
    beside = [(name, HEADERS) for name in [columns.headers] if name is not None]
    beside += [(column, METADATA[what]) for what, column in metadata]
    for name, _ in beside:
        if name in given.names:
            raise PlanError(
                f"schema= has a column {name!r} already; call the record's otherwise: {{'offset': 'kafka_offset'}}"
            )
    if columns.deleted is not None:
        beside.append((columns.deleted, pa.bool_()))
    if not len(values) and columns.format == "csv":
        raise PlanError("no column of schema= is left for the value")
    extra = [pa.field(name, kind) for name, kind in beside]
    format = RecordFormat(
        value_format(columns.format, values, complete=not keys),  # values often have what is in the key, too
        values,
        pa.schema([read.field(name) for name in keys]),
        not (columns.key is None or isinstance(columns.key, str)),
        columns.headers,
        metadata,
        columns.deleted,
    )
    return format, pa.schema([*read, *extra]), pa.schema([*given, *extra])


def _metadata(wanted: Sequence[str] | Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    pairs = tuple(wanted.items() if isinstance(wanted, Mapping) else ((name, name) for name in wanted))
    for what, _ in pairs:
        if what not in METADATA:
            raise PlanError(f"metadata= has {what!r}, which is none of {list(METADATA)}")
    return pairs
