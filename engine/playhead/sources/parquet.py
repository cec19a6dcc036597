"""Rows from Parquet files: one split a file, read by row groups with what their statistics say of the rest."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import partial
from itertools import accumulate
from typing import Any

import pyarrow as pa

from playhead.errors import DataError, SourceError
from playhead.expr import Call, Col
from playhead.schema import MIN_TIME
from playhead.sources.columns import chosen, conform, plain_schema, plain_type
from playhead.sources.declared_source import DeclaredSource
from playhead.sources.files import File, FileSet
from playhead.sources.parquet_footer import Footer, read_footer, read_schema
from playhead.sources.parquet_statistics import has_bounds, shown, without_matches
from playhead.sources.source import Chunk, Split, Stop
from playhead.sources.timing import Declared, timing

ENDINGS = (".parquet", ".parq", ".pq")
ROWS = 131_072
READ_AHEAD = 2
"""Batches that Arrow decodes before they are asked for, and then on to the end of their row group."""


class ParquetSource(DeclaredSource):
    """Parquet files in the order of their names; a position is a row number of a file.

    With `watch`, files that appear later become splits too: each is taken once, when its footer is whole.
    """

    def __init__(
        self, files: FileSet, declared: Declared, columns: Sequence[str] | None = None, *, watch: bool = False
    ) -> None:
        self.files, self.watch, self.bounded, self.grows = files, watch, not watch, watch
        found = files.find()
        first = chosen(read_schema(files.filesystem, found[0]), columns)
        self.file_schema = first.remove_metadata()
        self.complete = columns is None
        self.far = files.filesystem.type_name != "local"
        """Whether to fetch a file's columns in few large reads; they are then in memory all at once."""
        super().__init__(files.name, timing(declared, plain_schema(first), bounded=self.bounded))
        self.footers: dict[str, Footer] = {}
        self.troubles: dict[str, tuple[File, str]] = {}
        self.tried: dict[str, File] = {}
        self.comparisons: tuple[Call, ...] = ()
        self.left_out = True
        """Whether the footers lack the row groups in which nothing is true of the comparisons."""
        if not watch:
            self._take(found)

    def restricted(self, comparisons: Sequence[Call]) -> ParquetSource:
        """This source less row groups whose statistics show that one of the comparisons is true of no row in them.

        With a declared disorder the rows that are read move the watermark, so that none are left out.
        """
        types = {field.name: field.type for field in self.file_schema}
        usable = [
            each
            for each in comparisons
            if isinstance(column := each.arguments[0], Col)
            and has_bounds(types[column.name])
            and plain_type(types[column.name]) == self.schema.field(column.name).type
            and each not in self.comparisons
        ]
        moves_watermark = self.time is not None and self.out_of_order is not None
        if not usable or self.watch or moves_watermark or self._other_checks():
            return self
        fewer = copy(self)
        fewer.comparisons, fewer.left_out = (*self.comparisons, *usable), False
        return fewer

    @property
    def predicate(self) -> str:
        """What every row that is left out is known not to be, for people."""
        return " & ".join(shown(each) for each in self.comparisons)

    def _leave_out(self) -> None:
        """Look at the statistics, when reading begins: until then a query may be only explained."""
        clean = [footer for footer in self.footers.values() if footer.clean_times]
        with ThreadPoolExecutor(16) as threads:
            fewer = threads.map(lambda footer: without_matches(self.files.filesystem, footer, self.comparisons), clean)
            self.footers = self.footers | {footer.file.path: footer for footer in fewer}
        self.left_out = True

    def splits(self) -> list[Split]:
        if self.watch:
            self._look()
        if not self.left_out:
            self._leave_out()
        whole = [
            Split(path, footer.rest_min_times[0] if self.time is not None else MIN_TIME, footer)
            for path, footer in self.footers.items()
        ]
        return whole + [Split(name, details=trouble) for name, trouble in self.troubles.items()]

    def read(self, split: Split, columns: Sequence[str], position: Any, stop: Stop) -> Iterator[Chunk]:
        footer = split.details
        if not isinstance(footer, Footer):
            file, reason = footer
            empty = pa.RecordBatch.from_pylist([], chosen(self.schema, columns))
            if position is None:
                yield Chunk(empty, 0, rejected=self.timing.reject([(file.path, "", reason)]))
            return
        checked_columns = self.to_decode(columns)
        names = list(columns) if footer.clean_times and not self._other_checks() else checked_columns
        plain = pa.schema([pa.field(name, plain_type(self.file_schema.field(name).type)) for name in names])
        ends, rests = list(accumulate(footer.rows)), footer.rest_min_times
        for row, groups in footer.runs(0 if position is None else int(position)):
            for rows in self._decode(footer, names, groups, row, stop):
                checked, rejected = self.timing.check(conform(rows, plain), partial(_place, footer.file.path, row))
                row += rows.num_rows
                rest = rests[bisect_right(ends, row)] if self.time is not None else MIN_TIME
                yield Chunk(checked.select(list(columns)), row, rest, rejected=rejected)
            if stop.is_set():
                return

    def _decode(
        self, footer: Footer, names: Sequence[str], groups: range, row: int, stop: Stop
    ) -> Iterator[pa.RecordBatch]:
        """The rows of some row groups, from row number `row` of the file on."""
        import pyarrow.dataset as ds  # loads pandas

        skip = row - sum(footer.rows[: groups.start])
        try:
            # make_fragment(row_groups=...) reads them in the order of a Python set; subset() keeps their own
            whole = ds.ParquetFileFormat().make_fragment(footer.file.path, self.files.filesystem)
            fragment = whole if len(groups) == len(footer.rows) else whole.subset(row_group_ids=list(groups))
            for rows in fragment.to_batches(
                schema=footer.schema,
                columns=list(names),
                batch_size=ROWS,
                batch_readahead=READ_AHEAD,
                fragment_scan_options=ds.ParquetFragmentScanOptions(pre_buffer=self.far),
                use_threads=True,
            ):
                if stop.is_set():
                    return
                taken = rows.slice(min(skip, rows.num_rows))
                skip -= rows.num_rows - taken.num_rows
                row += taken.num_rows
                if taken.num_rows:
                    yield taken
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"{footer.file.path} cannot be read after row {row:,}: {error}") from error

    def _other_checks(self) -> bool:
        """Whether anything but the event time's own statistics decides about rejected rows."""
        return len(self.timing.must_read) > 1

    def _take(self, files: Sequence[File]) -> None:
        """Read the footers of `files`, many at a time: their files may be far away."""
        parser = self.timing.parsers[0] if self.time is not None else None
        with ThreadPoolExecutor(16) as threads:
            for footer in threads.map(lambda file: read_footer(self.files.filesystem, file, parser), files):
                self._refuse_drift(footer)
                self.footers[footer.file.path] = footer

    def _refuse_drift(self, footer: Footer) -> None:
        path, columns = footer.file.path, footer.schema
        for field in self.file_schema:
            if field.name not in columns.names:
                raise DataError(
                    f"{path} has no column {field.name!r}, which the first file has; there is {columns.names}"
                )
            if columns.field(field.name).type != field.type:
                raise DataError(
                    f"{path} has {field.name!r} as {columns.field(field.name).type}, the first file as {field.type}"
                )
        more = [name for name in columns.names if name not in self.file_schema.names]
        if more and self.complete:
            raise DataError(
                f"{path} has the columns {more}, which the first file does not have; choose some with columns=[...]"
            )

    def _look(self) -> None:
        """Take what is new and whole; report what cannot be read, and what changed after it was taken."""
        for file in self.files.find(empty_is_fine=True):
            known = self.footers.get(file.path)
            if known is not None and known.file != file:
                self._trouble(file, "the file changed after it was read; a file is taken once")
            elif known is None:
                try:
                    self._take([file])
                except DataError as error:  # perhaps not whole yet: it has until the next look to grow
                    if self.tried.get(file.path) == file:
                        self._trouble(file, str(error))
                    self.tried[file.path] = file

    def _trouble(self, file: File, reason: str) -> None:
        self.troubles.setdefault(f"{file.path} ({file.size} bytes, changed {file.changed})", (file, reason))


def _place(path: str, first: int, row: int) -> str:
    return f"{path}:row {first + row}"
