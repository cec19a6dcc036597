"""What all views have in common: a widget whose pages say what they look at, and are sent that and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from playhead_widgets.client import Client
from playhead_widgets.encode import Buffer
from playhead_widgets.watched import Moment

STATIC = Path(__file__).parent / "static"

Message = tuple[dict[str, Any], list[Buffer]]


class View(anywidget.AnyWidget):
    """A widget that shows a query; subclassed once a kind of view.

    A page that opens it says so and gets frames as long as it answers (`Client`); without pages nothing is sent.
    """

    _esm = STATIC / "playhead.js"
    _css = STATIC / "playhead.css"
    kind = traitlets.Unicode().tag(sync=True)
    """Which view the page builds."""
    group = traitlets.Unicode().tag(sync=True)
    """Views of one group show the same epoch at any time."""
    label = traitlets.Unicode().tag(sync=True)
    """What it is called, for people who cannot see it and as its title."""
    setup = traitlets.Dict().tag(sync=True)
    """What the page has to know once."""

    needs_table = False
    """Whether its frames are made of the whole table, not only of changes."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.clients: dict[str, Client] = {}
        self.lock = threading.RLock()
        self.wake: Callable[[], None] = lambda: None
        """Called when a page asked for something."""
        self.on_msg(self._hear)

    def advance(self, moment: Moment) -> None:
        """Take in the changes of a moment."""

    def payload(self, moment: Moment, client: Client) -> Message:
        """What a page is shown of a moment."""
        raise NotImplementedError

    def told(self, content: dict[str, Any], client: Client) -> None:
        """A page said something that is not about frames."""

    def _hear(self, _: Any, content: dict[str, Any], __: Any) -> None:
        name, kind, now = str(content.get("client")), content.get("kind"), time.monotonic()
        with self.lock:
            if kind == "close":
                self.clients.pop(name, None)
                return
            if kind == "open":
                self.clients[name] = Client(dict(content.get("wants") or {}))
            client = self.clients.get(name)
            if client is None:
                self.send({"kind": "reopen", "client": name})
                return
            if kind == "ack":
                client.answered(int(content.get("frame", 0)), now)
                return
            client.answered(client.sent, now)  # it speaks, so it is there
            if kind == "wants":
                client.wants.update(content.get("wants") or {})
            client.fresh = True
            if kind not in ("open", "wants", "alive"):
                self.told(content, client)
        self.wake()
