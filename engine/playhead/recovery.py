"""What a query needs to survive: its checkpoints, where to go on from, and how often that may be tried."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from playhead.checkpoint.catalog import Loaded
from playhead.errors import CheckpointError, FencedError, PlanError
from playhead.physical import PhysicalPlan
from playhead.results import moment
from playhead.resuming import CheckpointOptions, compare_plan, load_place, open_checkpoints, start_of
from playhead.runtime.checkpoints import Start


@dataclass(frozen=True)
class SavedCheckpoint:
    """A checkpoint that is kept."""

    epoch: int
    playhead: Any
    """The event time that the results showed, a pandas.Timestamp; None before the first row."""
    name: str
    """Of its file below the query's folder."""


@dataclass(frozen=True)
class Wanted:
    """What is to run from a checkpoint."""

    plan: PhysicalPlan
    views: Mapping[str, pa.Schema]
    """The results in memory, by the names that they have in checkpoints."""
    mode: str
    parallelism: int


class Recovery:
    """What a query needs to survive: its checkpoints, where to go on from, and how often that may be tried."""

    def __init__(self, options: CheckpointOptions, name: str) -> None:
        self.options, self.name = options, name
        self.changed = threading.Condition()
        self.checkpoints = open_checkpoints(options, name, self.changed)
        self.failures = 0
        """Restarts since the last new checkpoint."""
        self._epoch = 0

    def first(self, wanted: Wanted) -> Start:
        """Where the first attempt of this process starts; what is carried over is said before anything runs."""
        loaded, where = self.checkpoints.newest(), ""
        if loaded is not None:
            where = f"its checkpoint of epoch {loaded.manifest.epoch:,}"
        elif self.options.resume is not None:
            loaded, where = load_place(self.options.resume, self.options.filesystem), str(self.options.resume)
        start = self._start(loaded, wanted)
        if loaded is not None:
            found = compare_plan(loaded, wanted.plan, wanted.views, mode=wanted.mode)
            print(f"{self.name}: goes on from {where}\n{found}", flush=True)
            if not self.checkpoints.store.names("checkpoints"):  # the first checkpoint here stands on its own
                start = replace(start, chained=frozenset())
        return start

    def again(self, wanted: Wanted) -> Start:
        """Where the next attempt starts after a failure."""
        if self.checkpoints.owner is not None:
            self.checkpoints.owner.require()
            self.checkpoints.owner.next_attempt()
        loaded = self.checkpoints.newest()
        if loaded is None and self.options.resume is not None:
            loaded = load_place(self.options.resume, self.options.filesystem)
        return self._start(loaded, wanted)

    def _start(self, loaded: Loaded | None, wanted: Wanted) -> Start:
        self.checkpoints.begin({} if loaded is None else loaded.manifest.operators)
        start, _ = start_of(loaded, wanted.plan, wanted.views, mode=wanted.mode, parallelism=wanted.parallelism)
        return start

    def may_help(self, error: Exception) -> bool:
        """Whether a restart is worth trying: not where another process has taken over, and not for ever."""
        if isinstance(error, FencedError | PlanError):
            return False
        newest = max((manifest.epoch for manifest in self.checkpoints.kept), default=0)
        self.failures = self.failures + 1 if newest <= self._epoch else 1
        self._epoch = max(newest, self._epoch)
        return self.failures <= self.options.restarts

    def wait_before_restart(self, stopped: Callable[[], bool]) -> bool:
        """Wait longer after each failure in a row; False if the query is stopped meanwhile."""
        seconds = self.options.restart_delay / 1e6 * 2 ** (self.failures - 1)
        with self.changed:
            return not self.changed.wait_for(stopped, seconds)

    def savepoint(self, name: str, ended: threading.Event) -> str:
        """Have a savepoint written with the next epoch's end, or of the last checkpoint where the query has ended."""
        if not re.fullmatch(r"[^/\\\0.][^/\\\0]*", name):
            raise PlanError(
                f"savepoint({name!r}): a savepoint's name is also the name of a folder: no '/', no '.' in front"
            )
        if self.checkpoints.store.child(f"savepoints/{name}").names(""):
            raise CheckpointError(f"there is a savepoint {name!r} of {self.name!r} already; choose another name")
        with self.changed:
            if not ended.is_set():
                self.checkpoints.asked.append(name)
                self.changed.notify_all()
            while name not in self.checkpoints.savepoints and not ended.is_set():
                self.changed.wait(0.05)
        if name not in self.checkpoints.savepoints:
            kept = self.checkpoints.kept
            if not kept:
                raise CheckpointError(f"{self.name} ended before it had a checkpoint; there is nothing to keep")
            self.checkpoints.writer.write_savepoint(kept[-1], name)
        return f"{self.checkpoints.store.description}/savepoints/{name}"

    def saved(self, zone: str) -> list[SavedCheckpoint]:
        return [SavedCheckpoint(each.epoch, moment(each.playhead, zone), each.name) for each in self.checkpoints.kept]

    def close(self) -> None:
        self.checkpoints.close()
