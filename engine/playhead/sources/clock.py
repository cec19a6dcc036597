"""The time of day for sources that need one; a query may put its own in their `clock`."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Microseconds since 1970, UTC."""

LISTEN_SECONDS = 0.05
"""How long a reader waits before it looks again whether it is to stop."""


def system_clock() -> int:
    """This machine's time."""
    return time.time_ns() // 1_000
