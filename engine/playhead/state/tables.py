"""State as Arrow tables: which columns name a row of state, and how a base and the increments behind it add up.

A table says in the metadata of its schema by which of its columns a row is found again, so that a chain of snapshots
can be put together, compacted and read by whoever has the tables and nothing else. The rows that an increment takes
out of table `x` are in its table `removed_x`, which has these columns alone. Columns that are not the user's begin
with `#`. What belongs to no key is in tables with the key `#owner`, which an increment replaces as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from playhead.batch import Int64s
from playhead.state.key_encoder import as_dictionary
from playhead.state.key_groups import key_groups as key_groups_of
from playhead.state.keyed_slots import KeyedSlots

Tables = Mapping[str, pa.Table]

REMOVED = "removed_"
"""What the name of a table begins with that says which rows are gone."""

OWNER = "#owner"
"""The first key group of the snapshot that a row without a key is from."""

KEY, INCREMENT = b"playhead.key", b"playhead.increment"


def state_table(columns: Mapping[str, pa.Array], key: Sequence[str], *, increment: bool) -> pa.Table:
    """A table of state whose rows are found by the columns `key`.

    Examples
    --------
    >>> base = state_table({"k": pa.array(["a", "b"]), "n": pa.array([1, 2])}, ["k"], increment=False)
    >>> step = state_table({"k": pa.array(["b"]), "n": pa.array([3])}, ["k"], increment=True)
    >>> merged([{"groups": base}, {"groups": step}])["groups"].to_pylist()
    [{'k': 'a', 'n': 1}, {'k': 'b', 'n': 3}]
    """
    arrays = [without_dictionary(column) for column in columns.values()]
    table = pa.Table.from_arrays(arrays, names=list(columns))
    return table.replace_schema_metadata({KEY: json.dumps(list(key)), INCREMENT: "1" if increment else ""})


def owned_tables(
    name: str, columns: Mapping[str, pa.Array], key_groups: range, *, increment: bool
) -> dict[str, pa.Table]:
    """The table `name` of what belongs to no key, or is small enough to be written whole each time."""
    rows = len(next(iter(columns.values())))
    owner = {OWNER: pa.array(np.full(rows, key_groups.start))}
    tables = {name: state_table({**columns, **owner}, [OWNER], increment=increment)}
    if increment:
        tables[REMOVED + name] = state_table({OWNER: pa.array([key_groups.start])}, [OWNER], increment=True)
    return tables


def progress_tables(key_groups: range, *, increment: bool, **values: Any) -> dict[str, pa.Table]:
    """How far an operator has come, in numbers: one row. Whoever reads several rows takes the greatest of each."""
    columns = {name: pa.array([int(value)]) for name, value in values.items()}
    return owned_tables("progress", columns, key_groups, increment=increment)


def greatest(tables: Tables, name: str, otherwise: int) -> int:
    """The greatest value of a column of `progress`, and no less than `otherwise`."""
    table = tables.get("progress")
    if table is None or name not in table.column_names:
        return otherwise
    values: list[int] = table[name].to_pylist()
    return max([otherwise, *values])


def key_of(table: pa.Table) -> list[str]:
    """The columns by which a row of a table of state is found."""
    key: list[str] = json.loads(table.schema.metadata[KEY])
    return key


def merged(parts: Iterable[Tables]) -> dict[str, pa.Table]:
    """What a base, increments in their order, and the same of other key groups amount to: each row of state once.

    In an increment, rows that are gone go before those that were touched come. The result may be kept as a base in
    place of `parts`.
    """
    parts = list(parts)
    names = dict.fromkeys(name for part in parts for name in part if not name.startswith(REMOVED))
    return {name: _merged(name, [part for part in parts if name in part]) for name in names}


def _merged(name: str, parts: Sequence[Tables]) -> pa.Table:
    """From the last part to the first: of an earlier one stays what no later one has touched or taken out."""
    key = key_of(parts[0][name])
    kept: list[pa.Table] = []
    seen: KeyedSlots | None = None
    for part in reversed(parts):
        table = part[name]
        if seen is not None:
            found = seen.find((), columns_of(table, key), rows=table.num_rows) >= 0
            table = table.filter(pa.array(~found)) if found.any() else table
        kept.append(table)
        if table.schema.metadata[INCREMENT]:
            seen = seen or KeyedSlots([table.schema.field(column).type for column in key])
            for touched in (part[name], part.get(REMOVED + name)):
                if touched is not None and touched.num_rows:
                    seen.find_or_insert((), columns_of(touched, key), rows=touched.num_rows)
    whole = pa.concat_tables(reversed(kept)).combine_chunks()
    return whole.replace_schema_metadata({**kept[0].schema.metadata, INCREMENT: b""})


def columns_of(table: pa.Table, names: Sequence[str]) -> list[pa.Array]:
    """Some columns of a table."""
    return [column_of(table, name) for name in names]


def column_of(table: pa.Table, name: str, kind: pa.DataType | None = None) -> pa.Array:
    """A column of a table as one array, of type `kind` if that is given."""
    column = table[name].combine_chunks()
    array = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    return array if kind is None or array.type == kind else with_type(array, kind)


def numbers_of(table: pa.Table, name: str) -> Int64s:
    """A column of whole numbers or times without nulls."""
    column = column_of(table, name)
    if not pa.types.is_int64(column.type):
        column = column.view(pa.int64())
    return np.asarray(column).astype(np.int64)


def with_type(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """The values as `kind`, which may be a wider type or one with a dictionary."""
    if not pa.types.is_dictionary(kind):
        return array.cast(kind)
    return as_dictionary(array.cast(kind.value_type), kind)


def without_dictionary(array: pa.Array) -> pa.Array:
    """The values; dictionaries differ from one snapshot to the next."""
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def named(name: str, taken: Iterable[str]) -> str:
    """The name of a column of ours beside the columns `taken`, which are the user's."""
    name = f"#{name}"
    while name in taken:
        name = f"#{name}"
    return name


def in_key_groups(key_groups: range | None, keys: Sequence[pa.Array], rows: int) -> npt.NDArray[np.bool_] | None:
    """Which rows belong to key groups, by their key columns; None if all do."""
    if key_groups is None:
        return None
    groups = key_groups_of(keys, rows=rows) if keys else np.zeros(rows, np.int64)
    return (groups >= key_groups.start) & (groups < key_groups.stop)


def struct_of(rows: pa.RecordBatch, indices: Int64s) -> pa.Array:
    """The rows at `indices` as one column of structs, null where an index is -1."""
    missing = indices < 0
    arrays = [without_dictionary(column) for column in rows.columns]
    taken = [array.take(pa.array(np.where(missing, 0, indices), mask=missing)) for array in arrays]
    return pa.StructArray.from_arrays(taken, names=rows.schema.names, mask=pa.array(missing))


def rows_of_struct(structs: pa.Array, schema: pa.Schema) -> pa.RecordBatch:
    """The rows that are in a column of structs, by their names."""
    fields = dict(zip((field.name for field in structs.type), structs.flatten(), strict=True))
    return pa.RecordBatch.from_arrays([with_type(fields[field.name], field.type) for field in schema], schema=schema)
