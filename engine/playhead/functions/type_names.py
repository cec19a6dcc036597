"""The names that people give to types: Python's, numpy's, pandas' and Arrow's, as Arrow types."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from playhead.errors import PlanError, did_you_mean

CATEGORY = pa.dictionary(pa.int32(), pa.string())

_PYTHON_TYPES: dict[Any, pa.DataType] = {
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    str: pa.string(),
    bytes: pa.binary(),
    date: pa.date32(),
    datetime: pa.timestamp("us"),
    time: pa.time64("us"),
    timedelta: pa.duration("us"),
}
_NAMES: dict[str, pa.DataType] = {
    **{f"int{bits}": getattr(pa, f"int{bits}")() for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": getattr(pa, f"uint{bits}")() for bits in (8, 16, 32, 64)},
    **dict.fromkeys(("int", "integer"), pa.int64()),
    **dict.fromkeys(("float", "double"), pa.float64()),
    **{"half": pa.float16(), "halffloat": pa.float16(), "single": pa.float32()},
    **{f"float{bits}": getattr(pa, f"float{bits}")() for bits in (16, 32, 64)},
    **dict.fromkeys(("bool", "boolean", "bool_"), pa.bool_()),
    **dict.fromkeys(("str", "string", "utf8", "object", "o"), pa.string()),
    **{"large_string": pa.large_string(), "large_binary": pa.large_binary()},
    **dict.fromkeys(("bytes", "binary"), pa.binary()),
    **dict.fromkeys(("category", "dictionary"), CATEGORY),
    **{"date": pa.date32(), "date32": pa.date32(), "date64": pa.date64(), "null": pa.null()},
    **{"date32[day]": pa.date32(), "date64[ms]": pa.date64(), "time": pa.time64("us")},
    **dict.fromkeys(("datetime", "datetime64", "timestamp"), pa.timestamp("us")),
    **dict.fromkeys(("timedelta", "timedelta64", "duration"), pa.duration("us")),
}
_TIMED = re.compile(
    r"(?P<kind>datetime64|timestamp|timedelta64|duration|time32|time64)\[(?P<unit>s|ms|us|ns)(?:,\s*(?:tz=)?(?P<zone>[^\]]+))?\]"
)
_DECIMAL = re.compile(r"decimal(?P<bits>32|64|128|256)?\((?P<precision>\d+)(?:,\s*(?P<scale>-?\d+))?\)")


def named_type(name: Any) -> pa.DataType:
    """The Arrow type that `name` stands for.

    Examples
    --------
    >>> named_type("Int64"), named_type(float), named_type("datetime64[us, UTC]")
    (DataType(int64), DataType(double), TimestampType(timestamp[us, tz=UTC]))
    """
    if isinstance(name, pa.DataType):
        return name
    if isinstance(name, type) and name in _PYTHON_TYPES:
        return _PYTHON_TYPES[name]
    if name is Decimal:
        raise PlanError("a decimal needs its precision and scale, such as 'decimal(18, 2)'")
    arrow = getattr(name, "pyarrow_dtype", None)  # pandas' ArrowDtype
    if arrow is not None:
        return arrow
    return _type_of_text(_text_of(name))


def _text_of(name: Any) -> str:
    if isinstance(name, str):
        return name
    if isinstance(name, type):
        return name.__name__.removesuffix("_")  # numpy's scalar types
    return str(name)  # numpy's and pandas' dtypes


def _type_of_text(text: str) -> pa.DataType:
    plain = text.strip().removesuffix("[pyarrow]").removesuffix("[python]")
    known = _NAMES.get(plain) or _NAMES.get(plain.lower())
    if known is not None:
        return known
    if match := _TIMED.fullmatch(plain):
        return _timed(match)
    if match := _DECIMAL.fullmatch(plain):
        build = getattr(pa, f"decimal{match['bits'] or 128}")
        return build(int(match["precision"]), int(match["scale"] or 0))
    raise PlanError(f"no type {text!r}{did_you_mean(text, _NAMES)}")


def _timed(match: re.Match[str]) -> pa.DataType:
    kind, unit, zone = match["kind"], match["unit"], match["zone"]
    if kind in ("datetime64", "timestamp"):
        return pa.timestamp(unit, tz=zone)
    return {"time32": pa.time32, "time64": pa.time64}.get(kind, pa.duration)(unit)
