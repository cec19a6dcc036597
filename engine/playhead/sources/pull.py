"""Pulling from a user's iterator on a thread of its own, so that rows do not wait for the next one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncIterable, Iterable, Iterator
from typing import Any

from playhead.errors import SourceError
from playhead.sources.clock import LISTEN_SECONDS
from playhead.sources.source import Stop


class Pulled:
    """Items between the thread that pulls and the one that reads; holds `most` at a time."""

    def __init__(self, most: int) -> None:
        self.changed = threading.Condition()
        self.items: deque[Any] = deque()
        self.most, self.count = most, 0
        self.ended = self.stopped = False
        self.error: BaseException | None = None

    def put(self, item: Any) -> bool:
        """Add an item when there is room; False if nobody wants it any more.

        One thread puts, and a deque needs no lock: it is taken only to wait, and to wake who may wait for a first item.
        """
        if len(self.items) >= self.most:
            with self.changed:
                self.changed.wait_for(lambda: self.stopped or len(self.items) <= self.most // 2)
        self.items.append(item)
        self.count += 1
        if len(self.items) == 1:
            with self.changed:
                self.changed.notify_all()
        return not self.stopped

    def offer(self, item: Any) -> bool:
        """Add an item if there is room."""
        if len(self.items) >= self.most and not self.stopped:
            return False
        return self.put(item) or True

    def end(self, error: BaseException | None = None) -> None:
        with self.changed:
            self.ended, self.error = True, error
            self.changed.notify_all()

    def stop(self) -> None:
        with self.changed:
            self.stopped = True
            self.changed.notify_all()

    def take(self, most: int) -> list[Any] | None:
        """What is there, up to `most`; an empty list if nothing came for a moment, None at the end."""
        with self.changed:
            self.changed.wait_for(lambda: self.items or self.ended, LISTEN_SECONDS)
            if not self.items and self.ended:
                return None
            taken = [self.items.popleft() for _ in range(min(most, len(self.items)))]
            if len(self.items) <= self.most // 2:  # few changes of threads, each of which costs
                self.changed.notify_all()
            return taken


def pull_ahead(items: Any, name: str, pulled: Pulled, most: int, stop: Stop) -> Iterator[list[Any]]:
    """Groups of up to `most` items, each as soon as there is one; the thread ends with the reader, or an item later."""
    pull = _pull_async if isinstance(items, AsyncIterable) else _pull
    threading.Thread(target=pull, args=(items, pulled), name=f"playhead pull {name}", daemon=True).start()
    try:
        while not stop.is_set():
            group = pulled.take(most)
            if group is None:
                break
            if group:
                yield group
    finally:
        pulled.stop()
    if pulled.error is not None and not stop.is_set():
        error = pulled.error
        raise SourceError(f"{name} raised {type(error).__name__} after item {pulled.count}: {error}") from error


def _pull(items: Iterable[Any], pulled: Pulled) -> None:
    try:
        for item in items:
            if not pulled.put(item):
                break
    except BaseException as error:
        pulled.end(error)
    else:
        pulled.end()


def _pull_async(items: AsyncIterable[Any], pulled: Pulled) -> None:
    import asyncio

    try:
        asyncio.run(_pull_until_stopped(items, pulled))
    except BaseException as error:
        pulled.end(error)
    else:
        pulled.end()


async def _pull_until_stopped(items: AsyncIterable[Any], pulled: Pulled) -> None:
    """Pull in a task, which is cancelled when nobody wants the next item any more."""
    import asyncio

    task = asyncio.create_task(_pull_each(items, pulled))
    while not task.done():
        await asyncio.wait([task], timeout=LISTEN_SECONDS)
        if pulled.stopped:
            task.cancel()
    if not task.cancelled():
        task.result()


async def _pull_each(items: AsyncIterable[Any], pulled: Pulled) -> None:
    import asyncio

    async for item in items:
        while not pulled.offer(item):
            await asyncio.sleep(LISTEN_SECONDS / 10)
