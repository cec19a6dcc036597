"""The checkpoints of a running query: taken at an epoch's end, written by a thread of their own, then committed."""

from __future__ import annotations

import queue
import threading
import warnings
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playhead.checkpoint.capture import Capture, OperatorCapture
from playhead.checkpoint.catalog import CheckpointWarning, Loaded, Retention, newest
from playhead.checkpoint.comparison import Comparison
from playhead.checkpoint.manifest import Manifest, OperatorState
from playhead.checkpoint.ownership import Ownership
from playhead.checkpoint.store import Store
from playhead.checkpoint.writer import Writer
from playhead.errors import CheckpointError, FencedError, frames_to_user
from playhead.physical import PhysicalPlan
from playhead.runtime.coordinator import CheckpointTimes
from playhead.sinks.sink import Prepared, Sink
from playhead.state.tables import Tables

TRIES = 4
"""So often a checkpoint is tried to be written before the query is restarted from the one before."""

PAUSE = 0.2
"""Seconds before the second try; each further one waits twice as long."""


@dataclass(frozen=True)
class Start:
    """Where a run begins that goes on from a checkpoint."""

    epoch: int = 0
    sources: Sequence[Mapping[str, Any] | None] = ()
    """For each source of the plan where it stood; None: at its beginning."""
    state: Mapping[str, Sequence[Tables]] = field(default_factory=dict)
    """By operator id, in the order in which it is restored."""
    chained: frozenset[str] = frozenset()
    """The ids whose next snapshot may be an increment behind what is there."""
    prepared: Sequence[tuple[str, Prepared]] = ()
    """What sinks had prepared, each with the sink's description."""
    progress: Mapping[str, Any] = field(default_factory=dict)
    finished: bool = False

    def prepared_for(self, sinks: Sequence[Sink]) -> list[Prepared | None]:
        """For each sink what it had prepared: sinks are told by their descriptions, those alike by their order."""
        left = list(self.prepared)
        found: list[Prepared | None] = []
        for sink in sinks:
            own = next((each for each in left if each[0] == str(sink)), None)
            if own is not None:
                left.remove(own)
            found.append(own and own[1])
        for name, _ in left:
            warnings.warn(
                f"the checkpoint of epoch {self.epoch:,} holds rows for {name}, which this query does not write to: "
                "if they were not committed before, they are not now",
                CheckpointWarning,
                stacklevel=frames_to_user(),
            )
        return found

    @staticmethod
    def at(loaded: Loaded, comparison: Comparison, parallelism: int) -> Start:
        """Where a checkpoint says, for a plan that it was compared with."""
        manifest = loaded.manifest
        state = {
            id: [migration.apply(part) for part in loaded.state[id]] for id, migration in comparison.migrations.items()
        }
        prepared = [
            (sink.sink, Prepared(sink.details, tables or {}))
            for sink, tables in zip(manifest.sinks, loaded.prepared, strict=True)
            if sink is not None
        ]
        return Start(
            epoch=manifest.epoch,
            sources=comparison.sources,
            state=state,
            chained=frozenset(
                id
                for id, each in comparison.migrations.items()
                if each.unchanged and manifest.parallelism == parallelism
            ),
            prepared=prepared,
            progress=manifest.progress,
            finished=manifest.finished,
        )


@dataclass
class Taken:
    """What was known when an epoch was cut; comes back with its results."""

    shown: int
    """The greatest event time read."""
    count: int
    """Rows of the epoch."""
    for_checkpoint: bool = False
    """What follows is known, and goes into a checkpoint."""
    sources: tuple[Mapping[str, Any], ...] = ()
    """Where every source stood."""
    rows: int = 0
    rejected: int = 0
    finished: bool = False
    whole: frozenset[int] = frozenset()
    """The vertices whose whole state is taken."""
    savepoints: tuple[str, ...] = ()


