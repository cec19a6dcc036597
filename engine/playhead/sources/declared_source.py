"""The properties that every source has from what its user declared."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from playhead.schema import EventTime, require_column
from playhead.sources.timing import Timing


class DeclaredSource:
    """Name, columns and times of a source; each connector adds `splits` and `read`."""

    bounded: bool = True
    grows: bool = False
    replayable: bool = True
    """Whether `read` can go back to any position that it gave out, in another process too."""

    name: str
    schema: pa.Schema
    time: EventTime | None
    out_of_order: int | None
    sequence: tuple[str, ...]
    arrival: str | None
    idle_timeout: int | None

    def __init__(self, name: str, timing: Timing) -> None:
        self.name, self.timing = name, timing
        self.schema, self.time = timing.schema, timing.time
        self.out_of_order, self.sequence = timing.out_of_order, timing.sequence
        self.arrival, self.idle_timeout = timing.arrival, timing.idle_timeout

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def to_decode(self, columns: Sequence[str]) -> list[str]:
        """The requested columns, and those that decide which rows are rejected."""
        for name in columns:
            require_column(name, self.schema)
        return list(dict.fromkeys([*columns, *self.timing.must_read]))
