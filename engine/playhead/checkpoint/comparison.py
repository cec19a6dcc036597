"""What a checkpoint and a plan have in common: which state goes on, what begins empty, and what cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playhead.checkpoint.manifest import Manifest, OperatorState
from playhead.checkpoint.migration import Migration, migration_of
from playhead.errors import CheckpointError
from playhead.plan.identity import Identity
from playhead.sources.source import Source


@dataclass(frozen=True)
class Finding:
    """What becomes of one operator's or source's state, and why."""

    what: str
    """"kept", "new", "dropped" or "incompatible"."""
    id: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what:<12} {self.id}: {self.reason}"


@dataclass(frozen=True)
class Comparison:
    """A checkpoint held against a plan."""

    manifest: Manifest
    findings: tuple[Finding, ...]
    migrations: Mapping[str, Migration]
    """By operator id, for every kept one."""
    sources: tuple[Mapping[str, Any] | None, ...]
    """For each source of the plan its saved positions; None if it begins at its start."""

    @property
    def incompatible(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.what == "incompatible"]

    @property
    def changed(self) -> bool:
        """Whether anything is not simply as it was."""
        return any(finding.what != "kept" or finding.reason != UNCHANGED for finding in self.findings)

    def require(self) -> None:
        """Raise where some state cannot be carried over."""
        if self.incompatible:
            raise CheckpointError(
                f"the checkpoint of {self.manifest.query!r} at epoch {self.manifest.epoch:,} does not fit this query:\n"
                f"{self}\nA changed step that is given another name by .named(...) begins empty; "
                f"fresh={self.manifest.query!r} starts the whole query from nothing"
            )

    def __str__(self) -> str:
        return "\n".join(f"  {finding}" for finding in self.findings) or "  nothing is kept in either"


UNCHANGED = "unchanged"


def compare(manifest: Manifest, operators: Sequence[Identity], sources: Sequence[Source], *, mode: str) -> Comparison:
    """Hold a checkpoint against the stateful operators and the sources of a plan."""
    findings: list[Finding] = []
    migrations: dict[str, Migration] = {}
    for identity in operators:
        saved = manifest.operators.get(identity.id)
        if saved is None:
            near = _near(identity, manifest.operators)
            findings.append(Finding("new", identity.id, f"begins empty{near}"))
            continue
        finding, migration = _kept(identity, saved, manifest.mode, mode)
        findings.append(finding)
        if migration is not None:
            migrations[identity.id] = migration
    present = {identity.id for identity in operators}
    for id in manifest.operators:
        if id not in present:
            findings.append(Finding("dropped", id, "this query has no such step; its state is left behind"))
    positions, told = _sources(manifest, sources)
    return Comparison(manifest, (*findings, *told), migrations, positions)


def _kept(identity: Identity, saved: OperatorState, saved_mode: str, mode: str) -> tuple[Finding, Migration | None]:
    if saved.kind != identity.kind:
        reason = f"it was {saved.description}, and is {identity.description}"
        return Finding("incompatible", identity.id, reason), None
    if (saved_mode == "append") != (mode == "append"):
        reason = f"it kept what mode={saved_mode!r} needs, and mode={mode!r} needs something else"
        return Finding("incompatible", identity.id, reason), None
    migration = migration_of(identity.kind, saved.layout, identity.layout)
    if migration.obstacle:
        return Finding("incompatible", identity.id, migration.obstacle), None
    changed = "" if saved.description == identity.description else f"was {saved.description}"
    reason = "; ".join([*migration.notes, *([changed] if changed and not migration.notes else [])]) or UNCHANGED
    return Finding("kept", identity.id, reason), migration


def _near(identity: Identity, saved: Mapping[str, OperatorState]) -> str:
    alike = [id for id, state in saved.items() if state.kind == identity.kind]
    return f"; the checkpoint has {', '.join(map(repr, alike[:3]))}, which is another step" if alike else ""


def _sources(
    manifest: Manifest, sources: Sequence[Source]
) -> tuple[tuple[Mapping[str, Any] | None, ...], list[Finding]]:
    """A source goes on from the saved one of its name, or else from one that had splits of the same names."""
    left = list(manifest.sources)
    by_name = [_taken_out(left, [saved["name"] == source.name for saved in left]) for source in sources]
    matched: list[Mapping[str, Any] | None] = []
    findings = []
    for source, found in zip(sources, by_name, strict=True):
        splits = {split.name for split in source.splits()} if found is None or manifest.finished else set()
        if found is None:
            found = _taken_out(left, [bool(splits & saved["splits"].keys()) for saved in left])
            told = "is read from its beginning" if found is None else f"goes on where {found['name']} stood"
            findings.append(Finding("new" if found is None else "kept", source.name, told))
        unread = sorted(splits - (found["splits"].keys() if found is not None else set()))
        if manifest.finished and unread:
            findings.append(Finding("incompatible", source.name, _ended(manifest, unread)))
        matched.append(found)
    findings += [Finding("dropped", saved["name"], "this query does not read it") for saved in left]
    return tuple(matched), findings


def _taken_out(saved: list[Mapping[str, Any]], fits: Sequence[bool]) -> Mapping[str, Any] | None:
    """The first saved source that fits, which is then nobody else's."""
    return saved.pop(fits.index(True)) if True in fits else None


def _ended(manifest: Manifest, unread: Sequence[str]) -> str:
    """Why a query whose input had ended does not go on with what has come since."""
    more = f" and {len(unread) - 3:,} more" if len(unread) > 3 else ""
    return (
        f"the query had ended and closed all its windows; there is input that it has not read: "
        f"{', '.join(unread[:3])}{more}. fresh={manifest.query!r} computes everything anew; with watch=True a folder "
        "does not end"
    )
