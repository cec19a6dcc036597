"""What is continued from snapshots, by as many or other tasks, gives what it would have given without a break."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import pytest
from contract_queries import FEW, SCHEMA, WINDOWS, every_aggregate, examples, row_lists
from hypothesis import given
from hypothesis import strategies as st

import playhead as ph
from playhead.batch import concat
from playhead.consolidate import consolidate
from playhead.optimize import optimize
from playhead.physical import lower
from playhead.runtime.embedded import EpochInput, tasks_for
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.state.key_groups import KEY_GROUPS
from playhead.testing import Bag, Near, assert_same_rows, records, rows, schedules, scripted
from playhead.testing.aggregates import is_missing

CASE = WINDOWS["tumbling"]
ASKED = every_aggregate(take_back=False)
AGAIN = type(ASKED)({name: what for name, what in ASKED.columns.items() if not name.startswith("distinct")})


def windowed(window, asked=ASKED, **options):
    return lambda f: f.groupby(["k", window], **options).agg(**asked.agg)


INNER = {"x": ("x", "max"), "i": ("i", "sum"), "s": ("s", "last"), "b": ("b", "any")}
QUERIES = {
    "no window": lambda f: f.groupby("k").agg(**ASKED.agg),
    "no key": lambda f: f.agg(**ASKED.agg),
    "tumbling": windowed(ph.tumbling("10s")),
    "tumbling, lateness": windowed(ph.tumbling("10s"), allowed_lateness="5s"),
    "days": windowed(ph.tumbling("1D")),
    "hopping": windowed(ph.hopping("10s", "5s")),
    "hopping by panes": windowed(ph.hopping("10s", "4s")),
    "session": windowed(ph.session("5s")),
    "aggregate of an aggregate": lambda f: f.groupby("k").agg(x=("x", "max"), i=("i", "sum")).agg(
        total=("x", "sum"), top=("i", "max"), middle=("x", "median"), kinds=("i", "nunique")
    ),
    "tumbling of tumbling": lambda f: f.groupby(["k", ph.tumbling("10s")]).agg(**INNER)
    .groupby(["b", ph.tumbling("20s")]).agg(**AGAIN.agg),
    "hopping of tumbling": lambda f: f.groupby(["k", ph.tumbling("10s")]).agg(**INNER)
    .groupby(["b", ph.hopping("20s", "10s")]).agg(**AGAIN.agg),
    "session of tumbling": lambda f: f.groupby(["k", ph.tumbling("10s")]).agg(**INNER)
    .groupby(["b", ph.session("10s")]).agg(**AGAIN.agg),
    "another event time": lambda f: f.select("k", "i", "at").with_time("at", out_of_order="20s")
    .groupby(["k", ph.tumbling("10s")]).agg(n=("i", "count")),
    "shown now and then": lambda f: f.groupby(["k", ph.tumbling("10s")], emit_every="15s").agg(**FEW.agg),
    "merge": lambda f: f.merge(f.select("k", "i", "at"), on="k", how="inner"),
    "left merge": lambda f: f[f.i > 0].merge(f[f.x > 0].select("k", "x"), on="k", how="left"),
    "merge with ttl": lambda f: f.merge(f.select("k", "i", "at"), on="k", ttl="10s"),
    "merge of aggregates": lambda f: f.groupby("k").agg(n=ph.size()).merge(
        f.groupby("k").agg(top=("x", "max")), on="k", how="left"
    ),
    "merge_asof": lambda f: f[f.i > 0].merge_asof(f[f.x > 0].select("k", "x", "at"), by="k", tolerance="15s"),
}  # fmt: skip


@dataclass
class Running:
    """A plan's tasks, and what they have given so far."""

    plan: object
    parallelism: int

    def __post_init__(self):
        self.tasks = tasks_for(self.plan, self.parallelism, threading.Condition())

    def changes(self, work):
        self.tasks.submit(work)
        (output,) = self.tasks.outputs(wait=True)
        if not output.results:
            return []
        batch = consolidate(concat(output.results))
        weights = [1] * batch.num_rows if batch.weights is None else batch.weights.tolist()
        return list(zip(records(batch.rows), weights, strict=True))

    def continued(self, parallelism):
        """Fresh tasks that begin with the snapshots of these, moved to the owners of their key groups."""
        others = Running(self.plan, parallelism)
        edges = {owner_edge(task, count) for count in (self.parallelism, parallelism) for task in range(count + 1)}
        for first, end in pairwise(sorted(edges)):
            old, new = (first * count // KEY_GROUPS for count in (self.parallelism, parallelism))
            for vertex, operator in self.tasks.tasks[old].operators.items():
                snapshot = operator.snapshot(range(first, end))
                if snapshot:
                    others.tasks.tasks[new].operators[vertex].restore(snapshot)
        for task in others.tasks.tasks:
            for operator in task.operators.values():
                operator.restored()
        return others


def owner_edge(task, parallelism):
    """The first key group of a task."""
    return -(-task * KEY_GROUPS // parallelism)


def epoch_inputs(plan, given_rows, schedule):
    """The rows in order of arrival, some in each epoch, and watermarks behind them, for every scan of the plan."""
    (arrived,) = type(schedule)(delays=schedule.delays).arrange(given_rows, time="at", out_of_order="20s")
    source = scripted(SCHEMA, [rows(*arrived)], time="at").node.source
    batch = source.batches(0)[0]
    times = batch.column("at").cast("int64").to_pylist()
    counts = [sum(epoch) for epoch in schedule.epochs if sum(epoch)]
    works, taken, watermark = [], 0, MIN_TIME
    for epoch, count in enumerate([*counts, len(arrived), 0], 1):
        part = batch.slice(taken, count)
        taken = min(taken + count, len(arrived))
        if part.num_rows:
            watermark = max(watermark, max(times[:taken]) - 10_000_000)
        last = epoch == len(counts) + 2
        shares = [[part.select(list(scan.columns))] for scan in plan.scans]
        works.append(EpochInput(epoch, shares, [MAX_TIME if last else watermark] * len(plan.scans)))
    return works


both_modes = pytest.mark.parametrize("mode", ["update", "append"])
every_query = pytest.mark.parametrize("name", QUERIES)


@both_modes
@every_query
@examples(0.25)
@given(data=st.data(), schedule=schedules(), again=st.integers(1, 3))
def test_a_query_continued_from_its_snapshots_gives_what_it_would_have_given(name, mode, data, schedule, again):
    given_rows = [exact(row) for row in data.draw(row_lists(CASE))]
    plan = lower(optimize(QUERIES[name](scripted(SCHEMA, [], time="at")).node), mode=mode)
    works = epoch_inputs(plan, given_rows, schedule)
    stops = data.draw(st.sets(st.integers(1, len(works) - 1), max_size=2))
    compare(plan, works, stops, [schedule.parallelism, again], given_rows)


@both_modes
@every_query
def test_what_was_closed_before_the_break_is_closed_after_it(name, mode):
    plan = lower(optimize(QUERIES[name](scripted(SCHEMA, [], time="at")).node), mode=mode)
    on_time = [row_at(second, second) for second in range(0, 60, 3)]
    too_late = [row_at(second, 100 + second) for second in (1, 7, 20, 45, 52)]
    works = []
    for epoch, given_rows in enumerate([on_time, too_late, []], 1):
        batch = scripted(SCHEMA, [rows(*given_rows)], time="at").node.source.batches(0)[0]
        shares = [[batch.select(list(scan.columns))] for scan in plan.scans]
        watermark = MAX_TIME if epoch == 3 else int(CASE.begin.timestamp() + 50) * 1_000_000
        works.append(EpochInput(epoch, shares, [watermark] * len(plan.scans)))
    for parallelisms in [[1, 1], [2, 3], [3, 1]]:
        compare(plan, works, {1, 2}, parallelisms, [*on_time, *too_late])


def row_at(second, number):
    moment = CASE.begin + timedelta(seconds=second)
    return {"at": moment, "k": "ab"[number % 2], "x": number / 4, "i": number, "s": str(number), "b": number % 3 == 0}


def compare(plan, works, stops, parallelisms, taken):
    """A run without a break beside one that stops before the epochs `stops` and goes on with other tasks."""
    whole, parts = Running(plan, 1), Running(plan, parallelisms[0])
    expected, actual = Bag(), Bag()
    try:
        for done, work in enumerate(works):
            if done in stops:
                parts.tasks.close()
                parts = parts.continued(parallelisms[1] if parts.parallelism == parallelisms[0] else parallelisms[0])
            for row, weight in whole.changes(work):
                expected.add(row, weight)
            for row, weight in parts.changes(work):
                actual.add(row, weight)  # refuses a row that is taken back and is not, bit for bit, there
            wanted = [near(row, taken) for row in expected.rows()]
            assert_same_rows(actual.rows(), wanted, f"the table after epoch {done + 1}")
    finally:
        whole.tasks.close()
        parts.tasks.close()


def exact(row):
    """With floats whose sums are exact, so that only variances depend on the order of rows."""
    return {**row, "x": None if is_missing(row["x"]) or abs(row["x"]) > 100 else round(row["x"] * 4) / 4}


def near(row, taken):
    """Variances of two runs may each be off by what the oracle of `ph.testing` allows for the rows `taken`."""
    size = sum(abs(each["i"] or 0) + 100 for each in taken)

    def value(name):
        if not name.startswith(("var", "std")) or row[name] is None:
            return row[name]
        squares = row[name] ** 2 if name.startswith("std") else abs(row[name])
        apart = 2 * (squares * 2.0**-49 + len(taken) ** 2 * size**2 * 2.0**-99)
        if name.startswith("std"):
            apart = min(math.sqrt(apart), apart / row[name]) if row[name] else math.sqrt(apart)
        return Near(row[name], max(apart, 1e-12))

    return {name: value(name) for name in row}


@examples(0.5)
@given(data=st.data(), first=st.integers(1, 127))
def test_a_snapshot_of_all_key_groups_is_the_snapshots_of_its_parts(data, first):
    given_rows = data.draw(row_lists(CASE))
    plan = lower(optimize(QUERIES["hopping"](scripted(SCHEMA, [], time="at")).node), mode="update")
    running = Running(plan, 1)
    batch = scripted(SCHEMA, [rows(*given_rows)], time="at").node.source.batches(0)[0]
    shares = [[batch.select(list(scan.columns))] for scan in plan.scans]
    running.changes(EpochInput(1, shares, [MIN_TIME] * len(shares)))
    for operator in running.tasks.tasks[0].operators.values():
        every = operator.snapshot(range(KEY_GROUPS))
        parts = [operator.snapshot(range(0, first)), operator.snapshot(range(first, KEY_GROUPS))]
        if "groups" in every:
            assert every["groups"].num_rows == sum(part["groups"].num_rows for part in parts)
