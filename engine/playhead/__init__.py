"""Playhead: one event-time table for history and for a live stream.

>>> import pandas as pd, playhead as ph
>>> flights = ph.from_pandas(pd.DataFrame({"carrier": ["UA", "AA", "UA"], "delay": [5, 10, 15]}))
>>> flights.groupby("carrier").agg(mean=("delay", "mean")).compute()
  carrier  mean
0      AA  10.0
1      UA  10.0
"""

from __future__ import annotations

from playhead import errors
from playhead.aggregates import UserAggregate
from playhead.frame import Column, Frame, concat
from playhead.frame.aggregating import (
    aggregate,
    all,
    any,
    approx_nunique,
    approx_quantile,
    count,
    first,
    last,
    max,
    mean,
    median,
    min,
    nunique,
    quantile,
    size,
    std,
    sum,
    var,
)
from playhead.frame.column import col, lit
from playhead.frame.groupby import metric
from playhead.io import (
    Push,
    arrival_time,
    event_log,
    from_arrow,
    from_iter,
    from_pandas,
    push,
    rate,
    read_csv,
    read_event_log,
    read_json,
    read_kafka,
    read_parquet,
    read_system,
    to_callback,
    to_event_log,
    to_kafka,
    to_memory,
    to_nothing,
    to_parquet,
)
from playhead.logs.log import EventLog
from playhead.windows import hopping, session, tumbling

__version__ = "0.1.0"

__all__ = [
    "Column",
    "EventLog",
    "Frame",
    "Push",
    "UserAggregate",
    "aggregate",
    "all",
    "any",
    "approx_nunique",
    "approx_quantile",
    "arrival_time",
    "col",
    "concat",
    "count",
    "errors",
    "event_log",
    "first",
    "from_arrow",
    "from_iter",
    "from_pandas",
    "hopping",
    "last",
    "lit",
    "max",
    "mean",
    "median",
    "metric",
    "min",
    "nunique",
    "push",
    "quantile",
    "rate",
    "read_csv",
    "read_event_log",
    "read_json",
    "read_kafka",
    "read_parquet",
    "read_system",
    "session",
    "size",
    "std",
    "sum",
    "to_callback",
    "to_event_log",
    "to_kafka",
    "to_memory",
    "to_nothing",
    "to_parquet",
    "tumbling",
    "var",
]
