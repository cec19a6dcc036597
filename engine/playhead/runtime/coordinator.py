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


@dataclass(frozen=True, slots=True)
class OpenEpoch:
    """Cut an epoch of at most `max_rows` now."""

    epoch: int
    max_rows: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do for `delay` microseconds, unless something changes; None: until something changes."""

    delay: int | None


@dataclass(frozen=True, slots=True)
class Finish:
    """Everything has been read: close with a last epoch at the end of time."""

    epoch: int


Command = OpenEpoch | Wait | Finish


@dataclass
class Coordinator:
    """Numbers epochs and decides when the next one opens."""

    limits: EpochLimits
    epoch: int = 0
    """The last epoch that was opened."""

    def next(self, situation: Situation) -> Command:
        """What to do now."""
        if situation.finished:
            self.epoch += 1
            return Finish(self.epoch)
        if not situation.running:
            return Wait(None)
        if situation.rows >= self.limits.max_rows or (situation.marks and not situation.rows):
            return self._open()
        if not situation.rows:
            return Wait(None)
        waited = situation.now - (situation.since if situation.since is not None else situation.now)
        if waited >= self.limits.max_delay or situation.settled:
            return self._open()
        return Wait(self.limits.max_delay - waited)

    def _open(self) -> OpenEpoch:
        self.epoch += 1
        return OpenEpoch(self.epoch, self.limits.max_rows)


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
