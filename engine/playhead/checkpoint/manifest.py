"""The one file that makes a checkpoint: what ran, how far it had come, and which files hold the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from playhead.checkpoint.store import Store
from playhead.checkpoint.tables import TableFile, checksum
from playhead.errors import CheckpointError

FORMAT = 1
"""The version of the layout that this code writes; newer ones are refused, older ones are read."""


class NewerFormatError(CheckpointError):
    """A checkpoint that a newer version of Playhead wrote; an older checkpoint is no way around it."""


@dataclass(frozen=True)
class OperatorState:
    """The files of one operator's state, in the order in which they are restored, and what it was."""

    kind: str
    description: str
    """What the operator does, as `explain()` says it: two of them that differ are compared part by part."""
    layout: Mapping[str, Any] = field(default_factory=dict)
    """What the state depends on: keys and types, aggregates by name, whether rows can be taken back."""
    files: tuple[TableFile, ...] = ()
    base: int = 0
    """Bytes of the files that form the base; the others are increments."""


@dataclass(frozen=True)
class PreparedSink:
    """What a sink has prepared, as the manifest keeps it."""

    sink: str
    details: Any = None
    file: TableFile | None = None


@dataclass(frozen=True)
class Manifest:
    """A checkpoint: everything that a query needs in order to go on behind `epoch`."""

    query: str
    attempt: int
    epoch: int
    mode: str
    sources: tuple[Mapping[str, Any], ...]
    """For each source its name, watermark and splits with their positions."""
    progress: Mapping[str, Any]
    """Rows read, playhead, watermark and what was counted."""
    operators: Mapping[str, OperatorState] = field(default_factory=dict)
    sinks: tuple[PreparedSink | None, ...] = ()
    finished: bool = False
    """The input had ended, and the last results were shown."""
    savepoint: str | None = None
    key_groups: int = 128
    parallelism: int = 1
    version: str = ""
    """The version of Playhead that wrote it."""

    @property
    def name(self) -> str:
        """Of its file: higher attempts and epochs sort last."""
        return f"checkpoints/{self.attempt:06}-{self.epoch:012}.json"

    @property
    def playhead(self) -> int:
        """The event time that the results showed, in microseconds since 1970."""
        return int(self.progress["playhead"])

    def files(self) -> list[TableFile]:
        """Every file that the checkpoint needs."""
        files = [file for state in self.operators.values() for file in state.files]
        return files + [sink.file for sink in self.sinks if sink is not None and sink.file is not None]

    def to_json(self) -> dict[str, Any]:
        operators = {
            id: {
                "kind": state.kind,
                "description": state.description,
                "layout": dict(state.layout),
                "files": [file.to_json() for file in state.files],
                "base": state.base,
            }
            for id, state in self.operators.items()
        }
        sinks = [
            None
            if sink is None
            else {"sink": sink.sink, "details": sink.details, "file": sink.file.to_json() if sink.file else None}
            for sink in self.sinks
        ]
        return {
            "format": FORMAT,
            "playhead": self.version,
            "query": self.query,
            "attempt": self.attempt,
            "epoch": self.epoch,
            "mode": self.mode,
            "finished": self.finished,
            "savepoint": self.savepoint,
            "key_groups": self.key_groups,
            "parallelism": self.parallelism,
            "sources": [dict(source) for source in self.sources],
            "progress": dict(self.progress),
            "operators": operators,
            "sinks": sinks,
        }


def write_manifest(store: Store, manifest: Manifest, name: str | None = None) -> None:
    """Write the manifest with its own checksum; from this moment on the checkpoint is there."""
    body = json.dumps(manifest.to_json(), sort_keys=True).encode()
    store.write(name or manifest.name, [b'{"sha256": "' + checksum([body]).encode() + b'", "manifest": ', body, b"}\n"])


def read_manifest(store: Store, name: str) -> Manifest:
    """Read and check a manifest; anything wrong with it is a CheckpointError that says what."""
    where = f"{store.description}: {name}"
    try:
        text = bytes(store.read(name))
    except FileNotFoundError as error:
        raise CheckpointError(f"{where} is missing") from error
    try:
        whole = json.loads(text)
        value, body = whole["manifest"], text[text.index(b'"manifest": ') + 12 : text.rindex(b"}")]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{where} is no manifest of a checkpoint: {error}") from error
    if checksum([body]) != whole["sha256"]:
        raise CheckpointError(f"{where} has been changed: its checksum differs")
    if value["format"] > FORMAT:
        raise NewerFormatError(
            f"{where} has format {value['format']}, written by Playhead {value['playhead']}; this Playhead reads "
            f"formats up to {FORMAT}. Use that version or a newer one"
        )
    return _from_json(value)


def _from_json(value: Mapping[str, Any]) -> Manifest:
    operators = {
        id: OperatorState(
            state["kind"],
            state["description"],
            state["layout"],
            tuple(TableFile.from_json(file) for file in state["files"]),
            state["base"],
        )
        for id, state in value["operators"].items()
    }
    sinks = tuple(
        None
        if sink is None
        else PreparedSink(sink["sink"], sink["details"], TableFile.from_json(sink["file"]) if sink["file"] else None)
        for sink in value["sinks"]
    )
    return Manifest(
        query=value["query"],
        attempt=value["attempt"],
        epoch=value["epoch"],
        mode=value["mode"],
        sources=tuple(value["sources"]),
        progress=value["progress"],
        operators=operators,
        sinks=sinks,
        finished=value["finished"],
        savepoint=value["savepoint"],
        key_groups=value["key_groups"],
        parallelism=value["parallelism"],
        version=value["playhead"],
    )
