"""Running a query in this process: on the calling thread, or with a thread for each task."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from playhead.batch import Batch
from playhead.operators.metric import MetricOperator
from playhead.physical import PhysicalPlan, owned_key_groups
from playhead.runtime.task import Aborted, Message, Task
from playhead.schema import MAX_TIME
from playhead.state.tables import Tables

IN_FLIGHT = 3
"""Epochs under way at once when there are several tasks; more only adds latency."""


@dataclass(frozen=True, slots=True)
class EpochInput:
    """What tasks get to work on."""

    epoch: int
    rows: list[list[pa.RecordBatch]]
    watermarks: list[int]
    tag: Any = None
    """Comes back with the results."""
    whole: frozenset[int] | None = None
    """For a checkpoint: the vertices whose whole state is taken at the end; of the others what was touched."""


@dataclass
class EpochOutput:
    """What came out of an epoch."""

    epoch: int
    watermark: int
    results: list[Batch]
    late: list[pa.RecordBatch] = field(default_factory=list)
    tag: Any = None
    state: list[dict[int, dict[str, pa.Table]]] = field(default_factory=list)
    """For a checkpoint: the state of each task, by vertex."""
    counts: dict[str, int] = field(default_factory=dict)
    """For a checkpoint: rows by what befell them, up to this epoch."""


class Tasks:
    """Turns epochs' input into epochs' output, in order. Subclassed once a way of running tasks."""

    tasks: list[Task]
    threads: Sequence[threading.Thread] = ()
    """Those of the tasks that run on threads of their own."""

    def submit(self, work: EpochInput) -> None:
        raise NotImplementedError

    def outputs(self, *, wait: bool) -> list[EpochOutput]:
        """The epochs that are done, in order; with `wait`, at least one if any is under way."""
        raise NotImplementedError

    @property
    def in_flight(self) -> int:
        return 0

    @property
    def full(self) -> bool:
        """No further epoch should be submitted before one is done."""
        return False

    def close(self) -> None:
        """End all threads."""

    def restore(self, state: Mapping[int, Sequence[Tables]]) -> None:
        """Go on from the state of vertices, in parts of any key groups; before the first epoch only."""
        if len(self.tasks) == 1:
            self.tasks[0].restore(state)
            return
        for id, parts in state.items():
            make = self.tasks[0].plan.vertices[id].make
            assert make is not None
            whole = make(True)
            for part in parts:
                whole.restore(part)
            whole.restored()
            for task in self.tasks:
                mine = owned_key_groups(task.number, task.parallelism)
                task.restore({id: [whole.snapshot(mine)]})

    def counts(self) -> dict[str, int]:
        """Rows by what befell them, all operators and tasks together."""
        return added([counts_of(task) for task in self.tasks])

    def state_bytes(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for task in self.tasks:
            for name, size in task.state_bytes().items():
                total[name] = total.get(name, 0) + size
        return total

    def user_metrics(self) -> dict[str, Any]:
        """The values of the user's own metrics, all tasks together."""
        copies: dict[str, list[MetricOperator]] = {}
        for task in self.tasks:
            for operator in task.operators.values():
                if isinstance(operator, MetricOperator):
                    copies.setdefault(operator.name, []).append(operator)
        return {name: first.value(others) for name, (first, *others) in copies.items()}


class OneTask(Tasks):
    """One task, run by the caller: no thread, no queue."""

    def __init__(self, plan: PhysicalPlan) -> None:
        self.tasks = [Task(plan)]
        self._done: deque[EpochOutput] = deque()

    def submit(self, work: EpochInput) -> None:
        task = self.tasks[0]
        output = epoch_output(task, work)
        output.watermark, output.tag = min(work.watermarks, default=MAX_TIME), work.tag
        self._done.append(output)

    def outputs(self, *, wait: bool) -> list[EpochOutput]:
        done, self._done = list(self._done), deque()
        return done


