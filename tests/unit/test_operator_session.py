"""At the end of every epoch the sessions shown are those of the rows seen, less the late ones."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import playhead as ph
from playhead.batch import Batch
from playhead.kernels import sessions as kernels
from playhead.operators.session import SessionAggregate
from playhead.physical import lower
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.state.session_lists import SessionLists
from playhead.testing import scripted

TIME = pa.timestamp("us", "UTC")
SCHEMA = pa.schema([("k", pa.string()), ("at", TIME), ("v", pa.int64())])
EPOCH_LENGTH = 8

KEYS = st.sampled_from(["a", "b", None])
ROWS = st.tuples(KEYS, st.integers(-24, 24), st.integers(1, 3))
EPOCHS = st.lists(st.lists(ROWS, max_size=10), max_size=9)
GAPS = st.integers(1, 9)
LATENESS = st.sampled_from([0, 0, 5])


def operator_for(gap, *, mode="update", retractable=False, lateness=0, emit_every=None):
    frame = scripted(SCHEMA, time="at", out_of_order="0s")
    options = {"allowed_lateness": f"{lateness}us"} if lateness else {}
    query = frame.groupby(["k", ph.session(f"{gap}us")], **options).agg(
        n=("v", "size"), total=("v", "sum"), top=("v", "max"), newest=("v", "last")
    )
    physical = lower(query.node, mode=mode)
    operator = physical.vertices[physical.root].make(True)
    assert isinstance(operator, SessionAggregate)
    changed = {"retractable": retractable, "emit_every": emit_every}
    grouping = type(operator.grouping)(**{**vars(operator.grouping), **changed})
    return SessionAggregate(grouping, gap)


def as_batch(given_rows, weights=None):
    columns = list(zip(*given_rows, strict=True))
    arrays = [
        pa.array(column, pa.int64()).view(TIME) if i == 1 else pa.array(column, SCHEMA.field(i).type)
        for i, column in enumerate(columns)
    ]
    rows = pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)
    return Batch(rows, None if weights is None else np.array(weights, np.int64))


def plain(batch):
    columns = [column.cast(pa.int64()) if column.type == TIME else column for column in batch.columns]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


class Shown(Counter):
    """What an operator has shown, summed up."""

    def add(self, batches):
        for batch in batches:
            weights = [1] * batch.num_rows if batch.weights is None else batch.weights.tolist()
            for row, weight in zip(plain(batch.rows), weights, strict=True):
                self[row] += weight
        assert all(weight >= 0 for weight in self.values())
        for row in [row for row, weight in self.items() if weight == 0]:
            del self[row]


def spans(times, gap):
    result = []
    for time in sorted(times):
        if result and time <= result[-1][1]:
            result[-1] = (result[-1][0], time + gap)
        else:
            result.append((time, time + gap))
    return result


def answer(rows, gap):
    """The sessions of rows, as a beginner would make them."""
    result = Counter()
    for key in {row[0] for row in rows}:
        mine = [row for row in rows if row[0] == key]
        for start, end in spans([row[1] for row in mine], gap):
            inside = [row for row in mine if start <= row[1] <= end]
            values = [row[2] for row in inside]
            newest = max((row[1], row[2]) for row in inside)[1]
            result[key, start, end, len(values), sum(values), max(values), newest] += 1
    return result


class Model:
    """Which rows are late, one key at a time, by the words of the operator's docstring."""

    def __init__(self, gap, lateness):
        self.gap, self.lateness, self.closed = gap, lateness, MIN_TIME
        self.accepted, self.floors = defaultdict(list), {}

    def epoch(self, rows):
        late = []
        for key in {row[0] for row in rows}:
            floor = self.floors.setdefault(key, max(MIN_TIME, self.closed - self.gap - 1))
            fresh = [row for row in rows if row[0] == key]
            late += [row for row in fresh if row[1] <= floor]
            fresh = [row for row in fresh if row[1] > floor]
            is_open = [span for span in self.sessions(key) if span[1] >= self.closed]
            times = [row[1] for row in fresh] + [t for s in is_open for t in (s[0], s[1] - self.gap)]
            times += [row[1] for row in self.accepted[key] if any(s[0] <= row[1] <= s[1] for s in is_open)]
            for start, end in spans(times, self.gap):
                group = [row for row in fresh if start <= row[1] <= end]
                alone = not any(start <= s[0] <= end for s in is_open)
                if alone and end < self.closed:
                    late += group
                else:
                    self.accepted[key] += group
        return late

    def sessions(self, key):
        return spans([row[1] for row in self.accepted[key]], self.gap)

    def watermark(self, watermark):
        if watermark - self.lateness == self.closed:
            return
        self.closed = watermark - self.lateness
        for key in list(self.floors):
            ends = [end for _, end in self.sessions(key)]
            self.floors[key] = max([self.floors[key], *(end for end in ends if end < self.closed)])
            if all(end < self.closed for end in ends) and self.closed > self.floors[key] + self.gap:
                del self.floors[key]

    @property
    def rows(self):
        return [row for rows in self.accepted.values() for row in rows]


