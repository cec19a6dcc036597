"""Results in an event log, exactly once: staged where no reader looks, published with a complete checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa

from playhead.batch import Batch
from playhead.errors import PlanError, SinkError
from playhead.logs.evolution import as_columns
from playhead.logs.log import EventLog
from playhead.logs.opening import Wanted, open_log
from playhead.logs.tables import Writer
from playhead.sinks.sink import Prepared, SinkContext

WEIGHT = "weight"

STAGE_BYTES = 32 << 20
"""So much waits in memory between checkpoints, at most, before it is staged."""


@dataclass
class EventLogSink:
    """Appends the rows of each epoch to a log; in mode "update" its changes, with a last column `weight`.

    The log remembers, in the transaction of the rows, up to which epoch it has those of a query (`writers`).
    """

    path: Any
    wanted: Wanted = Wanted()  # noqa: RUF009  it is frozen
    modes: tuple[str, ...] = ("append", "update")
    guarantee: str = "exactly once"
    eager: bool = True
    _log: EventLog | None = field(default=None, init=False, repr=False)
    _waiting: list[pa.RecordBatch] = field(default_factory=list, init=False, repr=False)
    _bytes: int = field(default=0, init=False, repr=False)
    _staged: int = field(default=0, init=False, repr=False)
    """The number of the last staged piece."""
    _staged_rows: int = field(default=0, init=False, repr=False)

    def __repr__(self) -> str:
        return f"<event log: {self.path}>"

    def open(self, context: SinkContext) -> None:
        schema = context.schema
        self.update = context.mode == "update"
        if self.update:
            if WEIGHT in schema.names:
                raise PlanError(f"in update mode a log gets a column {WEIGHT!r}, and the result has one; rename it")
            schema = schema.append(pa.field(WEIGHT, pa.int64()))
        self.context, self.owner = context, uuid4().hex
        self._waiting, self._bytes, self._staged_rows = [], 0, 0
        self._log = open_log(self.path, replace(self.wanted, schema=schema))

    def write(self, epoch: int, changes: Batch, watermark: int) -> None:
        rows = self._rows(epoch, changes)
        self._waiting.append(rows)
        self._bytes += rows.nbytes
        if self.context.checkpointed and self._bytes >= STAGE_BYTES:
            self._stage()

    def prepare(self, epoch: int) -> Prepared:
        if not self.context.checkpointed:  # nothing would find it again after a crash
            return Prepared()
        self._stage()
        prepared, self._staged_rows = Prepared({"until": self._staged, "rows": self._staged_rows}), 0
        return prepared

    def commit(self, epoch: int, prepared: Prepared) -> None:
        log = self._opened()
        if not self.context.checkpointed:
            if self._waiting:
                ready = log.ready(self._taken())
                with log.changing() as change:
                    change.append(ready)
        elif prepared.details["rows"]:
            with log.changing() as change:
                writer = self._mine(change.writer(self.context.query))
                if epoch > writer.number:
                    self._publish(change, epoch, prepared)
                    change.save(replace(writer, number=epoch))

    def recover(self, epoch: int, prepared: Prepared | None) -> None:
        log, query = self._opened(), self.context.query
        with log.changing() as change:
            writer = change.writer(query)
            self._require_newest(writer, epoch)
            number = writer.number
            if prepared is not None and prepared.details["rows"] and epoch > number:
                self._publish(change, epoch, prepared)
                number = epoch
            change.discard(query)
            change.save(Writer(query, number, self.context.attempt, self.owner))

    def close(self, *, failed: bool) -> None:
        log, self._log = self._log, None
        self._waiting, self._bytes = [], 0
        if log is not None:
            log.close()

    def _rows(self, epoch: int, changes: Batch) -> pa.RecordBatch:
        """The changes under the columns of the log, which may have them in another order, and wider."""
        rows, weights = changes.rows, changes.weights
        if self.update:
            weights = np.ones(changes.num_rows, np.int64) if weights is None else weights
            rows = rows.append_column(WEIGHT, pa.array(weights, pa.int64()))
        elif weights is not None:
            if (weights < 1).any():
                raise SinkError(f"epoch {epoch} takes rows back, which mode='append' cannot do")
            rows = rows.take(pa.array(np.repeat(np.arange(len(weights)), weights)))
        return as_columns(rows, self._opened().schema, f"epoch {epoch}")

    def _taken(self) -> list[pa.RecordBatch]:
        """What waits, in one piece: small epochs do not make small batches."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        return waiting[:1] if len(waiting) == 1 else [pa.concat_batches(waiting)]

    def _stage(self) -> None:
        if not self._waiting:
            return
        log = self._opened()
        ready = log.ready(self._taken())
        with log.changing() as change:
            self._mine(change.writer(self.context.query))
            self._staged = change.stage(self.context.query, ready)
        self._staged_rows += ready.rows

    def _publish(self, change: Any, epoch: int, prepared: Prepared) -> None:
        rows = change.publish(self.context.query, prepared.details["until"])
        if rows < prepared.details["rows"]:
            raise SinkError(
                f"the event log {self.path} has {rows:,} of the {prepared.details['rows']:,} rows that epoch {epoch} "
                "prepared in it; was it replaced, or brought back from a copy?"
            )

    def _require_newest(self, writer: Writer, epoch: int) -> None:
        if epoch and self.context.attempt < writer.attempt:
            raise SinkError(
                f"attempt {self.context.attempt} of {writer.name!r} is out of date: attempt {writer.attempt} writes to "
                f"the event log {self.path}"
            )
        if epoch < writer.number:
            begins = f"goes on behind epoch {epoch}" if epoch else "starts from nothing"
            raise SinkError(
                f"{writer.name!r} {begins}, and the event log {self.path} has its results up to epoch "
                f"{writer.number}, which others may have read: they would be there twice. Give the query another log, "
                "or another name to append them again on purpose"
            )

    def _mine(self, writer: Writer) -> Writer:
        if writer.owner != self.owner:
            raise SinkError(f"another run of {writer.name!r} has taken over the event log {self.path}; this one stops")
        return writer

    def _opened(self) -> EventLog:
        assert self._log is not None
        return self._log
