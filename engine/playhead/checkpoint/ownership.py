"""Who may write the checkpoints of a query: one attempt at a time, a later one always before an earlier one."""

from __future__ import annotations

import os
from typing import IO

from playhead.checkpoint.store import FileStore, Store
from playhead.errors import CheckpointError, FencedError


class Ownership:
    """The right to write, from `Ownership(store)` to `close`.

    Every owner takes a number of its own, higher than all before it, by a file in `attempts/`. On a local disk a lock
    that the system gives back when the process ends refuses a second owner at once. Elsewhere the second owner goes
    ahead, and the first one finds the higher number when it writes its next checkpoint, and stops.
    """

    def __init__(self, store: Store, query: str) -> None:
        self.store, self.query = store, query
        self._lock: IO[str] | None = None
        self.attempt = 0
        try:
            if isinstance(store, FileStore) and store.local:
                self._lock = _locked(store, query)
            self.next_attempt()
        except OSError as error:
            self.close()
            raise CheckpointError(f"checkpoints cannot be written to {store.description}: {error}") from error

    def next_attempt(self) -> int:
        """Begin another attempt; returns its number."""
        self.attempt = max([self.attempt, *attempts(self.store)]) + 1
        self.store.write(f"attempts/{self.attempt:06}", [b"\n"])
        self.store.delete([name for name in self.store.names("attempts") if int(name[9:]) < self.attempt])
        return self.attempt

    def require(self) -> None:
        """Raise FencedError if another owner has come."""
        newest = max(attempts(self.store), default=0)
        if newest > self.attempt:
            raise FencedError(
                f"{self.query!r} in {self.store.description} was taken over by attempt {newest}; this one, attempt "
                f"{self.attempt}, stops here and its last results were not committed"
            )

    def close(self) -> None:
        """Let others have it."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def attempts(store: Store) -> list[int]:
    """The numbers of the attempts that are on record; the highest is the owner."""
    return [int(name.rpartition("/")[2]) for name in store.names("attempts")]


def _locked(store: FileStore, query: str) -> IO[str]:
    import fcntl

    os.makedirs(store.root, exist_ok=True)
    lock = open(f"{store.root}/.lock", "a+")  # noqa: SIM115  it stays open as long as the lock is held
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        owner = lock.read().strip() or "another process"
        lock.close()
        raise FencedError(
            f"{query!r} in {store.description} is running already ({owner}); stop it there, or give this query "
            "another name= or another checkpoint="
        ) from None
    lock.seek(0)
    lock.truncate()
    lock.write(f"process {os.getpid()}\n")
    lock.flush()
    return lock
