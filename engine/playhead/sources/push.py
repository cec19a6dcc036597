"""Rows that the user's own code pushes, from any thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from playhead.errors import SourceError
from playhead.sources.clock import LISTEN_SECONDS
from playhead.sources.columns import plain_schema
from playhead.sources.declared_source import DeclaredSource
from playhead.sources.python_rows import fit
from playhead.sources.source import Chunk, Split, Stop
from playhead.sources.timing import Declared, timing

IDLE = None
"""Stands in the buffer where the sender said that it will be silent."""


class PushSource(DeclaredSource):
    """A buffer of batches between senders and readers; every reader sees what is sent while it reads.

    What is sent before anybody reads waits for the first reader. A batch goes when all readers have passed it; a
    position is the number of batches before it and cannot be gone back to.
    """

    replayable: bool = False
    bounded = False

    def __init__(self, schema: pa.Schema, declared: Declared, *, buffer_bytes: int) -> None:
        super().__init__("push", timing(declared, plain_schema(schema), bounded=False))
        self.sent = plain_schema(schema)
        self.buffer_bytes = buffer_bytes
        self.changed = threading.Condition()
        self.batches: deque[tuple[pa.RecordBatch | None, int]] = deque()
        self.first, self.waiting, self.rows = 0, 0, 0
        self.cursors: dict[int, int] = {}
        self.closed = False

    # The senders' side

    def send(self, rows: Any, *, block: bool = True, timeout: float | None = None) -> bool:
        """Add rows; False if there is no room and `block` is false, or there was none for `timeout` seconds."""
        batch = fit(rows, self.sent)
        if not batch.num_rows:
            return True
        with self.changed:
            if not self.changed.wait_for(lambda: self.closed or self._has_room(batch.nbytes), timeout if block else 0):
                return False
            self._append(batch)
        return True

    def idle(self) -> None:
        """Say that nothing will come for a while, so that nobody waits for this source's time to move."""
        with self.changed:
            self._append(IDLE)

    def close(self) -> None:
        """Nothing more will come."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def _has_room(self, size: int) -> bool:
        return not self.batches or self.waiting + size <= self.buffer_bytes

    def _append(self, batch: pa.RecordBatch | None) -> None:
        if self.closed:
            raise SourceError("push is closed; nothing can be sent any more")
        self.batches.append((batch, self.rows))
        if batch is not IDLE:
            self.waiting += batch.nbytes
            self.rows += batch.num_rows
        self.changed.notify_all()

    # The readers' side

    def splits(self) -> list[Split]:
        return [Split("push")]

    def read(self, split: Split, columns: Sequence[str], position: Any, stop: Stop) -> Iterator[Chunk]:
        self.to_decode(columns)
        reader = id(stop)
        with self.changed:
            self.cursors[reader] = self._start(position)
        try:
            while not stop.is_set():
                found = self._next(reader)
                if found is None and self.closed:
                    return
                if found is not None:
                    yield self._chunk(*found, columns)
        finally:
            with self.changed:
                del self.cursors[reader]

    def _start(self, position: Any) -> int:
        start = self.first if position is None else int(position)
        if start < self.first:
            raise SourceError(f"push cannot go back to position {start}: what was sent before {self.first} is gone")
        return start

    def _next(self, reader: int) -> tuple[pa.RecordBatch | None, int, int] | None:
        """(batch, number of its first row, position behind it), or None when nothing came for a moment."""
        with self.changed:
            at = self.cursors[reader]
            if not self.changed.wait_for(lambda: at < self.first + len(self.batches) or self.closed, LISTEN_SECONDS):
                return None
            if at >= self.first + len(self.batches):
                return None
            batch, row = self.batches[at - self.first]
            self.cursors[reader] = at + 1
            self._forget()
            return batch, row, at + 1

    def _forget(self) -> None:
        """Let go of what every reader has passed."""
        while self.batches and self.first < min(self.cursors.values()):
            batch, _ = self.batches.popleft()
            self.first += 1
            self.waiting -= batch.nbytes if batch is not IDLE else 0
        self.changed.notify_all()

    def _chunk(self, batch: pa.RecordBatch | None, row: int, position: int, columns: Sequence[str]) -> Chunk:
        if batch is IDLE:
            return Chunk(pa.RecordBatch.from_pylist([], self.schema).select(list(columns)), position, idle=True)
        checked, rejected = self.timing.check(batch, lambda index: f"row {row + index}")
        return Chunk(checked.select(list(columns)), position, rejected=rejected)
