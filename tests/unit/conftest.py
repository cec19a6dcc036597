"""What tests of running queries share."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest


def playhead_threads() -> list[str]:
    """The names of the threads that queries and their sources have now."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("playhead ")]


@pytest.fixture
def no_thread_left() -> Iterator[None]:
    """Whatever a test did, no thread of a query is left when it is over."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("playhead pull "):  # a user's iterator ends it, at its next item
            thread.join(10)
    assert playhead_threads() == []
