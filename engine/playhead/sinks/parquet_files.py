"""One Parquet file at a time, there whole or not at all: written under another name, moved when it is complete."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from playhead.errors import SinkError

ROW_GROUP = 131_072

MAGIC = b"PAR1"
"""What every Parquet file begins with."""


class WholeFile:
    """A Parquet file under a name that readers do not see; `seal` makes it whole, who then moves it makes it seen.

    `folder` is where it will be, for messages.
    """

    def __init__(self, filesystem: fs.FileSystem, path: str, folder: str, schema: pa.Schema) -> None:
        self.filesystem, self.path, self.schema = filesystem, path, schema
        self.waiting: list[pa.RecordBatch] = []
        self.waiting_rows = 0
        try:
            self.stream = filesystem.open_output_stream(path)
        except OSError as error:
            raise SinkError(f"cannot write to {folder or '.'!r}: {error}") from error
        self.writer = pq.ParquetWriter(self.stream, schema)

    @property
    def size(self) -> int:
        """Bytes written so far, without the rows that wait for their row group."""
        return int(self.stream.tell())

    @property
    def empty(self) -> bool:
        return not self.waiting_rows and self.size <= len(MAGIC)

    def write(self, rows: pa.RecordBatch) -> None:
        self.waiting.append(rows)
        self.waiting_rows += rows.num_rows
        if self.waiting_rows >= ROW_GROUP:
            self._write_row_group()

    def seal(self) -> None:
        """Write what waits and the end of the file: it is whole, and survives a loss of power."""
        self._write_row_group()
        self.writer.close()
        self.stream.close()
        make_durable(self.filesystem, self.path)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self.waiting.clear()
        self.writer.is_open = False  # no footer for a file that goes away
        try:
            self.stream.close()
        finally:
            delete_if_there(self.filesystem, self.path)

    def _write_row_group(self) -> None:
        if self.waiting_rows:
            self.writer.write_table(pa.Table.from_batches(self.waiting, self.schema), row_group_size=ROW_GROUP)
        self.waiting, self.waiting_rows = [], 0


def beside(path: str) -> str:
    """A temporary name in the folder of `path`."""
    folder, _, name = path.rpartition("/")
    return f"{folder}{'/' if folder or path.startswith('/') else ''}.{name}.{uuid4().hex[:8]}.tmp"


def write_file(
    filesystem: fs.FileSystem, temporary: str, path: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema
) -> int:
    """Write a table to one file, which replaces what was there when it is complete; returns the number of rows."""
    file, rows = WholeFile(filesystem, temporary, folder_of(path), schema), 0
    try:
        for batch in batches:
            file.write(batch)
            rows += batch.num_rows
        file.seal()
        filesystem.move(temporary, path)
        make_durable(filesystem, folder_of(path))
    except BaseException:  # Ctrl-C too
        file.abandon()
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


def folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def is_file(filesystem: fs.FileSystem, path: str) -> bool:
    return bool(filesystem.get_file_info(path).type == fs.FileType.File)


def delete_if_there(filesystem: fs.FileSystem, path: str) -> None:
    if is_file(filesystem, path):
        filesystem.delete_file(path)


def make_durable(filesystem: fs.FileSystem, path: str) -> None:
    """Have the disk keep a file, or the names in a folder, even if the power fails; object stores do so anyway."""
    if filesystem.type_name != "local":
        return
    descriptor = os.open(path or "/", os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
