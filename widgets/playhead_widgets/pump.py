"""The thread between a query and its views: takes a moment, lets every view show it, 20 times a second at most."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace

from playhead.sinks.memory import Standing
from playhead_widgets.view import View
from playhead_widgets.watched import Moment, Watched

INTERVAL = 0.05
"""Seconds between two frames, at least."""

SHARE = 5
"""A frame that took long to make is followed by so many times as long without one."""

NOBODY = 1.0
"""Seconds between two looks at a query that nobody watches: only its static pictures may be due."""


PAUSED = 0.1
"""Seconds between two looks at a query that stands still: somebody may step it from another cell."""


class Pump:
    """Brings moments of one query to its views; all of them are sent the same one.

    `on_moment` is called with each moment that is taken, on the pump's thread.
    """

    def __init__(self, watched: Watched, views: Sequence[View], on_moment: Callable[[Moment], None]) -> None:
        self.watched, self.views, self.on_moment = watched, list(views), on_moment
        self.frames = 0
        self.seen: Standing | None = None
        """Up to where all views have taken in the changes."""
        self._wake, self._closed = threading.Event(), False
        for view in self.views:
            view.wake = self._wake.set
        self.thread = threading.Thread(target=self._work, name=f"playhead views of {watched.query.name}", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._wake.set()
        if self.thread.is_alive() and threading.current_thread() is not self.thread:
            self.thread.join(10)

    @property
    def watched_by_somebody(self) -> bool:
        return any(view.clients for view in self.views)

    def _work(self) -> None:
        told = False
        while not self._closed:
            begun = time.monotonic()
            try:
                self.beat()
            except Exception as error:
                if not told:
                    warnings.warn(f"a view of {self.watched.query.name} failed: {error!r}", stacklevel=1)
                told = True
            spent = time.monotonic() - begun
            if not self._closed:
                time.sleep(max(INTERVAL - spent, 0.005))
            self._wake.wait(self._pause(spent))
            self._wake.clear()

    def _pause(self, spent: float) -> float:
        """Seconds to the next look, over those between any two frames, unless somebody asks for something."""
        if not self.watched_by_somebody or not self.watched.alive:
            return NOBODY
        rest = min(max(SHARE * spent - INTERVAL, 0.0), 2.0)
        return rest if self.watched.query.state == "running" else max(rest, PAUSED)

    def beat(self) -> None:
        """Take a moment and show it to every page that is there and keeps up."""
        watching = self.watched_by_somebody
        moment = self._moment() if watching else self.watched.since(None, table=False)
        self.on_moment(moment)
        if watching:
            self._show(moment)

    def _moment(self) -> Moment:
        needs_table = any(view.needs_table and view.clients for view in self.views)
        moment = self.watched.since(self.seen, table=needs_table)
        if moment.standing.changes is None and moment.standing.table is None:
            moment = self.watched.since(None, table=True)
        self.advance(moment)
        return moment

    def advance(self, moment: Moment) -> None:
        """Let every view take in what happened."""
        for view in self.views:
            view.advance(moment)
        self.seen = replace(moment.standing, table=None, changes=None)

    def _show(self, moment: Moment) -> None:
        now, due = time.monotonic(), []
        for view in self.views:
            with view.lock:
                for name, client in view.clients.items():
                    if (client.fresh or client.shown != moment.stamp) and client.may_send(now):
                        due.append((view, name, client))
        if not due:
            return
        self.frames += 1
        members = [name for _, name, _ in due]
        for view, name, client in due:
            with view.lock:
                content, buffers = view.payload(moment, client)
                client.fresh, client.shown, client.version = False, moment.stamp, moment.version
                client.was_sent(self.frames, now)
            head = {"kind": "frame", "frame": self.frames, "epoch": moment.epoch, "client": name, "members": members}
            view.send({**head, **content}, buffers)
