"""A query reduced to what a sink sees of it: epochs, checkpoints on disk, and beginning again from the last of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from sink_cases import SCHEMA, SinkCase, epoch_batch

from playhead.runtime.delivery import Delivery
from playhead.sinks.sink import Prepared, SinkContext

QUERY = "the query"


def context(case: SinkCase, *, attempt: int = 1, query: str = QUERY, checkpointed: bool = True) -> SinkContext:
    return SinkContext(SCHEMA, case.mode, case.key, query, attempt if checkpointed else 0, checkpointed)


class Checkpoints:
    """Prepared work in a folder, as a checkpoint holds it: there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def save(self, epoch: int, prepared: Prepared | None) -> None:
        unfinished = self.folder / f"unfinished-{os.getpid()}-{epoch}"
        unfinished.mkdir()
        details = None if prepared is None else {"details": prepared.details, "tables": sorted(prepared.tables)}
        (unfinished / "manifest.json").write_text(json.dumps(details))
        for name, table in prepared.tables.items() if prepared else ():
            with pa.OSFile(str(unfinished / f"{name}.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as out:
                out.write_table(table)
        unfinished.rename(self.folder / f"{epoch:06}")

    def epochs(self) -> list[int]:
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdigit())

    def load(self, epoch: int) -> Prepared | None:
        folder = self.folder / f"{epoch:06}"
        manifest = json.loads((folder / "manifest.json").read_text())
        if manifest is None:
            return None
        tables = {name: pa.ipc.open_file(folder / f"{name}.arrow").read_all() for name in manifest["tables"]}
        return Prepared(manifest["details"], tables)

    def next_attempt(self) -> int:
        """How often the query was begun, this time included."""
        path = self.folder / "attempts"
        attempt = (int(path.read_text()) if path.exists() else 0) + 1
        path.write_text(str(attempt))
        return attempt


def run(
    case: SinkCase,
    place: Path,
    last: int,
    *,
    every: int = 3,
    stop: Callable[[str, int], None] = lambda what, epoch: None,
) -> Any:
    """Write the epochs behind the last checkpoint until `last`, with a checkpoint after every few; returns the sink.

    `stop` is called after each step with its name and may raise: the process is then as good as dead.
    """
    checkpoints = Checkpoints(place.parent / f"{place.name}-checkpoints")
    sink = case.make(place)
    delivery = Delivery([sink], context(case, attempt=checkpoints.next_attempt()))
    done = checkpoints.epochs()[-1] if checkpoints.epochs() else 0
    delivery.open()
    delivery.recover(done, [checkpoints.load(done)] if done else [])
    stop("recover", done)
    for epoch in range(done + 1, last + 1):
        sink.write(epoch, epoch_batch(case.mode, epoch), 0)
        stop("write", epoch)
        if epoch % every == 0 or epoch == last:
            (prepared,) = delivery.prepare(epoch)
            stop("prepare", epoch)
            checkpoints.save(epoch, prepared)
            stop("save", epoch)
            delivery.commit(epoch, [checkpoints.load(epoch)])
            stop("commit", epoch)
    delivery.close(failed=False)
    return sink
