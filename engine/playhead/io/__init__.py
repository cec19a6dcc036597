"""Where frames begin: tables in memory, files, iterables, pushed rows, generators; and where results go."""

from __future__ import annotations

from playhead.io.begin import arrival_time
from playhead.io.files import read_csv, read_json, read_parquet
from playhead.io.kafka import read_kafka, to_kafka
from playhead.io.live import Push, from_iter, push, rate, read_system
from playhead.io.logs import event_log, read_event_log, to_event_log
from playhead.io.results import to_callback, to_memory, to_nothing, to_parquet
from playhead.io.tables import from_arrow, from_pandas

__all__ = [
    "Push",
    "arrival_time",
    "event_log",
    "from_arrow",
    "from_iter",
    "from_pandas",
    "push",
    "rate",
    "read_csv",
    "read_event_log",
    "read_json",
    "read_kafka",
    "read_parquet",
    "read_system",
    "to_callback",
    "to_event_log",
    "to_kafka",
    "to_memory",
    "to_nothing",
    "to_parquet",
]
