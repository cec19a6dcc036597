"""Which columns files of lines have, and how their times are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from playhead.errors import PlanError
from playhead.functions.type_names import named_type
from playhead.sources.columns import plain_type
from playhead.sources.timing import Declared


def as_schema(schema: pa.Schema | Mapping[str, Any] | None) -> pa.Schema | None:
    """Names and types as the user gave them: a schema, or `{name: type}` with any name of a type."""
    if schema is None or isinstance(schema, pa.Schema):
        return schema
    return pa.schema([(name, named_type(kind)) for name, kind in schema.items()])


def with_text_times(schema: pa.Schema, declared: Declared) -> pa.Schema:
    """Event time and arrival are read as text (as integers if they have a unit), so that each bad one can be told."""
    fields = []
    for field in schema:
        kind = field.type
        textual = pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_string(plain_type(kind))
        if field.name in (declared.time, declared.arrival) and textual:
            kind = pa.int64() if declared.unit is not None else pa.string()
        fields.append((field.name, kind))
    return pa.schema(fields)


def with_zone(declared: Declared, given: pa.Schema | None) -> Declared:
    """A zone that the schema gives the event time counts as tz=."""
    index = -1 if given is None or declared.time is None else given.get_field_index(declared.time)
    zone = getattr(given.field(index).type, "tz", None) if given is not None and index >= 0 else None
    if zone is not None and declared.tz not in (None, zone):
        raise PlanError(f"schema= gives {declared.time!r} the zone {zone}, and tz= says {declared.tz}")
    return replace(declared, tz=zone) if zone is not None else declared