class ManyTasks(Tasks):
    """Several tasks, a thread each; rows are spread over them and exchanged by key."""

    def __init__(self, plan: PhysicalPlan, parallelism: int, changed: threading.Condition) -> None:
        self.changed = changed
        self.tasks = [Task(plan, number, parallelism, self) for number in range(parallelism)]
        self._work: list[queue.SimpleQueue[EpochInput | None]] = [queue.SimpleQueue() for _ in self.tasks]
        self._partial: dict[int, list[tuple[int, EpochOutput]]] = {}
        self._waiting: deque[EpochInput] = deque()
        self._error: BaseException | None = None
        self.threads = [
            threading.Thread(target=self._run, args=(task,), name=f"playhead task {task.number}", daemon=True)
            for task in self.tasks
        ]
        for thread in self.threads:
            thread.start()

    def send(self, task: int, message: Message) -> None:
        """Bring a message from one task to another."""
        self.tasks[task].inbox.put(message)

    def submit(self, work: EpochInput) -> None:
        self._waiting.append(work)
        shares = [spread(batches, len(self.tasks)) for batches in work.rows]
        for number, inbox in enumerate(self._work):
            inbox.put(replace(work, rows=[share[number] for share in shares]))

    def _run(self, task: Task) -> None:
        try:
            while (work := self._work[task.number].get()) is not None:
                output = epoch_output(task, work)
                with self.changed:
                    self._partial.setdefault(work.epoch, []).append((task.number, output))
                    self.changed.notify_all()
        except Aborted:
            return
        except BaseException as error:
            with self.changed:
                self._error = self._error or error
                self.changed.notify_all()
            for other in self.tasks:
                other.inbox.put(None)

    def outputs(self, *, wait: bool) -> list[EpochOutput]:
        done = []
        with self.changed:
            while wait and self._waiting and not self._ready() and self._error is None:
                self.changed.wait(0.05)
            if self._error is not None:
                raise self._error
            while self._waiting and self._ready():
                done.append(self._combined(self._waiting.popleft()))
        return done

    def _ready(self) -> bool:
        return len(self._partial.get(self._waiting[0].epoch, ())) == len(self.tasks)

    def _combined(self, work: EpochInput) -> EpochOutput:
        parts = [output for _, output in sorted(self._partial.pop(work.epoch), key=lambda part: part[0])]
        results = [batch for part in parts for batch in part.results]
        late = [batch for part in parts for batch in part.late]
        state = [each for part in parts for each in part.state]
        watermark, counts = min(work.watermarks, default=MAX_TIME), added([part.counts for part in parts])
        return EpochOutput(work.epoch, watermark, results, late, work.tag, state, counts)

    @property
    def in_flight(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        return len(self._waiting) >= IN_FLIGHT

    def close(self) -> None:
        for inbox, task in zip(self._work, self.tasks, strict=True):
            inbox.put(None)
            if self._error is not None or self._waiting:
                task.inbox.put(None)
        for thread in self.threads:
            thread.join(10.0)


def tasks_for(plan: PhysicalPlan, parallelism: int, changed: threading.Condition) -> Tasks:
    """One task on the caller's thread, or several on threads of their own."""
    return OneTask(plan) if parallelism == 1 else ManyTasks(plan, parallelism, changed)


def spread(batches: Sequence[pa.RecordBatch], parallelism: int) -> list[list[pa.RecordBatch]]:
    """Cut an epoch's rows into contiguous shares of about equal size: shares in task order are in source order."""
    total = sum(batch.num_rows for batch in batches)
    shares: list[list[pa.RecordBatch]] = [[] for _ in range(parallelism)]
    position = 0
    for batch in batches:
        offset = 0
        while offset < batch.num_rows:
            share = min(parallelism - 1, position * parallelism // total)
            end = -(-total * (share + 1) // parallelism)
            count = min(batch.num_rows - offset, max(1, end - position))
            shares[share].append(batch.slice(offset, count))
            offset, position = offset + count, position + count
    return shares


def epoch_output(task: Task, work: EpochInput) -> EpochOutput:
    """Have a task work on an epoch; at a checkpoint with its state and counts at the end."""
    output = EpochOutput(work.epoch, 0, task.run_epoch(work.epoch, work.rows, work.watermarks), take_late(task))
    if work.whole is not None:
        output.state, output.counts = [task.snapshot(work.whole)], counts_of(task)
    return output


def counts_of(task: Task) -> dict[str, int]:
    """Rows by what befell them in a task."""
    return added([dict(report.counts) for _, report in task.reports()])


def added(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sum of counts by name."""
    total: dict[str, int] = {}
    for part in parts:
        for what, count in part.items():
            total[what] = total.get(what, 0) + count
    return total


def take_late(task: Task) -> list[pa.RecordBatch]:
    """The late rows that the operators have reported since the last look."""
    late: list[pa.RecordBatch] = []
    for _, report in task.reports():
        if report.late:
            late += report.late
            report.late = []
    return late
