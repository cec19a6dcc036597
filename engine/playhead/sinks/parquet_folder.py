"""The folder of a query's files: whose it is, and the place beside it where files wait until they may be seen.

Readers take a folder as it is: every file in it is a part of the table, and some of them (polars, dask) read hidden
ones too. So nothing but whole, committed files is ever in it; unfinished ones, and `owner.json`, are in a folder of
their own: `.out.playhead` beside `out`, or `out/_playhead` where `out` is a disk or a bucket of its own, since a file
can be moved in one step only within one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from pyarrow import fs

from playhead.errors import SinkError
from playhead.sinks.parquet_files import delete_if_there, folder_of, is_file, make_durable
from playhead.sinks.sink import SinkContext

FORMAT = 1


@dataclass
class Folder:
    """Where a query's files are (`path`), and where they wait (`hidden`)."""

    filesystem: fs.FileSystem
    path: str
    query: str = ""
    attempt: int = 0
    checkpointed: bool = False
    writer: str = field(default_factory=lambda: uuid4().hex[:8])
    """Which sink this is, among all that ever wrote here."""

    def __post_init__(self) -> None:
        self.hidden = hidden_place(self.filesystem, self.path)
        self._made: list[str] = []

    def claim(self, context: SinkContext) -> None:
        """Make the folder; refuse one that is another's, or has files that this query did not write."""
        self.query, self.attempt, self.checkpointed = context.query, context.attempt, context.checkpointed
        try:
            if is_file(self.filesystem, self.path):
                raise SinkError(f"{self.path!r} is a file; results go to a folder")
            self.filesystem.create_dir(self.path, recursive=True)
            owner = self._owner()
            inside = [] if owner else self._names()
        except OSError as error:
            raise SinkError(f"cannot make the folder {self.path!r}: {error}") from error
        if inside:
            raise SinkError(
                f"the folder {self.path!r} is not empty: it has {', '.join(inside[:3])}; choose another or empty it"
            )
        if owner:
            self._require_own(owner)
        try:
            self.filesystem.create_dir(self.hidden, recursive=True)
            if self.checkpointed:
                self._put_owner()
        except OSError as error:
            raise SinkError(f"cannot write to the folder {self.path!r}: {error}") from error

    def new_hidden(self) -> str:
        """A name for a file that nobody shall see yet."""
        self._made.append(f"{self.attempt:05}-{self.writer}-{len(self._made):05}.tmp")
        return f"{self.hidden}/{self._made[-1]}"

    def publish(self, hidden: str, name: str) -> bool:
        """Give a hidden file its name in the folder; false if that has been done.

        Within a disk that is one step. An object store copies and then deletes: a copy is there whole or not at all,
        and if the deletion is missing, the file is copied onto itself the next time.
        """
        if is_file(self.filesystem, f"{self.hidden}/{hidden}"):
            self.filesystem.move(f"{self.hidden}/{hidden}", f"{self.path}/{name}")
            return True
        if not is_file(self.filesystem, f"{self.path}/{name}"):
            raise SinkError(
                f"{name} in {self.path!r} was made ready and is gone ({self.hidden}/{hidden}): another process that "
                f"runs the query {self.query!r} has deleted it, or somebody"
            )
        return False

    def settle(self) -> None:
        """Have the disk keep the names that were given."""
        make_durable(self.filesystem, self.path)

    def require_ours(self) -> None:
        """Refuse to go on where another process has taken over."""
        owner = self._owner() if self.checkpointed else None
        if self.checkpointed and (owner is None or owner["writer"] != self.writer):
            who = f"attempt {owner['attempt']} of the query {owner['query']!r}" if owner else "somebody who deleted it"
            raise SinkError(
                f"the folder {self.path!r} has been taken over by {who}; this one, attempt {self.attempt}, ends"
            )

    def files(self) -> list[str]:
        """The names of the files that can be seen."""
        return [name for name in self._names() if name.endswith(".parquet")]

    def delete(self, names: list[str]) -> None:
        for name in names:
            delete_if_there(self.filesystem, f"{self.path}/{name}")

    def discard(self, *, keep: Collection[str] = (), mine: bool = False) -> None:
        """Delete hidden files: all, or only those of this sink; without checkpoints the place itself too."""
        selector = fs.FileSelector(self.hidden, allow_not_found=True)
        there = [info.base_name for info in self.filesystem.get_file_info(selector)]
        gone = [
            name for name in there if name.endswith(".tmp") and name not in keep and (not mine or name in self._made)
        ]
        for name in gone:
            delete_if_there(self.filesystem, f"{self.hidden}/{name}")
        if not self.checkpointed and set(gone) == set(there):
            self.filesystem.delete_dir(self.hidden)

    def _names(self) -> list[str]:
        inside = self.filesystem.get_file_info(fs.FileSelector(self.path))
        return sorted(info.base_name for info in inside if info.path.rstrip("/") != self.hidden)

    # Whose it is

    @property
    def _owner_path(self) -> str:
        return f"{self.hidden}/owner.json"

    def _owner(self) -> dict[str, Any] | None:
        if not is_file(self.filesystem, self._owner_path):
            return None
        with self.filesystem.open_input_stream(self._owner_path) as stream:
            try:
                return dict(json.loads(stream.read()))
            except ValueError as error:
                raise SinkError(f"{self._owner_path} says whose folder this is, and cannot be read: {error}") from error

    def _put_owner(self) -> None:
        owner = {"format": FORMAT, "query": self.query, "attempt": self.attempt, "writer": self.writer}
        temporary = f"{self._owner_path}.{self.writer}.tmp"
        with self.filesystem.open_output_stream(temporary) as stream:
            stream.write(json.dumps(owner).encode())
        make_durable(self.filesystem, temporary)
        self.filesystem.move(temporary, self._owner_path)

    def _require_own(self, owner: dict[str, Any]) -> None:
        whose = f"the folder {self.path!r} belongs to the query {owner['query']!r} (so says {self._owner_path})"
        if owner["format"] > FORMAT:
            raise SinkError(f"{whose}, written by a newer Playhead: format {owner['format']}, known is {FORMAT}")
        if not self.checkpointed:
            raise SinkError(
                f"{whose}, which runs with checkpoints; choose another folder, or give checkpoint= and name= to go on"
            )
        if owner["query"] != self.query:
            raise SinkError(f"{whose}; this one is {self.query!r}. Give it another folder, or that name")
        if owner["attempt"] > self.attempt:
            raise SinkError(f"{whose}, whose attempt {owner['attempt']} has taken over; this is attempt {self.attempt}")


def hidden_place(filesystem: fs.FileSystem, folder: str) -> str:
    """Where the unfinished files of a folder are."""
    parent, _, name = folder.rpartition("/")
    if not parent or (filesystem.type_name == "local" and _is_a_disk(folder)):
        return f"{folder}/_playhead"
    return f"{parent}/.{name}.playhead"


def _is_a_disk(folder: str) -> bool:
    return os.path.isdir(folder) and os.stat(folder).st_dev != os.stat(folder_of(folder)).st_dev
