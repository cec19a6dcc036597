"""From when to when a bounded history goes, on the clock by which it is replayed."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from playhead.runtime.reader import microsecond_values
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.sources.source import Source


def time_range(sources: Sequence[Source]) -> tuple[int, int]:
    """The first and the last replay time (`arrival=`, else the event time) of all sources; reads that column once."""
    first, last = MAX_TIME, MIN_TIME
    for source in sources:
        column = source.arrival or (source.time.column if source.time else None)
        if column is None:
            continue
        for split in source.splits():
            for chunk in source.read(split, [column], None, threading.Event()):
                if chunk.rows.num_rows:
                    times = microsecond_values(chunk.rows, column)
                    first, last = min(first, int(times.min())), max(last, int(times.max()))
    return (first, last) if first <= last else (0, 0)
