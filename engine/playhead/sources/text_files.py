"""Rows from files of lines (CSV, JSON): all files are one split, read in the order of their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol

import pyarrow as pa

from playhead.errors import DataError, PlanError, SourceError
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.sources.columns import chosen, conform, plain_schema
from playhead.sources.declared_source import DeclaredSource
from playhead.sources.files import File, FileSet
from playhead.sources.salvage import UNREADABLE, Salvaged, salvage
from playhead.sources.source import Chunk, Split, Stop
from playhead.sources.text_blocks import BLOCK, Block, blocks, joined, numbered, open_at
from playhead.sources.text_columns import as_schema, with_text_times, with_zone
from playhead.sources.timing import Declared, merged, timing
from playhead.sources.watching import WatchedFiles

Record = tuple[int, bytes]
"""A line number, and the record that begins there."""

HEADER = 65_536
"""Bytes in which a header has to end."""

FINISHED = -1
"""The offset of a position behind the end of a file."""


class TextFormat(Protocol):
    """How records stand in a file."""

    schema: pa.Schema | None
    has_header: bool

    def header(self, path: str, head: bytes) -> tuple[int, tuple[str, ...]]: ...
    def cut(self, data: bytes) -> int: ...
    def records(self, data: bytes) -> list[bytes]: ...
    def infer(self, data: bytes, names: Sequence[str]) -> pa.Schema: ...
    def parse(self, data: bytes, names: Sequence[str]) -> pa.RecordBatch: ...
    def why(self, error: Exception, names: Sequence[str]) -> str: ...


class TextSource(DeclaredSource):
    """Files of lines; a position is (file, offset, line).

    All columns are parsed whatever a query asks for, so that which lines are rejected does not depend on it.
    """

    def __init__(
        self,
        files: FileSet,
        declared: Declared,
        format: Any,
        *,
        schema: pa.Schema | Mapping[str, Any] | None = None,
        columns: Sequence[str] | None = None,
        watch: bool = False,
    ) -> None:
        self.files, self.watch, self.bounded = files, watch, not watch
        given = as_schema(schema)
        self.found = files.find(empty_is_fine=watch and given is not None)
        self.complete = columns is None
        read = with_text_times(self._columns(format, given, columns), declared)
        super().__init__(
            files.name, timing(with_zone(declared, given), plain_schema(read), bounded=self.bounded, text=True)
        )
        self.format: TextFormat = replace(format, schema=read)
        self._refuse_types()
        if not watch:
            self._refuse_drift()

    def splits(self) -> list[Split]:
        return [Split(self.files.name)]

    def read(self, split: Split, columns: Sequence[str], position: Any, stop: Stop) -> Iterator[Chunk]:
        self.to_decode(columns)
        path, offset, line = position or (None, 0, 1)
        for file, trouble in self._files(path, offset, stop):
            if trouble is not None:
                empty = pa.RecordBatch.from_pylist([], chosen(self.schema, columns))
                yield Chunk(empty, position, rejected=self.timing.reject([(file.path, "", trouble)]))
                continue
            start = (offset, line) if file.path == path else (0, 1)
            for chunk in self._read_file(file, *start, columns, stop):
                position = chunk.position
                yield chunk

    def _files(self, path: str | None, offset: int, stop: Stop) -> Iterator[tuple[File, str | None]]:
        """The files from a position on, or what is wrong with one."""
        if self.watch:
            yield from WatchedFiles(self.files, self.found).files(path, finished=offset == FINISHED, stop=stop)
            return
        if path is not None and offset != FINISHED and path not in {file.path for file in self.found}:
            raise SourceError(f"{path} is gone; reading cannot go on at its offset {offset}")
        for file in self.found:
            if path is None or file.path > path or (file.path == path and offset != FINISHED):
                yield file, None

    def _read_file(self, file: File, offset: int, line: int, columns: Sequence[str], stop: Stop) -> Iterator[Chunk]:
        try:
            skipped, names, skipped_lines = self._header(file)
            if offset == 0:
                offset, line = skipped, 1 + skipped_lines
            with open_at(self.files.filesystem, file.path, offset) as stream:
                for block in blocks(stream, offset, line, self.format.cut):
                    if stop.is_set():
                        return
                    yield self._chunk(file, block, names, columns)
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"{file.path} cannot be read: {error}") from error

    def _chunk(self, file: File, block: Block, names: Sequence[str], columns: Sequence[str]) -> Chunk:
        lines = _Lines(file.path, block, self.format, self._parse(block, names))
        rejected = self.timing.reject(lines.bad)
        checked, untimed = self.timing.check(conform(lines.rows, self._plain), lines.place, lines.text)
        last = block.last and self.bounded and file == self.found[-1]
        return Chunk(
            checked.select(list(columns)),
            [file.path, FINISHED if block.last else block.end, block.end_line],
            MAX_TIME if last else MIN_TIME,
            rejected=merged(rejected, untimed),
        )

    def _parse(self, block: Block, names: Sequence[str]) -> Salvaged[Record]:
        if not block.data.strip():
            return Salvaged()
        try:
            return Salvaged([self.format.parse(block.data, names)])
        except UNREADABLE:
            return salvage(
                numbered(self.format.records(block.data), block.line),
                lambda part: self.format.parse(joined(part), names),
                lambda error: self.format.why(error, names),
            )

    @cached_property
    def _plain(self) -> pa.Schema:
        assert self.format.schema is not None
        return plain_schema(self.format.schema)

    def _columns(self, format: TextFormat, given: pa.Schema | None, columns: Sequence[str] | None) -> pa.Schema:
        """Names and types: from the first file that has rows, less what the user says."""
        found = pa.schema([])
        for file in self.found:
            skipped, names, data = self._head(format, file)
            found = format.infer(data[skipped:], names) if names or not format.has_header else found
            if len(data) > skipped and len(found):
                break
        known = {field.name: field.type for field in found}
        for field in given if given is not None else ():
            if format.has_header and known and field.name not in known:
                chosen(found, [field.name])
            known[field.name] = field.type
        if not known:
            raise DataError(
                f"{self.files.name} is empty, so that its columns are unknown; pass schema= with names and types"
            )
        return chosen(pa.schema(list(known.items())), columns)

    def _head(self, format: TextFormat, file: File, size: int = BLOCK) -> tuple[int, tuple[str, ...], bytes]:
        """(bytes before the first row, names in the header, whole records at the start of the file)."""
        try:
            with open_at(self.files.filesystem, file.path, 0) as stream:
                data, more = stream.read(size), stream.read(1)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{file.path} cannot be read: {error}") from error
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise DataError(f"{file.path} is UTF-16; files of lines are UTF-8: convert it, for instance with iconv")
        mark = 3 if data.startswith(b"\xef\xbb\xbf") else 0
        whole = data[: mark + format.cut(data[mark:])] if more else data
        skipped, names = format.header(file.path, whole[mark:])
        return mark + skipped, names, whole

    def _header(self, file: File) -> tuple[int, tuple[str, ...], int]:
        skipped, names, data = self._head(self.format, file, HEADER)
        self._require_columns(file, names)
        return skipped, names, data.count(b"\n", 0, skipped)

    def _refuse_types(self) -> None:
        """Find out now whether the format has values of the declared types."""
        for file in self.found[:1]:
            skipped, names, data = self._head(self.format, file)
            try:
                self.format.parse(data[skipped:], names)
            except pa.ArrowNotImplementedError as error:
                raise PlanError(f"schema= asks for a type that the format does not have: {error}") from error
            except UNREADABLE:
                pass  # bad lines, to be rejected one by one

    def _refuse_drift(self) -> None:
        if self.format.has_header:
            with ThreadPoolExecutor(16) as threads:
                for _ in threads.map(self._header, self.found):
                    pass

    def _require_columns(self, file: File, names: Sequence[str]) -> None:
        if not names:  # an empty file, or a format without a header
            return
        assert self.format.schema is not None
        for name in self.format.schema.names:
            if name not in names:
                raise DataError(f"{file.path} has no column {name!r}, which the first file has; there is {list(names)}")
        more = [name for name in names if name not in self.format.schema.names]
        if more and self.complete:
            raise DataError(
                f"{file.path} has the columns {more}, which the first file lacks; choose some with columns=[...]"
            )


class _Lines:
    """The rows of a block and where each stands in its file."""

    def __init__(self, path: str, block: Block, format: TextFormat, parsed: Salvaged[Record]) -> None:
        self.path, self.block, self.format = path, block, format
        self.known = parsed.good
        self.bad = [(f"{path}:{line}", _text(record), why) for (line, record), why in parsed.bad]
        if parsed.batches:
            self.rows = pa.concat_batches(parsed.batches)
        else:
            self.rows = pa.RecordBatch.from_pylist([], format.schema)

    def place(self, row: int) -> str:
        return f"{self.path}:{self._record(row)[0]}"

    def text(self, row: int) -> str:
        return _text(self._record(row)[1])

    def _record(self, row: int) -> tuple[int, bytes]:
        records = self.known or self._all
        return records[min(row, len(records) - 1)]

    @cached_property
    def _all(self) -> list[tuple[int, bytes]]:
        return numbered(self.format.records(self.block.data), self.block.line)


def _text(record: bytes) -> str:
    return record.decode(errors="backslashreplace").rstrip("\r\n")
