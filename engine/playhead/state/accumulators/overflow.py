"""The error of a sum that does not fit its type."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playhead.batch import Int64s
from playhead.errors import DataError

REMEDY = "cast the column to a float or a decimal first"


class SumOverflowError(DataError):
    """A sum does not fit its type; `slot` says whose, so that whoever knows the group can name it."""

    def __init__(self, data_type: pa.DataType, slot: int) -> None:
        self.data_type, self.slot = data_type, slot
        super().__init__(f"a sum overflows {data_type}; {REMEDY}")

    def named(self, result: str, group: str) -> DataError:
        """The same error in the words of the query."""
        where = f" in the group {group}" if group else ""
        return DataError(f"the sum in {result!r} overflows {self.data_type}{where}; {REMEDY}")


def require_fit(fits: npt.NDArray[np.bool_], slots: Int64s, data_type: pa.DataType) -> None:
    """Raise for the first of `slots` whose sum does not fit."""
    if not fits.all():
        raise SumOverflowError(data_type, int(slots[np.argmin(fits)]))
