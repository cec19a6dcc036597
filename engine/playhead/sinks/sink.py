"""The contract of a sink: where results go, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from playhead.batch import Batch


@dataclass(frozen=True, slots=True)
class SinkContext:
    """What a sink is told before the first epoch."""

    schema: pa.Schema
    mode: str
    """"append", "update" or "complete"."""
    unique_key: tuple[str, ...] | None
    """Columns that identify a row of the result, or None."""
    query: str
    """The query's name: with a checkpoint also its identity towards the outside."""
    attempt: int = 0
    """How often the query was begun from its checkpoints, this time included; 0 without checkpoints."""
    checkpointed: bool = False
    """Whether `prepare` and `commit` are called by checkpoints; else once at the end (see `TransactionalSink`)."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a sink has made ready by the end of an epoch: durable with the checkpoint that holds it, visible to nobody.

    It comes back to `commit` and `recover` as it was given, maybe in another process.
    """

    details: Any = None
    """JSON-able: names of hidden files, the number of a transaction."""
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    """Rows that the checkpoint keeps until they are committed, for sinks that have no hidden place of their own."""


class Sink(Protocol):
    """Where results go. Called on one thread only, in epoch order."""

    modes: tuple[str, ...]
    """The modes that it can take, the one it likes best first."""
    guarantee: str
    """What it promises across a crash, in words, for `explain`: "at least once", ..."""

    def open(self, context: SinkContext) -> None:
        """Get ready, or refuse with a clear error before anything has run."""
        ...

    def write(self, epoch: int, changes: Batch, watermark: int) -> None:
        """Take the one consolidated changelog of an epoch (append: only additions; complete: the whole table).
        Not called for epochs without changes."""
        ...

    def close(self, *, failed: bool) -> None:
        """The query ended; leave nothing half written."""
        ...


@runtime_checkable
class ProvisionalSink(Sink, Protocol):
    """A sink that shows epochs before a checkpoint holds them, and can be told that some of them are void."""

    def rolled_back(self, epoch: int) -> None:
        """A query that was begun again goes on behind `epoch`: what came of later epochs is void and comes again,
        maybe cut into other epochs. After `open`, before the first `write`."""
        ...


@runtime_checkable
class TransactionalSink(Sink, Protocol):
    """A sink whose effects happen exactly once: prepared with a checkpoint, made visible when that is complete.

    Between two checkpoints `write` may keep rows or put them where nobody sees them. At the end of a checkpoint's
    epoch comes `prepare`; epochs go on; when all files of the checkpoint are there comes `commit`. Prepared work is
    committed in the order of its epochs, and may be committed again after a crash: the second time does nothing.
    A sink that writes to a store with transactions keeps (query, epoch) in the transaction of the rows, to know.
    """

    eager: bool
    """Without a checkpoint: whether every epoch is prepared and committed at once, instead of at the end only."""

    def prepare(self, epoch: int) -> Prepared:
        """Make everything written since the last `prepare` ready; called between epochs, on the thread of `write`."""
        ...

    def commit(self, epoch: int, prepared: Prepared) -> None:
        """Make it visible, whole; does nothing where that has been done. On the thread of `write`, between epochs."""
        ...

    def recover(self, epoch: int, prepared: Prepared | None) -> None:
        """After `open`, before the first `write` of a resumed query: the query goes on behind `epoch` (0: from the
        start). Commit `prepared` if it was not yet, and abort all else that earlier attempts left unfinished."""
        ...
