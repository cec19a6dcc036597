"""The live table: sorted, filtered and scrolled in the kernel, a window of rows at a time."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.csv

from playhead import plan
from playhead.errors import PlayheadError
from playhead.results import group_columns
from playhead_widgets.client import Client
from playhead_widgets.encode import describe, encode
from playhead_widgets.rows import as_text, filtered, ordered
from playhead_widgets.view import Message, View
from playhead_widgets.watched import Moment, Watched

MOST_ROWS = 300
"""So many rows a page can see at once, at most."""

MOST_COPIED = 100_000
"""So many rows go to the clipboard, at most; the page says so when there are more."""


@dataclass(frozen=True)
class Arranged:
    """A result as one page wants to see it."""

    key: tuple[Any, ...]
    table: pa.Table
    total: int
    problem: str = ""


class TableView(View):
    """A table that ticks. `frame.live()` makes one.

    Each page has its own order, filter and place; changing them does not touch the query.
    """

    needs_table = True

    def __init__(self, watched: Watched, *, label: str = "", columns: tuple[str, ...] | None = None) -> None:
        self.schema = watched.schema
        self.group_columns = [name for name in group_columns(watched.node) if name in self.schema.names]
        key_numbers = [self.schema.get_field_index(name) for name in watched.node.unique_key or ()]
        super().__init__(
            kind="table",
            label=label or watched.query.name,
            setup={
                "columns": describe(self.schema),
                "keys": key_numbers,
                "shown": list(columns or self.schema.names),
                "sort": _newest_first(watched.node),
            },
        )
        self._arranged: dict[int, Arranged] = {}

    def payload(self, moment: Moment, client: Client) -> Message:
        if client.is_up_to_date(moment.version) or moment.standing.table is None:
            return {"same": True}, []
        arranged = self.arranged(moment, client)
        first = max(0, min(int(client.wants.get("first", 0)), arranged.table.num_rows - 1))
        rows = arranged.table.slice(first, min(max(int(client.wants.get("count", 30)), 1), MOST_ROWS))
        columns, buffers = encode(rows)
        about = {"total": arranged.total, "found": arranged.table.num_rows, "first": first, "rows": rows.num_rows}
        return {**about, "columns": columns, "problem": arranged.problem}, buffers

    def arranged(self, moment: Moment, client: Client) -> Arranged:
        """The table filtered and sorted for this page; kept until either changes."""
        by = tuple((str(name), str(way)) for name, way in client.wants.get("sort") or ())
        key = (moment.version, by, str(client.wants.get("filter") or ""))
        known = self._arranged.get(id(client))
        if known is not None and known.key == key:
            return known
        table, problem = moment.standing.table, ""
        assert table is not None
        try:
            found = filtered(table, key[2])
        except PlayheadError as error:
            found, problem = table, str(error)
        arranged = Arranged(key, ordered(found, by, self.group_columns), table.num_rows, problem)
        alive = {id(each) for each in self.clients.values()}
        self._arranged = {name: each for name, each in self._arranged.items() if name in alive}
        self._arranged[id(client)] = arranged
        return arranged

    def told(self, content: dict[str, Any], client: Client) -> None:
        arranged = self._arranged.get(id(client))
        if content.get("kind") == "copy" and arranged is not None:
            names = [name for name in content.get("columns", []) if name in self.schema.names]
            copied = arranged.table.select(names or self.schema.names).slice(0, MOST_COPIED)
            about = {"rows": copied.num_rows, "found": arranged.table.num_rows}
            self.send({"kind": "csv", "client": content["client"], "text": as_csv(copied), **about})


def _newest_first(node: plan.Node) -> list[tuple[str, str]]:
    """The order to begin with: by event time, the latest on top; a result without one stays sorted by its keys."""
    time = node.time.column if node.time else None
    names = node.schema.names
    if time == "window_end" and "window_start" in names:
        time = "window_start"
    return [(time, "descending")] if time is not None and time in names else []


def as_csv(table: pa.Table) -> str:
    """A table as CSV with a line of names."""
    texts = [as_text(column) if not _plain(column.type) else column for column in table.columns]
    file = io.BytesIO()
    pyarrow.csv.write_csv(pa.table(texts, names=table.schema.names), file)
    return file.getvalue().decode()


def _plain(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))
