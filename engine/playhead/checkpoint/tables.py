"""Several named Arrow tables in one file: IPC streams one behind the other, with an index kept in the manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyarrow import ipc

from playhead.checkpoint.store import Store
from playhead.errors import CheckpointError


@dataclass(frozen=True)
class TableFile:
    """A written file: its name, size and checksum, and where in it each table is."""

    name: str
    size: int
    sha256: str
    tables: Mapping[str, tuple[int, int, int]]
    """Table name -> (offset, length, rows)."""

    @property
    def rows(self) -> int:
        """Rows of all tables together."""
        return sum(rows for _, _, rows in self.tables.values())

    def to_json(self) -> dict[str, Any]:
        tables = {name: list(where) for name, where in self.tables.items()}
        return {"name": self.name, "size": self.size, "sha256": self.sha256, "tables": tables}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> TableFile:
        tables = {name: (int(a), int(b), int(c)) for name, (a, b, c) in value["tables"].items()}
        return TableFile(value["name"], int(value["size"]), value["sha256"], tables)


def write_tables(store: Store, name: str, tables: Mapping[str, pa.Table]) -> TableFile:
    """Write tables as one file."""
    buffers: list[pa.Buffer] = []
    index: dict[str, tuple[int, int, int]] = {}
    offset = 0
    for table_name, table in tables.items():
        sink = pa.BufferOutputStream()
        with ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        buffer = sink.getvalue()
        buffers.append(buffer)
        index[table_name] = (offset, buffer.size, table.num_rows)
        offset += buffer.size
    store.write(name, buffers)
    return TableFile(name, offset, checksum(buffers), index)


def read_tables(store: Store, file: TableFile) -> dict[str, pa.Table]:
    """Read what `write_tables` wrote; a file that is gone, cut off or changed is an error that says so."""
    try:
        data = store.read(file.name)
    except FileNotFoundError as error:
        raise CheckpointError(f"{store.description}: the file {file.name} is missing") from error
    if data.size != file.size:
        raise CheckpointError(f"{store.description}: {file.name} has {data.size:,} bytes instead of {file.size:,}")
    if checksum([data]) != file.sha256:
        raise CheckpointError(f"{store.description}: {file.name} has been changed: its checksum differs")
    return {
        name: ipc.open_stream(data.slice(offset, length)).read_all()
        for name, (offset, length, _) in file.tables.items()
    }


def checksum(buffers: Sequence[Any]) -> str:
    """SHA-256 of buffers one behind the other."""
    digest = hashlib.sha256()
    for buffer in buffers:
        digest.update(buffer)
    return digest.hexdigest()
