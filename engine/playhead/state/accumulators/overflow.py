"""The error of a sum that does not fit its type."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playhead.batch import Int64s
from playhead.errors import DataError


class SumOverflowError(DataError):
    """A sum does not fit its type; `slot` says whose, so that whoever knows the group can name it."""

    def __init__(self, data_type: pa.DataType, slot: int, *, whose: str = "a sum", group: str = "") -> None:
        self.data_type, self.slot = data_type, slot
        super().__init__(
            f"{whose} overflows {data_type}{f' in the group {group}' if group else ''}; "
            "cast the column to a float or a decimal first"
        )

    def named(self, result: str, group: str) -> SumOverflowError:
        """The same error, in the words of the query."""
        return SumOverflowError(self.data_type, self.slot, whose=f"the sum in {result!r}", group=group)


def require_fit(fits: npt.NDArray[np.bool_], slots: Int64s, data_type: pa.DataType) -> None:
    """Raise for the first of `slots` whose sum does not fit."""
    if not fits.all():
        raise SumOverflowError(data_type, int(slots[np.argmin(fits)]))
