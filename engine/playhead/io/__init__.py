"""Where frames begin: tables in memory, files, iterables, pushed rows, generators; and where results go."""

from __future__ import annotations

from playhead.io.files import read_csv, read_json, read_parquet
from playhead.io.results import to_callback, to_nothing, to_parquet
from playhead.io.tables import from_arrow, from_pandas

__all__ = [
    "from_arrow",
    "from_pandas",
    "read_csv",
    "read_json",
    "read_parquet",
    "to_callback",
    "to_nothing",
    "to_parquet",
]
