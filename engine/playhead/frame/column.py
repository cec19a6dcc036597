"""A column of a frame, not yet computed: what `frame.price > 0` is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from playhead.errors import PlanError
from playhead.expr import AggregateCall, Call, Col, Expr, Function, Lit
from playhead.frame.column_aggregates import Aggregations
from playhead.frame.column_operators import Operators
from playhead.frame.column_running import Looking
from playhead.frame.column_strings import StringMethods, StructMethods
from playhead.frame.column_times import TimeMethods
from playhead.frame.pandas_arguments import refuse
from playhead.functions import arithmetic, comparison, conditional
from playhead.functions.cast import CAST
from playhead.functions.literals import choices_of, literal, mapping_of
from playhead.functions.mapping import MAP
from playhead.functions.type_names import named_type
from playhead.functions.udf import scalar_function

if TYPE_CHECKING:
    from playhead.aggregates.aggregate import Aggregate

Inclusive = Literal["both", "neither", "left", "right"]


class Column(Operators, Aggregations, Looking):
    """A column of a frame, not yet computed.

    Arithmetic, comparison and methods give other columns; a frame takes them in `frame[condition]`,
    `assign`, `groupby` and `agg`. Names, arguments and results are pandas'.

    Examples
    --------
    >>> import playhead as ph
    >>> ph.col("price") * ph.col("size") > 100
    Column: ((price * size) > 100)
    """

    __slots__ = ("_name", "expr", "frame")

    def __init__(self, expr: Expr, frame: Any = None, *, name: str | None = None) -> None:
        self.expr, self.frame, self._name = expr, frame, name

    def __repr__(self) -> str:
        return f"Column: {self.expr}"

    def __str__(self) -> str:
        return str(self.expr)

    @property
    def name(self) -> str | None:
        """What the column is called; None if it is computed and has not been given a name."""
        return self._name or (self.expr.name if isinstance(self.expr, Col) else None)

    def rename(self, name: str) -> Column:
        """The same values under another name, for `select` and `groupby`."""
        if not isinstance(name, str):
            raise PlanError(f"a column is named by a string, not by {name!r}")
        return Column(self.expr, self.frame, name=name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        from playhead.frame.pandas_names import missing_from_column

        raise missing_from_column(name, type(self))

    @property
    def str(self) -> StringMethods:
        """pandas' methods for strings, and for lists of them."""
        return StringMethods(self)

    @property
    def dt(self) -> TimeMethods:
        """pandas' methods for times, dates and durations."""
        return TimeMethods(self)

    @property
    def struct(self) -> StructMethods:
        """The fields of a struct column."""
        return StructMethods(self)

    # what is missing, and choosing between values

    def isna(self) -> Column:
        """Whether a value is missing: null or NaN."""
        return self._apply(comparison.IS_MISSING, self)

    def notna(self) -> Column:
        """Whether a value is there: neither null nor NaN."""
        return self._apply(comparison.IS_PRESENT, self)

    isnull, notnull = isna, notna

    def fillna(self, value: Any = None, **pandas: Any) -> Column:
        """The values, and `value` (also a column) where they are null or NaN."""
        refuse(pandas)
        return self._apply(conditional.FILL_MISSING, self, value)

    def isin(self, values: Iterable[Any]) -> Column:
        """Whether a value is one of `values`; null and NaN are if a missing value is among them.

        Examples
        --------
        >>> import playhead as ph
        >>> ph.col("carrier").isin(["AA", "UA"])
        Column: isin(carrier, ['AA', 'UA'])
        """
        if isinstance(values, str | bytes) or not isinstance(values, Iterable):
            raise PlanError(f"isin takes a list of values, not {values!r}")
        choices, missing = choices_of(values)
        return self._of(comparison.IS_IN, choices, missing=missing or None)

    def between(self, left: Any, right: Any, inclusive: Inclusive = "both") -> Column:
        """Whether `left <= value <= right`; `inclusive` says which of the ends count."""
        if inclusive not in ("both", "neither", "left", "right"):
            raise PlanError(f"inclusive is 'both', 'neither', 'left' or 'right', not {inclusive!r}")
        above: Column = self >= left if inclusive in ("both", "left") else self > left
        below: Column = self <= right if inclusive in ("both", "right") else self < right
        return above & below

    def where(self, cond: Any, other: Any = None) -> Column:
        """The values where `cond` is true, `other` where it is false or null."""
        return self._apply(conditional.WHERE, cond, self, other)

    def mask(self, cond: Any, other: Any = None) -> Column:
        """The values where `cond` is false, `other` where it is true or null."""
        return self._apply(conditional.MASK, cond, self, other)

    def clip(self, lower: Any = None, upper: Any = None) -> Column:
        """The values, no less than `lower` and no more than `upper`."""
        return self._apply(conditional.CLIP, self, lower, upper)

    # one value at a time

    def abs(self) -> Column:
        """The values without their sign."""
        return self._apply(arithmetic.ABSOLUTE, self)

    def round(self, decimals: int = 0) -> Column:
        """The values rounded to `decimals` digits, halves to the even neighbour."""
        return self._of(arithmetic.ROUND, decimals=decimals)

    def astype(self, dtype: Any, **pandas: Any) -> Column:
        """The same values in another type; one that does not fit is an error that names it.

        Parameters
        ----------
        dtype
            A name (`"int64"`, `"Int64"`, `"string"`, `"category"`, `"datetime64[us, UTC]"`, `"decimal(18, 2)"`),
            a Python, numpy, pandas or Arrow type.
        """
        refuse(pandas)
        return self._of(CAST, data_type=named_type(dtype))

    def apply(self, function: Callable[..., Any], *others: Any, dtype: Any = None) -> Column:
        """A Python function of each value, and of those of `others` beside it; slow, one call a row.

        Parameters
        ----------
        function
            Gets None where a value is missing.
        others
            More columns or plain values, its further arguments.
        dtype
            The type of the result; not needed if the function says it: `def f(x) -> float`.

        Examples
        --------
        >>> import playhead as ph
        >>> def half(x: int) -> float:
        ...     return x / 2
        >>> ph.col("size").apply(half)
        Column: half(size)
        """
        return self._apply(scalar_function(function, dtype), self, *others)

    def map(self, mapping: Mapping[Any, Any] | Callable[[Any], Any], *, dtype: Any = None) -> Column:
        """The value that `mapping` has for each value, null where it has none; or a function of each value."""
        if not isinstance(mapping, Mapping):
            return self.apply(mapping, dtype=dtype)
        keys, values = mapping_of(mapping, named_type(dtype) if dtype is not None else None)
        return self._of(MAP, keys, values)

    def _apply(self, function: Function, *values: Any) -> Column:
        return Column(function(*[to_expr(value) for value in values]), common_frame(values))

    def _of(self, function: Function, *others: Any, **options: Any) -> Column:
        given = {name: value for name, value in options.items() if value is not None}
        arguments = [to_expr(value) for value in (self, *others)]
        return Column(function(*arguments, **given), common_frame((self, *others)))

    def _aggregate(self, aggregate: Aggregate, *arguments: Expr) -> Column:
        return Column(AggregateCall(aggregate, arguments), self.frame)


