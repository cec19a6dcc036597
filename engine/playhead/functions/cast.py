"""`astype`: the same values in another type, or an error that names the first value that does not fit."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from playhead.expr import Function, Values
from playhead.functions.operands import DECIMAL, DICTIONARY, INTEGER, KINDS, decoded, null_like


def cast(values: Values, *, data_type: pa.DataType) -> Values:
    """The values as `data_type`; NaN becomes null where there is no NaN."""
    if values.type == data_type:
        return values
    values, target = decoded(values), KINDS.get(data_type.id)
    if target == DICTIONARY:
        return _encoded(values, data_type)
    match KINDS.get(values.type.id), target:
        case ("float", "integer" | "decimal" | "duration" | "timestamp"):
            values = pc.if_else(pc.is_nan(values), null_like(values), values)
            values = values if target in (INTEGER, DECIMAL) else pc.cast(values, pa.int64())
        case ("integer", "float"):
            return pc.cast(values, options=pc.CastOptions.unsafe(data_type))
        case ("float" | "integer", "boolean"):
            return pc.not_equal(values, pa.scalar(0, values.type))
        case ("boolean", "string"):
            return pc.cast(pc.if_else(values, "True", "False"), data_type)
        case ("timestamp", "timestamp") if (values.type.tz is None) != (data_type.tz is None):
            raise TypeError("a zone is given or taken away with .dt.tz_localize(zone) or .dt.tz_localize(None)")
        case ("timestamp", "string"):
            return pc.cast(_text_of_times(values), data_type)
        case ("string", "timestamp"):
            return _times_of_text(values, data_type)
        case ("string", "boolean"):
            return pc.cast(pc.utf8_lower(values), data_type)
    return pc.cast(values, data_type)


def _text_of_times(instants: Values) -> Values:
    """As `str` of a pandas Timestamp: no fraction where it is zero, the zone as its offset."""
    fraction = r"\.0+" if instants.type.tz is None else r"\.0+([+-])"
    text = pc.strftime(instants, format="%Y-%m-%d %H:%M:%S" + ("" if instants.type.tz is None else "%Ez"))
    if instants.type.unit == "s":
        return text
    if instants.type.tz is None:
        return pc.replace_substring_regex(text, pattern=fraction + "$", replacement="")
    return pc.replace_substring_regex(text, pattern=fraction, replacement=r"\1")


def _times_of_text(text: Values, data_type: pa.DataType) -> Values:
    """Text without an offset is read in the zone of `data_type`; with offsets, as the instants they are."""
    if data_type.tz is None:
        return pc.cast(text, data_type)
    try:
        naive = pc.cast(text, pa.timestamp(data_type.unit))
    except pa.ArrowInvalid as error:
        if "zone offset" not in str(error):
            raise
        return pc.cast(text, data_type)
    return pc.assume_timezone(naive, data_type.tz)


def _encoded(values: Values, data_type: pa.DataType) -> Values:
    plain = cast(values, data_type=data_type.value_type)
    if isinstance(plain, pa.Scalar):
        return pa.array([plain.as_py()], plain.type).dictionary_encode()[0]
    encoded = plain.dictionary_encode()
    return encoded if encoded.type == data_type else encoded.cast(data_type)


CAST = Function("astype", cast)
