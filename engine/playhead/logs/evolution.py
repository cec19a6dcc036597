"""Which columns a log may come to have: new ones, and wider types of old ones; nothing that its rows do not fit."""

from __future__ import annotations

import pyarrow as pa

from playhead.errors import DataError, PlanError
from playhead.sources.columns import plain_schema
from playhead.sources.timing import require_unique


def stored_schema(schema: pa.Schema) -> pa.Schema:
    """The columns as a log keeps them: the engine's types, with the values of dictionaries in their place."""
    require_unique(schema.names)
    fields = []
    for field in plain_schema(schema):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if "dictionary<" in str(kind):
            raise PlanError(f"{field.name!r} has type {kind}; a log keeps no dictionaries inside of other types")
        fields.append(pa.field(field.name, kind))
    return pa.schema(fields)


def evolved(old: pa.Schema, new: pa.Schema, what: str) -> pa.Schema:
    """The columns of `old` with the wider types of `new`, and then those that only `new` has; or why that cannot be."""
    problems = differences(old, new)
    if problems:
        raise PlanError(
            f"the columns do not fit {what}: {'; '.join(problems)}. New columns and wider types are welcome; "
            "for anything else begin another log"
        )
    kept = [pa.field(field.name, new.field(field.name).type) for field in old]
    added = [pa.field(field.name, field.type) for field in new if field.name not in old.names]
    return pa.schema([*kept, *added])


def differences(old: pa.Schema, new: pa.Schema) -> list[str]:
    """Why rows of `old` cannot be rows of `new`, a line for each column; empty if they can."""
    problems = []
    for field in old:
        if field.name not in new.names:
            problems.append(f"{field.name!r} ({field.type}) is missing")
        elif not is_wider(field.type, new.field(field.name).type):
            problems.append(f"{field.name!r} is {field.type} and cannot become {new.field(field.name).type}")
    for field in new:
        if field.name not in old.names and not field.nullable:
            problems.append(f"{field.name!r} is new and not nullable, and older rows have nothing for it")
    return problems


def is_wider(old: pa.DataType, new: pa.DataType) -> bool:
    """Whether every value of `old` is one of `new`."""
    if old == new or pa.types.is_null(old):
        return True
    if pa.types.is_integer(old) and pa.types.is_integer(new):
        same_sign = pa.types.is_signed_integer(old) == pa.types.is_signed_integer(new)
        grows = bool(new.bit_width > old.bit_width)
        return grows and (same_sign or pa.types.is_signed_integer(new))
    if pa.types.is_floating(new):
        if pa.types.is_integer(old):  # of a mantissa twice as long: float64 for int32
            return bool(new.bit_width >= 2 * old.bit_width)
        return pa.types.is_floating(old) and bool(new.bit_width > old.bit_width)
    if pa.types.is_decimal(old) and pa.types.is_decimal(new):
        whole = new.precision - new.scale >= old.precision - old.scale
        return bool(new.scale >= old.scale and whole)
    if pa.types.is_timestamp(old) and pa.types.is_timestamp(new):
        units = ["s", "ms", "us"]
        return old.tz == new.tz and old.unit in units and new.unit in units[units.index(old.unit) :]
    return False


def as_columns(rows: pa.RecordBatch, schema: pa.Schema, what: str) -> pa.RecordBatch:
    """Rows that were written under other columns in those of `schema`: widened, and null where they had nothing."""
    if rows.schema.equals(schema):
        return rows
    if not schema.names:
        return rows.select([])
    arrays = []
    for field in schema:
        index = rows.schema.get_field_index(field.name)
        array = pa.nulls(rows.num_rows, field.type) if index < 0 else rows.column(index)
        try:
            arrays.append(array if array.type == field.type else array.cast(field.type))
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{what}: {field.name!r} is {array.type} by now and does not fit {field.type}: {error}"
            ) from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
