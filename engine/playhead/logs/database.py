"""One SQLite file in WAL mode, as a log uses it: a connection, one writer at a time, errors in our words."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from playhead.errors import PlayheadError

PAGE_BYTES = 16_384
"""Large rows go through fewer pages, small commits still write little: measured from 4 to 64 KiB."""

BUSY_SECONDS = 60


class Database:
    """A connection that may be used from any thread, by one at a time, and after a fork from the child too.

    Writers take turns by a lock on a file beside the database, which the system releases when its holder dies: unlike
    SQLite's own waiting it wakes the next one at once, and WAL checkpoints never meet another writer.
    """

    def __init__(self, path: str, error: type[PlayheadError]) -> None:
        self.path, self.error = path, error
        self._turn = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._lock_file: int | None = None
        self._process = os.getpid()

    def create(self, script: str) -> bool:
        """Make the database with the tables of `script`, whole or not at all; False if it is there already."""
        with self._turn, self._told(), self._alone():
            if os.path.exists(self.path):
                return False
            unfinished = f"{self.path}.unfinished"
            if os.path.exists(unfinished):
                os.unlink(unfinished)
            made = sqlite3.connect(unfinished, isolation_level=None)
            try:
                made.execute(f"pragma page_size = {PAGE_BYTES}")
                made.execute("pragma journal_mode = wal")
                made.executescript(f"begin; {script} commit;")
            finally:
                made.close()
            os.rename(unfinished, self.path)
            return True

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """What was committed when this began, unchanged by others until it ends: keep it short."""
        with self._turn, self._told():
            connection = self._connected()
            connection.execute("begin")
            try:
                yield connection
            finally:
                connection.execute("rollback")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is on the disk when this ends, or leaves no trace if it raises."""
        with self._turn, self._told(), self._alone():
            connection = self._connected()
            connection.execute("begin immediate")
            try:
                yield connection
                connection.execute("commit")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("rollback")
                raise

    def version(self) -> int:
        """A number that changes when another connection has committed something; asking is cheap."""
        with self._turn, self._told():
            return int(self._connected().execute("pragma data_version").fetchone()[0])

    def close(self) -> None:
        """Let go of the file; using the database again opens it again."""
        with self._turn:
            if self._process == os.getpid():
                if self._connection is not None:
                    self._connection.close()
                if self._lock_file is not None:
                    os.close(self._lock_file)
            self._connection = self._lock_file = None

    def __del__(self) -> None:
        self.close()

    def _connected(self) -> sqlite3.Connection:
        self._forget_parent()
        if self._connection is None:
            where = f"file:{_quoted(self.path)}?mode=rw"
            self._connection = sqlite3.connect(
                where, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS
            )
            self._connection.execute("pragma synchronous = full")  # a commit survives a loss of power too
        return self._connection

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._forget_parent()
        if self._lock_file is None:
            self._lock_file = os.open(f"{self.path}.writer", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        fcntl.flock(self._lock_file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    def _forget_parent(self) -> None:
        """After a fork the connection and the lock belong to the parent: they are left alone, not closed."""
        if self._process != os.getpid():
            self._process, self._connection, self._lock_file = os.getpid(), None, None

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self.error(f"{self.path}: {error}") from error
        except OSError as error:
            raise self.error(f"{self.path}: {error.strerror or error}") from error


def _quoted(path: str) -> str:
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
