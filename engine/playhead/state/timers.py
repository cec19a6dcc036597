"""Times at which something is due, soonest first."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from playhead.batch import Int64s
from playhead.kernels import heap as kernels
from playhead.state.growable import grown


class TimerQueue:
    """A queue of int64 times; one may be in it several times.

    Examples
    --------
    >>> timers = TimerQueue()
    >>> timers.push(np.array([30, 10, 20]))
    >>> timers.first
    10
    >>> timers.pop_until(20).tolist(), len(timers)
    ([10, 20], 1)
    """

    def __init__(self) -> None:
        self._heap: Int64s = np.zeros(64, dtype=np.int64)
        self._pending: Int64s = np.zeros(64, dtype=np.int64)

    def __len__(self) -> int:
        return int(self._heap[0])

    @property
    def first(self) -> int | None:
        """The soonest time, None if there is none."""
        return int(self._heap[1]) if len(self) else None

    @property
    def nbytes(self) -> int:
        """How much memory the queue takes."""
        return self._heap.nbytes + self._pending.nbytes

    def push(self, times: Int64s) -> None:
        """Add times."""
        self._heap = grown(self._heap, len(self) + len(times) + 1)
        kernels.push(self._heap, times)

    def pop_until(self, watermark: int) -> Int64s:
        """Take out all times up to and including `watermark`, ascending."""
        if not len(self) or self._heap[1] > watermark:
            return np.empty(0, dtype=np.int64)
        due = np.empty(kernels.count_until(self._heap, watermark, self._pending), dtype=np.int64)
        kernels.pop(self._heap, due)
        return due

    def snapshot(self) -> pa.Array:
        """All times, ascending."""
        return pa.array(np.sort(self._heap[1 : len(self) + 1]))

    def restore(self, times: pa.Array) -> None:
        """Add what `snapshot` gave."""
        self.push(times.to_numpy(zero_copy_only=False).copy())
