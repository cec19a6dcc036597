"""Cutting text files into blocks of whole records, and finding the records that cannot be parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from pyarrow import fs

from playhead.errors import DataError

BLOCK = 2**20
LONGEST_RECORD = 64 * 2**20
COMPRESSED = (".gz", ".bz2", ".zst", ".lz4", ".br")

Entry = tuple[int, bytes, str]
"""A bad record: its line, itself, and what is wrong with it."""


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


@dataclass
class Parsed:
    """What became of a block: batches of rows, the (line, record) of each row, and the records that are no rows."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    records: list[tuple[int, bytes]] = field(default_factory=list)
    bad: list[Entry] = field(default_factory=list)


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
        if size:
            block = Block(data[:size], line, offset + size, line + data.count(b"\n", 0, size), not more)
            yield block
            offset, line = block.end, block.end_line
        elif len(data) > LONGEST_RECORD:
            raise DataError(f"line {line} is longer than {LONGEST_RECORD:,} bytes")
        data = data[size:] + more


def numbered(records: Sequence[bytes], line: int) -> list[tuple[int, bytes]]:
    """The records that are not blank, each with the number of its first line."""
    found = []
    for record in records:
        if record.strip():
            found.append((line, record))
        line += record.count(b"\n")
    return found


def salvage(
    records: Sequence[tuple[int, bytes]],
    parse: Callable[[bytes], pa.RecordBatch],
    why: Callable[[Exception], str],
) -> Parsed:
    """Parse what can be parsed: halves until the bad records stand alone, so that a few of them cost little."""
    parsed = Parsed()

    def attempt(part: Sequence[tuple[int, bytes]]) -> None:
        if not part:
            return
        try:
            batch = parse(b"".join(record for _, record in part))
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            if len(part) == 1:
                parsed.bad.append((*part[0], why(error)))
            else:
                attempt(part[: len(part) // 2])
                attempt(part[len(part) // 2 :])
        else:
            parsed.batches.append(batch)
            parsed.records.extend(part)

    attempt(records)
    return parsed


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """The rows of a table that was read from one block."""
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)
