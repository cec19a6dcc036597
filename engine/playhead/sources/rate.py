"""Rows at a steady rate: numbers and the times at which they are due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from playhead.errors import PlanError
from playhead.schema import MAX_TIME, event_time_type
from playhead.sources.clock import Clock, system_clock
from playhead.sources.declared_source import DeclaredSource
from playhead.sources.source import Chunk, Split, Stop
from playhead.sources.timing import Declared, timing

ROWS = 65_536
SCHEMA = pa.schema([("timestamp", event_time_type("UTC")), ("value", pa.int64())])


class RateSource(DeclaredSource):
    """Row i has `value` i and is due i / rate seconds after the start; a position is [start, next row]."""

    def __init__(self, rows_per_second: float, rows: int | None, clock: Clock = system_clock) -> None:
        if not rows_per_second > 0:
            raise PlanError(f"rows_per_second={rows_per_second!r} is not above 0")
        if rows is not None and rows < 0:
            raise PlanError(f"rows={rows!r} is negative")
        declared = Declared(time="timestamp", out_of_order="0s")
        super().__init__(f"rate({rows_per_second:g}/s)", timing(declared, SCHEMA, bounded=rows is not None))
        self.rows_per_second, self.rows, self.clock = rows_per_second, rows, clock
        self.bounded = rows is not None

    def splits(self) -> list[Split]:
        return [Split("rate")]

    def read(self, split: Split, columns: Sequence[str], position: Any, stop: Stop) -> Iterator[Chunk]:
        self.to_decode(columns)
        start, row = (self.clock(), 0) if position is None else position
        while not stop.is_set() and (self.rows is None or row < self.rows):
            due = self._due(start)
            if due <= row:
                wait = (self._time(start, row) - self.clock()) / 1e6
                stop.wait(min(max(wait, 0.001), 0.05))
                continue
            end = min(due, row + ROWS)
            yield self._chunk(start, row, end, columns)
            row = end

    def _due(self, start: int) -> int:
        """How many rows are due by now."""
        due = int((self.clock() - start) * self.rows_per_second / 1e6) + 1
        return due if self.rows is None else min(due, self.rows)

    def _time(self, start: int, row: int) -> int:
        return start + int(row * 1e6 / self.rows_per_second)

    def _chunk(self, start: int, row: int, end: int, columns: Sequence[str]) -> Chunk:
        values = np.arange(row, end, dtype=np.int64)
        times = start + (values * (1e6 / self.rows_per_second)).astype(np.int64)
        arrays = [pa.array(times).cast(SCHEMA.field("timestamp").type), pa.array(values)]
        rows = pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
        rest = MAX_TIME if end == self.rows else int(times[-1])
        return Chunk(rows.select(list(columns)), [start, end], rest)
