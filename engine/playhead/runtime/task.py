"""A task: one parallel copy of every operator of a plan, driven epoch by epoch.

With one task, batches go from operator to operator by plain calls. With several, an exchange between
operators sends each row to the task that owns its key, and an operator behind an exchange ends an
epoch when it has the end-of-epoch mark of every task.
"""

from __future__ import annotations

import queue
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from playhead.batch import Batch
from playhead.operators.operator import Operator, Report
from playhead.physical import Exchange, PhysicalPlan, Vertex, owned_key_groups
from playhead.schema import MAX_TIME
from playhead.state.tables import Tables


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch for input `index` of vertex `vertex`, belonging to `epoch`."""

    epoch: int
    vertex: int
    index: int
    batch: Batch


@dataclass(frozen=True, slots=True)
class Mark:
    """A task has sent all its rows of `epoch` for that input; behind them its watermark."""

    epoch: int
    vertex: int
    index: int
    watermark: int


Message = Rows | Mark


class Outbox(Protocol):
    """How a task reaches the others."""

    def send(self, task: int, message: Message) -> None: ...


class Task:
    """All operators of a plan, once; `number` of `parallelism` such tasks."""

    def __init__(self, plan: PhysicalPlan, number: int = 0, parallelism: int = 1, outbox: Outbox | None = None) -> None:
        self.plan, self.number, self.parallelism, self.outbox = plan, number, parallelism, outbox
        self.inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self.operators: dict[int, Operator] = {
            vertex.id: vertex.make(number == 0) for vertex in plan.vertices if vertex.make
        }
        for operator in self.operators.values():
            operator.owns(owned_key_groups(number, parallelism))
        self.epoch = 0
        self._consumers: dict[int, list[tuple[Vertex, int, Exchange | None]]] = defaultdict(list)
        for vertex in plan.vertices:
            for index, edge in enumerate(vertex.edges):
                self._consumers[edge.vertex].append((vertex, index, edge.exchange if parallelism > 1 else None))
        self._watermarks: dict[tuple[int, int], int] = {}
        self._marks: dict[tuple[int, int], int] = {}
        self._ended: set[tuple[int, int]] = set()
        self._early: list[Message] = []
        self._results: list[Batch] = []

    def run_epoch(self, epoch: int, rows: Sequence[Iterable[pa.RecordBatch]], watermarks: Sequence[int]) -> list[Batch]:
        """Process an epoch: the rows of each source (in the plan's order), then its watermark. Returns the results."""
        self.epoch, self._results = epoch, []
        early, self._early = self._early, []
        for message in early:
            self._receive(message)
        for scan, batches in zip(self.plan.scans, rows, strict=True):
            for batch in batches:
                if batch.num_rows:
                    self._forward(scan.vertex, Batch(batch))
        arrived = dict(zip((scan.vertex for scan in self.plan.scans), watermarks, strict=True))
        for vertex in self.plan.vertices:
            watermark = arrived[vertex.id] if vertex.id in arrived else self._end_epoch(vertex)
            self._announce(vertex, watermark)
        return self._results

    def _end_epoch(self, vertex: Vertex) -> int:
        for index, edge in enumerate(vertex.edges):
            if edge.exchange is not None and self.parallelism > 1:
                self._await_marks(vertex.id, index)
        operator = self.operators[vertex.id]
        inputs = [(vertex.id, index) for index in range(len(vertex.edges))]
        for ended in inputs:
            if self._watermarks[ended] == MAX_TIME and ended not in self._ended:
                self._ended.add(ended)
                operator.input_ended(ended[1])
        watermark = min(self._watermarks[input] for input in inputs)
        for batch in operator.end_epoch():
            self._forward(vertex.id, batch)
        for batch in operator.on_watermark(watermark):
            self._forward(vertex.id, batch)
        return operator.output_watermark(watermark)

    def _forward(self, vertex: int, batch: Batch) -> None:
        if not batch.num_rows:
            return
        if vertex == self.plan.root:
            self._results.append(batch)
        for consumer, index, exchange in self._consumers[vertex]:
            if exchange is None:
                self._deliver(consumer.id, index, batch)
            else:
                self._exchange(consumer.id, index, exchange, batch)

    def _deliver(self, vertex: int, index: int, batch: Batch) -> None:
        for result in self.operators[vertex].on_batch(index, batch):
            self._forward(vertex, result)

    def _exchange(self, vertex: int, index: int, exchange: Exchange, batch: Batch) -> None:
        owners = exchange.owners(batch.rows, self.parallelism)
        for task in range(self.parallelism):
            mine = np.flatnonzero(owners == task)
            if len(mine):
                part = batch if len(mine) == batch.num_rows else batch.take(mine)
                self._send(task, Rows(self.epoch, vertex, index, part))

    def _announce(self, vertex: Vertex, watermark: int) -> None:
        for consumer, index, exchange in self._consumers[vertex.id]:
            if exchange is None:
                self._watermarks[consumer.id, index] = watermark
            else:
                for task in range(self.parallelism):
                    self._send(task, Mark(self.epoch, consumer.id, index, watermark))

    def _send(self, task: int, message: Message) -> None:
        if task == self.number:
            self._receive(message)
        elif self.outbox is not None:
            self.outbox.send(task, message)

    # State

    def snapshot(self, whole: Container[int]) -> dict[int, dict[str, pa.Table]]:
        """The state of operators by vertex: of those in `whole` all of it, of the others what was touched since."""
        mine = owned_key_groups(self.number, self.parallelism)
        state = {}
        for vertex in self.plan.vertices:
            if vertex.identity is not None:
                operator = self.operators[vertex.id]
                state[vertex.id] = operator.snapshot(mine, touched_only=vertex.id not in whole)
                operator.snapshot_taken()
        return state

    def restore(self, state: Mapping[int, Sequence[Tables]]) -> None:
        """Go on from parts of `snapshot`, in the order in which they were taken; before the first epoch only."""
        for id, parts in state.items():
            operator = self.operators[id]
            for part in parts:
                operator.restore(part)
            operator.restored()
            operator.snapshot_taken()

    # Waiting for the other tasks

    def _await_marks(self, vertex: int, index: int) -> None:
        while self._marks.get((vertex, index), 0) < self.parallelism:
            message = self.inbox.get()
            if message is None:
                raise Aborted
            self._receive(message)
        self._marks[vertex, index] = 0

    def _receive(self, message: Message) -> None:
        if message.epoch != self.epoch:
            self._early.append(message)
        elif isinstance(message, Rows):
            self._deliver(message.vertex, message.index, message.batch)
        else:
            key = (message.vertex, message.index)
            seen = self._marks.get(key, 0)
            self._watermarks[key] = min(message.watermark, self._watermarks[key]) if seen else message.watermark
            self._marks[key] = seen + 1

    # What operators say of themselves

    def wanted(self) -> set[int]:
        """The vertices whose rows can still change the result."""
        wanted = {self.plan.root}
        for vertex in reversed(self.plan.vertices):
            operator = self.operators.get(vertex.id)
            if vertex.id in wanted and (operator is None or not operator.done):
                wanted |= {edge.vertex for edge in vertex.edges}
        return wanted

    def reports(self) -> list[tuple[Vertex, Report]]:
        return [
            (vertex, self.operators[vertex.id].report) for vertex in self.plan.vertices if vertex.id in self.operators
        ]

    def state_bytes(self) -> dict[str, int]:
        sizes = {
            vertex.name: self.operators[vertex.id].state_bytes
            for vertex in self.plan.vertices
            if vertex.id in self.operators
        }
        return {name: size for name, size in sizes.items() if size}


class Aborted(Exception):
    """Another task failed, or the query was aborted."""