def drive(operator, epochs, model, check, restart=None):
    shown, late = Shown(), Counter()
    for number, epoch in enumerate(epochs):
        rows = [(key, EPOCH_LENGTH * number + ahead, value) for key, ahead, value in epoch]
        for row in rows:
            shown.add(operator.on_batch(0, as_batch([row])))
        late.update(model.epoch(rows))
        shown.add(operator.end_epoch())
        check(shown, model, number)
        watermark = EPOCH_LENGTH * number
        model.watermark(watermark)
        shown.add(operator.on_watermark(watermark))
        check(shown, model, number)
        if restart is not None:
            operator = restart(operator, number)
    shown.add(operator.on_watermark(MAX_TIME))
    assert shown == answer(model.rows, model.gap)
    return operator, late


@pytest.mark.parametrize("retractable", [False, True])
@given(epochs=EPOCHS, gap=GAPS, lateness=LATENESS)
def test_update_mode_shows_the_sessions_of_all_rows_that_were_not_late(retractable, epochs, gap, lateness):
    operator = operator_for(gap, retractable=retractable, lateness=lateness)

    def check(shown, model, number):
        assert shown == answer(model.rows, gap)

    operator, late = drive(operator, epochs, Model(gap, lateness), check)
    reported = [row for part in operator.report.late for row in plain(part)]
    assert Counter(row[:3] for row in reported) == late
    assert operator.report.counts.get("late", 0) == late.total()
    assert all(start <= time <= end for _, time, _, start, end in reported)
    assert operator.sessions.size == 0 and operator.keys.slots.size == 0
    assert operator.points is None or operator.points.groups.size == 0


@given(epochs=EPOCHS, gap=GAPS, lateness=LATENESS)
def test_append_mode_shows_a_session_once_when_the_watermark_has_passed_its_end(epochs, gap, lateness):
    def check(shown, model, number):
        assert shown == Counter({row: n for row, n in answer(model.rows, gap).items() if row[2] < model.closed})

    drive(operator_for(gap, mode="append", lateness=lateness), epochs, Model(gap, lateness), check)


@given(epochs=EPOCHS, gap=GAPS, every=st.integers(1, 30))
def test_results_shown_now_and_then_catch_up(epochs, gap, every):
    shown_last = [MIN_TIME]

    def check(shown, model, number):
        if model.closed != MIN_TIME and model.closed // every > shown_last[0]:
            shown_last[0] = model.closed // every
            assert shown == answer(model.rows, gap)

    drive(operator_for(gap, emit_every=every), epochs, Model(gap, 0), check)


@pytest.mark.parametrize("retractable", [False, True])
@given(epochs=EPOCHS, gap=GAPS, split=st.integers(1, 127), at=st.integers(0, 8), increments=st.booleans())
def test_a_restored_operator_goes_on_as_if_nothing_had_happened(retractable, epochs, gap, split, at, increments):
    chains = {range(split): [], range(split, 128): []}

    def restart(operator, number):
        if number <= at and (increments or number == at):
            for key_groups, chain in chains.items():
                chain.append(operator.snapshot(key_groups, touched_only=bool(chain)))
            operator.snapshot_taken()
        if number != at:
            return operator
        fresh = operator_for(gap, retractable=retractable)
        for tables in [tables for chain in chains.values() for tables in chain]:
            fresh.restore(tables)
        fresh.restored()
        return fresh

    def check(shown, model, number):
        assert shown == answer(model.rows, gap)

    drive(operator_for(gap, retractable=retractable), epochs, Model(gap, 0), check, restart)


WEIGHTED = st.lists(st.lists(st.tuples(ROWS, st.integers(-2, 2)), max_size=12), max_size=8)


@given(epochs=WEIGHTED, gap=GAPS, order=st.randoms(use_true_random=False))
def test_a_session_falls_apart_when_the_rows_between_are_taken_back(epochs, gap, order):
    operator, shown, there = operator_for(gap, retractable=True), Shown(), Counter()
    for epoch in epochs:
        deltas = []
        for row, weight in epoch:
            weight = max(weight, -there[row])
            if weight:
                there[row] += weight
                deltas.append((row, weight))
        order.shuffle(deltas)
        for row, weight in deltas:
            list(operator.on_batch(0, as_batch([row], [weight])))
        shown.add(operator.end_epoch())
        assert shown == answer(list(there.elements()), gap)


def test_rows_exactly_a_gap_apart_belong_together_and_the_end_is_still_open():
    operator = operator_for(10)
    shown = Shown()
    for time, watermark in ((0, 10), (10, 20), (20, 31), (31, 31)):
        list(operator.on_batch(0, as_batch([("a", time, 1)])))
        shown.add(operator.end_epoch())
        shown.add(operator.on_watermark(watermark))
    assert sorted(row[1:4] for row in shown) == [(0, 30, 3), (31, 41, 1)]
    assert operator.report.counts == {}


