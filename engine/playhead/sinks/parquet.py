"""Parquet files, written whole: under a temporary name first, renamed when they are complete."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from playhead.batch import Batch
from playhead.errors import SinkError
from playhead.sinks.sink import SinkContext

TARGET_BYTES = 128 * 2**20
ROW_GROUP = 131_072


class WholeFile:
    """One Parquet file that is there only when it is complete."""

    def __init__(self, filesystem: fs.FileSystem, path: str, schema: pa.Schema) -> None:
        folder, _, name = path.rpartition("/")
        self.filesystem, self.path = filesystem, path
        self.temporary = f"{folder}{'/' if folder or path.startswith('/') else ''}.{name}.{uuid4().hex[:8]}.tmp"
        self.waiting: list[pa.RecordBatch] = []
        self.waiting_rows = 0
        try:
            self.stream = filesystem.open_output_stream(self.temporary)
        except OSError as error:
            raise SinkError(f"cannot write to {folder or '.'!r}: {error}") from error
        self.writer = pq.ParquetWriter(self.stream, schema)
        self.schema = schema

    @property
    def size(self) -> int:
        """Bytes written so far, without the rows that wait for their row group."""
        return int(self.stream.tell())

    def write(self, rows: pa.RecordBatch) -> None:
        self.waiting.append(rows)
        self.waiting_rows += rows.num_rows
        if self.waiting_rows >= ROW_GROUP:
            self._write_row_group()

    def finish(self) -> None:
        """Write what waits, and give the file its name."""
        self._write_row_group()
        self.writer.close()
        self.stream.close()
        self.filesystem.move(self.temporary, self.path)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self.waiting.clear()
        self.writer.is_open = False  # no footer for a file that goes away
        self.stream.close()
        if self.filesystem.get_file_info(self.temporary).type == fs.FileType.File:
            self.filesystem.delete_file(self.temporary)

    def _write_row_group(self) -> None:
        if self.waiting_rows:
            self.writer.write_table(pa.Table.from_batches(self.waiting, self.schema), row_group_size=ROW_GROUP)
        self.waiting, self.waiting_rows = [], 0


@dataclass
class ParquetSink:
    """A folder of Parquet files, each of about `target_bytes`; none of them is ever half written."""

    path: Any
    filesystem: fs.FileSystem | None = None
    target_bytes: int = TARGET_BYTES
    modes: tuple[str, ...] = ("append",)
    guarantee: str = "whole files; rows after the last finished file are lost in a crash"
    parts: int = field(default=0, init=False)
    _file: WholeFile | None = field(default=None, init=False, repr=False)

    def __repr__(self) -> str:
        return f"<parquet: {self.path}>"

    def open(self, context: SinkContext) -> None:
        self.filesystem, self.folder = located(self.path, self.filesystem)
        self.schema = context.schema
        require_empty_folder(self.filesystem, self.folder)
        self._file = self._next_file()  # at once, so that a folder that cannot be written to is noticed now

    def write(self, epoch: int, changes: Batch, watermark: int) -> None:
        if changes.weights is not None and (changes.weights != 1).any():
            raise SinkError(f"epoch {epoch} takes rows back or doubles them, which Parquet files cannot do")
        try:
            self._write(changes.rows)
        except (OSError, pa.ArrowException) as error:
            raise SinkError(f"cannot write epoch {epoch} to {self.folder!r}: {error}") from error

    def close(self, *, failed: bool) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        empty = file.size <= len(b"PAR1") and not file.waiting_rows and self.parts > 0
        if failed or empty:
            file.abandon()
        else:
            file.finish()
            self.parts += 1

    def _write(self, rows: pa.RecordBatch) -> None:
        if self._file is None:
            self._file = self._next_file()
        self._file.write(rows)
        if self._file.size >= self.target_bytes:
            self._file.finish()
            self.parts += 1
            self._file = None

    def _next_file(self) -> WholeFile:
        assert self.filesystem is not None
        return WholeFile(self.filesystem, f"{self.folder}/part-{self.parts:05}.parquet", self.schema)


def write_parquet(
    path: Any, batches: Iterable[pa.RecordBatch], schema: pa.Schema, *, filesystem: fs.FileSystem | None = None
) -> int:
    """Write a table to one Parquet file, or to a folder of them if `path` ends with a slash; returns its rows.

    A file that is there is replaced, but only when the new one is complete; a folder must be empty.
    """
    filesystem, target = located(path, filesystem)
    if os.fspath(path).endswith("/"):
        return _write_folder(filesystem, target, batches, schema)
    return _write_file(WholeFile(filesystem, target, schema), batches)


def _write_file(file: WholeFile, batches: Iterable[pa.RecordBatch]) -> int:
    rows = 0
    try:
        for batch in batches:
            file.write(batch)
            rows += batch.num_rows
        file.finish()
    except BaseException:  # Ctrl-C too
        file.abandon()
        raise
    return rows


def _write_folder(filesystem: fs.FileSystem, folder: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> int:
    """Everything is written beside the folder first, which is there only when it is complete."""
    require_empty_folder(filesystem, folder)
    parent, _, name = folder.rpartition("/")
    beside = f"{parent}/.{name}.{uuid4().hex[:8]}.tmp"
    sink, rows = ParquetSink(beside, filesystem), 0
    sink.open(SinkContext(schema, "append", None, "to_parquet"))
    try:
        for batch in batches:
            sink.write(0, Batch(batch), 0)
            rows += batch.num_rows
        sink.close(failed=False)
        filesystem.delete_dir(folder)
        filesystem.move(beside, folder)
    except BaseException:  # Ctrl-C too
        sink.close(failed=True)
        filesystem.delete_dir(beside)
        raise
    return rows


def located(path: Any, filesystem: fs.FileSystem | None) -> tuple[fs.FileSystem, str]:
    """The file system and the path on it that `path` means; a URI says both."""
    text = os.fspath(path)
    if filesystem is None and "://" in text:
        filesystem, text = fs.FileSystem.from_uri(text)
    elif filesystem is None:
        filesystem, text = fs.LocalFileSystem(), os.path.abspath(os.path.expanduser(text))
    return filesystem, text.rstrip("/")


def require_empty_folder(filesystem: fs.FileSystem, folder: str) -> None:
    """Make the folder, or refuse one that has something in it."""
    try:
        if filesystem.get_file_info(folder).type == fs.FileType.File:
            raise SinkError(f"{folder!r} is a file; results go to a folder")
        filesystem.create_dir(folder, recursive=True)
        inside = filesystem.get_file_info(fs.FileSelector(folder))
    except OSError as error:
        raise SinkError(f"cannot make the folder {folder!r}: {error}") from error
    if inside:
        names = sorted(info.base_name for info in inside)[:3]
        raise SinkError(f"the folder {folder!r} is not empty: it has {', '.join(names)}; choose another or empty it")
