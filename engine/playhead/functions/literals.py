"""A Python value as a literal: the same value in every row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from playhead.errors import PlanError
from playhead.expr import Lit


def literal(value: Any) -> Lit:
    """The expression that is `value` in every row.

    Examples
    --------
    >>> print(literal(60), literal("AA"), literal(None))
    60 'AA' None
    """
    return Lit(scalar_of(value))


def scalar_of(value: Any) -> pa.Scalar:
    """A Python, numpy, pandas or Arrow value as an Arrow scalar; times in microseconds where they fit."""
    if isinstance(value, pa.Scalar):
        return value
    if is_null(value):
        return pa.scalar(None)
    if getattr(value, "ndim", 0) or isinstance(value, pa.Array | pa.ChunkedArray):
        raise PlanError(
            f"a {type(value).__name__} does not line up with the rows of a frame, which have no order; "
            "make a frame of it (ph.from_pandas, ph.from_arrow) and merge the two"
        )
    if isinstance(value, np.datetime64 | np.timedelta64):
        return _time_scalar(value)
    if hasattr(value, "as_unit"):  # pandas' Timestamp and Timedelta may hold nanoseconds
        return _pandas_time(value)
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return _large_integer(value)
    try:
        return pa.scalar(value)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
        raise PlanError(f"{value!r} of type {type(value).__name__} cannot stand in an expression") from error


def is_null(value: Any) -> bool:
    """Whether the value is one of the ways to write null: None, pandas' NA and NaT, numpy's NaT."""
    if value is None:
        return True
    if type(value).__module__.partition(".")[0] == "pandas":
        return type(value).__name__ in ("NAType", "NaTType")
    return isinstance(value, np.datetime64 | np.timedelta64) and bool(np.isnat(value))


def value_is_duration(value: Any) -> bool:
    """Whether the value is a length of time."""
    return isinstance(value, timedelta | np.timedelta64)


def _time_scalar(value: np.datetime64 | np.timedelta64) -> pa.Scalar:
    """In microseconds, or in nanoseconds where there are some."""
    prefix = "timedelta64" if value_is_duration(value) else "datetime64"
    coarse, fine = value.astype(f"{prefix}[us]"), value.astype(f"{prefix}[ns]")
    unit, ticks = ("us", coarse) if coarse.astype(f"{prefix}[ns]") == fine else ("ns", fine)
    build = pa.duration if value_is_duration(value) else pa.timestamp
    return pa.scalar(int(ticks.astype(np.int64)), build(unit))


def _pandas_time(value: Any) -> pa.Scalar:
    if value_is_duration(value):
        return _time_scalar(value.to_timedelta64())
    if value.tzinfo is None:
        return _time_scalar(value.to_datetime64())
    if value.nanosecond == 0:
        return pa.scalar(value.to_pydatetime())
    return pa.scalar(value.value, pa.timestamp("ns", tz="UTC"))


def _large_integer(value: int) -> pa.Scalar:
    if 0 <= value < 2**64:
        return pa.scalar(value, pa.uint64())
    try:
        return pa.scalar(Decimal(value))
    except (pa.ArrowInvalid, ValueError) as error:
        raise PlanError(f"{value} is too large for an expression") from error


def choices_of(values: Iterable[Any]) -> tuple[Lit, bool]:
    """The values of `isin` as one list literal without nulls, and whether there was a null or NaN among them."""
    given = values.to_pylist() if isinstance(values, pa.Array | pa.ChunkedArray) else list(values)
    scalars = [scalar_of(value) for value in given]
    valid = [scalar for scalar in scalars if scalar.is_valid]
    missing = len(valid) < len(scalars) or any(_is_nan(scalar.as_py()) for scalar in valid)
    return list_literal(valid, "the values of isin"), missing


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def mapping_of(mapping: Mapping[Any, Any], data_type: pa.DataType | None = None) -> tuple[Lit, Lit]:
    """The keys and the values of a mapping as two list literals, the values in `data_type` if given."""
    keys = list_literal([scalar_of(key) for key in mapping], "the keys of the mapping")
    values = list_literal([scalar_of(value) for value in mapping.values()], "the values of the mapping", data_type)
    return keys, values


def list_literal(scalars: list[pa.Scalar], what: str, data_type: pa.DataType | None = None) -> Lit:
    """One literal that is a list, of `data_type` or of the one type that all the values have."""
    types = {scalar.type for scalar in scalars if scalar.is_valid}
    if data_type is None and len(types) == 1:
        data_type = types.pop()
    given = [scalar.as_py() for scalar in scalars]
    if data_type is None and types == {pa.int64(), pa.uint64()}:
        data_type = _type_of_integers([value for value in given if value is not None])
    if pa.types.is_decimal(data_type or pa.null()) or any(isinstance(value, Decimal) for value in given):
        given = [Decimal(value) if type(value) is int else value for value in given]
    try:
        values = pa.array(given, data_type)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        names = sorted(str(type_) for type_ in types) or [str(data_type)]
        raise PlanError(f"{what} are of types that do not fit together: {names}") from error
    return Lit(pa.scalar(values.to_pylist(), pa.list_(values.type)))


def _type_of_integers(values: list[int]) -> pa.DataType:
    """uint64 if it holds them all, else a decimal that does."""
    return pa.uint64() if min(values) >= 0 else pa.decimal128(20)
