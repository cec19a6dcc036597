"""Parquet: a folder that a query writes, exactly once with checkpoints, and tables written whole."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
from pyarrow import fs

from playhead.batch import Batch
from playhead.errors import SinkError
from playhead.sinks.parquet_files import beside, located, write_file
from playhead.sinks.parquet_folder import Folder
from playhead.sinks.parquet_parts import PartFiles
from playhead.sinks.sink import Prepared, SinkContext

if TYPE_CHECKING:
    from playhead.sinks.parquet_table import WholeTable

TARGET_BYTES = 128 * 2**20


@dataclass
class ParquetSink:
    """A folder of Parquet files, there whole or not at all: final rows, a table, or with `changelog` all changes."""

    path: Any
    filesystem: fs.FileSystem | None = None
    target_bytes: int = TARGET_BYTES
    changelog: bool = False
    modes: tuple[str, ...] = field(default=("append", "update", "complete"), init=False)
    guarantee: str = field(
        default="exactly once with checkpoint=: files appear whole, when their checkpoint is complete; "
        "without, whole files, the last ones at the end",
        init=False,
    )
    eager: bool = field(default=False, init=False)
    _output: PartFiles | WholeTable | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.changelog:
            self.modes = ("update",)

    def __repr__(self) -> str:
        return f"<parquet: {self.path}{', changelog' if self.changelog else ''}>"

    def open(self, context: SinkContext) -> None:
        folder = Folder(*located(self.path, self.filesystem))
        if context.mode == "append" or self.changelog:
            output: PartFiles | WholeTable = PartFiles(folder, context.schema, self.target_bytes, self.changelog)
        else:
            from playhead.sinks.parquet_table import WholeTable  # needs numba

            output = WholeTable(folder, context)
        folder.claim(context)
        self._output = output
        output.begin()

    def write(self, epoch: int, changes: Batch, watermark: int) -> None:
        try:
            self._opened().write(epoch, changes)
        except (OSError, pa.ArrowException) as error:
            raise SinkError(f"cannot write epoch {epoch} to {self._opened().folder.path!r}: {error}") from error

    def prepare(self, epoch: int) -> Prepared:
        try:
            return self._opened().prepare(epoch)
        except (OSError, pa.ArrowException) as error:
            raise SinkError(f"cannot write up to epoch {epoch} to {self._opened().folder.path!r}: {error}") from error

    def commit(self, epoch: int, prepared: Prepared) -> None:
        self._opened().commit(epoch, prepared)

    def recover(self, epoch: int, prepared: Prepared | None) -> None:
        self._opened().recover(epoch, prepared)

    def close(self, *, failed: bool) -> None:
        output, self._output = self._output, None
        if output is not None:
            output.close()

    def _opened(self) -> PartFiles | WholeTable:
        assert self._output is not None
        return self._output


def write_parquet(
    path: Any, batches: Iterable[pa.RecordBatch], schema: pa.Schema, *, filesystem: fs.FileSystem | None = None
) -> int:
    """Write a table to one Parquet file, or to a folder of them if `path` ends with a slash; returns its rows.

    A file that is there is replaced, but only when the new one is complete; a folder must be empty.
    """
    filesystem, target = located(path, filesystem)
    if os.fspath(path).endswith("/"):
        return _write_folder(filesystem, target, batches, schema)
    return write_file(filesystem, beside(target), target, batches, schema)


def _write_folder(filesystem: fs.FileSystem, folder: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> int:
    """Everything is written beside the folder first, which is there only when it is complete."""
    context = SinkContext(schema, "append", None, "to_parquet")
    empty = Folder(filesystem, folder)
    empty.claim(context)
    empty.discard()
    parent, _, name = folder.rpartition("/")
    aside = f"{parent}/.{name}.{uuid4().hex[:8]}.tmp"
    sink, rows = ParquetSink(aside, filesystem), 0
    sink.open(context)
    try:
        for batch in batches:
            sink.write(0, Batch(batch), 0)
            rows += batch.num_rows
        sink.commit(0, sink.prepare(0))
        sink.close(failed=False)
        filesystem.delete_dir(folder)
        filesystem.move(aside, folder)
    except BaseException:  # Ctrl-C too
        sink.close(failed=True)
        filesystem.delete_dir(aside)
        raise
    return rows