def col(name: str) -> Column:
    """The column called `name` of whatever frame the expression is used on.

    Examples
    --------
    >>> import playhead as ph
    >>> ph.col("dep_delay") > 60
    Column: (dep_delay > 60)
    """
    if not isinstance(name, str):
        raise PlanError(f"a column is named by a string, not by {name!r}")
    return Column(Col(name))


def lit(value: Any) -> Column:
    """The same value in every row.

    Examples
    --------
    >>> import playhead as ph
    >>> ph.lit(1)
    Column: 1
    """
    return Column(to_expr(value))


def to_expr(value: Any) -> Expr:
    """The expression that a user's value stands for: a column's own, a literal for everything else."""
    if isinstance(value, Column):
        return value.expr
    if isinstance(value, Col | Lit | Call | AggregateCall):
        return value
    return literal(value)


def common_frame(values: Iterable[Any]) -> Any:
    """The one frame that the columns among `values` belong to, or None where all are free."""
    frames = [value.frame for value in values if isinstance(value, Column) and value.frame is not None]
    if any(frame is not frames[0] and frame.node != frames[0].node for frame in frames):
        raise PlanError(
            "the columns come from different frames; merge joins frames on their keys, and ph.col(name) names a column"
            " of whatever frame it is used on"
        )
    return frames[0] if frames else None
