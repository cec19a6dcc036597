"""From an epoch's results to the sinks: one consolidated changelog an epoch, for everybody the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from playhead.batch import Batch, concat
from playhead.consolidate import consolidate
from playhead.errors import PlayheadError, SinkError
from playhead.expr import empty
from playhead.sinks.memory import MemorySink
from playhead.sinks.sink import Sink, SinkContext


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
        self.ready = True

    def deliver(self, epoch: int, results: list[Batch], watermark: int) -> bool:
        """Give the sinks what an epoch changed; returns whether anything did."""
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
            try:
                sink.write(epoch, changes, watermark)
            except PlayheadError:
                raise
            except Exception as error:
                raise SinkError(f"{type(sink).__name__} failed at epoch {epoch}: {error}") from error
        return True

    def close(self, *, failed: bool) -> None:
        """Close every sink that was opened, even if one of them fails to."""
        opened, self._opened = self._opened, []
        errors = []
        for sink in opened:
            try:
                sink.close(failed=failed)
            except Exception as error:
                errors.append(error)
        if errors and not failed:
            raise SinkError(f"closing a sink failed: {errors[0]}") from errors[0]
