"""A folder with one Parquet file, the table as it stands: replaced by the next one in one step.

The whole table is in memory and in every checkpoint. That is the simplest thing that any reader of a folder sees
right: two generations of files beside each other would be read as one table with every row twice. A query can so go
back to any of its checkpoints, and the file with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from playhead.batch import Batch
from playhead.errors import SinkError
from playhead.sinks.memory import MemorySink
from playhead.sinks.parquet_files import write_file
from playhead.sinks.parquet_folder import Folder
from playhead.sinks.sink import Prepared, SinkContext

NAME = "table.parquet"


@dataclass
class WholeTable:
    """Keeps the table and writes it whole."""

    folder: Folder
    context: SinkContext
    _table: MemorySink = field(default_factory=lambda: MemorySink(keep_changes=0))
    _changed: int = 0
    """The last epoch that changed the table."""
    _shown: int = -1
    """The last epoch that the file shows."""

    def begin(self) -> None:
        self._table.open(self.context)

    def write(self, epoch: int, changes: Batch) -> None:
        self._table.write(epoch, changes, 0)
        self._changed = epoch

    def prepare(self, epoch: int) -> Prepared:
        return Prepared(tables={"table": self._table.latest()})

    def commit(self, epoch: int, prepared: Prepared) -> None:
        self.folder.require_ours()
        if self._shown >= self._changed:
            return
        table = prepared.tables["table"]
        path = f"{self.folder.path}/{NAME}"
        write_file(self.folder.filesystem, self.folder.new_hidden(), path, table.to_batches(), self.context.schema)
        self._shown = epoch

    def recover(self, epoch: int, prepared: Prepared | None) -> None:
        if prepared is None and NAME in self.folder.files():
            raise SinkError(
                f"{self.folder.path!r} has a table of the query {self.folder.query!r} that no checkpoint knows; "
                "resume the query from its checkpoint, or empty the folder"
            )
        if prepared is None and epoch and self.context.mode == "update":
            raise SinkError(
                f"the folder {self.folder.path!r} is new to the query {self.folder.query!r}, which goes on behind "
                f"epoch {epoch}: in mode='update' the table would lack everything before; use mode='complete'"
            )
        self.folder.discard()
        if prepared is not None:
            self.commit(epoch, prepared)
            self._table.open(self.context)
            for rows in prepared.tables["table"].to_batches():
                self._table.write(epoch, Batch(rows), 0)

    def close(self) -> None:
        self.folder.discard(mine=True)
