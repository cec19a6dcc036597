"""The last rows of something that is counted in full: late rows, rejected input."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from playhead.sources.source import Rejected

KEPT_ROWS = 100_000
"""How many late rows and rejected pieces of input can be looked at; all are counted."""


@dataclass
class Kept:
    """The last so many rows of something that is counted in full."""

    most: int = KEPT_ROWS
    parts: deque[Any] = field(default_factory=deque)
    epochs: deque[int] = field(default_factory=deque)
    rows: int = 0
    dropped: int = 0
    """How many were kept and had to go."""

    def add(self, epoch: int, part: Any, rows: int) -> None:
        self.parts.append((part, rows))
        self.epochs.append(epoch)
        self.rows += rows
        while self.rows - self.parts[0][1] >= self.most:
            oldest = self.parts.popleft()[1]
            self.epochs.popleft()
            self.rows -= oldest
            self.dropped += oldest

    def until(self, epoch: int) -> Kept:
        """Only what belongs to epochs up to that one."""
        kept = Kept(self.most, dropped=self.dropped)
        for number, (part, rows) in zip(self.epochs, self.parts, strict=True):
            if number <= epoch:
                kept.add(number, part, rows)
        return kept


def rejected_table(source: str, rejected: Rejected) -> pa.Table:
    """Rejected input as rows of text: source, position, text and reason."""
    columns = {
        "source": [source] * len(rejected.reason),
        "position": rejected.position,
        "text": rejected.text,
        "reason": rejected.reason,
    }
    return pa.table({name: pa.array(list(values), pa.string()) for name, values in columns.items()})
