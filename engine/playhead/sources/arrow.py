"""Rows that are in memory already, as Arrow: a table is read in pieces of 65,536 rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from playhead.errors import EventTimeError
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.sources.columns import chosen, conform, plain_schema
from playhead.sources.declared_source import DeclaredSource
from playhead.sources.source import Chunk, Rejected, Split, Stop
from playhead.sources.timing import Declared, timing

ROWS = 65_536


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of the table, checked; `kept` are their numbers in the table if some were rejected."""

    start: int
    end: int
    rows: pa.RecordBatch
    rest_min_time: int
    rejected: Rejected | None
    kept: Sequence[int] | None = None


class ArrowSource(DeclaredSource):
    """An Arrow table in memory; a position is a row number of it."""

    def __init__(self, name: str, table: pa.Table, declared: Declared, columns: Sequence[str] | None = None) -> None:
        table = table.select(chosen(table.schema, columns).names) if columns is not None else table
        plain = plain_schema(table.schema)
        super().__init__(name, timing(declared, plain, bounded=True))
        self._refuse_nanoseconds(table)
        checked = [self._check(start, rows, plain) for start, rows in _pieces(table)]
        self.pieces = self._with_suffix_minima(checked)
        self.rows = table.num_rows

    def splits(self) -> list[Split]:
        return [Split("rows", self.min_time)]

    @property
    def min_time(self) -> int:
        """No row has an event time below this."""
        if self.time is None:
            return MIN_TIME
        return min((_min_time(piece.rows, self.time.column) for piece in self.pieces), default=MAX_TIME)

    def read(self, split: Split, columns: Sequence[str], position: Any, stop: Stop) -> Iterator[Chunk]:
        self.to_decode(columns)
        start = 0 if position is None else int(position)
        for piece in self.pieces:
            if stop.is_set():
                return
            if piece.end <= start:
                continue
            rows, rejected = piece.rows, piece.rejected
            if piece.start < start:
                skipped = start - piece.start if piece.kept is None else sum(row < start for row in piece.kept)
                rows, rejected = rows.slice(skipped), None
            yield Chunk(rows.select(list(columns)), piece.end, piece.rest_min_time, rejected=rejected)

    def _check(self, start: int, rows: pa.RecordBatch, plain: pa.Schema) -> Piece:
        checked, rejected = self.timing.check(conform(rows, plain), lambda row: f"row {start + row}")
        kept = None
        if rejected is not None:
            gone = {int(place.removeprefix("row ")) for place in rejected.position}
            kept = [row for row in range(start, start + rows.num_rows) if row not in gone]
        return Piece(start, start + rows.num_rows, checked, MIN_TIME, rejected, kept)

    def _with_suffix_minima(self, pieces: list[Piece]) -> list[Piece]:
        if self.time is None:
            return pieces
        minima = [_min_time(piece.rows, self.time.column) for piece in pieces]
        rests = list(accumulate(reversed(minima), min, initial=MAX_TIME))[-2::-1] if minima else []
        return [
            Piece(each.start, each.end, each.rows, rest, each.rejected, each.kept)
            for each, rest in zip(pieces, rests, strict=True)
        ]

    def _refuse_nanoseconds(self, table: pa.Table) -> None:
        """In memory the user can mend the column, so that it is an error at once."""
        for parser in self.timing.parsers:
            if not pa.types.is_timestamp(parser.source_type) or parser.source_type.unit != "ns":
                continue
            for chunk in table.column(parser.column).chunks:
                ints = chunk.view(pa.int64())
                fine = pc.equal(pc.multiply(pc.divide(ints, 1_000), 1_000), ints)
                if pc.all(fine).as_py() is False:
                    first = chunk.filter(pc.invert(fine))[0]
                    raise EventTimeError(
                        f"{parser.column!r} has nanoseconds that do not fit microseconds, such as {first}; "
                        f"round it first: df[{parser.column!r}] = df[{parser.column!r}].dt.floor('us')"
                    )


def _pieces(table: pa.Table) -> Iterator[tuple[int, pa.RecordBatch]]:
    """(first row number, rows) of pieces of the table; many small chunks are joined first."""
    if table.num_columns and table.column(0).num_chunks > 2 * (table.num_rows // ROWS) + 2:
        table = table.combine_chunks()
    start = 0
    for rows in table.to_batches(max_chunksize=ROWS):
        if rows.num_rows:
            yield start, rows
            start += rows.num_rows


def _min_time(rows: pa.RecordBatch, column: str) -> int:
    smallest = pc.min(rows.column(column))
    return int(smallest.value) if smallest.is_valid else MAX_TIME
