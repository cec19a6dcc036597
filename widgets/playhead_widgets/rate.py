"""Rows a second, as they have been lately."""

from __future__ import annotations

import math

SECONDS = 1.5
"""The time over which a rate is smoothed."""


class Rate:
    """How fast a count grows.

    Examples
    --------
    >>> rate = Rate()
    >>> rate.update(0, 0.0), rate.update(1000, 10.0) > 90
    (0.0, True)
    """

    def __init__(self) -> None:
        self._value, self._count, self._at = 0.0, None, 0.0  # type: float, int | None, float

    def update(self, count: int, now: float) -> float:
        """The rate after seeing `count` at `now` seconds."""
        if self._count is None or now <= self._at:
            self._count, self._at = self._count or count, max(self._at, now)
            return self._value
        passed = now - self._at
        weight = 1 - math.exp(-passed / SECONDS)
        self._value += weight * (max(count - self._count, 0) / passed - self._value)
        self._count, self._at = count, now
        return self._value
