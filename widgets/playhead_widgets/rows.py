"""The rows that a table view shows: filtered, sorted, and a few of them cut out."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from playhead.expr import compile_expr
from playhead.frame.query_text import parse_query
from playhead.schema import is_orderable

_CONDITION = re.compile(r"[<>=!&|()]|\b(and|or|not|in)\b")
"""What tells a condition over columns from a text to be found in any of them."""


def filtered(table: pa.Table, text: str) -> pa.Table:
    """The rows in which a column shows `text`, whatever its case; or for which it is true, if it is a condition.

    Raises
    ------
    PlanError
        If it looks like a condition and cannot be asked of these columns.

    Examples
    --------
    >>> table = pa.table({"symbol": ["AAPL", "MSFT"], "price": [10, 20]})
    >>> filtered(table, "aap").num_rows, filtered(table, "price > 15").to_pylist()
    (1, [{'symbol': 'MSFT', 'price': 20}])
    """
    text = text.strip()
    if not text or not table.num_rows:
        return table
    if _CONDITION.search(text):
        rows = table.combine_chunks().to_batches()[0]
        return table.filter(compile_expr(parse_query(text, table.schema.names), table.schema)(rows))
    mask = pa.array([False] * table.num_rows)
    for column in table.columns:
        found = pc.match_substring(as_text(column), text, ignore_case=True)
        mask = pc.or_(mask, found.combine_chunks().fill_null(False))
    return table.filter(mask)


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values as people read them."""
    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = pc.local_timestamp(column)
    try:
        texts = column.cast(pa.string())
        is_time = pa.types.is_timestamp(column.type)
        return pc.replace_substring_regex(texts, r"\.0+$", "") if is_time else texts
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return pa.chunked_array([[None if value is None else str(value) for value in column.to_pylist()]], pa.string())


def ordered(table: pa.Table, by: Sequence[tuple[str, str]], keys: Sequence[str]) -> pa.Table:
    """Sorted by `by` (name and "ascending" or "descending"), ties by `keys`; nulls last."""
    wanted = [(name, way) for name, way in by if name in table.schema.names]
    wanted += [(name, "ascending") for name in keys if name not in dict(wanted)]
    wanted = [(name, way) for name, way in wanted if _sortable(table.schema.field(name).type)]
    if not wanted or table.num_rows < 2:
        return table
    columns = [table[name] for name, _ in wanted]
    plain = pa.table(
        [column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column for column in columns],
        names=[str(number) for number in range(len(columns))],
    )
    return table.take(pc.sort_indices(plain, sort_keys=[(str(n), way) for n, (_, way) in enumerate(wanted)]))


def _sortable(kind: pa.DataType) -> bool:
    return is_orderable(kind) and not pa.types.is_float16(kind)
