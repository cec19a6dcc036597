"""Which checkpoints there are, which of them to go on from, and which may be deleted."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from playhead.checkpoint.manifest import Manifest, NewerFormatError, read_manifest
from playhead.checkpoint.store import Store
from playhead.checkpoint.tables import read_tables
from playhead.errors import CheckpointError, frames_to_user


class CheckpointWarning(UserWarning):
    """A checkpoint could not be used or written, and what was done instead."""


@dataclass(frozen=True)
class Retention:
    """Which checkpoints are kept: the last `count`, and one in every `spacing` of event time, up to `most` of these."""

    count: int = 3
    spacing: int | None = None
    most: int = 100

    def kept(self, manifests: Sequence[Manifest]) -> list[Manifest]:
        """Those to keep, of manifests from the oldest to the newest; the newest is always among them."""
        last = list(manifests[-max(self.count, 1) :])
        spaced: dict[int, Manifest] = {}
        if self.spacing is not None:
            for manifest in manifests[: len(manifests) - len(last)]:
                spaced.setdefault(manifest.playhead // self.spacing, manifest)
        return [*list(spaced.values())[-self.most :], *last]


@dataclass(frozen=True)
class Loaded:
    """A checkpoint that has been read whole: its manifest, and its files as tables."""

    manifest: Manifest
    state: dict[str, list[dict[str, pa.Table]]]
    """For each operator what to restore, in order."""
    prepared: list[dict[str, pa.Table] | None]
    """For each sink the tables that it has prepared."""


def manifests(store: Store) -> Iterator[Manifest]:
    """The readable manifests of a store, newest first; one that cannot be read is warned about and passed over."""
    for name in reversed(store.names("checkpoints")):
        try:
            yield read_manifest(store, name)
        except NewerFormatError:
            raise
        except CheckpointError as error:
            _warn(f"{error}; the checkpoint before it is used")


def newest(store: Store) -> Loaded | None:
    """The newest complete checkpoint; None if there is none. What is torn is passed over, with a warning each."""
    found = False
    for manifest in manifests(store):
        found = True
        try:
            return load(store, manifest)
        except CheckpointError as error:
            _warn(f"{error}; the checkpoint before epoch {manifest.epoch:,} is used")
    if found or store.names("checkpoints"):
        raise CheckpointError(
            f"{store.description} has checkpoints, and none of them is whole. fresh=True starts again from nothing"
        )
    return None


def load(store: Store, manifest: Manifest) -> Loaded:
    """Read all files of a checkpoint, and check them."""
    state = {id: [read_tables(store, file) for file in part.files] for id, part in manifest.operators.items()}
    prepared = [
        read_tables(store, sink.file) if sink is not None and sink.file is not None else None for sink in manifest.sinks
    ]
    return Loaded(manifest, state, prepared)


def clean(store: Store, retention: Retention, current: Manifest) -> list[Manifest]:
    """Delete what no kept checkpoint needs; returns the kept ones, oldest first.

    Called by the owner after `current` has been written, so that no file is there that a later manifest will need.
    """
    names = store.names("checkpoints")
    readable = [current]
    unreadable = []
    for name in names:
        if name == current.name:
            continue
        try:
            readable.append(read_manifest(store, name))
        except CheckpointError:
            unreadable.append(name)
    readable.sort(key=lambda manifest: (manifest.attempt, manifest.epoch))
    kept = retention.kept(readable)
    if kept[-1] is not current:
        kept.append(current)
    needed = {file.name for manifest in kept for file in manifest.files()}
    keep_names = {manifest.name for manifest in kept}
    unknown = {name for name in unreadable if name > kept[0].name}
    store.delete([name for name in names if name not in keep_names | unknown])
    if not unknown:  # what a manifest that cannot be read needs is not known
        store.delete([name for name in store.names("state") if name not in needed])
    return kept


def _warn(text: str) -> None:
    warnings.warn(text, CheckpointWarning, stacklevel=frames_to_user())
