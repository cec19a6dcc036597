"""Rows that a query did not process, as tables: late ones and rejected ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from playhead import plan
from playhead.windows import WINDOW_END, WINDOW_START

if TYPE_CHECKING:
    from playhead.runtime.kept import Kept

REJECTED = pa.schema([(name, pa.string()) for name in ("source", "position", "text", "reason")])


def late_schema(node: plan.Node) -> pa.Schema:
    """The columns of late rows: those of the inputs of a plan's windows and joins, and the window that was missed."""
    fields: dict[str, pa.Field] = {}
    for part in plan.walk(node):
        sides = part.inputs if isinstance(part, plan.Merge | plan.MergeAsof) else ()
        if isinstance(part, plan.Aggregate) and part.window is not None:
            sides = (part.input,)
        for side in sides:
            if side.time is not None:
                kind = side.schema.field(side.time.column).type
                windows = [pa.field(name, kind) for name in (WINDOW_START, WINDOW_END)]
                for field in (*side.schema, *windows):
                    fields.setdefault(field.name, field)
    return pa.schema(list(fields.values()) or list(node.schema))


def kept_table(kept: Kept, schema: pa.Schema) -> pa.Table:
    """All that was kept as one table; an empty one of `schema` if that is nothing."""
    tables = [
        pa.Table.from_batches([part]) if isinstance(part, pa.RecordBatch) else part for part, _ in list(kept.parts)
    ]
    if not tables:
        return schema.empty_table()
    return pa.concat_tables(_with_clashes_as_text(tables), promote_options="default")


def _with_clashes_as_text(tables: list[pa.Table]) -> list[pa.Table]:
    """Late rows of two operators may have columns of one name and two types: these are shown as text."""
    types: dict[str, set[pa.DataType]] = {}
    for table in tables:
        for field in table.schema:
            types.setdefault(field.name, set()).add(field.type)
    clashes = {name for name, kinds in types.items() if len(kinds) > 1}
    if not clashes:
        return tables
    fields = [[field.with_type(pa.string()) if field.name in clashes else field for field in t.schema] for t in tables]
    return [table.cast(pa.schema(schema)) for table, schema in zip(tables, fields, strict=True)]
