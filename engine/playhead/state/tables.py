"""State as Arrow tables: which columns name a row of state, and how a base and the increments behind it add up.

A table whose rows are found again by some of its columns says so in the metadata of its schema, so that a chain of
snapshots can be put together, compacted and read by whoever has the tables and nothing else. The rows that an
increment takes out of table `x` are in its table `removed_x`, which has these columns alone. Columns that are not the
user's begin with `#`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from playhead.state.keyed_slots import KeyedSlots

Tables = Mapping[str, pa.Table]

REMOVED = "removed_"
"""What the name of a table begins with that says which rows are gone."""

KEY, INCREMENT = b"playhead.key", b"playhead.increment"


def state_table(columns: Mapping[str, pa.Array], key: Sequence[str], *, increment: bool) -> pa.Table:
    """A table of state whose rows are found by the columns `key`: each is there once, if at all.

    Examples
    --------
    >>> base = state_table({"k": pa.array(["a", "b"]), "n": pa.array([1, 2])}, ["k"], increment=False)
    >>> step = state_table({"k": pa.array(["b"]), "n": pa.array([3])}, ["k"], increment=True)
    >>> merged([{"groups": base}, {"groups": step}])["groups"].to_pylist()
    [{'k': 'a', 'n': 1}, {'k': 'b', 'n': 3}]
    """
    table = pa.table(dict(columns))
    return table.replace_schema_metadata({KEY: json.dumps(list(key)), INCREMENT: "1" if increment else ""})


def key_of(table: pa.Table) -> list[str] | None:
    """The columns by which a row of a table of state is found; None where rows only ever add up."""
    metadata = table.schema.metadata or {}
    return json.loads(metadata[KEY]) if KEY in metadata else None


def merged(parts: Iterable[Tables]) -> dict[str, pa.Table]:
    """What a base, increments in their order, and the same of other key groups amount to: each row of state once.

    In an increment, rows that are gone go before those that were touched come. Tables without a key are put one
    behind the other. The result may be kept in place of `parts`.
    """
    parts = list(parts)
    names = dict.fromkeys(name for part in parts for name in part if not name.startswith(REMOVED))
    return {name: _merged(name, [part for part in parts if name in part]) for name in names}


def _merged(name: str, parts: Sequence[Tables]) -> pa.Table:
    """From the last part to the first: of an earlier one stays what no later one has touched or taken out."""
    kept: list[pa.Table] = []
    seen: KeyedSlots | None = None
    for part in reversed(parts):
        table = part[name]
        key = key_of(table)
        untouched = table
        if seen is not None and key is not None:
            found = seen.find((), _columns(table, key), rows=table.num_rows)
            if (found >= 0).any():
                untouched = table.filter(pa.array(found < 0))
        kept.append(untouched)
        if key is not None and _is_increment(table):
            if seen is None:
                seen = KeyedSlots([table.schema.field(column).type for column in key])
            for touched in (table, part.get(REMOVED + name)):
                if touched is not None and touched.num_rows:
                    seen.find_or_insert((), _columns(touched, key), rows=touched.num_rows)
    whole = (
        kept[0] if len(kept) == 1 else pa.concat_tables([table.replace_schema_metadata(None) for table in kept[::-1]])
    )
    metadata = {**(kept[0].schema.metadata or {}), INCREMENT: b""}
    return whole.combine_chunks().replace_schema_metadata(metadata if KEY in metadata else None)


def _is_increment(table: pa.Table) -> bool:
    return bool((table.schema.metadata or {}).get(INCREMENT))


def _columns(table: pa.Table, names: Sequence[str]) -> list[pa.Array]:
    return [one_array(table[name]) for name in names]


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """A column of a table as one array."""
    array = column.combine_chunks()
    return pa.concat_arrays(array.chunks) if isinstance(array, pa.ChunkedArray) else array
