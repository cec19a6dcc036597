"""Looking at one column: its values, its first ones, how often each comes, or the one value of an aggregate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pyarrow as pa

from playhead.errors import PlanError
from playhead.expr import Expr, has_aggregate, type_of

if TYPE_CHECKING:
    import pandas as pd

    from playhead.frame.frame import Frame


class Looking:
    """`compute`, `head` and their like, for a column of a frame."""

    __slots__ = ()

    expr: Expr
    frame: Any

    @property
    def name(self) -> str | None:
        """What the column is called."""
        raise NotImplementedError

    def compute(self, *, parallelism: int = 1, dtype_backend: Any = None) -> Any:
        """All values as a pandas.Series in source order; of an aggregate its one value.

        Examples
        --------
        >>> import pandas as pd, playhead as ph
        >>> trades = ph.from_pandas(pd.DataFrame({"price": [10.0, 20.0]}))
        >>> trades.price.mean().compute()
        15.0
        >>> (trades.price / 10).compute().tolist()
        [1.0, 2.0]
        """
        if has_aggregate(self.expr):
            result = self._owner("compute()").agg(value=self).compute(parallelism=parallelism)
            value = result["value"].iloc[0]
            return value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value
        only = self._alone("compute()")
        return self._series(only.compute(parallelism=parallelism, dtype_backend=dtype_backend))

    def head(self, n: int = 5) -> pd.Series[Any]:
        """A preview of the first `n` values, as a pandas.Series."""
        return self._series(self._alone("head()").head(n))

    def tail(self, n: int = 5) -> pd.Series[Any]:
        """The last `n` values, as a pandas.Series."""
        return self._series(self._alone("tail()").tail(n))

    def value_counts(self, *, dropna: bool = False, **pandas: Any) -> Frame:
        """How often each value comes, missing ones too: a frame of the values and a column `count`.

        Examples
        --------
        >>> import pandas as pd, playhead as ph
        >>> ph.from_pandas(pd.DataFrame({"k": ["a", "b", "a"]})).k.value_counts().compute()
           k  count
        0  a      2
        1  b      1
        """
        only = self._alone("value_counts()")
        return only.value_counts(only.columns, dropna=dropna, **pandas)

    def unique(self) -> Frame:
        """The different values: a frame of one column, sorted when it is computed."""
        only = self._alone("unique()")
        return only.value_counts(only.columns).select(*only.columns)

    def describe(self) -> pd.Series[Any]:
        """count, mean, std, min, quartiles and max of numbers, computed at once, as pandas shows them."""
        return self._series(self._alone("describe()").describe())

    @property
    def dtype(self) -> pa.DataType:
        """The Arrow type of the values."""
        return type_of(self.expr, self._owner("dtype").schema)

    def __getitem__(self, key: Any) -> NoReturn:
        raise PlanError(f"rows are chosen in the frame: frame[condition]{self._attribute()}; there are no row numbers")

    def _attribute(self) -> str:
        return f".{self.name}" if self.name and self.name.isidentifier() else "[...]"

    def _owner(self, what: str) -> Frame:
        if self.frame is None:
            raise PlanError(f"{self.expr} belongs to no frame yet, so {what} has no rows; say frame[...] or assign it")
        frame: Frame = self.frame
        return frame

    def _alone(self, what: str) -> Frame:
        """A frame of this column alone."""
        owner: Any = self._owner(what)
        if has_aggregate(self.expr):
            raise PlanError(f"{self.expr} is one value; say compute()")
        column: Any = self if self.name else self.rename("value")  # type: ignore[attr-defined]
        alone: Frame = owner.select(column)
        return alone

    def _series(self, table: pd.DataFrame) -> pd.Series[Any]:
        series = table.iloc[:, 0]
        series.name = self.name
        return series
