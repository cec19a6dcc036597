"""Counts the rows of a result and forgets them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from playhead.batch import Batch
from playhead.sinks.sink import Prepared, SinkContext

COUNTS = ("rows", "net_rows", "epochs", "watermark")


@dataclass
class CountingSink:
    """Takes every change, counts it and lets it go; for measurements and for effects that happen elsewhere.

    The counts are a part of checkpoints: a query that is begun again counts on from there.
    """

    modes: tuple[str, ...] = ("update", "append", "complete")
    guarantee: str = "keeps nothing but counts, which go back with the query"
    eager: bool = False
    rows: int = 0
    """Entries of the changelog so far: additions and take-backs alike."""
    net_rows: int = 0
    """Rows of the result now: additions less take-backs; in complete mode the size of the latest table."""
    epochs: int = 0
    watermark: int | None = None

    def __repr__(self) -> str:
        return f"<nothing: {self.rows:,} rows counted>"

    def open(self, context: SinkContext) -> None:
        self.mode = context.mode

    def write(self, epoch: int, changes: Batch, watermark: int) -> None:
        net = changes.num_rows if changes.weights is None else int(np.sum(changes.weights))
        self.rows += changes.num_rows
        self.net_rows = net if self.mode == "complete" else self.net_rows + net
        self.epochs, self.watermark = self.epochs + 1, watermark

    def prepare(self, epoch: int) -> Prepared:
        return Prepared({name: getattr(self, name) for name in COUNTS})

    def commit(self, epoch: int, prepared: Prepared) -> None:
        """Counts can be seen at once."""

    def recover(self, epoch: int, prepared: Prepared | None) -> None:
        for name in COUNTS:
            setattr(self, name, getattr(CountingSink, name) if prepared is None else prepared.details[name])

    def close(self, *, failed: bool) -> None:
        """Nothing was kept."""
