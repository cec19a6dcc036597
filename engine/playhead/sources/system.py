"""This machine's own counters as a stream: processor, memory, disk and network; no process or host names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from playhead.durations import microseconds
from playhead.errors import PlanError
from playhead.schema import event_time_type
from playhead.sources.clock import LISTEN_SECONDS, Clock, system_clock
from playhead.sources.declared_source import DeclaredSource
from playhead.sources.source import Chunk, Split, Stop
from playhead.sources.timing import Declared, timing

SCHEMA = pa.schema(
    [
        ("timestamp", event_time_type("UTC")),
        ("cpu_percent", pa.float64()),
        ("busiest_core_percent", pa.float64()),
        ("memory_percent", pa.float64()),
        ("memory_used", pa.int64()),
        ("memory_available", pa.int64()),
        ("swap_used", pa.int64()),
        ("disk_read", pa.int64()),
        ("disk_written", pa.int64()),
        ("network_received", pa.int64()),
        ("network_sent", pa.int64()),
    ]
)


class SystemSource(DeclaredSource):
    """One row a reading; a position is the number of readings, and the past cannot be read again."""

    replayable: bool = False
    bounded = False

    def __init__(self, every: Any, clock: Clock = system_clock) -> None:
        self.every, self.clock = microseconds(every, "every"), clock
        if self.every <= 0:
            raise PlanError(f"every={every!r} is not above 0")
        declared = Declared(time="timestamp", out_of_order="0s")
        super().__init__("this machine", timing(declared, SCHEMA, bounded=False))

    def splits(self) -> list[Split]:
        return [Split("machine")]

    def read(self, split: Split, columns: Sequence[str], position: Any, stop: Stop) -> Iterator[Chunk]:
        import psutil  # here, because few queries need it and it takes a while to load

        self.to_decode(columns)
        counted, readings = _counters(), int(position or 0)
        psutil.cpu_percent(percpu=True)  # what it says next is about the time from here on
        due = self.clock() + self.every
        while not stop.is_set():
            now = self.clock()
            if now < due:
                stop.wait(min((due - now) / 1e6, LISTEN_SECONDS))
                continue
            before, counted = counted, _counters()
            readings, due = readings + 1, max(due + self.every, now)
            row = {"timestamp": now, **_gauges(), **_growth(before, counted)}
            arrays = [pa.array([row[field.name]], type=_plain(field.type)).cast(field.type) for field in SCHEMA]
            rows = pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
            yield Chunk(rows.select(list(columns)), readings, now)


def _gauges() -> dict[str, Any]:
    """What stands at some value now."""
    import psutil

    cores, memory, swap = psutil.cpu_percent(percpu=True), psutil.virtual_memory(), psutil.swap_memory()
    return {
        "cpu_percent": sum(cores) / len(cores),
        "busiest_core_percent": max(cores),
        "memory_percent": memory.percent,
        "memory_used": memory.used,
        "memory_available": memory.available,
        "swap_used": swap.used,
    }


def _counters() -> dict[str, int | None]:
    """What only grows; None where the machine does not count."""
    import psutil

    disk, network = psutil.disk_io_counters(), psutil.net_io_counters()
    return {
        "disk_read": disk.read_bytes if disk else None,
        "disk_written": disk.write_bytes if disk else None,
        "network_received": network.bytes_recv if network else None,
        "network_sent": network.bytes_sent if network else None,
    }


def _growth(before: dict[str, int | None], now: dict[str, int | None]) -> dict[str, int | None]:
    growth: dict[str, int | None] = {}
    for name, count in now.items():
        earlier = before[name]
        growth[name] = None if count is None or earlier is None else count - earlier
    return growth


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.int64() if pa.types.is_timestamp(kind) else kind
