"""From what a query means to what runs: the one `match` from nodes to operators, and the exchanges between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from playhead import plan
from playhead.batch import Int64s
from playhead.expr import AggregateCall, Col, Compiled, compile_expr, type_of
from playhead.operators.assign import assigner_for, fixed_origin
from playhead.operators.group_aggregate import GroupAggregate
from playhead.operators.grouping import Grouping
from playhead.operators.groups import AggregateColumn
from playhead.operators.limit import LimitOperator
from playhead.operators.metric import MetricOperator
from playhead.operators.operator import Operator
from playhead.operators.rows import ConcatOperator, FilterOperator, MapBatchesOperator, ProjectOperator
from playhead.operators.with_time import WithTimeOperator
from playhead.plan.identity import Identities, Identity
from playhead.state.key_groups import KEY_GROUPS, key_groups
from playhead.windows import Hopping, Session


def owned_key_groups(task: int, parallelism: int) -> range:
    """The key groups of a task: all of them together have each group once."""
    first, end = (-(-number * KEY_GROUPS // parallelism) for number in (task, task + 1))
    return range(first, end)


@dataclass(frozen=True)
class Exchange:
    """Rows of equal keys go to the same task; without keys all rows go to the first."""

    keys: tuple[Compiled, ...]

    def owners(self, rows: pa.RecordBatch, parallelism: int) -> Int64s:
        """The task of each row."""
        if not self.keys:
            return np.zeros(rows.num_rows, np.int64)
        return key_groups([key(rows) for key in self.keys], KEY_GROUPS) * parallelism // KEY_GROUPS


@dataclass(frozen=True)
class Edge:
    """An input of a vertex: which vertex gives it, and how rows find their task."""

    vertex: int
    exchange: Exchange | None = None


@dataclass(frozen=True)
class Vertex:
    """A step of a running plan; `make(first)` builds its operator, `first` in the first task. Scans have none."""

    id: int
    name: str
    make: Callable[[bool], Operator] | None
    edges: tuple[Edge, ...] = ()
    identity: Identity | None = None
    """Under which its state goes into checkpoints; None if it has none."""


@dataclass(frozen=True)
class ScanVertex:
    """Where the rows of a source enter."""

    vertex: int
    source: plan.TableSource
    columns: tuple[str, ...]


@dataclass
class PhysicalPlan:
    """Vertices, inputs before what reads them."""

    vertices: list[Vertex] = field(default_factory=list)
    scans: list[ScanVertex] = field(default_factory=list)
    root: int = 0
    limited: bool = False
    """Some operator may be done before its input ends."""
    schema: pa.Schema = None


def lower(node: plan.Node, *, mode: str) -> PhysicalPlan:
    """The physical plan of a (rewritten) logical one, for results in `mode` "append" or "update"."""
    lowering = _Lowering(mode == "update")
    physical = lowering.physical
    physical.root = lowering.vertex(node)
    physical.schema = node.schema
    return physical


@dataclass
class _Lowering:
    """Vertices by node, so that what is shared in the plan runs once."""

    updates: bool
    physical: PhysicalPlan = field(default_factory=PhysicalPlan)
    done: dict[plan.Node, int] = field(default_factory=dict)
    identities: Identities = field(default_factory=Identities)

    def vertex(self, node: plan.Node) -> int:
        if node not in self.done:
            self.done[node] = self._lower(node)
        return self.done[node]

    def _lower(self, node: plan.Node) -> int:
        match node:
            case plan.Scan(source):
                id = self._add(node, None)
                self.physical.scans.append(ScanVertex(id, source, tuple(node.schema.names)))
                return id
            case plan.Filter(input, predicate):
                compiled = compile_expr(predicate, input.schema)
                return self._add(node, lambda first: FilterOperator(compiled), input)
            case plan.Project(input, columns):
                compiled_columns = [compile_expr(expr, input.schema) for _, expr in columns]
                return self._add(node, lambda first: ProjectOperator(compiled_columns, node.schema), input)
            case plan.MapBatches(input, function, output, format):
                return self._add(node, lambda first: MapBatchesOperator(function, output, format), input)
            case plan.Concat(inputs):
                return self._add(node, lambda first: ConcatOperator(node.schema), *inputs)
            case plan.Limit(input, count):
                self.physical.limited = True
                return self._add(node, lambda first: LimitOperator(count), input, exchange=[Exchange(())])
            case plan.WithTime(input, event_time, delay):
                column = input.schema.get_field_index(event_time.column)
                single = [Exchange(())]
                return self._add(
                    node, lambda first: WithTimeOperator(column, delay, first=first), input, exchange=single
                )
            case plan.Metric(input, name, _):
                measured = aggregate_columns(input.schema, ((name, node.call),))
                retractable = self._retractable(input)
                return self._add(node, lambda first: MetricOperator(name, measured, retractable), input)
            case plan.Aggregate():
                return self._aggregate(node)
            case plan.Merge():
                return self._merge(node)
            case plan.MergeAsof():
                return self._merge_asof(node)

    def _aggregate(self, node: plan.Aggregate) -> int:
        schema = node.input.schema
        exchange = [Exchange(tuple(compile_expr(expr, schema) for _, expr in node.keys))]

        def make(first: bool) -> Operator:
            return aggregate_operator(node, self._grouping(node, first))

        return self._add(node, make, node.input, exchange=exchange)

    def _grouping(self, node: plan.Aggregate, first: bool) -> Grouping:
        schema, time = node.input.schema, node.input.time
        return Grouping(
            keys=tuple(compile_expr(expr, schema) for _, expr in node.keys),
            key_types=tuple(type_of(expr, schema) for _, expr in node.keys),
            columns=aggregate_columns(schema, node.aggregates),
            schema=node.schema,
            time=schema.get_field_index(time.column) if node.window and time else None,
            time_offset=time.offset if time else 0,
            window_position=node.window_position,
            emits_changes=self.updates,
            retractable=self._retractable(node.input),
            allowed_lateness=node.allowed_lateness,
            emit_every=node.emit_every,
            dropna=node.dropna,
            owns_empty_key=first,
        )

    def _merge(self, node: plan.Merge) -> int:
        from playhead.operators.merge import merge_operator

        retractable = (self._retractable(node.left), self._retractable(node.right))
        return self._add(
            node,
            lambda first: merge_operator(node, emits_changes=self.updates, retractable=retractable),
            node.left,
            node.right,
            exchange=self._by_columns(node.left, node.right, node.on),
        )

    def _merge_asof(self, node: plan.MergeAsof) -> int:
        from playhead.operators.merge_asof import merge_asof_operator

        return self._add(
            node,
            lambda first: merge_asof_operator(node, emits_changes=self.updates),
            node.left,
            node.right,
            exchange=self._by_columns(node.left, node.right, node.by),
        )

    def _by_columns(self, left: plan.Node, right: plan.Node, pairs: Sequence[tuple[str, str]]) -> list[Exchange]:
        sides = ((left, [name for name, _ in pairs]), (right, [name for _, name in pairs]))
        return [Exchange(tuple(compile_expr(Col(name), side.schema) for name in names)) for side, names in sides]

    def _retractable(self, node: plan.Node) -> bool:
        return self.updates and not node.append_only

    def _add(
        self,
        node: plan.Node,
        make: Callable[[bool], Operator] | None,
        *inputs: plan.Node,
        exchange: Sequence[Exchange] | None = None,
    ) -> int:
        vertices = [self.vertex(input) for input in inputs]
        edges = tuple(Edge(vertex, exchange[i] if exchange else None) for i, vertex in enumerate(vertices))
        id = len(self.physical.vertices)
        self.physical.vertices.append(Vertex(id, f"{id} {node}", make, edges, self.identities.of(node)))
        return id


def aggregate_columns(
    schema: pa.Schema, aggregates: Sequence[tuple[str, AggregateCall]]
) -> tuple[AggregateColumn, ...]:
    """Aggregates over rows of `schema`, ready to run."""
    return tuple(
        AggregateColumn(
            name,
            call.aggregate,
            tuple(type_of(argument, schema) for argument in call.arguments),
            tuple(compile_expr(argument, schema) for argument in call.arguments),
        )
        for name, call in aggregates
    )


def aggregate_operator(node: plan.Aggregate, grouping: Grouping) -> Operator:
    """The operator of an aggregate by the kind of its window."""
    window = node.window
    if window is None:
        return GroupAggregate(grouping, None)
    time = plan.require_event_time(node.input, str(window))
    zone = node.input.schema.field(time.column).type.tz
    if isinstance(window, Hopping):
        from playhead.operators.hopping import HoppingAggregate

        return HoppingAggregate(grouping, window, fixed_origin(window, zone))
    if isinstance(window, Session):
        from playhead.operators.session import SessionAggregate

        return SessionAggregate(grouping, window.gap)
    return GroupAggregate(grouping, assigner_for(window, zone))
