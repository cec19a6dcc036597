"""What people ask of a query, done one after the other on a thread of its own, so that nobody waits for it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class Actions:
    """Runs functions in order; `failed` is told what one of them raised, `done` that one has returned."""

    def __init__(self, name: str, done: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        self._name, self._done, self._failed = name, done, failed
        self._queue: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def ask(self, action: Callable[[], object]) -> None:
        """Do it after what was asked before."""
        self._queue.put(action)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"playhead controls of {self._name}")
                self._thread.daemon = True
                self._thread.start()

    def close(self) -> None:
        """End when all is done."""
        self._queue.put(None)
        if self._thread is not None and threading.current_thread() is not self._thread:
            self._thread.join(10)

    def _work(self) -> None:
        while (action := self._queue.get()) is not None:
            try:
                action()
            except Exception as error:
                self._failed(error)
            self._done()
