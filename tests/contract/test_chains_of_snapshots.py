"""Killed at any moment, a query that goes on from a base and increments gives epoch by epoch what it would have given.

Every table goes through Arrow's IPC format on its way, and the chain is continued by as many tasks or others.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from datetime import timedelta

import pyarrow as pa
import pytest
from contract_queries import FEW, SCHEMA, WINDOWS, every_aggregate, examples, row_lists
from hypothesis import given
from hypothesis import strategies as st
from test_snapshots import INNER, QUERIES, Running, epoch_inputs, exact

import playhead as ph
from playhead.optimize import optimize
from playhead.physical import lower, owned_key_groups
from playhead.state.tables import merged
from playhead.testing import Schedule, schedules, scripted

CASE = WINDOWS["tumbling"]
UNEQUAL = ("var", "std")
"""What depends on the order of the rows of an epoch, in the last bits."""
EXACT = {name: what for name, what in every_aggregate(take_back=False).agg.items() if not name.startswith(UNEQUAL)}
AGAIN = {name: what for name, what in EXACT.items() if not name.startswith("distinct")}


def asked(frame, by, aggregates=EXACT, **options):
    return frame.groupby(by, **options).agg(**aggregates)


CHAINED = {
    "no window": lambda f: asked(f, "k"),
    "no key": lambda f: f.agg(**EXACT),
    "tumbling": lambda f: asked(f, ["k", ph.tumbling("10s")]),
    "tumbling, lateness": lambda f: asked(f, ["k", ph.tumbling("10s")], allowed_lateness="5s"),
    "hopping": lambda f: asked(f, ["k", ph.hopping("10s", "4s")]),
    "hopping, lateness": lambda f: asked(f, ["k", ph.hopping("10s", "5s")], allowed_lateness="7s"),
    "session": lambda f: asked(f, ["k", ph.session("5s")]),
    "session, lateness": lambda f: asked(f, ["k", ph.session("5s")], allowed_lateness="7s"),
    "two keys": lambda f: asked(f, ["k", "g", ph.tumbling("10s")], FEW.agg),
    "now and then": lambda f: asked(f, "k", FEW.agg, emit_every="15s"),
    "tumbling now and then": lambda f: asked(f, ["k", ph.tumbling("10s")], FEW.agg, emit_every="15s"),
    "hopping now and then": lambda f: asked(f, ["k", ph.hopping("20s", "5s")], FEW.agg, emit_every="15s"),
    "session now and then": lambda f: asked(f, ["k", ph.session("5s")], FEW.agg, emit_every="15s"),
    "of tumbling: no window": lambda f: asked(asked(f, ["k", ph.tumbling("10s")], INNER), "b", AGAIN),
    "of tumbling: tumbling": lambda f: asked(
        asked(f, ["k", ph.tumbling("10s")], INNER), ["b", ph.tumbling("20s")], AGAIN
    ),
    "of tumbling: hopping": lambda f: asked(
        asked(f, ["k", ph.tumbling("10s")], INNER), ["b", ph.hopping("20s", "10s")], AGAIN
    ),
    "of tumbling: session": lambda f: asked(
        asked(f, ["k", ph.tumbling("10s")], INNER), ["b", ph.session("10s")], AGAIN
    ),
    "of tumbling: tumbling now and then": lambda f: asked(
        asked(f, ["k", ph.tumbling("10s")], INNER), ["b", ph.tumbling("20s")], FEW.agg, emit_every="15s"
    ),
    "of tumbling: hopping now and then": lambda f: asked(
        asked(f, ["k", ph.tumbling("10s")], INNER), ["b", ph.hopping("20s", "10s")], FEW.agg, emit_every="15s"
    ),
    "of tumbling: session now and then": lambda f: asked(
        asked(f, ["k", ph.tumbling("10s")], INNER), ["b", ph.session("10s")], FEW.agg, emit_every="15s"
    ),
    "measured on the way": lambda f: asked(f.with_metrics(ph.metric("n", ph.count("i"))), "k", FEW.agg),
} | {
    name: QUERIES[name]
    for name in ("another event time", "merge", "left merge", "merge with ttl", "merge of aggregates", "merge_asof")
}  # fmt: skip


class Checkpointed:
    """A query, and a chain of snapshots for each of its operators and tasks."""

    def __init__(self, plan, parallelism):
        self.plan, self.running = plan, Running(plan, parallelism)
        self.chains, self.saved_at = {}, None

    def checkpoint(self, done, *, increment):
        """At the end of an epoch: a base, or what was touched since the checkpoint before."""
        increment = increment and bool(self.chains)
        for number, task in enumerate(self.running.tasks.tasks):
            for vertex, operator in task.operators.items():
                tables = operator.snapshot(owned_key_groups(number, self.running.parallelism), touched_only=increment)
                before = self.chains.get((vertex, number), []) if increment else []
                self.chains[vertex, number] = [*before, written_and_read(tables)]
                operator.snapshot_taken()
        self.saved_at = done

    def killed(self, parallelism, *, compacted):
        """Go on from the last checkpoint; where the tasks are others, by way of an operator that holds everything."""
        same = parallelism == self.running.parallelism
        self.running.tasks.close()
        self.running = Running(self.plan, parallelism)
        for vertex in self.running.tasks.tasks[0].operators:
            chains = [[merged(chain)] if compacted else chain for (of, _), chain in self.chains.items() if of == vertex]
            if same:
                for task, chain in zip(self.running.tasks.tasks, chains, strict=True):
                    restored(task.operators[vertex], chain)
            else:
                self.move(vertex, chains)
        if same:
            for task in self.running.tasks.tasks:
                for operator in task.operators.values():
                    operator.snapshot_taken()
        else:
            self.chains = {}

    def move(self, vertex, chains):
        make = next(each.make for each in self.plan.vertices if each.id == vertex)
        in_order = [part for parts in zip(*chains, strict=True) for part in parts]  # checkpoint by checkpoint
        scratch = restored(make(True), in_order)
        for number, task in enumerate(self.running.tasks.tasks):
            mine = owned_key_groups(number, self.running.parallelism)
            restored(task.operators[vertex], [written_and_read(scratch.snapshot(mine))])


def restored(operator, parts):
    for part in parts:
        operator.restore(part)
    operator.restored()
    return operator


def written_and_read(tables):
    """Tables as they are after a stay in a file."""
    read = {}
    for name, table in tables.items():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        read[name] = pa.ipc.open_stream(sink.getvalue()).read_all()
    return read


def bag(changes):
    """A changelog's rows, bit by bit, with their weights."""
    total = Counter()
    for row, weight in changes:
        total[tuple(repr(value) for value in row.values())] += weight
    return {row: weight for row, weight in total.items() if weight}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["", "base", "increment", "increment", "increment"]), st.sampled_from([0, 0, 0, 1, 2, 3])
    ),
    max_size=12,
)
"""After each epoch: what is saved; and whether all is killed then, and how many tasks go on."""


