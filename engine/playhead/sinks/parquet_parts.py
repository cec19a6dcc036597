"""A folder of Parquet files that only ever grows: final rows, or every change with its epoch and weight.

A file's name is the epoch of its checkpoint and a number, so that names sort as rows came, and a query that goes back
to an earlier checkpoint knows which files to take away.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from playhead.batch import Batch
from playhead.errors import PlanError, SinkError
from playhead.plan.common import schema_difference
from playhead.sinks.parquet_files import WholeFile
from playhead.sinks.parquet_folder import Folder
from playhead.sinks.sink import Prepared

CHANGELOG = (pa.field("epoch", pa.int64()), pa.field("weight", pa.int64()))


@dataclass
class PartFiles:
    """Writes files of about `target_bytes`; each is seen when it is committed."""

    folder: Folder
    schema: pa.Schema
    target_bytes: int
    changelog: bool
    _file: WholeFile | None = field(default=None, repr=False)
    _sealed: list[str] = field(default_factory=list)
    """Hidden files since the last `prepare`."""
    _prepared: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    """Hidden files and the names that they will have, by the epoch of a checkpoint that is not committed yet."""
    _seen: int = 0
    """How many files are in the folder."""

    def begin(self) -> None:
        """Get ready to write; notices at once what cannot be written."""
        if self.changelog:
            for column in CHANGELOG:
                if column.name in self.schema.names:
                    raise PlanError(f"a changelog gets a column {column.name!r}, and the result has one; rename it")
            self.schema = pa.schema([*self.schema, *CHANGELOG])
        names = self.folder.files()
        self._seen = len(names)
        if names:
            self._require_same_columns(names[-1])
        if not self.folder.checkpointed:
            self._file = self._next_file()

    def write(self, epoch: int, changes: Batch) -> None:
        if self._file is None:
            self._file = self._next_file()
        self._file.write(self._as_written(epoch, changes))
        if self._file.size >= self.target_bytes:
            self._seal()
            if not self.folder.checkpointed:  # nobody will ask for it again: whole files can be seen at once
                self.commit(epoch, self.prepare(epoch))

    def prepare(self, epoch: int) -> Prepared:
        before = self._seen + sum(map(len, self._prepared.values()))
        if self._file is None and not before and not self._sealed:
            self._file = self._next_file()  # the first one is there even without rows, so that the folder can be read
        if self._file is not None and not (self._file.empty and before):
            self._seal()
        names = [f"part-{epoch:012}-{before + number:05}.parquet" for number in range(len(self._sealed))]
        self._prepared[epoch] = list(zip(self._sealed, names, strict=True))
        self._sealed = []
        return Prepared({"files": [list(file) for files in self._prepared.values() for file in files]})

    def commit(self, epoch: int, prepared: Prepared) -> None:
        self.folder.require_ours()
        for hidden, name in prepared.details["files"]:
            self._seen += self.folder.publish(hidden, name)
        if prepared.details["files"]:
            self.folder.settle()
        self._prepared = {later: files for later, files in self._prepared.items() if later > epoch}

    def recover(self, epoch: int, prepared: Prepared | None) -> None:
        if prepared is not None:
            self.commit(epoch, prepared)
        names = self.folder.files()
        later = [name for name in names if epoch_of(name) > epoch]
        if later and epoch == 0:
            raise SinkError(
                f"the folder {self.folder.path!r} has {len(names)} files of the query {self.folder.query!r}, up to "
                f"epoch {epoch_of(later[-1])}, and the query starts from nothing: resume it from its checkpoint, or "
                "empty the folder to have everything written again"
            )
        self.folder.delete(later)
        self.folder.discard()
        self._seen = len(self.folder.files())

    def close(self) -> None:
        """Delete what was not prepared; without checkpoints also what was not committed."""
        file, self._file = self._file, None
        waiting = {hidden for files in self._prepared.values() for hidden, _ in files}
        try:
            if file is not None:
                file.abandon()
        finally:
            self.folder.discard(mine=True, keep=waiting if self.folder.checkpointed else ())

    def _as_written(self, epoch: int, changes: Batch) -> pa.RecordBatch:
        if not self.changelog:
            if changes.weights is not None and (changes.weights != 1).any():
                raise SinkError(
                    f"epoch {epoch} takes rows back or doubles them, which files of final rows cannot do; "
                    "mode='update' keeps a table, changelog=True every change"
                )
            return changes.rows
        weights = np.ones(changes.num_rows, np.int64) if changes.weights is None else changes.weights
        epochs = np.full(changes.num_rows, epoch, np.int64)
        arrays = [*changes.rows.columns, pa.array(epochs), pa.array(weights)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _next_file(self) -> WholeFile:
        return WholeFile(self.folder.filesystem, self.folder.new_hidden(), self.folder.path, self.schema)

    def _seal(self) -> None:
        assert self._file is not None
        self._file.seal()
        self._sealed.append(self._file.path.rpartition("/")[2])
        self._file = None

    def _require_same_columns(self, name: str) -> None:
        there = pq.read_schema(f"{self.folder.path}/{name}", filesystem=self.folder.filesystem).remove_metadata()
        if there != self.schema.remove_metadata():
            raise SinkError(
                f"the files in {self.folder.path!r} have other columns than the result: "
                f"{schema_difference(there, self.schema)}; give it another folder"
            )


def epoch_of(name: str) -> int:
    """The epoch in a file's name; 0 for a file that is not ours."""
    part, _, rest = name.partition("-")
    number = rest.partition("-")[0]
    return int(number) if part == "part" and number.isdigit() else 0
