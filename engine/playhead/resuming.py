"""From a place and a name to a query's checkpoints, and from a checkpoint to where a run of a plan starts."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, cast

import pyarrow as pa
from pyarrow import fs

from playhead.checkpoint.catalog import Loaded, Retention, load
from playhead.checkpoint.comparison import Comparison, compare
from playhead.checkpoint.manifest import read_manifest
from playhead.checkpoint.ownership import Ownership
from playhead.checkpoint.store import FileStore
from playhead.errors import CheckpointError, PlanError
from playhead.physical import PhysicalPlan
from playhead.plan.identity import view_identity
from playhead.runtime.checkpoints import Checkpoints, Start
from playhead.runtime.coordinator import CheckpointTimes
from playhead.sinks.parquet_files import located
from playhead.sources.source import Source

RESTARTS = 5
"""So often in a row, without a new checkpoint between, a failed query is begun again from its newest checkpoint."""


@dataclass(frozen=True)
class CheckpointOptions:
    """What `start` was told about checkpoints."""

    path: Any
    filesystem: fs.FileSystem | None = None
    every: int | None = 10_000_000
    """Microseconds."""
    retention: Retention = Retention()  # noqa: RUF009  it is frozen
    resume: Any = None
    """A savepoint or checkpoint elsewhere to begin with, if the query has none of its own yet."""
    fresh: bool | str = False
    """Discard what is there: the query's name, or True, which asks for it."""
    restarts: int = RESTARTS
    restart_delay: int = 500_000
    """Microseconds before the first restart in a row; each further one waits twice as long."""


def store_of(path: Any, filesystem: fs.FileSystem | None, *folders: str) -> FileStore:
    """The store of a path, or of a folder below it."""
    filesystem, root = located(path, filesystem)
    return FileStore(filesystem, "/".join([root, *folders]))


def query_folder(name: str | None) -> str:
    """The folder of a query's checkpoints; its name is its identity, so there has to be one."""
    if not name:
        raise PlanError("a query with checkpoints needs a name, under which it is found again: name='...'")
    if not re.fullmatch(r"[^/\\\0]+", name) or name.startswith("."):
        raise PlanError(f"name={name!r} is also the name of a folder: no '/', and no '.' in front")
    return name


def open_checkpoints(options: CheckpointOptions, name: str | None, changed: threading.Condition) -> Checkpoints:
    """Take the ownership of a query's checkpoints, and discard those that are not wanted."""
    folder = query_folder(name)
    store = store_of(options.path, options.filesystem, folder)
    owner = Ownership(store, folder)
    try:
        if options.fresh:
            _discard(store, folder, options.fresh)
    except BaseException:
        owner.close()
        raise
    return Checkpoints(
        store,
        folder,
        version("playhead"),
        times=CheckpointTimes(every=options.every),
        retention=options.retention,
        changed=changed,
        owner=owner,
    )


def _discard(store: FileStore, name: str, fresh: bool | str) -> None:
    """Delete all checkpoints (savepoints stay), after the name was given once more."""
    there = store.names("checkpoints")
    if not there:
        return
    told = f"fresh discards {len(there)} checkpoints of {name!r} in {store.description}"
    if fresh is True:
        if not _somebody_answers():
            raise CheckpointError(f"{told}; nobody can be asked here whether that is meant: say fresh={name!r}")
        fresh = input(f"{told}. Type the query's name to go on: ").strip()
    if fresh != name:
        raise CheckpointError(f"{told}, and {fresh!r} is not its name: nothing was discarded")
    store.delete([*there, *store.names("state")])


def _somebody_answers() -> bool:
    """Whether there is a terminal or a notebook to ask in."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return sys.stdin.isatty() or (shell is not None and type(shell).__name__ == "ZMQInteractiveShell")


def start_of(
    loaded: Loaded | None, plan: PhysicalPlan, views: Mapping[str, pa.Schema], *, mode: str, parallelism: int
) -> tuple[Start, Comparison | None]:
    """Where a run of a plan starts that goes on from a checkpoint, and what of it is carried over."""
    if loaded is None:
        return Start(), None
    comparison = compare_plan(loaded, plan, views, mode=mode)
    comparison.require()
    return Start.at(loaded, comparison, parallelism), comparison


def compare_plan(loaded: Loaded, plan: PhysicalPlan, views: Mapping[str, pa.Schema], *, mode: str) -> Comparison:
    """Hold a checkpoint against a plan."""
    identities = [vertex.identity for vertex in plan.vertices if vertex.identity is not None]
    identities += [view_identity(id, schema) for id, schema in views.items()]
    return compare(loaded.manifest, identities, [cast(Source, scan.source) for scan in plan.scans], mode=mode)


def load_place(place: Any, filesystem: fs.FileSystem | None = None) -> Loaded:
    """Read a savepoint (its folder) or a checkpoint (its manifest's file) by its path."""
    store = store_of(place, filesystem)
    if store.root.endswith(".json"):
        root, _, name = store.root.rpartition("/checkpoints/")
        store = FileStore(store.filesystem, root)
        return load(store, read_manifest(store, f"checkpoints/{name}"))
    if not store.filesystem.get_file_info(f"{store.root}/manifest.json").is_file:
        raise CheckpointError(f"{store.description} is no savepoint: it has no manifest.json{_savepoints_near(store)}")
    return load(store, read_manifest(store, "manifest.json"))


def _savepoints_near(store: FileStore) -> str:
    parent, _, name = store.root.rpartition("/")
    found: Sequence[str] = FileStore(store.filesystem, store.root).folders("savepoints")
    if found:
        return f"; there are savepoints below it: {', '.join(f'{name}/savepoints/{each}' for each in found)}"
    found = FileStore(store.filesystem, parent).folders("")
    return f"; beside it there are {', '.join(found)}" if found else ""
