"""Expressions: how a column is computed from the columns of one row.

An expression is a small tree of frozen dataclasses. It knows no frame: `type_of` checks it against
a schema while a query is being written, and `compile_expr` turns it into a function over batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

import pyarrow as pa

from playhead.errors import DataError, PlanError, TypeMismatchError, UserFunctionError
from playhead.schema import require_column

if TYPE_CHECKING:
    from playhead.aggregates.aggregate import Aggregate

Values = Any
"""A pyarrow.Array, or a pyarrow.Scalar that stands for as many equal values."""
Compiled = Callable[[pa.RecordBatch], pa.Array]


@dataclass(frozen=True, slots=True)
class Function:
    """A scalar function: its name in messages, and what it does to Arrow arrays or scalars.

    `evaluate(*arguments, **options)` gets an array or a scalar per argument and returns an array
    (or a scalar if all arguments are scalars). Its result type is found by calling it on arrays of
    no rows, so `evaluate` must work on those and must not look at values to choose its type.
    """

    name: str
    evaluate: Callable[..., Any]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Function) and (self.name, self.evaluate) == (other.name, other.evaluate)

    def __hash__(self) -> int:
        return hash(self.name)

    def __call__(self, *arguments: Expr, **options: Any) -> Call:
        return Call(self, arguments, tuple(sorted(options.items())))


@dataclass(frozen=True, slots=True)
class Col:
    """The column called `name`."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Lit:
    """The same value in every row."""

    value: pa.Scalar

    def __str__(self) -> str:
        return repr(self.value.as_py())


@dataclass(frozen=True, slots=True)
class Call:
    """A scalar function of other expressions."""

    function: Function
    arguments: tuple[Expr, ...]
    options: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        arguments = [str(argument) for argument in self.arguments]
        if not self.function.name[0].isalpha() and not self.options:
            return (
                f"{self.function.name}{arguments[0]}"
                if len(arguments) == 1
                else f"({f' {self.function.name} '.join(arguments)})"
            )
        options = [f"{name}={_option(value)}" for name, value in self.options if value is not None]
        return f"{self.function.name}({', '.join(arguments + options)})"


def _option(value: Any) -> str:
    return str(value) if isinstance(value, pa.DataType) else repr(value)


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """An aggregate over the rows of a group; it stands only inside `agg(...)`."""

    aggregate: Aggregate
    arguments: tuple[Expr, ...]

    def __str__(self) -> str:
        return f"{self.aggregate}({', '.join(str(argument) for argument in self.arguments)})"


Expr = Col | Lit | Call | AggregateCall


def walk(expr: Expr) -> Iterator[Expr]:
    """Every node of the tree, the root first."""
    yield expr
    if isinstance(expr, Call | AggregateCall):
        for argument in expr.arguments:
            yield from walk(argument)


def columns_of(expr: Expr) -> frozenset[str]:
    """The names of the columns that an expression reads."""
    return frozenset(node.name for node in walk(expr) if isinstance(node, Col))


def has_aggregate(expr: Expr) -> bool:
    """Whether an aggregate stands anywhere in the tree."""
    return any(isinstance(node, AggregateCall) for node in walk(expr))


def substitute(expr: Expr, columns: Mapping[str, Expr]) -> Expr:
    """The expression with columns replaced by the expressions that compute them."""
    match expr:
        case Col(name):
            return columns.get(name, expr)
        case Lit():
            return expr
        case Call(function, arguments, options):
            return Call(function, tuple(substitute(argument, columns) for argument in arguments), options)
        case AggregateCall(aggregate, arguments):
            return AggregateCall(aggregate, tuple(substitute(argument, columns) for argument in arguments))
        case _:
            assert_never(expr)


