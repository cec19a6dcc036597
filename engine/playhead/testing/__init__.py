"""For tests of queries: sources that follow a script, schedules, a query run epoch by epoch, and oracles."""

from __future__ import annotations

from playhead.testing.clock import ManualClock
from playhead.testing.compare import Bag, Near, assert_same_rows, first_difference, records
from playhead.testing.grouped import Expected, Grouped
from playhead.testing.schedule import Schedule, schedules
from playhead.testing.script import crash, end, idle, malformed, rows, scripted, watermark
from playhead.testing.trace import EpochResult, epochs, trace

__all__ = [
    "Bag",
    "EpochResult",
    "Expected",
    "Grouped",
    "ManualClock",
    "Near",
    "Schedule",
    "assert_same_rows",
    "crash",
    "end",
    "epochs",
    "first_difference",
    "idle",
    "malformed",
    "records",
    "rows",
    "schedules",
    "scripted",
    "trace",
    "watermark",
]
