"""CSV as a text format: headers, quoted newlines, cells of the declared types."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.csv

from playhead.errors import DataError, PlanError
from playhead.sources.salvage import salvage
from playhead.sources.text_blocks import joined, numbered, one_batch
from playhead.sources.timing import require_unique

ENDINGS = tuple(f"{name}{packed}" for name in (".csv", ".tsv") for packed in ("", ".gz", ".bz2", ".zst"))
CELL = re.compile(r"In CSV column #(\d+): CSV conversion error to (.+?): (?:invalid value '(.*)')?", re.DOTALL)


@dataclass(frozen=True)
class CsvFormat:
    """Comma-separated values with a header, unless `names` says what the columns are."""

    separator: str = ","
    names: tuple[str, ...] | None = None
    schema: pa.Schema | None = None
    """What to read of each file; None while it is not known yet."""

    has_header = True

    def __post_init__(self) -> None:
        if len(self.separator) != 1 or not self.separator.isascii():
            raise PlanError(f"sep={self.separator!r} is not one ASCII character")
        if self.names is not None:
            require_unique(self.names)

    def header(self, path: str, head: bytes) -> tuple[int, tuple[str, ...]]:
        """How many bytes stand before the first row, and the names of the columns."""
        if self.names is not None:
            return 0, self.names
        for record in self.records(head):
            if record.strip():
                end = head.index(record) + len(record)
                return end, self._names(path, record)
        return len(head), ()

    def _names(self, path: str, record: bytes) -> tuple[str, ...]:
        try:
            names = next(csv.reader([record.decode().rstrip("\r\n")], delimiter=self.separator))
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path}: the header cannot be read: {error}") from error
        try:
            require_unique(names)
        except PlanError as error:
            raise PlanError(f"{path}: {error}") from error
        return tuple(names)

    def cut(self, data: bytes) -> int:
        """Up to the last newline that ends a record; newlines between quotes do not."""
        end = data.rfind(b"\n") + 1
        if data.count(b'"', 0, end) % 2 == 0:
            return end
        return max(self._ends(data, self._open_quote(data)), default=0)

    def records(self, data: bytes) -> list[bytes]:
        """The records, blank ones too, each with its newline."""
        if b'"' not in data:
            return data.splitlines(keepends=True) if b"\r" not in data else re.findall(rb"[^\n]*\n|[^\n]+$", data)
        ends = self._ends(data, len(data))
        if not ends or ends[-1] < len(data):
            ends.append(len(data))
        return [data[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    def _ends(self, data: bytes, until: int) -> list[int]:
        """The places behind newlines that end a record: those outside of cells that begin with a quote."""
        tokens = re.compile(self._cell_start + rb'"[^"]*(?:""[^"]*)*"|\n')
        return [match.end() for match in tokens.finditer(data, 0, until) if match[0] == b"\n"]

    def _open_quote(self, data: bytes) -> int:
        """Where a cell begins with a quote that is not closed; the length of the data if there is none."""
        tokens = re.compile(self._cell_start + rb'"[^"]*(?:""[^"]*)*("|\Z)')
        return next((match.start() for match in tokens.finditer(data) if not match[1]), len(data))

    def _surely_closed(self, data: bytes) -> bool:
        """Whether the last quote of the data, without looking further, is one that ends a cell."""
        last = data.rfind(b'"')
        around = self.separator.encode() + b"\r\n"
        before, behind = data[max(last - 1, 0) : last], data[last + 1 : last + 2]
        return last < 0 or (bool(before) and before not in around + b'"' and (not behind or behind in around))

    @property
    def _cell_start(self) -> bytes:
        return rb"(?:(?<=[\n" + re.escape(self.separator.encode()) + rb"])|\A)"

    def infer(self, data: bytes, names: Sequence[str]) -> pa.Schema:
        """Names and types of the columns, from some records that may have bad ones among them."""
        records = numbered(self.records(data), 1)
        plain = replace(self, schema=pa.schema([(name, pa.string()) for name in names]))
        good = joined(salvage(records, lambda part: plain.parse(joined(part), names)).good)
        if not good:
            return plain.schema
        found = self._read(good, names, None, None).schema
        wide = pa.schema([(field.name, _wide(field.type)) for field in found])
        try:
            replace(self, schema=wide).parse(good, names)
        except pa.ArrowInvalid:  # nanoseconds
            return pa.schema([(field.name, _known(field.type)) for field in found])
        return wide

    def parse(self, data: bytes, names: Sequence[str]) -> pa.RecordBatch:
        """Some records as rows; raises if one of them does not fit."""
        assert self.schema is not None
        if not self._surely_closed(data) and self._open_quote(data) < len(data):
            raise pa.ArrowInvalid("a quotation mark is not closed")
        types = {field.name: field.type for field in self.schema}
        return one_batch(self._read(data, names, types, self.schema.names))

    def why(self, error: Exception, names: Sequence[str]) -> str:
        """What was wrong with a record, in words."""
        text = str(error)
        if match := CELL.search(text):
            column, kind, value = names[int(match[1])], match[2], match[3]
            return f"column {column!r}: broken UTF-8" if value is None else f"column {column!r}: {value!r} is no {kind}"
        if match := re.search(r"Expected (\d+) columns, got (\d+)", text):
            return f"{match[2]} cells where there are {match[1]} columns"
        return text

    def _read(
        self, data: bytes, names: Sequence[str], types: dict[str, pa.DataType] | None, columns: list[str] | None
    ) -> pa.Table:
        return pyarrow.csv.read_csv(
            pa.py_buffer(data),
            read_options=pyarrow.csv.ReadOptions(column_names=list(names), block_size=len(data) + 1),
            parse_options=pyarrow.csv.ParseOptions(delimiter=self.separator, newlines_in_values=b'"' in data),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=types, include_columns=columns, strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        )


def _known(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_null(kind) else kind


def _wide(kind: pa.DataType) -> pa.DataType:
    """A type that has room for what the rest of the file may bring."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz=kind.tz)
    return pa.time64("us") if pa.types.is_time(kind) else _known(kind)
