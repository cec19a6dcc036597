"""Writes checkpoints: new state files, then the manifest, then away with what nobody needs any more."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from playhead.checkpoint.capture import Capture, OperatorCapture
from playhead.checkpoint.catalog import Retention, clean
from playhead.checkpoint.manifest import Manifest, OperatorState, PreparedSink, write_manifest
from playhead.checkpoint.ownership import Ownership
from playhead.checkpoint.store import Store
from playhead.checkpoint.tables import TableFile, read_tables, write_tables
from playhead.plan.identity import VIEW
from playhead.sinks.memory import merged_view
from playhead.sinks.sink import Prepared
from playhead.state.tables import Tables, merged

INCREMENTS = 16
"""So many increments at most stand behind a base before it is written anew."""


@dataclass
class Writer:
    """Writes one capture after another; not thread-safe."""

    store: Store
    query: str
    version: str
    retention: Retention
    owner: Ownership | None = None
    """None where nobody else can write, as in memory."""
    chain: dict[str, OperatorState] = field(default_factory=dict)
    """What the newest checkpoint says of each operator."""
    kept: list[Manifest] = field(default_factory=list)
    """The checkpoints that there are, oldest first."""
    bytes_written: int = 0

    @property
    def attempt(self) -> int:
        return self.owner.attempt if self.owner is not None else 1

    def write(self, capture: Capture) -> Manifest:
        """Write a checkpoint; it is complete when this returns, and not there at all if this raises."""
        if self.owner is not None:
            self.owner.require()
        operators = {each.identity.id: self._operator(capture.epoch, each) for each in capture.operators}
        sinks = tuple(self._sink(capture.epoch, number, each) for number, each in enumerate(capture.prepared))
        manifest = Manifest(
            query=self.query,
            attempt=self.attempt,
            epoch=capture.epoch,
            mode=capture.mode,
            sources=capture.sources,
            progress=capture.progress,
            operators=operators,
            sinks=sinks,
            finished=capture.finished,
            parallelism=capture.parallelism,
            version=self.version,
        )
        if self.owner is not None:
            self.owner.require()
        write_manifest(self.store, manifest)
        self.chain = operators
        self.kept = clean(self.store, self.retention, manifest)
        for name in capture.savepoints:
            self.write_savepoint(manifest, name)
        return manifest

    def write_savepoint(self, manifest: Manifest, name: str) -> None:
        """Write a checkpoint once more, whole and on its own, to `savepoints/<name>`."""
        place = self.store.child(f"savepoints/{name}")
        operators = {id: self._whole(place, id, state) for id, state in manifest.operators.items()}
        sinks = []
        for sink in manifest.sinks:
            if sink is not None and sink.file is not None:
                sink = replace(sink, file=self._written(place, sink.file.name, read_tables(self.store, sink.file)))
            sinks.append(sink)
        write_manifest(
            place, replace(manifest, operators=operators, sinks=tuple(sinks), savepoint=name), "manifest.json"
        )

    def _operator(self, epoch: int, capture: OperatorCapture) -> OperatorState:
        identity = capture.identity
        before = self.chain.get(identity.id) if capture.incremental else None
        parts = [part for part in capture.parts if part]
        name = f"state/{self.attempt:06}-{epoch:012}-{slug(identity.id)}"
        if before is not None and self._grown(before):
            before_it = [read_tables(self.store, file) for file in before.files]
            tables = _merged(identity.kind, [*before_it, *parts])
            files, base = [self._written(self.store, f"{name}.arrow", tables)], -1
        else:
            new = [self._written(self.store, f"{name}-{number}.arrow", part) for number, part in enumerate(parts)]
            files, base = [*(before.files if before is not None else ()), *new], before.base if before else -1
        size = sum(file.size for file in files) if base < 0 else base
        return OperatorState(identity.kind, identity.description, identity.layout, tuple(files), size)

    def _grown(self, state: OperatorState) -> bool:
        """Whether the increments have outgrown their base."""
        total = sum(file.size for file in state.files)
        return len(state.files) > INCREMENTS or total > 2 * state.base + (1 << 20)

    def _sink(self, epoch: int, number: int, prepared: tuple[str, Prepared] | None) -> PreparedSink | None:
        if prepared is None:
            return None
        sink, what = prepared
        name = f"state/{self.attempt:06}-{epoch:012}-sink-{number}.arrow"
        file = self._written(self.store, name, what.tables) if what.tables else None
        return PreparedSink(sink, what.details, file)

    def _whole(self, place: Store, id: str, state: OperatorState) -> OperatorState:
        parts = [read_tables(self.store, file) for file in state.files]
        tables = _merged(state.kind, parts) if parts else {}
        files = (self._written(place, f"state/{slug(id)}.arrow", tables),) if tables else ()
        return replace(state, files=files, base=sum(file.size for file in files))

    def _written(self, store: Store, name: str, tables: Tables) -> TableFile:
        file = write_tables(store, name, tables)
        self.bytes_written += file.size
        return file


def _merged(kind: str, parts: Sequence[Tables]) -> Tables:
    """Several parts of a state as one."""
    return merged_view(parts) if kind == VIEW else merged(parts)


def slug(id: str) -> str:
    """An operator's id as a part of a file name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", id).strip("-")[:80] or "operator"
