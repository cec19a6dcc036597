"""Frames over files: Parquet, CSV, JSON lines."""

from __future__ import annotations

from collections.abc import Sequence

from pyarrow import fs

from playhead.frame.frame import Frame
from playhead.io.begin import begin
from playhead.io.types import Duration, Path, Schema, Time
from playhead.sources import csv, json, parquet
from playhead.sources.columns import require_declared
from playhead.sources.csv import CsvFormat
from playhead.sources.files import file_set
from playhead.sources.json import JsonFormat
from playhead.sources.parquet import ParquetSource
from playhead.sources.text_files import TextSource
from playhead.sources.timing import Declared


def read_parquet(
    path: Path,
    *,
    time: Time = None,
    tz: str | None = None,
    unit: str | None = None,
    arrival: str | None = None,
    sequence: str | Sequence[str] = (),
    out_of_order: Duration = None,
    idle_timeout: Duration = None,
    columns: Sequence[str] | None = None,
    filesystem: fs.FileSystem | None = None,
    watch: bool = False,
    on_error: str = "reject",
) -> Frame:
    """A frame over Parquet files, read in the order of their names.

    Parameters
    ----------
    path : path or list of paths
        A file, a folder (with the folders in it), a glob (`**` goes into folders), a URI such as `s3://bucket/trades`.
    columns : sequence of str, optional
        The columns to offer; all of them if not given. A query decodes only those that it uses.
    filesystem : pyarrow.fs.FileSystem, optional
        Where `path` is; this machine's disks, or what the URI says, if not given.
    watch : bool
        Keep looking for new files; the frame is then endless. A file is taken once: write it elsewhere and rename it.
    on_error : {"reject", "raise"}
        Whether rows without an event time go to `query.rejected` or stop the query.

    The other parameters are those of `from_pandas`. Files whose columns differ are an error.

    Examples
    --------
    >>> import playhead as ph
    >>> flights = ph.read_parquet("datasets/flights.parquet", time="departed", arrival="landed", out_of_order="12h")
    >>> flights.time, flights.bounded
    ('departed', True)
    """
    declared = Declared(time, tz, unit, arrival, sequence, out_of_order, idle_timeout, on_error)
    _require_declared(columns, declared)
    files = file_set(path, filesystem, parquet.ENDINGS)
    return begin(declared, lambda each: ParquetSource(files, each, columns, watch=watch))


def read_csv(
    path: Path,
    *,
    time: Time = None,
    tz: str | None = None,
    unit: str | None = None,
    arrival: str | None = None,
    sequence: str | Sequence[str] = (),
    out_of_order: Duration = None,
    idle_timeout: Duration = None,
    schema: Schema | None = None,
    columns: Sequence[str] | None = None,
    sep: str = ",",
    names: Sequence[str] | None = None,
    filesystem: fs.FileSystem | None = None,
    watch: bool = False,
    on_error: str = "reject",
) -> Frame:
    """A frame over CSV files (compressed ones too) with a header, read in the order of their names.

    Lines that do not fit go to `query.rejected` with file, line and reason. An unquoted empty cell is null, as are the
    spellings of null that pandas knows; `time` is ISO 8601, with an offset or without, or an integer with `unit`.

    Parameters
    ----------
    schema : pyarrow.Schema or dict, optional
        Types of some columns or of all; the others have the types that the first megabyte of the first file shows.
    sep : str
        What stands between cells.
    names : sequence of str, optional
        The columns, for files without a header.
    watch : bool
        Keep looking for new files; the frame is then endless. The names of new files have to come later in order.
    on_error : {"reject", "raise"}
        Whether bad lines go to `query.rejected` or stop the query.

    The other parameters are those of `read_parquet`.

    Examples
    --------
    >>> import pathlib, tempfile, playhead as ph
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "trades.csv"
    >>> _ = path.write_text("at,price\\n2013-01-01T10:00:00,3.5\\n")
    >>> ph.read_csv(path, time="at").columns
    ['at', 'price']
    """
    declared = Declared(time, tz, unit, arrival, sequence, out_of_order, idle_timeout, on_error)
    _require_declared(columns, declared)
    files = file_set(path, filesystem, csv.ENDINGS)
    format = CsvFormat(sep, tuple(names) if names is not None else None)
    return begin(declared, lambda each: TextSource(files, each, format, schema=schema, columns=columns, watch=watch))


def read_json(
    path: Path,
    *,
    time: Time = None,
    tz: str | None = None,
    unit: str | None = None,
    arrival: str | None = None,
    sequence: str | Sequence[str] = (),
    out_of_order: Duration = None,
    idle_timeout: Duration = None,
    schema: Schema | None = None,
    columns: Sequence[str] | None = None,
    filesystem: fs.FileSystem | None = None,
    watch: bool = False,
    on_error: str = "reject",
) -> Frame:
    """A frame over files with one JSON object a line (compressed ones too), read in the order of their names.

    A field that an object lacks is null; one that the schema lacks is warned of, once. Text stays text, except for
    `time`. The parameters are those of `read_csv`.

    Examples
    --------
    >>> import pathlib, tempfile, playhead as ph
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "trades.jsonl"
    >>> _ = path.write_text('{"at": "2013-01-01T10:00:00Z", "price": 3.5}\\n')
    >>> ph.read_json(path, time="at").columns
    ['at', 'price']
    """
    declared = Declared(time, tz, unit, arrival, sequence, out_of_order, idle_timeout, on_error)
    _require_declared(columns, declared)
    files = file_set(path, filesystem, json.ENDINGS)
    format = JsonFormat(complete=columns is None)
    return begin(declared, lambda each: TextSource(files, each, format, schema=schema, columns=columns, watch=watch))


def _require_declared(columns: Sequence[str] | None, declared: Declared) -> None:
    time = declared.time if isinstance(declared.time, str) else None
    require_declared(columns, {"event time": time, "arrival": declared.arrival, "sequence": declared.sequence})
