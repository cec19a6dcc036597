"""A clock that stands still until somebody moves it."""

from __future__ import annotations

from threading import Lock
from typing import Any

from playhead.durations import microseconds


class ManualClock:
    """Tells the microseconds that it was set to; given to a query in place of the machine's clock.

    Examples
    --------
    >>> clock = ManualClock()
    >>> clock.advance("1.5s")
    >>> clock()
    1500000
    """

    def __init__(self, now: int = 0) -> None:
        self._now, self._lock = now, Lock()

    def __call__(self) -> int:
        with self._lock:
            return self._now

    def advance(self, duration: Any) -> None:
        """Let time go on by a duration such as "5s", or by microseconds."""
        by = duration if isinstance(duration, int) else microseconds(duration, "advance")
        if by < 0:
            raise ValueError(f"a clock does not go back, not even by {duration!r}")
        with self._lock:
            self._now += by
