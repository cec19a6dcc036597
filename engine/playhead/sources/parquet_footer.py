"""What the footer of a Parquet file says: its columns, and rows and least event time of each row group."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from playhead.errors import DataError
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.sources.files import File
from playhead.sources.time_parsing import TimeParser


@dataclass(frozen=True, slots=True)
class Footer:
    """The part of a footer that reading needs; statistics are of the event time, if there is one."""

    file: File
    schema: pa.Schema
    rows: tuple[int, ...]
    """Of each row group."""
    min_times: tuple[int, ...]
    """Of each row group; MIN_TIME where there are no statistics."""
    clean_times: bool
    """Whether every row is known to have an event time, so that nobody has to look."""
    left_out: frozenset[int] = frozenset()
    """Row groups that are not read."""

    def without(self, groups: Iterable[int]) -> Footer:
        """The same file less some row groups; row numbers stay those of the file."""
        left_out = self.left_out | set(groups)
        times = [MAX_TIME if group in left_out else time for group, time in enumerate(self.min_times)]
        return replace(self, min_times=tuple(times), left_out=left_out)

    def runs(self, row: int) -> list[tuple[int, range]]:
        """(number of the first row, row groups next to each other) of what is read from row number `row` on."""
        ends = list(accumulate(self.rows))
        runs: list[tuple[int, range]] = []
        for group in range(bisect_right(ends, row), len(ends)):
            if group in self.left_out:
                continue
            if runs and runs[-1][1].stop == group:
                runs[-1] = (runs[-1][0], range(runs[-1][1].start, group + 1))
            else:
                runs.append((max(row, ends[group] - self.rows[group]), range(group, group + 1)))
        return runs

    @property
    def rest_min_times(self) -> list[int]:
        """Entry g: no row from row group g on has an event time below this; the last entry is MAX_TIME."""
        return list(accumulate(reversed(self.min_times), min, initial=MAX_TIME))[::-1]


def read_schema(filesystem: fs.FileSystem, file: File) -> pa.Schema:
    """The columns of a file."""
    return _open(filesystem, file).schema_arrow


def read_footer(filesystem: fs.FileSystem, file: File, time: TimeParser | None) -> Footer:
    """Read the footer of a file, or say that it is no whole Parquet file."""
    parquet = _open(filesystem, file)
    metadata, schema = parquet.metadata, parquet.schema_arrow
    groups = range(metadata.num_row_groups)
    rows = tuple(metadata.row_group(group).num_rows for group in groups)
    if time is None or time.column not in schema.names:
        return Footer(file, schema, rows, (MIN_TIME,) * len(rows), time is None)
    leaf = _leaf(metadata, time.column)
    statistics = [metadata.row_group(group).column(leaf).statistics for group in groups]
    return Footer(
        file,
        schema,
        rows,
        tuple(_min_time(one, time) if count else MAX_TIME for one, count in zip(statistics, rows, strict=True)),
        all(_clean(one, time) for one, count in zip(statistics, rows, strict=True) if count),
    )


def read_metadata(filesystem: fs.FileSystem, file: File) -> pq.FileMetaData:
    """All that the footer of a file says, statistics of every column too."""
    return _open(filesystem, file).metadata


def _open(filesystem: fs.FileSystem, file: File) -> pq.ParquetFile:
    try:
        with filesystem.open_input_file(file.path) as stream:
            return pq.ParquetFile(stream)
    except (pa.ArrowInvalid, pa.ArrowException, OSError) as error:
        raise DataError(f"{file.path} is not a whole Parquet file ({file.size:,} bytes): {error}") from error


def _leaf(metadata: pq.FileMetaData, column: str) -> int:
    """Nested columns have several leaves, so that positions of columns are not positions of leaves."""
    names: Sequence[str] = [metadata.schema.column(leaf).path for leaf in range(metadata.num_columns)]
    return names.index(column)


def _min_time(statistics: pq.Statistics | None, time: TimeParser) -> int:
    """The least event time that the statistics allow; MIN_TIME if they say nothing."""
    parsed = _parsed(statistics, "min", time)
    return MIN_TIME if parsed is None else parsed


def _clean(statistics: pq.Statistics | None, time: TimeParser) -> bool:
    """Whether every row of the row group is known to have an event time."""
    if statistics is None or not (statistics.has_null_count and statistics.null_count == 0):
        return False
    return time.exact and all(_parsed(statistics, end, time) is not None for end in ("min", "max"))


def _parsed(statistics: pq.Statistics | None, end: str, time: TimeParser) -> int | None:
    if statistics is None or not statistics.has_min_max:
        return None
    kind = time.source_type
    raw = getattr(statistics, end if pa.types.is_integer(kind) else f"{end}_raw")
    if not isinstance(raw, int):
        return None
    if pa.types.is_integer(kind):
        value = pa.array([raw], kind)
    else:
        if pa.types.is_timestamp(kind) and kind.unit == "ns":
            raw = raw // 1_000 * 1_000  # a bound in whole microseconds
        value = pa.array([raw], pa.int32() if pa.types.is_date32(kind) else pa.int64()).view(kind)
    parsed = time.parse(value)[0]
    return int(parsed.value) if parsed.is_valid else None
