"""Cutting files of lines into blocks of whole records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import fs

from playhead.errors import DataError

BLOCK = 2**20
LONGEST_RECORD = 8 * 2**20
"""Beyond this a quote was forgotten, or it is no text file."""
COMPRESSED = (".gz", ".bz2", ".zst", ".lz4", ".br")


@dataclass(frozen=True, slots=True)
class Block:
    """Some whole records of a file."""

    data: bytes
    line: int
    """The number of its first line, from 1."""
    end: int
    """The offset of what follows it."""
    end_line: int
    last: bool


def open_at(filesystem: fs.FileSystem, path: str, offset: int) -> pa.NativeFile:
    """The file from `offset` of its text on; compressed files are read up to there."""
    if not path.endswith(COMPRESSED):
        file = filesystem.open_input_file(path)
        file.seek(offset)
        return file
    stream = filesystem.open_input_stream(path, compression="detect")
    while offset > 0:
        skipped = len(stream.read(min(offset, BLOCK)))
        if not skipped:
            break
        offset -= skipped
    return stream


def blocks(stream: pa.NativeFile, offset: int, line: int, cut: Callable[[bytes], int]) -> Iterator[Block]:
    """The rest of a file in blocks; `cut(data)` says how many bytes of data are whole records."""
    data = stream.read(BLOCK)
    while data:
        more = stream.read(BLOCK)
        size = cut(data) if more else len(data)
        if not size and len(data) > LONGEST_RECORD:
            size = data.rfind(b"\n") + 1
        if size:
            block = Block(data[:size], line, offset + size, line + data.count(b"\n", 0, size), not more)
            yield block
            offset, line = block.end, block.end_line
        elif len(data) > LONGEST_RECORD:
            raise DataError(f"line {line} is longer than {LONGEST_RECORD:,} bytes")
        data = data[size:] + more


def joined(records: Sequence[tuple[int, bytes]]) -> bytes:
    """Numbered records as one text again."""
    return b"".join(record for _, record in records)


def numbered(records: Sequence[bytes], line: int) -> list[tuple[int, bytes]]:
    """The records that are not blank, each with the number of its first line."""
    found = []
    for record in records:
        if record.strip():
            found.append((line, record))
        line += record.count(b"\n")
    return found


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """The rows of a table that was read from one block."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)
