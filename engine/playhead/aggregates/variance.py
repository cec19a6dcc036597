"""var and std: how far the values of a column are from their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from playhead.aggregates.aggregate import Accumulator
from playhead.aggregates.argument_types import only_argument
from playhead.aggregates.plain import PlainAggregate
from playhead.errors import PlanError

TAKES = ("integers", "floats", "decimals", "booleans")


@dataclass(frozen=True)
class Var(PlainAggregate):
    """The variance of the values, with n - `ddof` in the denominator; null unless there are more than `ddof` values.

    It comes from sums of the values and their squares in about 106 bits, so that rows can be taken back and partial
    results merged. For n values its error is at most n**2 * 2**-100 of the mean square, and 2**-50 of itself; values
    of 2**490 and more, infinities among them, make it NaN, as they do in pandas.

    Examples
    --------
    >>> Var(ddof=0).result_type([pa.int64()])
    DataType(double)
    """

    ddof: int = 1

    name: ClassVar[str] = "var"
    root: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.ddof < 0:
            raise PlanError(f"{self.name} needs a ddof of 0 or more, not {self.ddof}")

    def __str__(self) -> str:
        return self.name if self.ddof == 1 else f"{self.name}[ddof={self.ddof}]"

    def result_type(self, types: Sequence[pa.DataType]) -> pa.DataType:
        """float64."""
        only_argument(self.name, types, TAKES)
        return pa.float64()

    def accumulator(self, types: Sequence[pa.DataType], *, retractable: bool) -> Accumulator:
        """Sums of values and squares; their inverse is subtraction, so there is one form."""
        from playhead.state.accumulators.variances import VarianceAccumulator

        return VarianceAccumulator(only_argument(self.name, types, TAKES), ddof=self.ddof, root=self.root)


@dataclass(frozen=True)
class Std(Var):
    """The standard deviation, the root of the variance; see Var.

    Examples
    --------
    >>> Std().result_type([pa.float32()])
    DataType(double)
    """

    name: ClassVar[str] = "std"
    root: ClassVar[bool] = True
