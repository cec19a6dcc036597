"""The loop of a running query: read, cut an epoch, process it, deliver it; until the end or until told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from playhead.checkpoint.capture import Capture, OperatorCapture
from playhead.checkpoint.manifest import Manifest
from playhead.physical import PhysicalPlan
from playhead.plan.identity import view_identity
from playhead.runtime.checkpoints import Checkpoints, Start, Taken, captured
from playhead.runtime.coordinator import Coordinator, EpochLimits, Finish, OpenEpoch, Situation, Wait
from playhead.runtime.delivery import Delivery
from playhead.runtime.embedded import EpochInput, EpochOutput, added, tasks_for
from playhead.runtime.feed import Cut, Feed, Reading
from playhead.runtime.kept import Kept, rejected_table
from playhead.runtime.pacing import Clock, Pacer
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.sources.source import Rejected

SMALL = 4096
"""Batches of fewer rows than this on average are joined before they are processed."""

LONGEST_WAIT = 50_000
"""Microseconds after which a waiting loop looks around even if nobody woke it."""


@dataclass(frozen=True)
class RunSettings:
    """How a plan is run."""

    reading: Reading
    limits: EpochLimits
    parallelism: int
    clock: Clock
    speed: float | None = None
    """Replay speed, event time per time; None: as fast as possible."""
    range_start: int = MIN_TIME
    """Where the replay clock begins."""


@dataclass
class Goal:
    """What a step waits for; the run pauses again when it is reached."""

    until: int = MAX_TIME
    rows: int | None = None
    change: bool = False
    reached: bool = False

    @property
    def counts(self) -> bool:
        """Whether an epoch has to be seen before it is known if another one is needed."""
        return self.change or self.rows is not None


NOWHERE = Start()


class Run:
    """One run of a plan. `loop` works on the thread that calls it; everything else may be called from others."""

    def __init__(
        self,
        plan: PhysicalPlan,
        delivery: Delivery,
        settings: RunSettings,
        *,
        start: Start = NOWHERE,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self.plan, self.delivery, self.settings, self.start = plan, delivery, settings, start
        self.checkpoints = checkpoints
        self.changed = checkpoints.changed if checkpoints is not None else threading.Condition()
        self.pacer = Pacer(settings.clock, settings.speed)
        times = checkpoints.times if checkpoints is not None else None
        self.coordinator = Coordinator(settings.limits, start.epoch, times, start.epoch)
        self.goal: Goal | None = None
        self.stopping = self.aborting = self.finished = False
        self.on_open: Callable[[], None] = lambda: None
        """Called when the sinks are ready, before the first epoch."""
        self.epoch, self.rows, self.rejected_count = start.epoch, 0, 0
        self.watermark, self.playhead = MIN_TIME, MIN_TIME
        self.counted: dict[str, int] = {}
        """Rows by what befell them before the checkpoint that this run goes on from."""
        self.late, self.rejected = Kept(), Kept()
        self.watermarks: list[int] = []
        self.feed: Feed | None = None
        self.tasks = tasks_for(plan, settings.parallelism, self.changed)
        self.on_epoch: Callable[[], None] = lambda: None
        self.on_checkpoint: Callable[[Manifest], None] = lambda manifest: None
        """Called when a checkpoint is complete and the sinks have committed it."""
        self._since: int | None = None
        self.resting = False
        """Paused, with no epoch under way."""
        self._chained = self._chained_views = start.chained
        if start.progress:
            self._take_up(start.progress)

    def _take_up(self, progress: Mapping[str, Any]) -> None:
        """Count on from what a checkpoint says."""
        self.rows, self.rejected_count = progress["rows"], progress["rejected"]
        self.watermark, self.playhead = progress["watermark"], progress["playhead"]
        self.counted, self.delivery.rows = dict(progress["counts"]), progress["changes"]

    def go_on_as(self, other: Run) -> None:
        """Be steered as another run of the same query was, and keep the rows that it kept up to here."""
        self.pacer.playing, self.pacer.speed, self.goal = other.pacer.playing, other.pacer.speed, other.goal
        self.late, self.rejected = other.late.until(self.epoch), other.rejected.until(self.epoch)

    def counts(self) -> dict[str, int]:
        """Rows by what befell them, since the query first began."""
        return added([self.counted, self.tasks.counts()])

    # The loop

    def loop(self) -> None:
        """Run until the input ends or `stopping` is set. Leaves no thread behind, whatever happens."""
        failed = True
        try:
            self.delivery.open()
            self._resume()
            self.on_open()
            self.feed = self._open_feed()
            self.pacer.begin(max(self.settings.range_start, self.shown_release()))
            more = not self.start.finished
            self._drop_unwanted(self.feed)
            while more and not self.stopping:
                more = self._turn(self.feed)
            if more and not self.aborting:
                self._suspend(self.feed)
            self._collect(drain=not self.aborting)
            self._commit_written(wait=not self.aborting)
            failed = self.aborting
            self.finished = not more and not failed
        finally:
            if self.feed is not None:
                self.feed.close()
            self.tasks.close()
            self.delivery.close(failed=failed)
            with self.changed:
                self.changed.notify_all()

    def _turn(self, feed: Feed) -> bool:
        """Do one thing; returns whether there is more to do."""
        feed.look_for_splits()
        with self.changed:
            goal = self.goal
            until = self._until(goal)
            held = self.tasks.full or (goal is not None and goal.counts and self.tasks.in_flight > 0)
            command = Wait(None) if held else self.coordinator.next(self._situation(feed, goal, until))
            idle = isinstance(command, Wait) and not self._goal_met(feed, goal, until)
            if isinstance(command, Wait) and idle and not self.tasks.in_flight:
                self._rest(not self.pacer.playing and goal is None)
                self.changed.wait(self._wait_time(feed, command, until) / 1e6)
            self.resting = False
        if isinstance(command, OpenEpoch):
            rows = command.max_rows if goal is None or goal.rows is None else min(goal.rows, command.max_rows)
            self._submit(command, feed.cut(self._small(goal, rows), until))
        elif isinstance(command, Finish):
            self._submit(command, Cut([[] for _ in feed.sources], [MAX_TIME] * len(feed.sources)))
            return False
        self._collect(wait=idle or self.tasks.full)
        self._commit_written()
        self._drop_unwanted(feed)
        return True

    def _drop_unwanted(self, feed: Feed) -> None:
        """Read no further where every limit has been reached."""
        if self.plan.limited:
            wanted = self.tasks.tasks[0].wanted()  # where limits are
            for number, scan in enumerate(self.plan.scans):
                if scan.vertex not in wanted:
                    feed.give_up(number)

    def _rest(self, paused: bool) -> None:
        """Let those know who wait for the query to stand still."""
        if paused:
            self.resting = True
            self.changed.notify_all()

    def _until(self, goal: Goal | None) -> int:
        if self.settings.reading.order != "replay":
            return MAX_TIME
        return goal.until if goal else self.pacer.released()

    def _situation(self, feed: Feed, goal: Goal | None, until: int) -> Situation:
        running = self.pacer.playing or goal is not None
        rows = feed.rows_ready(self.settings.limits.max_rows, until) if running else 0
        now = self.settings.clock()
        self._since = None if not rows else self._since if self._since is not None else now
        marks = running and (feed.marks_ready() or feed.idled(self.watermarks))
        eager = goal is not None and (goal.change or (goal.rows is not None and rows >= goal.rows))
        settled = rows > 0 and (eager or (goal is not None or self.pacer.speed is None) and feed.settled(until))
        return Situation(
            now,
            rows,
            self._since,
            marks,
            settled,
            running and feed.finished,
            running,
            self.playhead,
            writing=self.checkpoints is not None and self.checkpoints.writing,
            asked=self.checkpoints is not None and bool(self.checkpoints.asked),
        )

    def _small(self, goal: Goal | None, rows: int) -> int:
        """A step to the next visible change goes by small epochs, so that it stops where something is seen."""
        return 1 if goal is not None and goal.change else rows

    def _wait_time(self, feed: Feed, command: Wait, until: int) -> int:
        delay = command.delay if command.delay is not None else LONGEST_WAIT
        release = feed.next_release()
        if release is not None and release > until:
            due = self.pacer.wait_for(release)
            delay = min(delay, due) if due is not None else delay
        return min(delay, LONGEST_WAIT)

    # Epochs

    def _submit(self, command: OpenEpoch | Finish, cut: Cut) -> None:
        assert self.feed is not None
        self._since = None
        self.rows += cut.count
        for number, rejected in cut.rejected:
            self._keep_rejected(command.epoch, self.feed.sources[number].source.name, rejected)
        shown = max((reader.max_time for reader in self.feed.readers), default=MIN_TIME)
        rows = [
            [batch.select(list(scan.columns)) if batch.num_columns > len(scan.columns) else batch for batch in batches]
            for scan, batches in zip(self.plan.scans, map(joined_if_small, cut.rows), strict=True)
        ]
        self.watermarks = cut.watermarks
        taken = Taken(shown, cut.count)
        if command.checkpoint and self.checkpoints is not None:
            taken.for_checkpoint = True
            taken.sources, taken.rows, taken.rejected = tuple(self.feed.standing()), self.rows, self.rejected_count
            taken.finished, taken.whole = isinstance(command, Finish), self._whole()
            taken.savepoints = self.checkpoints.reserve()
        whole = taken.whole if taken.for_checkpoint else None
        self.tasks.submit(EpochInput(command.epoch, rows, cut.watermarks, taken, whole))

    def _collect(self, *, wait: bool = False, drain: bool = False) -> None:
        while True:
            for output in self.tasks.outputs(wait=wait or drain):
                self._deliver(output)
            if not (drain and self.tasks.in_flight):
                return

    def _deliver(self, output: EpochOutput) -> None:
        changed = self.delivery.deliver(output.epoch, output.results, output.watermark)
        for late in output.late:
            self.late.add(output.epoch, late, late.num_rows)
        taken: Taken = output.tag
        with self.changed:
            self.epoch, self.watermark, self.playhead = output.epoch, output.watermark, max(self.playhead, taken.shown)
            if self.goal is not None:
                self._toward_goal(self.goal, taken.count, changed)
            self.changed.notify_all()
        if taken.for_checkpoint:
            self._checkpoint(output, taken)
        self.on_epoch()

    # Checkpoints

    def _resume(self) -> None:
        """Let operators and sinks go on from where the run starts."""
        if self.checkpoints is None:
            return
        self.delivery.recover(self.start.epoch, self.start.prepared_for(self.delivery.sinks))
        ids = {vertex.identity.id: vertex.id for vertex in self.plan.vertices if vertex.identity is not None}
        self.tasks.restore({ids[id]: parts for id, parts in self.start.state.items() if id in ids})
        for id, view in self.delivery.views.items():
            for part in self.start.state.get(id, ()):
                view.restore(part)
            view.restored()
            view.snapshot_taken()

    def _open_feed(self) -> Feed:
        settings = self.settings
        return Feed(self._sources(), settings.reading, settings.clock, self.changed, self.start.sources)

    def _whole(self) -> frozenset[int]:
        """The vertices whose state has not been in a checkpoint of this chain yet."""
        stateful = {vertex.identity.id: vertex.id for vertex in self.plan.vertices if vertex.identity is not None}
        whole = frozenset(vertex for id, vertex in stateful.items() if id not in self._chained)
        self._chained = frozenset(stateful)
        return whole

    def _checkpoint(self, output: EpochOutput, taken: Taken) -> None:
        """Have everything that is known at the end of an epoch written."""
        assert self.checkpoints is not None
        prepared = self.delivery.prepare(output.epoch)
        progress = {
            "rows": taken.rows,
            "rejected": taken.rejected,
            "playhead": self.playhead,
            "watermark": output.watermark,
            "changes": self.delivery.rows,
            "counts": added([self.counted, output.counts]),
        }
        capture = Capture(
            epoch=output.epoch,
            mode=self.delivery.context.mode,
            sources=taken.sources,
            progress=progress,
            operators=[*captured(self.plan, output.state, taken.whole), *self._captured_views()],
            prepared=[
                None if one is None else (str(sink), one)
                for sink, one in zip(self.delivery.sinks, prepared, strict=True)
            ],
            parallelism=self.settings.parallelism,
            finished=taken.finished,
            savepoints=taken.savepoints,
        )
        self.checkpoints.submit(capture, prepared)

    def _captured_views(self) -> list[OperatorCapture]:
        captures = []
        for id, view in self.delivery.views.items():
            identity = view_identity(id, self.delivery.context.schema)
            tables = view.snapshot(touched_only=id in self._chained_views)
            view.snapshot_taken()
            captures.append(OperatorCapture(identity, [tables], "rows" not in tables))
        self._chained_views = frozenset(self.delivery.views)
        return captures

    def _commit_written(self, *, wait: bool = False) -> None:
        """Let the sinks show what complete checkpoints hold."""
        if self.checkpoints is not None:
            for manifest, prepared in self.checkpoints.written(wait=wait):
                self.delivery.commit(manifest.epoch, prepared)
                self.on_checkpoint(manifest)

    def _suspend(self, feed: Feed) -> None:
        """Stopped: keep everything for the next time."""
        self._collect(drain=True)
        self._commit_written(wait=True)
        command = self.coordinator.suspend(self._situation(feed, None, MIN_TIME))
        if command is not None:
            self._submit(command, Cut([[] for _ in feed.sources], feed.move_watermarks()))

    # Steps

    def _toward_goal(self, goal: Goal, count: int, changed: bool) -> None:
        if goal.rows is not None:
            goal.rows -= count
        if (goal.rows is not None and goal.rows <= 0) or (goal.change and changed):
            self._reach(goal)

    def _goal_met(self, feed: Feed, goal: Goal | None, until: int) -> bool:
        """A step in time is done when nothing before its end can come any more."""
        if goal is None or self.tasks.in_flight:
            return False
        if not feed.rows_ready(1, until) and not feed.marks_ready() and feed.settled(until):
            self._reach(goal)
            return True
        return False

    def _reach(self, goal: Goal) -> None:
        goal.reached = True
        self.goal = None
        self.pacer.at = max(self.pacer.at, goal.until if goal.until != MAX_TIME else self.shown_release())
        self.changed.notify_all()

    def shown_release(self) -> int:
        """The replay time of the last row that was taken."""
        return max((reader.max_release for reader in self.feed.readers), default=MIN_TIME) if self.feed else MIN_TIME

    # What was not processed

    def _keep_rejected(self, epoch: int, source: str, rejected: Rejected) -> None:
        self.rejected_count += len(rejected.reason)
        self.rejected.add(epoch, rejected_table(source, rejected), len(rejected.reason))

    def _sources(self) -> Sequence[tuple[Any, Sequence[str]]]:
        return [(scan.source, self._columns(scan.source, scan.columns)) for scan in self.plan.scans]

    def _columns(self, source: Any, columns: Sequence[str]) -> list[str]:
        extra = [source.time.column] if source.time else []
        if source.arrival and self.settings.reading.order == "replay":
            extra.append(source.arrival)
        return list(dict.fromkeys([*columns, *extra]))


def joined_if_small(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Many small batches as one: an operator's work for a batch is worth that of a few thousand rows."""
    if len(batches) > 1 and sum(batch.num_rows for batch in batches) < SMALL * len(batches):
        return [pa.concat_batches(batches)]
    return batches
