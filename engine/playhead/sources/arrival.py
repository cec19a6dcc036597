"""Processing time as a column: when a row arrived, stamped once by its reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from playhead.errors import PlanError
from playhead.schema import MAX_TIME, EventTime, event_time_type
from playhead.sources.clock import Clock, system_clock
from playhead.sources.source import Chunk, Source, Split, Stop

COLUMN = "arrival_time"


@dataclass(frozen=True, slots=True)
class ArrivalTime:
    """Given as `time=`: the event time is when a row arrived."""


class StampedSource:
    """Another source, with a column `arrival_time` that never goes backwards."""

    def __init__(self, source: Any, zone: str = "UTC", clock: Clock = system_clock) -> None:
        if COLUMN in source.schema.names:
            raise PlanError(f"time=arrival_time() adds a column {COLUMN!r}, and there is one already")
        self.source: Source = source
        self.clock = clock
        self.name, self.bounded, self.grows = source.name, source.bounded, source.grows
        self.replayable = False
        self.schema = source.schema.append(pa.field(COLUMN, event_time_type(zone)))
        self.time: EventTime | None = EventTime(COLUMN)
        self.out_of_order: int | None = 0
        self.sequence, self.idle_timeout = source.sequence, source.idle_timeout
        self.arrival: str | None = None

    def splits(self) -> list[Split]:
        return self.source.splits()

    def read(self, split: Split, columns: Sequence[str], position: Any, stop: Stop) -> Iterator[Chunk]:
        others = [name for name in columns if name != COLUMN]
        stamp, kind = self.clock(), self.schema.field(COLUMN).type
        for chunk in self.source.read(split, others, position, stop):
            stamp = max(stamp, self.clock())
            rows = chunk.rows
            stamps = pa.repeat(pa.scalar(stamp, pa.int64()), rows.num_rows).cast(kind)
            arrays = [stamps if name == COLUMN else rows.column(name) for name in columns]
            if arrays:
                rows = pa.RecordBatch.from_arrays(arrays, list(columns))
            rest = MAX_TIME if chunk.rest_min_time == MAX_TIME else stamp
            yield replace(chunk, rows=rows, rest_min_time=rest)
