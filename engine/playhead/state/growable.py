"""Columns indexed by slot that get longer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def grown(array: npt.NDArray[Any], capacity: int, fill: Any = 0) -> npt.NDArray[Any]:
    """The array with room for at least `capacity` rows, `fill` in the new ones; the same array if it has that.

    Doubles, so that growing row by row costs a constant for each.

    Examples
    --------
    >>> grown(np.array([1, 2, 3]), 4, -1)
    array([ 1,  2,  3, -1, -1, -1])
    """
    rows = len(array)
    if rows >= capacity:
        return array
    longer = np.empty((max(capacity, 2 * rows), *array.shape[1:]), dtype=array.dtype)
    longer[:rows] = array
    longer[rows:] = fill
    return longer
