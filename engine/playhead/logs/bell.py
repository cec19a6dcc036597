"""How a reader that waits for rows learns of a commit in another process: a named pipe that the writer writes to."""

from __future__ import annotations

import errno
import os
import select
from contextlib import suppress
from uuid import uuid4

FOLDER = "waiting"


def ring(log: str) -> None:
    """Wake every reader that waits at the log in the folder `log`; the pipes of dead ones are cleared away."""
    folder = os.path.join(log, FOLDER)
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        if not name.startswith("."):
            _ring(os.path.join(folder, name))


def _ring(path: str) -> None:
    try:
        pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO:  # nobody has it open for reading
            _remove(path)
        return
    try:
        os.write(pipe, b".")
    except OSError:
        pass  # the pipe is full, so that its reader is awake; or it has just gone
    finally:
        os.close(pipe)


class Bell:
    """A reader's own pipe. Where pipes cannot be made, waiting simply lasts until its time is up."""

    def __init__(self, log: str) -> None:
        self.path: str | None = None
        self.pipe: int | None = None
        folder, name = os.path.join(log, FOLDER), f"{os.getpid()}-{uuid4().hex[:8]}"
        hidden = os.path.join(folder, f".{name}")
        try:
            os.makedirs(folder, exist_ok=True)
            os.mkfifo(hidden)
            # Open for writing too: a pipe whose writers have all gone would look as if something were there to read.
            self.pipe = os.open(hidden, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            self.path = os.path.join(folder, name)
            os.rename(hidden, self.path)  # visible only now that it is open: a writer takes closed ones away
        except OSError:
            _remove(hidden)
            self.close()

    def wait(self, seconds: float) -> bool:
        """Wait for the bell; False if it did not ring in time."""
        waiting = select.poll()
        if self.pipe is not None:
            waiting.register(self.pipe, select.POLLIN)
        if not waiting.poll(seconds * 1000):
            return False
        if self.pipe is not None:
            os.read(self.pipe, 4096)
        return True

    def close(self) -> None:
        """Take the pipe away."""
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None
        if self.path is not None:
            _remove(self.path)
            self.path = None


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
