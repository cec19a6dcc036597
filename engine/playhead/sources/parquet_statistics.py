"""Row groups of Parquet files in which no row can be what a filter asks for, as their statistics say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from playhead.errors import DataError
from playhead.expr import Call, Col, Lit
from playhead.functions import comparison
from playhead.sources.columns import plain_type
from playhead.sources.parquet_footer import Footer, read_metadata

AT_LEAST = {comparison.GREATER, comparison.GREATER_EQUAL}
AT_MOST = {comparison.LESS, comparison.LESS_EQUAL}


def has_bounds(kind: pa.DataType) -> bool:
    """Whether the statistics of a column of this type bound its values."""
    return (
        pa.types.is_integer(kind)
        or pa.types.is_float32(kind)
        or pa.types.is_float64(kind)
        or pa.types.is_date32(kind)
        or pa.types.is_string(plain_type(kind))
        or (pa.types.is_timestamp(kind) and kind.unit in ("us", "ms"))
    )


def shown(condition: Call) -> str:
    """A comparison of a column with a literal as people write it."""
    column, literal = condition.arguments
    value = literal.value.as_py() if isinstance(literal, Lit) else literal
    return (
        f"{column} {condition.function.name} {value!r}"
        if isinstance(value, str)
        else (f"{column} {condition.function.name} {value}")
    )


def without_matches(filesystem: fs.FileSystem, footer: Footer, conditions: Sequence[Call]) -> Footer:
    """The footer less row groups in which one of the conditions is true of no row; all of it where in doubt."""
    try:
        metadata = read_metadata(filesystem, footer.file)
    except DataError:
        return footer  # reading the rows says so
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    if tuple(group.num_rows for group in groups) != footer.rows:
        return footer
    leaves = [metadata.schema.column(leaf).path for leaf in range(metadata.num_columns)]
    never: set[int] = set()
    for condition in conditions:
        column = condition.arguments[0]
        if not isinstance(column, Col) or leaves.count(column.name) != 1:
            continue
        leaf, kind = leaves.index(column.name), plain_type(footer.schema.field(column.name).type)
        never |= {i for i, group in enumerate(groups) if not may_match(condition, group.column(leaf).statistics, kind)}
    return footer.without(never)


def may_match(condition: Call, statistics: pq.Statistics | None, kind: pa.DataType) -> bool:
    """Whether the condition may be true of a value within the statistics of a column of type `kind`."""
    if statistics is None:
        return True
    if statistics.has_null_count and statistics.null_count > 0 and statistics.num_values == 0:
        return False  # nothing but nulls
    function, (_, literal) = condition.function, condition.arguments
    if not statistics.has_min_max or not isinstance(literal, Lit):
        return True
    try:
        low, high = _bound(statistics.min, kind), _bound(statistics.max, kind)
        if low is None or high is None:
            return True
        above = _is_true((function if function in AT_MOST else comparison.LESS_EQUAL), low, literal)
        below = _is_true((function if function in AT_LEAST else comparison.GREATER_EQUAL), high, literal)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return True
    below = below or _may_be_cut_short(high, literal)
    return (above or function in AT_LEAST) and (below or function in AT_MOST)


def _bound(value: Any, kind: pa.DataType) -> pa.Array | None:
    """An end of the statistics as a column of one value; None where it bounds nothing."""
    if value is None or value != value or isinstance(value, str) != pa.types.is_string(kind):
        return None
    return pa.array([value], kind)


def _is_true(function: Any, bound: pa.Array, literal: Lit) -> bool:
    """Compare as the filter itself would."""
    return function.evaluate(bound, literal.value)[0].as_py() is True


def _may_be_cut_short(high: pa.Array, literal: Lit) -> bool:
    """Of long text only a beginning may stand in the statistics, and the greatest text may go on like the literal."""
    greatest, value = high[0].as_py(), literal.value.as_py()
    return isinstance(greatest, str) and isinstance(value, str) and value.startswith(greatest)
