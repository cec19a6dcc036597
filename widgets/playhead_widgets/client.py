"""One view on one page: what it looks at, and whether it keeps up with what it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WINDOW = 0.8
"""Seconds for which frames are sent on without hearing from the page; it answers every 0.4 s at most."""

SLOW = 1.0
"""Seconds between frames to a page that has not answered for longer than that."""

SILENT = 10.0
"""A page that has not answered for so long is sent nothing more until it speaks: it may be closed."""


@dataclass
class Client:
    """The kernel's side of a view on a page."""

    wants: dict[str, Any] = field(default_factory=dict)
    """What the page asked to see: a range, rows, an order, a filter."""
    fresh: bool = True
    """It asked for something that it was not sent yet."""
    shown: Any = None
    """The stamp of the moment that it was sent last."""
    version: tuple[int, int] | None = None
    """The version of the result in that moment."""
    sent: int = 0
    acknowledged: int = 0
    _waiting_since: float = 0.0
    _last_sent: float = float("-inf")

    def is_up_to_date(self, version: tuple[int, int]) -> bool:
        """Whether it has this result already, and asked for nothing else of it."""
        return not self.fresh and self.version == version

    def may_send(self, now: float) -> bool:
        """Whether a frame may go out: yes to a page that keeps up, one a second to a slow one, none to a silent one."""
        if self.sent <= self.acknowledged or now - self._waiting_since < WINDOW:
            return True
        return now - self._waiting_since < SILENT and now - self._last_sent >= SLOW

    def was_sent(self, frame: int, now: float) -> None:
        if self.sent <= self.acknowledged:
            self._waiting_since = now
        self.sent, self._last_sent = frame, now

    def answered(self, frame: int, now: float) -> None:
        """The page has shown that frame."""
        self.acknowledged = max(self.acknowledged, frame)
        self._waiting_since = now
