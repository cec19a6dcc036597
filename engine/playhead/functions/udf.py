"""The user's own Python functions: one value at a time (`apply`), and whole batches (`map_batches`)."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from playhead.errors import PlanError, UserFunctionError
from playhead.expr import Function, Values
from playhead.functions.literals import is_null
from playhead.functions.type_names import named_type


@dataclass(frozen=True)
class ScalarFunction:
    """A Python function of one row's values; missing values are None. The only loop over rows in Python."""

    function: Callable[..., Any]
    data_type: pa.DataType

    def __call__(self, *arguments: Values) -> Values:
        columns = [_python_values(argument) for argument in arguments]
        if all(isinstance(argument, pa.Scalar) for argument in arguments):
            return pa.scalar(self._one([column[0] for column in columns], None), self.data_type)
        rows = max(len(argument) for argument in arguments if not isinstance(argument, pa.Scalar))
        columns = [
            column * rows if isinstance(argument, pa.Scalar) else column
            for argument, column in zip(arguments, columns, strict=True)
        ]
        results = [self._one(row, number) for number, row in enumerate(zip(*columns, strict=True))]
        try:
            return pa.array(results, self.data_type)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, TypeError):
            return self._array_one_by_one(results, list(zip(*columns, strict=True)))

    def _one(self, row: typing.Sequence[Any], number: int | None) -> Any:
        try:
            result = self.function(*row)
        except Exception as error:
            told = f"{failure(self.function, error)}, for {_shown(self.function, row)}"
            raise UserFunctionError(told, number) from error
        return None if is_null(result) else result

    def _array_one_by_one(self, results: list[Any], rows: list[tuple[Any, ...]]) -> pa.Array:
        scalars = []
        for number, (result, row) in enumerate(zip(results, rows, strict=True)):
            try:
                scalars.append(pa.scalar(result, self.data_type))
            except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, TypeError) as error:
                raise UserFunctionError(
                    f"{described(self.function)} gave {result!r} for {_shown(self.function, row)},"
                    f" which is no {self.data_type}; say which type it gives with dtype=",
                    number,
                ) from error
        return pa.array([scalar.as_py() for scalar in scalars], self.data_type)


def _python_values(values: Values) -> list[Any]:
    return [values.as_py()] if isinstance(values, pa.Scalar) else values.to_pylist()


def _shown(function: Callable[..., Any], row: typing.Sequence[Any]) -> str:
    """A row's values by the names that the function has for them, where it tells them."""
    try:
        names = list(inspect.signature(function).bind(*row).arguments)
    except (TypeError, ValueError):
        names = []
    if len(names) != len(row):
        return f"({', '.join(repr(value) for value in row)})"
    return f"({', '.join(f'{name}={value!r}' for name, value in zip(names, row, strict=True))})"


def scalar_function(function: Callable[..., Any], dtype: Any = None) -> Function:
    """A user's function as a scalar function.

    Parameters
    ----------
    function
        Takes one row's values (None where missing) and gives one value.
    dtype
        The type of the result; without it, the annotation of what the function returns.
    """
    if not callable(function):
        raise PlanError(f"apply takes a function, not {function!r}")
    data_type = named_type(dtype) if dtype is not None else _annotated_type(function)
    name = getattr(function, "__name__", type(function).__name__).strip("<>")
    return Function(name, ScalarFunction(function, data_type))


def _annotated_type(function: Callable[..., Any]) -> pa.DataType:
    if function in (int, float, str, bool):
        return named_type(function)
    try:
        returned = typing.get_type_hints(function).get("return")
    except (TypeError, NameError):
        returned = None
    if typing.get_origin(returned) in (typing.Union, types.UnionType):
        others = [part for part in typing.get_args(returned) if part is not type(None)]
        returned = others[0] if len(others) == 1 else None
    if returned is None:
        raise PlanError(
            f"the type that {described(function)} gives is not known before it runs; say dtype='float64' or the like,"
            " or annotate the function: def f(x) -> float"
        )
    return named_type(returned)


def described(function: Callable[..., Any]) -> str:
    """A function's name and where it stands."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    code = getattr(function, "__code__", None)
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else str(name)


def failure(function: Callable[..., Any], error: BaseException) -> str:
    """What a function raised, and in which of the user's lines."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    place = _line_of(function, error)
    return f"{name}{place} raised {type(error).__name__}: {error}"


def _line_of(function: Callable[..., Any], error: BaseException) -> str:
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    if code is None:
        return ""
    line, traceback = code.co_firstlineno, error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == code.co_filename:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return f" at {code.co_filename}:{line}"


