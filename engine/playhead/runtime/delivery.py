"""From an epoch's results to the sinks: one consolidated changelog an epoch, for everybody the same.

With checkpoints the runtime says when sinks recover, prepare and commit. Without, it is done here: at the end of every
epoch for sinks that want it so, for the others once, when the query ends well. Either way all sinks are prepared before
the first one commits, so that they show an epoch together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from playhead.batch import Batch, concat
from playhead.consolidate import consolidate
from playhead.errors import PlayheadError, SinkError
from playhead.expr import empty
from playhead.sinks.memory import MemorySink
from playhead.sinks.sink import Prepared, ProvisionalSink, Sink, SinkContext, TransactionalSink


class Delivery:
    """Hands each epoch's changelog to all sinks of a query.

    `net` says that results are net changes of distinct rows already, as an aggregate's are.
    """

    def __init__(self, sinks: Sequence[Sink], context: SinkContext, *, net: bool = False) -> None:
        self.sinks, self.context, self.net = tuple(sinks), context, net
        self.rows = 0
        """Entries of changelogs delivered so far."""
        self._table = MemorySink() if context.mode == "complete" else None
        self._opened: list[Sink] = []
        self._transactional: list[TransactionalSink] = []
        self._eager: list[TransactionalSink] = []
        self._epoch = 0
        self.ready = False
        """Every sink was opened."""

    def open(self) -> None:
        """Open the sinks; if one refuses, those before it are closed again."""
        if self._table is not None:
            self._table.open(replace(self.context, mode="update"))
        for sink in self.sinks:
            try:
                sink.open(self.context)
            except BaseException:
                self.close(failed=True)
                raise
            self._opened.append(sink)
        self._transactional = [sink for sink in self._opened if isinstance(sink, TransactionalSink)]
        if not self.context.checkpointed:
            self._eager = [sink for sink in self._transactional if sink.eager]
        self.ready = True

    def deliver(self, epoch: int, results: list[Batch], watermark: int) -> bool:
        """Give the sinks what an epoch changed; returns whether anything did."""
        self._epoch = epoch
        if not results:
            return False
        changes = results[0] if self.net and len(results) == 1 else consolidate(concat(results))
        if not changes.num_rows:
            return False
        self.rows += changes.num_rows
        if self._table is not None:
            self._table.write(epoch, changes, watermark)
            table = self._table.latest().combine_chunks().to_batches()
            changes = Batch(table[0] if table else empty(self.context.schema))
        for sink in self._opened:
            with _blamed(sink, "failed", epoch):
                sink.write(epoch, changes, watermark)
        if self._eager:
            self._show(self._eager, epoch)
        return True

    # Checkpoints

    def recover(self, epoch: int, prepared: Sequence[Prepared | None]) -> None:
        """After `open`, with checkpoints: the query goes on behind `epoch` (0: from the start, with nothing prepared).

        `prepared` is what `prepare` returned at that epoch, a place for each sink; None for a sink that was not there.
        """
        self._epoch = epoch
        for sink, one in zip(self._opened, prepared or [None] * len(self._opened), strict=True):
            with _blamed(sink, "could not recover", epoch):
                if isinstance(sink, TransactionalSink):
                    sink.recover(epoch, one)
                elif isinstance(sink, ProvisionalSink) and self.context.attempt > 1:
                    sink.rolled_back(epoch)

    def prepare(self, epoch: int) -> list[Prepared | None]:
        """Have every sink make ready what it was given; a place for each sink, None where nothing can be prepared."""
        prepared: list[Prepared | None] = []
        for sink in self._opened:
            with _blamed(sink, "could not prepare", epoch):
                prepared.append(sink.prepare(epoch) if isinstance(sink, TransactionalSink) else None)
        return prepared

    def commit(self, epoch: int, prepared: Sequence[Prepared | None]) -> None:
        """Make visible what `prepare` returned; may be done again."""
        for sink, one in zip(self._opened, prepared, strict=True):
            if isinstance(sink, TransactionalSink) and one is not None:
                with _blamed(sink, "could not commit", epoch):
                    sink.commit(epoch, one)

    @property
    def views(self) -> dict[str, MemorySink]:
        """The tables in memory, by the names that they have in checkpoints."""
        tables = [self._table, *(sink for sink in self.sinks if isinstance(sink, MemorySink))]
        return {f"table {number}": table for number, table in enumerate(tables) if table is not None}

    # The end

    def close(self, *, failed: bool) -> None:
        """Close every sink that was opened, even if one of them fails to; after a good end all has become visible."""
        try:
            if self._opened and not failed and not self.context.checkpointed:
                self._show([sink for sink in self._transactional if not sink.eager], self._epoch)
        except BaseException:
            self._close(failed=True)
            raise
        self._close(failed=failed)

    def _close(self, *, failed: bool) -> None:
        opened, self._opened = self._opened, []
        errors = []
        for sink in opened:
            try:
                sink.close(failed=failed)
            except Exception as error:
                errors.append(error)
        if errors and not failed:
            raise SinkError(f"closing a sink failed: {errors[0]}") from errors[0]

    def _show(self, sinks: Sequence[TransactionalSink], epoch: int) -> None:
        prepared = []
        for sink in sinks:
            with _blamed(sink, "could not prepare", epoch):
                prepared.append(sink.prepare(epoch))
        for sink, one in zip(sinks, prepared, strict=True):
            with _blamed(sink, "could not commit", epoch):
                sink.commit(epoch, one)


@contextmanager
def _blamed(sink: Sink, what: str, epoch: int) -> Iterator[None]:
    """What a sink raises says which one it was, and at which epoch."""
    try:
        yield
    except PlayheadError:
        raise
    except Exception as error:
        raise SinkError(f"{type(sink).__name__} {what} at epoch {epoch}: {error}") from error