def test_a_row_that_would_join_a_closed_session_is_late_and_says_which():
    operator = operator_for(10)
    for time, watermark in ((0, 11), (0, 11), (5, 11), (11, 11)):
        list(operator.on_batch(0, as_batch([("a", time, 1)])))
        list(operator.end_epoch())
        list(operator.on_watermark(watermark))
    late = [row for part in operator.report.late for row in plain(part)]
    assert late == [("a", 0, 1, 0, 10), ("a", 5, 1, 0, 10)]


def test_what_is_promised_leaves_room_for_the_event_time_of_a_session():
    operator = operator_for(10, mode="append", lateness=5)
    list(operator.on_batch(0, as_batch([("a", 0, 1)])))
    assert list(operator.on_watermark(15)) == []
    list(operator.end_epoch())
    assert list(operator.on_watermark(15)) == []
    promised = operator.output_watermark(15)
    (batch,) = operator.on_watermark(16)
    assert plain(batch.rows)[0][2] - 1 >= promised  # the event time of a result is just before its window's end
    assert operator.output_watermark(MAX_TIME) == MAX_TIME


def test_memory_does_not_grow_with_the_number_of_sessions():
    operator, sizes = operator_for(100, mode="append"), []
    for epoch in range(60):
        rows = [(f"key {epoch} {i % 40}", 1_000 * epoch + i, 1) for i in range(800)]
        list(operator.on_batch(0, as_batch(rows)))
        list(operator.end_epoch())
        assert epoch == 0 or sum(batch.num_rows for batch in operator.on_watermark(1_000 * epoch)) == 40
        sizes.append(operator.state_bytes)
    assert operator.keys.slots.size <= 80 and max(sizes) < 1.5 * max(sizes[:20])


JOINS = st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60)), min_size=1, max_size=12), max_size=8)


@given(rounds=JOINS, gap=st.integers(0, 8))
def test_the_kernels_are_unions_of_intervals(rounds, gap):
    lists, model, slots = SessionLists(gap), {}, 0
    for rows in rounds:
        keys, times = (np.array(column, np.int64) for column in zip(*sorted(rows), strict=True))
        joined = lists.join(keys, times)
        number_of = dict(zip(zip(keys.tolist(), times.tolist(), strict=True), joined.groups.tolist(), strict=True))
        groups = defaultdict(list)
        for (key, time), group in number_of.items():
            groups[group].append((key, time, time))
        for slot, group in zip(joined.absorbed.tolist(), joined.absorbed_groups.tolist(), strict=True):
            groups[group].append(model.pop(slot))
        lists.remove(joined.absorbed)
        new = []
        for group in range(len(joined.firsts)):
            (key,) = {part[0] for part in groups[group]}
            span = min(part[1] for part in groups[group]), max(part[2] for part in groups[group])
            assert span == (joined.firsts[group], joined.lasts[group])
            new.append((key, *span))
        for key in range(3):
            mine = sorted(part[1:] for part in [*model.values(), *new] if part[0] == key)
            assert all(later[0] - before[1] > gap for before, later in zip(mine, mine[1:], strict=False))
        order = sorted(range(len(new)), key=lambda i: (new[i][0], -new[i][1]))
        added = [new[i] for i in order]
        numbers = np.arange(slots, slots + len(new))
        slots += len(new)
        lists.insert(numbers, *(np.array(column, np.int64) for column in zip(*added, strict=True)))
        model |= dict(zip(numbers.tolist(), added, strict=True))


def test_kernels_are_compiled_once():
    assert len(kernels.join.signatures) == len(kernels.insert.signatures) == 1


# Through frames


@pytest.mark.parametrize("parallelism", [1, 3])
def test_frames_have_sessions_as_pandas_would_make_them(parallelism):
    draw = np.random.default_rng(8)
    seconds = draw.integers(0, 20_000, 700)
    table = pd.DataFrame(
        {"k": draw.choice(list("xyz"), 700), "at": pd.to_datetime(seconds, unit="s", utc=True), "v": range(700)}
    )
    ordered = table.sort_values(["k", "at"], ignore_index=True)
    gap = pd.Timedelta("60s")
    begins = (ordered.groupby("k")["at"].diff() > gap) | (ordered["k"] != ordered["k"].shift())
    grouped = ordered.assign(session=begins.cumsum()).groupby(["k", "session"])
    expected = grouped.agg(window_start=("at", "min"), window_end=("at", "max"), n=("v", "size"), total=("v", "sum"))
    expected = expected.reset_index().drop(columns="session")
    expected["window_end"] += gap
    frame = ph.from_pandas(table, time="at", out_of_order="6h").groupby(["k", ph.session("60s")])
    query = frame.agg(n=("v", "size"), total=("v", "sum"))
    pd.testing.assert_frame_equal(query.compute(parallelism=parallelism), expected, check_dtype=False)
    for mode in ("update", "append"):
        with query.start(parallelism=parallelism, max_rows=61, mode=mode) as run:
            run.wait()
            pd.testing.assert_frame_equal(run.latest(), expected, check_dtype=False)