def captured(plan: PhysicalPlan, state: Sequence[Mapping[int, Tables]], whole: Container[int]) -> list[OperatorCapture]:
    """The state of all tasks, operator by operator."""
    return [
        OperatorCapture(vertex.identity, [of_task[vertex.id] for of_task in state], vertex.id not in whole)
        for vertex in plan.vertices
        if vertex.identity is not None
    ]


class Checkpoints:
    """Where a query's checkpoints go, across its attempts. One thread writes; the query's thread does all else."""

    def __init__(
        self,
        store: Store,
        query: str,
        version: str,
        *,
        times: CheckpointTimes,
        retention: Retention,
        changed: threading.Condition,
        owner: Ownership | None = None,
    ) -> None:
        self.store, self.times, self.changed, self.owner = store, times, changed, owner
        self.writer = Writer(store, query, version, retention, owner)
        self.asked: list[str | None] = []
        """Checkpoints asked for: the names of savepoints, None for a plain one."""
        self.savepoints: set[str] = set()
        """The names of those that were written."""
        self.retried = 0
        """How often writing had to be tried again."""
        self._work: queue.SimpleQueue[tuple[Capture, list[Prepared | None]] | None] = queue.SimpleQueue()
        self._written: list[tuple[Manifest, list[Prepared | None]]] = []
        self._pending = 0
        self._error: BaseException | None = None
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def attempt(self) -> int:
        return self.writer.attempt

    @property
    def kept(self) -> list[Manifest]:
        """The checkpoints that there are, oldest first."""
        return list(self.writer.kept)

    def newest(self) -> Loaded | None:
        """The newest whole checkpoint, read from the store."""
        return newest(self.store)

    def begin(self, chain: Mapping[str, OperatorState]) -> None:
        """Before an attempt: increments go behind the state of the checkpoint that it goes on from."""
        self.writer.chain = dict(chain)
        self._written, self._pending, self._error = [], 0, None

    # The query's thread

    @property
    def writing(self) -> bool:
        """A checkpoint is on its way; its sinks have not been committed."""
        return self._pending > 0

    def reserve(self) -> tuple[str, ...]:
        """An epoch is under way that becomes a checkpoint; returns the savepoints that it is to become too."""
        with self.changed:
            self._pending += 1
            asked, self.asked = self.asked, []
        return tuple(name for name in asked if name is not None)

    def submit(self, capture: Capture, prepared: list[Prepared | None]) -> None:
        """Have a checkpoint written that was reserved; `written` gives it back when it is complete."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name="playhead checkpoints", daemon=True)
            self._thread.start()
        self._work.put((capture, prepared))

    def written(self, *, wait: bool = False) -> list[tuple[Manifest, list[Prepared | None]]]:
        """The checkpoints completed since the last call, with what is to be committed; with `wait`, all under way."""
        with self.changed:
            while wait and len(self._written) < self._pending and self._error is None:
                self.changed.wait(0.05)
            if self._error is not None:
                raise self._error
            done, self._written = self._written, []
            self._pending -= len(done)
        return done

    def close(self) -> None:
        """End the thread, and let others have the query."""
        self._closed.set()
        if self._thread is not None:
            self._work.put(None)
            self._thread.join(30.0)
            self._thread = None
        if self.owner is not None:
            self.owner.close()

    # The writing thread

    def _write_all(self) -> None:
        while (work := self._work.get()) is not None:
            capture, prepared = work
            try:
                manifest = self._write(capture)
                with self.changed:
                    self.savepoints.update(capture.savepoints)
                    self._written.append((manifest, prepared))
                    self.changed.notify_all()
            except BaseException as error:
                with self.changed:
                    self._error = error
                    self.changed.notify_all()

    def _write(self, capture: Capture) -> Manifest:
        for again in range(TRIES):
            try:
                return self.writer.write(capture)
            except FencedError:
                raise
            except OSError as error:
                if again + 1 == TRIES or self._closed.wait(PAUSE * 2**again):
                    raise CheckpointError(
                        f"the checkpoint of epoch {capture.epoch:,} could not be written to "
                        f"{self.store.description}: {error}"
                    ) from error
                self.retried += 1
        raise AssertionError  # the loop returns or raises
