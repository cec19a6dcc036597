"""The text of `frame.query("dep_delay > 60 and carrier in @carriers")` as an expression.

The syntax is Python's, read by Python's own parser, with what pandas adds: `` `a name` `` is a column,
`@name` a local variable, `&` and `|` bind as loosely as `and` and `or`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from playhead.errors import ColumnNotFoundError, PlanError, did_you_mean
from playhead.expr import Col, Expr, Function
from playhead.frame.column import Column, to_expr
from playhead.frame.query_syntax import COLUMN, LOCAL, Rewritten, rewrite
from playhead.functions import arithmetic, comparison

_BINARY = {
    ast.Add: arithmetic.ADD,
    ast.Sub: arithmetic.SUBTRACT,
    ast.Mult: arithmetic.MULTIPLY,
    ast.Div: arithmetic.DIVIDE,
    ast.FloorDiv: arithmetic.FLOOR_DIVIDE,
    ast.Mod: arithmetic.MODULO,
    ast.Pow: arithmetic.POWER,
    ast.BitXor: comparison.XOR,
}
_COMPARE = {
    ast.Eq: comparison.EQUAL,
    ast.NotEq: comparison.NOT_EQUAL,
    ast.Lt: comparison.LESS,
    ast.LtE: comparison.LESS_EQUAL,
    ast.Gt: comparison.GREATER,
    ast.GtE: comparison.GREATER_EQUAL,
}
_UFUNCS = (
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh", "arcsinh", "arccosh"),
    *("arctanh", "exp", "expm1", "log", "log1p", "log10", "sqrt", "floor", "ceil"),
)
FUNCTIONS = {"abs": abs, "round": round, **{name: getattr(np, name) for name in _UFUNCS}}
"""What can be called by its bare name; everything else is a method of a column or `@function`."""


def parse_query(text: str, column_names: Iterable[str], local_variables: Mapping[str, Any] | None = None) -> Expr:
    """The expression that a query's text says.

    Parameters
    ----------
    text
        A condition over the columns, such as `"dep_delay > 60 and carrier in ['AA', 'UA']"`.
    column_names
        The columns that there are.
    local_variables
        What `@name` may name.

    Raises
    ------
    ColumnNotFoundError
        If it names a column that is not there.
    PlanError
        If it is no expression, or says something that cannot be asked of columns; the place is pointed at.

    Examples
    --------
    >>> print(parse_query("0 < dep_delay <= @limit and `tail num`.notna()", ["dep_delay", "tail num"], {"limit": 60}))
    (((dep_delay > 0) & (dep_delay <= 60)) & notna(tail num))
    """
    if not isinstance(text, str):
        raise PlanError(f"a query is text, not {text!r}; for a boolean column write frame[condition]")
    source = rewrite(text)
    try:
        tree = ast.parse(source.code.strip() and source.code, mode="eval")
    except (SyntaxError, ValueError) as error:
        place = (getattr(error, "offset", None) or len(source.code) + 1) - 1
        raise PlanError(source.pointing(f"the query cannot be read ({_first_line(error)})", place)) from None
    return to_expr(_Reader(source, tuple(column_names), local_variables or {}).read(tree.body))


def _first_line(error: Exception) -> str:
    return str(getattr(error, "msg", error)).splitlines()[0]


@dataclass(frozen=True)
class _Reader:
    source: Rewritten
    columns: tuple[str, ...]
    variables: Mapping[str, Any]

    def read(self, node: ast.expr) -> Any:
        """What a part of the query says: a column, or a plain value."""
        try:
            return self._read(node)
        except ColumnNotFoundError:
            raise
        except PlanError as error:
            if "\n" in str(error):  # the place is in it
                raise
            self._refuse(node, str(error), error)

    def _read(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self._name(name)
            case ast.BoolOp(op=op, values=values):
                return self._logic(op, values)
            case ast.UnaryOp(op=op, operand=operand):
                return self._unary(op, self.read(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return self._apply(_BINARY[type(op)], self.read(left), self.read(right))
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self._comparisons(left, ops, others)
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return [self.read(part) for part in parts]
            case ast.Attribute(value=value, attr=name):
                return self._attribute(self.read(value), name)
            case ast.Subscript(value=value, slice=index):
                return self.read(value)[self._index(index)]
            case ast.Call():
                return self._call(node)
        self._refuse(node, f"a query cannot contain {_described(node)}")

    def _name(self, name: str) -> Any:
        if name.startswith(COLUMN):
            name = self.source.names[int(name.removeprefix(COLUMN))]
        elif name.startswith(LOCAL):
            return self._variable(name.removeprefix(LOCAL))
        if name in self.columns:
            return Column(Col(name))
        if name in self.variables:
            raise PlanError(f"no column {name!r} in {list(self.columns)}; the variable is written @{name}")
        raise ColumnNotFoundError(name, self.columns)

    def _variable(self, name: str) -> Any:
        if name not in self.variables:
            raise PlanError(f"no variable {name!r} here, for @{name}{did_you_mean(name, self.variables)}")
        return self.variables[name]

    def _logic(self, op: ast.boolop, values: list[ast.expr]) -> Any:
        function = comparison.AND if isinstance(op, ast.And) else comparison.OR
        result = self.read(values[0])
        for value in values[1:]:
            result = self._apply(function, result, self.read(value))
        return result

    def _unary(self, op: ast.unaryop, value: Any) -> Any:
        if isinstance(op, ast.UAdd):
            return value
        if isinstance(op, ast.USub):
            return -value
        return ~value if isinstance(value, Column) else not value

    def _comparisons(self, left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr]) -> Any:
        result, low = None, self.read(left)
        for op, other in zip(ops, others, strict=True):
            high = self.read(other)
            part = self._compare(op, low, high, other)
            result = part if result is None else self._apply(comparison.AND, result, part)
            low = high
        return result

    def _compare(self, op: ast.cmpop, left: Any, right: Any, node: ast.expr) -> Any:
        is_choice = isinstance(op, ast.In | ast.NotIn)
        if is_choice or (isinstance(op, ast.Eq | ast.NotEq) and isinstance(right, list)):
            if isinstance(right, Column):
                self._refuse(node, "what follows `in` is a list or @variable, not a column; use .str.contains for text")
            chosen = Column(to_expr(left)).isin(right)
            return ~chosen if isinstance(op, ast.NotIn | ast.NotEq) else chosen
        if type(op) not in _COMPARE:
            self._refuse(node, "`is` does not compare columns; use == or .isna()")
        if not isinstance(left, Column) and isinstance(right, Column):
            return self._apply(_COMPARE[_MIRROR.get(type(op), type(op))], right, left)
        return self._apply(_COMPARE[type(op)], left, right)

    def _apply(self, function: Function, left: Any, right: Any) -> Column:
        return Column(function(to_expr(left), to_expr(right)))

    def _attribute(self, value: Any, name: str) -> Any:
        if name.startswith("_"):
            raise PlanError(f"{name!r} is not for queries")
        if not hasattr(value, name):
            known = [other for other in dir(value) if not other.startswith("_")]
            what = f"{value} has" if isinstance(value, Column) else "there is"
            raise PlanError(f"{what} no {name!r}{did_you_mean(name, known)}")
        return getattr(value, name)

    def _index(self, node: ast.expr) -> Any:
        if not isinstance(node, ast.Slice):
            return self.read(node)
        return slice(*(None if part is None else self.read(part) for part in (node.lower, node.upper, node.step)))

    def _call(self, node: ast.Call) -> Any:
        function = node.func
        if isinstance(function, ast.Name) and not function.id.startswith((COLUMN, LOCAL)):
            if function.id not in FUNCTIONS:
                hint = did_you_mean(function.id, FUNCTIONS) or f"; one of yours is called as @{function.id}(...)"
                self._refuse(node, f"no function {function.id!r}{hint}")
            called: Any = FUNCTIONS[function.id]
        else:
            called = self.read(function)
        arguments = [self.read(argument) for argument in node.args]
        keywords = {keyword.arg: self.read(keyword.value) for keyword in node.keywords if keyword.arg}
        try:
            return called(*arguments, **keywords)
        except TypeError as error:
            self._refuse(node, str(error), error)

    def _refuse(self, node: ast.expr, message: str, cause: BaseException | None = None) -> NoReturn:
        place = len(self.source.code.encode()[: node.col_offset].decode())  # Python counts bytes
        raise PlanError(self.source.pointing(message, place)) from cause


_MIRROR: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}

_WORDS = {
    ast.Lambda: "a lambda; call a function of yours as @name(column)",
    ast.IfExp: "`x if c else y`; use column.where(condition, other)",
    ast.ListComp: "a comprehension; make the list first and name it with @",
    ast.Dict: "a dict; name it with @",
    ast.JoinedStr: "an f-string; make the text first and name it with @",
    ast.Starred: "a *",
    ast.NamedExpr: "an assignment; use assign",
}


def _described(node: ast.expr) -> str:
    if isinstance(node, ast.BinOp):
        return f"the operator {type(node.op).__name__}"
    return _WORDS.get(type(node), f"a {type(node).__name__}")