def type_of(expr: Expr, schema: pa.Schema) -> pa.DataType:
    """The Arrow type of an expression over rows of `schema`.

    Raises
    ------
    ColumnNotFoundError
        If it names a column that is not there.
    TypeMismatchError
        If a function cannot work on the types that it is given.
    """
    match expr:
        case Col(name):
            return require_column(name, schema).type
        case Lit(value):
            return value.type
        case Call(_, arguments, _):
            for argument in arguments:
                type_of(argument, schema)
            return _evaluate_checked(expr, schema).type
        case AggregateCall():
            raise PlanError(f"{expr} is an aggregate; it stands inside agg(...), not beside single rows")
        case _:
            assert_never(expr)


def compile_expr(expr: Expr, schema: pa.Schema) -> Compiled:
    """A function that computes the expression over a record batch of `schema`.

    It raises DataError, with the expression and the row, where a value does not fit: an overflow, a failed cast; and
    UserFunctionError, with the row, where a function of the user's raises.
    """
    compute = _compile(expr, schema)
    if isinstance(expr, Col):
        return compute

    def evaluate(rows: pa.RecordBatch) -> pa.Array:
        try:
            values = compute(rows)
        except (pa.ArrowException, OverflowError) as error:
            raise _at_first_bad_row(expr, compute, rows, error) from error
        except UserFunctionError as error:
            raise _with_its_row(error, rows) from error.__cause__
        return pa.repeat(values, rows.num_rows) if isinstance(values, pa.Scalar) else values

    return evaluate


def _at_first_bad_row(expr: Expr, compute: Compiled, rows: pa.RecordBatch, error: Exception) -> DataError:
    """The error with the first row that causes it, found by halving."""
    while rows.num_rows > 1:
        half = rows.slice(0, rows.num_rows // 2)
        try:
            compute(half)
            rows = rows.slice(half.num_rows)
        except (pa.ArrowException, OverflowError):
            rows = half
    used = [name for name in rows.schema.names if name in columns_of(expr)]
    row = rows.select(used).to_pylist()
    return DataError(f"{expr}: {error}, in the row {row[0]}" if row else f"{expr}: {error}")


def _with_its_row(error: UserFunctionError, rows: pa.RecordBatch) -> UserFunctionError:
    """The error with all that has been read of the row."""
    if error.row_number is None:
        return error
    (row,) = rows.slice(error.row_number, 1).to_pylist()
    return UserFunctionError(f"{error}, in the row {row}", error.row_number)


def _compile(expr: Expr, schema: pa.Schema) -> Callable[[pa.RecordBatch], Values]:
    match expr:
        case Col(name):
            index = schema.get_field_index(name)
            return lambda rows: rows.column(index)
        case Lit(value):
            return lambda rows: value
        case Call(function, arguments, options):
            parts = [_compile(argument, schema) for argument in arguments]
            evaluate, keywords = function.evaluate, dict(options)
            match parts:
                case [only]:
                    return lambda rows: evaluate(only(rows), **keywords)
                case [left, right]:
                    return lambda rows: evaluate(left(rows), right(rows), **keywords)
            return lambda rows: evaluate(*[part(rows) for part in parts], **keywords)
        case AggregateCall():
            raise PlanError(f"{expr} is an aggregate; it stands inside agg(...), not beside single rows")
        case _:
            assert_never(expr)


def _evaluate_checked(call: Call, schema: pa.Schema) -> pa.Array:
    try:
        return _compile(call, schema)(empty(schema))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, TypeError) as error:
        if isinstance(error, PlanError):
            raise
        types = ", ".join(f"{argument}: {type_of(argument, schema)}" for argument in call.arguments)
        remedy = f": {error}" if type(error) is TypeError else ""  # Arrow's own words help nobody
        raise TypeMismatchError(f"{call.function.name} cannot work on ({types}){remedy}") from error


def empty(schema: pa.Schema) -> pa.RecordBatch:
    """A batch of no rows."""
    return pa.RecordBatch.from_arrays([pa.array([], type=field.type) for field in schema], schema=schema)
