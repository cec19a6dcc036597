"""The contract of a sink: where results go, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from playhead.batch import Batch


@dataclass(frozen=True, slots=True)
class SinkContext:
    """What a sink is told before the first epoch."""

    schema: pa.Schema
    mode: str
    """"append", "update" or "complete"."""
    unique_key: tuple[str, ...] | None
    """Columns that identify a row of the result, or None."""
    query: str
    """The query's name."""


class Sink(Protocol):
    """Where results go. Called on one thread only, in epoch order."""

    modes: tuple[str, ...]
    """The modes that it can take, the one it likes best first."""
    guarantee: str
    """What it promises across a crash, in words, for `explain`: "at least once", ..."""

    def open(self, context: SinkContext) -> None:
        """Get ready, or refuse with a clear error before anything has run."""
        ...

    def write(self, epoch: int, changes: Batch, watermark: int) -> None:
        """Take the one consolidated changelog of an epoch (append: only additions; complete: the whole table).
        Not called for epochs without changes."""
        ...

    def close(self, *, failed: bool) -> None:
        """The query ended; leave nothing half written."""
        ...
