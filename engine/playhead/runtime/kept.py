"""The last rows of something that is counted in full: late rows, rejected input."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

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
