"""Verbs that do the same to every column that they fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from playhead import plan
from playhead.errors import PlanError, TypeMismatchError
from playhead.expr import Col, Expr, type_of
from playhead.frame.column import Column, to_expr
from playhead.frame.pandas_arguments import refuse
from playhead.frame.planned import Planned
from playhead.schema import require_column

if TYPE_CHECKING:
    from playhead.frame.frame import Frame


Applies = Callable[[pa.DataType], bool]


class EveryColumnVerbs(Planned):
    """`astype`, `fillna`, `where` and their like, over all columns or a mapping of them."""

    __slots__ = ()

    def astype(self, dtype: Any, **pandas: Any) -> Frame:
        """Other types: one for all columns, or `{column: type}`; a value that does not fit is an error."""
        refuse(pandas)
        return self._change(dtype if isinstance(dtype, Mapping) else dict.fromkeys(self.columns, dtype), "astype")

    def fillna(self, value: Any = None, **pandas: Any) -> Frame:
        """Missing values (null and NaN) replaced: by one value everywhere it fits, or `{column: value}`."""
        refuse(pandas)
        return self._change_where_it_fits(value, "fillna")

    def clip(self, lower: Any = None, upper: Any = None, **pandas: Any) -> Frame:
        """Numbers no lower than `lower` and no higher than `upper`."""
        refuse(pandas)
        return self._change(dict.fromkeys(self.columns, (lower, upper)), "clip", _is_number, spread=True)

    def round(self, decimals: int | Mapping[str, int] = 0) -> Frame:
        """Floats and decimals rounded to `decimals` digits, half to even."""
        digits = decimals if isinstance(decimals, Mapping) else dict.fromkeys(self.columns, decimals)
        return self._change(digits, "round", _is_fractional)

    def isna(self) -> Frame:
        """True where a value is missing (null or NaN), for every column."""
        return self._change(dict.fromkeys(self.columns, ()), "isna", spread=True)

    def notna(self) -> Frame:
        """False where a value is missing (null or NaN), for every column."""
        return self._change(dict.fromkeys(self.columns, ()), "notna", spread=True)

    isnull, notnull = isna, notna

    def isin(self, values: Iterable[Any] | Mapping[str, Iterable[Any]]) -> Frame:
        """True where a value is among `values`, for every column."""
        return self._change_where_it_fits(values if isinstance(values, Mapping) else list(values), "isin")

    def where(self, cond: Any, other: Any = None, **pandas: Any) -> Frame:
        """Every value where `cond` is true; elsewhere `other`, which must fit all columns, or null."""
        refuse(pandas)
        return self._change(dict.fromkeys(self.columns, (self._condition(cond), other)), "where", spread=True)

    def mask(self, cond: Any, other: Any = None, **pandas: Any) -> Frame:
        """Every value where `cond` is false or null; elsewhere `other`, which must fit all columns, or null."""
        refuse(pandas)
        return self._change(dict.fromkeys(self.columns, (self._condition(cond), other)), "mask", spread=True)

    def _condition(self, condition: Any) -> Column:
        return Column(self._frame()._resolve(condition))

    def _change(
        self, arguments: Mapping[str, Any], verb: str, applies: Applies = lambda _: True, *, spread: bool = False
    ) -> Frame:
        frame = self._frame()
        changed: dict[str, Expr] = {}
        for name, argument in arguments.items():
            if applies(require_column(name, self.schema).type):
                column = getattr(Column(Col(name), frame), verb)
                changed[name] = to_expr(column(*argument) if spread else column(argument))
        return self._with(
            plan.Project(self._node, tuple((name, changed.get(name, Col(name))) for name in self.columns))
        )

    def _change_where_it_fits(self, value: Any, verb: str) -> Frame:
        """One value for all columns changes those whose type it fits; a mapping must fit everywhere."""
        if isinstance(value, Mapping):
            return self._change(value, verb)
        fits = {name: value for name in self.columns if self._fits(name, value, verb)}
        if not fits:
            raise TypeMismatchError(
                f"{verb}({value!r}) fits no column of {dict(zip(self.columns, self.schema.types, strict=True))}"
            )
        return self._change(fits, verb)

    def _fits(self, name: str, value: Any, verb: str) -> bool:
        try:
            type_of(to_expr(getattr(Column(Col(name)), verb)(value)), self.schema)
        except PlanError:
            return False
        return True


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_fractional(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_decimal(kind))
