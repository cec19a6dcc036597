"""The replay clock: how far history may be shown by now, and play, pause, step and speed.

Times of the replay clock are event times (or `arrival=` times) in microseconds; the clock of the
machine is injected.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

from playhead.errors import PlanError
from playhead.schema import MAX_TIME, MIN_TIME

Clock = Callable[[], int]
"""Microseconds; only differences count."""


@dataclass
class Pacer:
    """Where the replay stands; `speed` in event-time microseconds per microsecond, None: as fast as possible.

    Not thread-safe: the runner's lock guards it.
    """

    clock: Clock
    speed: float | None = None
    playing: bool = True
    at: int = MIN_TIME
    """The replay time at the last change of speed or state."""
    since: int = 0
    """The machine's clock at that moment."""

    def begin(self, first: int) -> None:
        """Start the clock at `first`, the earliest time there is."""
        self.at, self.since = first, self.clock()

    @property
    def begun(self) -> bool:
        return self.at != MIN_TIME

    def released(self) -> int:
        """The replay time up to which rows may be shown now."""
        if not self.playing:
            return self.at
        if self.speed is None:
            return MAX_TIME
        return self.at + int((self.clock() - self.since) * self.speed)

    def wait_for(self, release: int) -> int | None:
        """Microseconds until a row of that release time may be shown; None: not before somebody acts."""
        if not self.playing:
            return None
        if self.speed is None or release <= self.released():
            return 0
        return max(1, int((release - self.released()) / self.speed))

    def play(self, shown: int) -> None:
        """Go on from `shown`, the release time of what has been shown."""
        self._restart(shown)
        self.playing = True

    def pause(self, shown: int) -> None:
        """Stand still at `shown`."""
        self._restart(shown)
        self.playing = False

    def set_speed(self, speed: float | None, shown: int) -> None:
        self._restart(shown)
        self.speed = speed

    def _restart(self, shown: int) -> None:
        now = self.released() if self.speed is not None and self.playing else self.at
        self.at, self.since = max(shown, now) if now != MAX_TIME else shown, self.clock()


def parse_speed(speed: float | str | None) -> float | None:
    """A replay speed as users give it: a positive number, or "max" (None: as fast as possible)."""
    if speed is None or isinstance(speed, str) and speed == "max":
        return None
    if not isinstance(speed, Real) or not 0 < speed < math.inf:
        raise PlanError(f"speed={speed!r}: give a positive number (60 shows a minute each second) or 'max'")
    return float(speed)
