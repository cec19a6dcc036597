"""A column of a frame, not yet computed: what `frame.price > 0` is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NoReturn

from playhead.errors import PlanError
from playhead.expr import AggregateCall, Call, Col, Expr, Function
from playhead.functions import arithmetic, comparison, conditional
from playhead.functions.cast import CAST
from playhead.functions.literals import choices_of, literal
from playhead.functions.type_names import named_type

Inclusive = Literal["both", "neither", "left", "right"]


class Column:
    """A column of a frame, not yet computed.

    Arithmetic, comparison and methods give other columns; a frame takes them in `frame[condition]`,
    `assign`, `groupby` and `agg`. Names, arguments and results are pandas'.

    Examples
    --------
    >>> import playhead as ph
    >>> ph.col("price") * ph.col("size") > 100
    Column: ((price * size) > 100)
    """

    __slots__ = ("expr", "frame")

    def __init__(self, expr: Expr, frame: Any = None) -> None:
        self.expr, self.frame = expr, frame

    def __repr__(self) -> str:
        return f"Column: {self.expr}"

    # arithmetic

    def __add__(self, other: Any) -> Column:
        return call(arithmetic.ADD, self, other)

    def __radd__(self, other: Any) -> Column:
        return call(arithmetic.ADD, other, self)

    def __sub__(self, other: Any) -> Column:
        return call(arithmetic.SUBTRACT, self, other)

    def __rsub__(self, other: Any) -> Column:
        return call(arithmetic.SUBTRACT, other, self)

    def __mul__(self, other: Any) -> Column:
        return call(arithmetic.MULTIPLY, self, other)

    def __rmul__(self, other: Any) -> Column:
        return call(arithmetic.MULTIPLY, other, self)

    def __truediv__(self, other: Any) -> Column:
        return call(arithmetic.DIVIDE, self, other)

    def __rtruediv__(self, other: Any) -> Column:
        return call(arithmetic.DIVIDE, other, self)

    def __floordiv__(self, other: Any) -> Column:
        return call(arithmetic.FLOOR_DIVIDE, self, other)

    def __rfloordiv__(self, other: Any) -> Column:
        return call(arithmetic.FLOOR_DIVIDE, other, self)

    def __mod__(self, other: Any) -> Column:
        return call(arithmetic.MODULO, self, other)

    def __rmod__(self, other: Any) -> Column:
        return call(arithmetic.MODULO, other, self)

    def __pow__(self, other: Any) -> Column:
        return call(arithmetic.POWER, self, other)

    def __rpow__(self, other: Any) -> Column:
        return call(arithmetic.POWER, other, self)

    def __neg__(self) -> Column:
        return call(arithmetic.NEGATE, self)

    def __pos__(self) -> Column:
        return self

    def __abs__(self) -> Column:
        return call(arithmetic.ABSOLUTE, self)

    # comparison and logic

    def __eq__(self, other: object) -> Column:  # type: ignore[override]
        return call(comparison.EQUAL, self, other)

    def __ne__(self, other: object) -> Column:  # type: ignore[override]
        return call(comparison.NOT_EQUAL, self, other)

    def __lt__(self, other: Any) -> Column:
        return call(comparison.LESS, self, other)

    def __le__(self, other: Any) -> Column:
        return call(comparison.LESS_EQUAL, self, other)

    def __gt__(self, other: Any) -> Column:
        return call(comparison.GREATER, self, other)

    def __ge__(self, other: Any) -> Column:
        return call(comparison.GREATER_EQUAL, self, other)

    def __and__(self, other: Any) -> Column:
        return call(comparison.AND, self, other)

    def __rand__(self, other: Any) -> Column:
        return call(comparison.AND, other, self)

    def __or__(self, other: Any) -> Column:
        return call(comparison.OR, self, other)

    def __ror__(self, other: Any) -> Column:
        return call(comparison.OR, other, self)

    def __xor__(self, other: Any) -> Column:
        return call(comparison.XOR, self, other)

    def __rxor__(self, other: Any) -> Column:
        return call(comparison.XOR, other, self)

    def __invert__(self) -> Column:
        return call(comparison.INVERT, self)

    def __bool__(self) -> NoReturn:
        raise PlanError(
            f"{self.expr} is a column, not a truth value; join conditions with & | ~ instead of and, or, not"
            " (each in parentheses), and write a.between(low, high) for low <= a <= high"
        )

    def __len__(self) -> NoReturn:
        raise PlanError(f"{self.expr} is not computed yet, so it has no length; count the rows with count().compute()")

    def __iter__(self) -> Iterator[Any]:
        raise PlanError(f"{self.expr} is not computed yet, so there is nothing to loop over; compute() the frame first")

    # what is missing, and choosing between values

    def isna(self) -> Column:
        """Whether a value is missing: null or NaN."""
        return call(comparison.IS_MISSING, self)

    def notna(self) -> Column:
        """Whether a value is there: neither null nor NaN."""
        return call(comparison.IS_PRESENT, self)

    isnull, notnull = isna, notna

    def fillna(self, value: Any) -> Column:
        """The values, and `value` (also a column) where they are null or NaN."""
        return call(conditional.FILL_MISSING, self, value)

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
        return self._call(comparison.IS_IN, choices, missing=missing or None)

    def between(self, left: Any, right: Any, inclusive: Inclusive = "both") -> Column:
        """Whether `left <= value <= right`; `inclusive` says which of the ends count."""
        if inclusive not in ("both", "neither", "left", "right"):
            raise PlanError(f"inclusive is 'both', 'neither', 'left' or 'right', not {inclusive!r}")
        above: Column = self >= left if inclusive in ("both", "left") else self > left
        below: Column = self <= right if inclusive in ("both", "right") else self < right
        return above & below

    def where(self, cond: Any, other: Any = None) -> Column:
        """The values where `cond` is true, `other` where it is false or null."""
        return call(conditional.WHERE, cond, self, other)

    def mask(self, cond: Any, other: Any = None) -> Column:
        """The values where `cond` is false, `other` where it is true or null."""
        return call(conditional.MASK, cond, self, other)

    def clip(self, lower: Any = None, upper: Any = None) -> Column:
        """The values, no less than `lower` and no more than `upper`."""
        return call(conditional.CLIP, self, lower, upper)

    # one value at a time

    def abs(self) -> Column:
        """The values without their sign."""
        return call(arithmetic.ABSOLUTE, self)

    def round(self, decimals: int = 0) -> Column:
        """The values rounded to `decimals` digits, halves to the even neighbour."""
        return self._call(arithmetic.ROUND, decimals=decimals)

    def astype(self, dtype: Any) -> Column:
        """The same values in another type; one that does not fit is an error that names it.

        Parameters
        ----------
        dtype
            A name (`"int64"`, `"Int64"`, `"string"`, `"category"`, `"datetime64[us, UTC]"`, `"decimal(18, 2)"`),
            a Python, numpy, pandas or Arrow type.
        """
        return self._call(CAST, data_type=named_type(dtype))

    def _call(self, function: Function, *arguments: Any, **options: Any) -> Column:
        given = {name: value for name, value in options.items() if value is not None}
        return Column(function(self.expr, *[to_expr(argument) for argument in arguments], **given), self.frame)


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
    if isinstance(value, Col | Call | AggregateCall) or type(value).__module__ == "playhead.expr":
        return value  # type: ignore[no-any-return]
    return literal(value)


def call(function: Function, *arguments: Any, **options: Any) -> Column:
    """A column that is `function` of columns and plain values."""
    return Column(function(*[to_expr(argument) for argument in arguments], **options), common_frame(arguments))


def common_frame(values: Iterable[Any]) -> Any:
    """The one frame that the columns among `values` belong to, or None where all are free."""
    frames = [value.frame for value in values if isinstance(value, Column) and value.frame is not None]
    if any(frame is not frames[0] for frame in frames):
        raise PlanError(
            "the columns come from different frames; merge joins frames on their keys, and ph.col(name) names a column"
            " of whatever frame it is used on"
        )
    return frames[0] if frames else None