def call_on_batch(
    function: Callable[[Any], Any], rows: pa.RecordBatch, format: str = "arrow", schema: pa.Schema | None = None
) -> pa.RecordBatch:
    """The user's function of a whole batch, its result checked against `schema` (any if None).

    Parameters
    ----------
    function
        Takes and gives a `pyarrow.RecordBatch` (or Table) if `format` is "arrow", a `pandas.DataFrame` if "pandas".

    Raises
    ------
    UserFunctionError
        If the function raises, gives something else, or other columns; names its line and the batch's first row.
    """
    if format not in ("arrow", "pandas"):
        raise PlanError(f"the format is 'arrow' or 'pandas', not {format!r}")
    try:
        result = function(_to_pandas(rows) if format == "pandas" else rows)
    except Exception as error:
        raise UserFunctionError(f"{failure(function, error)}, for {_batch_shown(rows)}") from error
    found = _from_result(function, result, rows)
    return found if schema is None else _conform(function, found, schema)


def _batch_shown(rows: pa.RecordBatch) -> str:
    if not rows.num_rows:
        return "a batch of no rows (by which the columns of the result are found; say schema= to go without)"
    return f"a batch of {rows.num_rows} rows, the first of which is {rows.slice(0, 1).to_pylist()[0]}"


def _to_pandas(rows: pa.RecordBatch) -> Any:
    """Integers and booleans as nullable types always, so that a dtype does not depend on how rows were cut."""
    import pandas as pd

    nullable = {pa.from_numpy_dtype(name.lower()): getattr(pd, f"{name}Dtype")() for name in _NULLABLE}
    nullable[pa.bool_()] = pd.BooleanDtype()
    return rows.to_pandas(types_mapper=nullable.get)


_NULLABLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")


def _from_pandas(result: Any, rows: pa.RecordBatch) -> pa.RecordBatch:
    """A DataFrame as a batch; strings are plain strings, a column without values has the type that it came with."""
    table = pa.Table.from_pandas(result, preserve_index=False).replace_schema_metadata(None)
    known = {field.name: field.type for field in rows.schema}
    types = [_kept_type(field.type, known.get(field.name)) for field in table.schema]
    return _one_batch(table.cast(pa.schema(zip(table.schema.names, types, strict=True))))


def _kept_type(found: pa.DataType, known: pa.DataType | None) -> pa.DataType:
    if pa.types.is_null(found):
        return known or found
    if pa.types.is_large_string(found):
        return known if known in (pa.string(), pa.large_string()) else pa.string()
    return found


def _from_result(function: Callable[..., Any], result: Any, rows: pa.RecordBatch) -> pa.RecordBatch:
    if isinstance(result, pa.RecordBatch):
        return result
    if isinstance(result, pa.Table):
        return _one_batch(result)
    try:
        if type(result).__module__.partition(".")[0] == "pandas":
            return _from_pandas(result, rows)
        if hasattr(result, "__arrow_c_stream__") or hasattr(result, "__arrow_c_array__"):
            return _one_batch(pa.table(result))
    except (pa.ArrowInvalid, pa.ArrowTypeError, AttributeError, TypeError) as error:
        raise UserFunctionError(
            f"what {described(function)} gave has no Arrow types ({error}), for {_batch_shown(rows)}"
        ) from error
    raise UserFunctionError(
        f"{described(function)} gave {type(result).__name__}, not a RecordBatch, a Table or a DataFrame"
    )


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    if batches:
        return batches[0] if len(batches) == 1 else pa.concat_batches(batches)
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in table.schema], schema=table.schema)


def _conform(function: Callable[..., Any], found: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The columns of `schema` in its order and types; a cast that loses nothing is done, another is an error."""
    if found.schema.equals(schema):
        return found
    lacking = [name for name in schema.names if found.schema.get_field_index(name) < 0]
    extra = [name for name in found.schema.names if schema.get_field_index(name) < 0]
    if lacking or extra:
        raise UserFunctionError(
            f"{described(function)} gave the columns {found.schema.names}, not {schema.names}"
            + (f"; missing: {lacking}" if lacking else "")
            + (f"; unexpected: {extra}" if extra else "")
        )
    columns = []
    for field in schema:
        column = found.column(field.name)
        try:
            columns.append(column if column.type == field.type else column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            raise UserFunctionError(
                f"{described(function)} gave {column.type} in {field.name!r}, which does not fit {field.type}: {error}"
            ) from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)
