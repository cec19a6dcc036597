"""Verbs that sum a frame up: value_counts, describe, and one aggregate over every column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from playhead.frame.pandas_arguments import refuse
from playhead.frame.planned import Planned

if TYPE_CHECKING:
    import pandas as pd

    from playhead.frame.frame import Frame


class SummaryVerbs(Planned):
    """Aggregates over whole frames."""

    __slots__ = ()

    def value_counts(self, subset: str | list[str] | None = None, *, dropna: bool = False, **pandas: Any) -> Frame:
        """How often each combination of values comes: a frame with a column `count`.

        With `dropna=True` combinations with a missing value are left out, and counted, as by `groupby`.

        Examples
        --------
        >>> import pandas as pd, playhead as ph
        >>> ph.from_pandas(pd.DataFrame({"k": ["a", "b", "a"]})).value_counts("k").compute()
           k  count
        0  a      2
        1  b      1
        """
        refuse(pandas)
        names = self._node.schema.names if subset is None else [subset] if isinstance(subset, str) else list(subset)
        return self._frame().groupby(list(names), dropna=dropna).agg(count=(names[0], "size"))

    def describe(self, **pandas: Any) -> pd.DataFrame:
        """count, mean, std, min, quartiles and max of the numeric columns, computed at once, as pandas shows them."""
        import pandas as pd

        from playhead.aggregates.quantile import Quantile

        refuse(pandas)
        numeric = [field.name for field in self._node.schema if _is_number(field.type)]
        quartiles = {"25%": Quantile(0.25), "50%": Quantile(0.5), "75%": Quantile(0.75)}
        rows: dict[str, Any] = {"count": "count", "mean": "mean", "std": "std", "min": "min", **quartiles, "max": "max"}
        asked = {f"{name} {row}": (name, what) for name in numeric for row, what in rows.items()}
        if not asked:
            return pd.DataFrame(index=list(rows))
        values = self._frame().agg(**asked).compute().iloc[0]
        return pd.DataFrame(
            {name: [values[f"{name} {row}"] for row in rows] for name in numeric}, index=list(rows), dtype=float
        )

    def count(self, **pandas: Any) -> Frame:
        """How many values of each column are not missing: a frame of one row."""
        refuse(pandas)
        return self._frame().agg("count")

    def sum(self, **pandas: Any) -> Frame:
        """The sum of every numeric column: a frame of one row."""
        refuse(pandas)
        return self._every("sum")

    def mean(self, **pandas: Any) -> Frame:
        """The mean of every numeric column: a frame of one row."""
        refuse(pandas)
        return self._every("mean")

    def min(self, **pandas: Any) -> Frame:
        """The smallest value of every column: a frame of one row."""
        refuse(pandas)
        return self._frame().agg("min")

    def max(self, **pandas: Any) -> Frame:
        """The greatest value of every column: a frame of one row."""
        refuse(pandas)
        return self._frame().agg("max")

    def nunique(self, **pandas: Any) -> Frame:
        """How many different values each column has: a frame of one row."""
        refuse(pandas)
        return self._frame().agg("nunique")

    def _every(self, what: str) -> Frame:
        numeric = [
            field.name for field in self._node.schema if _is_number(field.type) or pa.types.is_boolean(field.type)
        ]
        return self._frame().agg(**{name: (name, what) for name in numeric})


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
