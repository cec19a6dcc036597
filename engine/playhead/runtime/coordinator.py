"""When an epoch opens, and how far time has come: decisions without I/O, clocks or threads.

The runner describes the situation, the coordinator answers with a command. The same code decides
for the embedded runner and for simulated time in the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playhead.schema import MAX_TIME, MIN_TIME


@dataclass(frozen=True, slots=True)
class EpochLimits:
    """When an epoch ends: at so many rows, or so long after its first row came, whichever is first."""

    max_rows: int = 65_536
    max_delay: int = 5_000
    """Microseconds; None would never end an epoch early, so bounded runs that nobody watches use a large number."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What the runner sees between two epochs."""

    now: int
    rows: int
    """Rows that wait and may be taken now."""
    since: int | None
    """When the first of them was seen waiting; None if there are none."""
    marks: bool
    """Watermarks, idle marks or rejected input wait between rows."""
    settled: bool
    """No reader is still decoding what could belong to this epoch: waiting longer brings nothing now."""
    finished: bool
    """Every source has ended and nothing waits."""
    running: bool
    """Not paused, or stepping."""
    playhead: int = MIN_TIME
    """The event time that results show."""
    writing: bool = False
    """A checkpoint is being written; the next one waits for it."""
    asked: bool = False
    """Somebody asked for a checkpoint."""


@dataclass(frozen=True, slots=True)
class OpenEpoch:
    """Cut an epoch of at most `max_rows` now."""

    epoch: int
    max_rows: int
    checkpoint: bool = False
    """What is known at its end goes into a checkpoint."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do for `delay` microseconds, unless something changes; None: until something changes."""

    delay: int | None


@dataclass(frozen=True, slots=True)
class Finish:
    """Everything has been read: close with a last epoch at the end of time."""

    epoch: int
    checkpoint: bool = False


Command = OpenEpoch | Wait | Finish


@dataclass(frozen=True, slots=True)
class CheckpointTimes:
    """When an epoch's end becomes a checkpoint, besides when somebody asks for one and at the end."""

    every: int | None = None
    """Microseconds of the injected clock from one to the next."""
    spacing: int | None = None
    """Microseconds of event time from one to the next."""


@dataclass
class Coordinator:
    """Numbers epochs, and decides when the next one opens and which of them become checkpoints."""

    limits: EpochLimits
    epoch: int = 0
    """The last epoch that was opened."""
    times: CheckpointTimes | None = None
    """None: there are no checkpoints."""
    checkpoint_epoch: int = 0
    """The last epoch that became a checkpoint, or behind which the query was resumed."""
    _checkpoint_time: int | None = None
    _checkpoint_playhead: int = MIN_TIME

    def next(self, situation: Situation) -> Command:
        """What to do now."""
        if situation.finished:
            if situation.writing:
                return Wait(None)
            self.epoch += 1
            self._checkpointed(situation)
            return Finish(self.epoch, self.times is not None)
        due = self._due(situation)
        if not self._opens(situation):
            if due:
                return self._open(situation, 0, due)
            return Wait(self._until_end(situation))
        return self._open(situation, self.limits.max_rows, due)

    def suspend(self, situation: Situation) -> OpenEpoch | None:
        """The last epoch of a query that is stopped and may go on later; None where nothing has happened since."""
        if self.times is None or (self.epoch == self.checkpoint_epoch and not situation.asked):
            return None
        return self._open(situation, 0, True)

    def _opens(self, situation: Situation) -> bool:
        if not situation.running:
            return False
        if situation.rows >= self.limits.max_rows or (situation.marks and not situation.rows):
            return True
        return situation.rows > 0 and (self._until_end(situation) == 0 or situation.settled)

    def _until_end(self, situation: Situation) -> int | None:
        """How long the epoch may still wait for rows."""
        if not situation.running or not situation.rows:
            return None
        waited = situation.now - (situation.since if situation.since is not None else situation.now)
        return max(0, self.limits.max_delay - waited)

    def _due(self, situation: Situation) -> bool:
        """Whether an epoch that ends now should become a checkpoint."""
        if self.times is None or situation.writing:
            return False
        if self._checkpoint_time is None:
            self._checkpoint_time, self._checkpoint_playhead = situation.now, situation.playhead
        if situation.asked:
            return True
        every, spacing = self.times.every, self.times.spacing
        if self.epoch == self.checkpoint_epoch:
            return False
        if self._checkpoint_playhead == MIN_TIME:
            self._checkpoint_playhead = situation.playhead
        return (every is not None and situation.now - self._checkpoint_time >= every) or (
            spacing is not None and situation.playhead - self._checkpoint_playhead >= spacing
        )

    def _open(self, situation: Situation, rows: int, checkpoint: bool) -> OpenEpoch:
        self.epoch += 1
        if checkpoint:
            self._checkpointed(situation)
        return OpenEpoch(self.epoch, rows, checkpoint)

    def _checkpointed(self, situation: Situation) -> None:
        self.checkpoint_epoch = self.epoch
        self._checkpoint_time, self._checkpoint_playhead = situation.now, situation.playhead


@dataclass(frozen=True, slots=True)
class SplitTime:
    """How far a split has come, for the watermark of its source."""

    watermark: int
    idle: bool


def source_watermark(splits: Sequence[SplitTime], previous: int) -> tuple[int, bool]:
    """The watermark of a source, the minimum over splits that are not idle, never going back; and whether all are."""
    active = [split.watermark for split in splits if not split.idle]
    if not active:
        return (MAX_TIME if not splits else previous), bool(splits)
    return max(previous, min(active)), False


def with_idle_sources(watermarks: Sequence[tuple[int, bool]]) -> list[int]:
    """Watermarks of all sources, where an idle one follows the slowest of the others instead of holding them back.

    It does not follow those that have ended: an idle source may go on.
    """
    active = [watermark for watermark, idle in watermarks if not idle and watermark < MAX_TIME]
    others = min(active, default=MIN_TIME)
    return [max(watermark, others) if idle and active else watermark for watermark, idle in watermarks]