@pytest.mark.parametrize("mode", ["update", "append"])
@pytest.mark.parametrize("name", CHAINED)
@examples(0.2)
@given(data=st.data(), schedule=schedules(), steps=STEPS, compacted=st.booleans())
def test_after_a_kill_every_epoch_changes_what_it_would_have_changed(name, mode, data, schedule, steps, compacted):
    given_rows = [exact(row) for row in data.draw(row_lists(CASE))]
    plan = lower(optimize(CHAINED[name](scripted(SCHEMA, [], time="at")).node), mode=mode)
    works = epoch_inputs(plan, given_rows, schedule)
    compare_changes(plan, works, schedule.parallelism, steps, compacted=compacted)


@pytest.mark.parametrize("mode", ["update", "append"])
@pytest.mark.parametrize("name", CHAINED)
def test_a_chain_with_a_link_at_every_epoch_can_be_taken_up_at_every_epoch(name, mode):
    plan = lower(optimize(CHAINED[name](scripted(SCHEMA, [], time="at")).node), mode=mode)
    for seed, parallelism in enumerate([1, 2, 3]):
        draw = random.Random(seed)
        given_rows = [some_row(draw) for _ in range(60)]
        cuts = Schedule(delays=tuple(draw.random() for _ in range(7)), epochs=tuple((5,) for _ in range(12)))
        works = epoch_inputs(plan, given_rows, cuts)
        on_and_on = [("base", 0), *[("increment", 0)] * 3, ("increment", parallelism)]
        moved = [("increment", 1 + parallelism % 3), ("base", 0), ("increment", 0)]
        steps = [("", 0)] * seed + [*on_and_on, ("increment", 0), *moved, *on_and_on, *moved]
        compare_changes(plan, works, parallelism, steps, compacted=seed == 1)


def some_row(draw):
    """Times of two minutes with gaps, so that windows and sessions close all the time."""
    moment = CASE.begin + timedelta(seconds=draw.choice([0, 1, 2, 3, 5, 10, 15, 16, 30, 31, 60, 61, 64, 90, 120]))
    return {
        "at": moment + timedelta(seconds=draw.randrange(4)),
        "k": draw.choice(["a", "b", "c", "d", "", None]),
        "g": draw.choice([1.5, 0.0, -0.0, math.nan, None]),
        "x": draw.choice([0.25, -1.5, 3.0, 0.0, None, math.nan]),
        "i": draw.choice([1, 2, -3, 2**53 + 1, None]),
        "s": draw.choice(["ant", "bee", "été", "", None]),
        "b": draw.choice([True, False, None]),
    }


def compare_changes(plan, works, parallelism, steps, *, compacted):
    """A run without a break beside one that is saved and killed after epochs as `steps` say."""
    whole, query = Running(plan, 1), Checkpointed(plan, parallelism)
    expected = []
    try:
        for work in works:
            expected.append((bag(whole.changes(work)), whole.tasks.user_metrics()))
        done = 0
        for saved, parallelism in [*steps, *[("", 0)] * len(works)]:
            if done == len(works):
                break
            changes = bag(query.running.changes(works[done]))
            assert (changes, query.running.tasks.user_metrics()) == expected[done], f"epoch {done + 1}"
            done += 1
            if saved:
                query.checkpoint(done, increment=saved == "increment")
            if parallelism and query.chains:
                done = query.saved_at
                query.killed(parallelism, compacted=compacted)
    finally:
        whole.tasks.close()
        query.running.tasks.close()
