"""What users may pass where a path, a length of time or the names and types of columns are meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import pyarrow as pa

from playhead.sources.arrival import ArrivalTime

Path: TypeAlias = Any
"""A path, a glob, a folder, a URI, or a list of those."""
Duration: TypeAlias = Any
"""Text such as "12h", or a timedelta (pandas' too)."""
Time: TypeAlias = str | ArrivalTime | None
"""The name of the event-time column, `arrival_time()`, or None where rows have no time."""
Schema: TypeAlias = pa.Schema | Mapping[str, Any]
"""Names and types: a pyarrow.Schema, or `{"price": "float64"}` with any name of a type."""
