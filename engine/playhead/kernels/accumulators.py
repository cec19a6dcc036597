"""What the kernels of aggregate functions have in common.

The state of an aggregate is a table of numbers with one row a slot. In all accumulator kernels `slots` (int64) says
which row of the state a value belongs to; `valid` (uint8) which values are there, of length 0 if all are; `weights`
(int64) how often each counts, of length 0 if once. Slots may repeat. All arrays are C-contiguous.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Scalar = Any
"""One number inside a kernel: numba works out of which type."""

Float64s = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]
