"""At the end of every epoch each left row is beside the right row that was the latest at its time, among those seen."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import playhead as ph
from playhead import plan
from playhead.batch import Batch
from playhead.kernels import asof as kernels
from playhead.operators import merge_asof
from playhead.operators.merge_asof import merge_asof_operator
from playhead.schema import MAX_TIME, MIN_TIME, EventTime
from playhead.state.tables import merged
from playhead.testing import Schedule, assert_same_rows, rows, scripted, trace

TIME = pa.timestamp("us", "UTC")
SCHEMA = pa.schema([("k", pa.string()), ("at", TIME), ("v", pa.int64()), ("w", pa.float64())])
EPOCH_LENGTH = 6

VALUES = st.tuples(st.integers(0, 3), st.sampled_from([0.5, 1.5, None]))
ROWS = st.tuples(st.integers(0, 1), st.sampled_from(["a", "b", None]), st.integers(-5, 14), VALUES)
EPOCHS = st.lists(st.lists(ROWS, max_size=12), max_size=8)


class Source:
    """What a plan wants to know of its input."""

    bounded, out_of_order, arrival = True, None, None

    def __init__(self, name, sequence=()):
        self.name, self.schema, self.time, self.sequence = name, SCHEMA, EventTime("at"), sequence


def node(by=(("k", "k"),), tolerance=None, exact=True, sequence=()):
    return plan.MergeAsof(plan.Scan(Source("l")), plan.Scan(Source("r", sequence)), by, tolerance, exact)


def as_batch(given_rows):
    columns = list(zip(*given_rows, strict=True))
    arrays = [
        pa.array(column, pa.int64()).view(TIME) if i == 1 else pa.array(column, SCHEMA.field(i).type)
        for i, column in enumerate(columns)
    ]
    return Batch(pa.RecordBatch.from_arrays(arrays, schema=SCHEMA))


def plain(batch):
    columns = [column.cast(pa.int64()) if column.type == TIME else column for column in batch.columns]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


class Shown(Counter):
    """What an operator has shown, summed up."""

    def add(self, batches):
        changed = set()
        for batch in batches:
            weights = [1] * batch.num_rows if batch.weights is None else batch.weights.tolist()
            for row, weight in zip(plain(batch.rows), weights, strict=True):
                self[row] += weight
                changed.add(row)
        for row in [row for row, weight in self.items() if weight == 0]:
            del self[row]
        return changed


def last_key(row):
    """The order of right rows: time, then values, nulls last."""
    return row[1], row[0] is None, row[0] or "", row[2], (row[3] is None, row[3] or 0)


def partner(left, rights, by, tolerance, exact):
    candidates = [
        right
        for right in rights
        if (not by or (left[0] is not None and right[0] == left[0]))
        and (right[1] < left[1] or (exact and right[1] == left[1]))
        and (tolerance is None or left[1] - right[1] <= tolerance)
    ]
    return max(candidates, key=last_key, default=None)


def joined(lefts, rights, by, tolerance, exact):
    """What a beginner would write."""
    result = Counter()
    for left in lefts:
        found = partner(left, rights, by, tolerance, exact) or (None, None, None, None)
        result[(*left, *(found[2:] if by else (found[0], *found[2:])))] += 1
    return result


OPTIONS = st.tuples(st.sampled_from([(("k", "k"),), ()]), st.none() | st.integers(0, 8), st.booleans())


def run(operator, epochs, check, restart=None):
    """Feed epochs; `check(shown, lefts, rights, watermark)` after each. Returns what was late."""
    shown, seen, late, watermark = Shown(), ([], []), Counter(), MIN_TIME
    for number, epoch in enumerate(epochs):
        out = []
        for side, key, ahead, values in epoch:
            row = (key, EPOCH_LENGTH * number + ahead, *values)
            if row[1] < watermark:
                late[row] += 1
            else:
                seen[side].append(row)
            out += operator.on_batch(side, as_batch([row]))
        changed = shown.add([*out, *operator.end_epoch()])
        watermark = max(watermark, EPOCH_LENGTH * number)
        shown.add(operator.on_watermark(watermark))
        check(shown, *seen, watermark, changed)
        if restart is not None:
            operator = restart(operator, number)
    shown.add(operator.on_watermark(MAX_TIME))
    check(shown, *seen, MAX_TIME, set())
    assert all(side.rows.size == 0 for side in operator.sides)
    return operator, late


@given(epochs=EPOCHS, options=OPTIONS)
def test_update_mode_shows_every_left_row_with_its_best_partner_so_far(epochs, options):
    operator = merge_asof_operator(node(*options), emits_changes=True)
    before = Counter()

    def check(shown, lefts, rights, watermark, changed):
        assert shown == joined(lefts, rights, *options)
        assert {row for row in before | shown if before[row] != shown[row]} >= changed - set(before) - set(shown)
        before.clear()
        before.update(shown)

    operator, late = run(operator, epochs, check)
    reported = Counter(row[:4] for part in operator.report.late for row in plain(part))
    assert reported == late and operator.report.counts.get("late", 0) == late.total()


@given(epochs=EPOCHS, options=OPTIONS)
def test_append_mode_shows_a_left_row_once_when_the_watermark_has_passed_it(epochs, options):
    def check(shown, lefts, rights, watermark, changed):
        by = options[0]
        final = [left for left in lefts if left[1] < watermark or (by and left[0] is None)]
        assert shown == joined(final, rights, *options)

    run(merge_asof_operator(node(*options), emits_changes=False), epochs, check)


@given(epochs=EPOCHS, options=OPTIONS, emits_changes=st.booleans(), split=st.integers(1, 127), at=st.integers(0, 7))
def test_a_restored_merge_goes_on_as_if_nothing_had_happened(epochs, options, emits_changes, split, at):
    def restart(operator, number):
        if number != at:
            return operator
        fresh = merge_asof_operator(node(*options), emits_changes=emits_changes)
        for key_groups in (range(split), range(split, 128)):
            fresh.restore(operator.snapshot(key_groups))
        fresh.restored()
        return fresh

    def check(shown, lefts, rights, watermark, changed):
        if emits_changes or watermark == MAX_TIME:
            assert shown == joined(lefts, rights, *options)

    run(merge_asof_operator(node(*options), emits_changes=emits_changes), epochs, check, restart)


@given(epochs=EPOCHS, at=st.integers(0, 7))
def test_increments_hold_what_came_and_what_went(epochs, at):
    operator = merge_asof_operator(node(), emits_changes=True)
    chain = []
    for number, epoch in enumerate(epochs):
        for side, key, ahead, values in epoch:
            list(operator.on_batch(side, as_batch([(key, EPOCH_LENGTH * number + ahead, *values)])))
        list(operator.end_epoch())
        list(operator.on_watermark(EPOCH_LENGTH * number))
        if number < at:
            continue
        chain.append(operator.snapshot(range(128), touched_only=number > at))
        operator.snapshot_taken()
        whole = operator.snapshot(range(128))
        for name, table in merged(chain).items():
            assert sorted(table.to_pylist(), key=str) == sorted(whole[name].to_pylist(), key=str)


def test_the_source_s_sequence_decides_before_values_do():
    rights = [("a", 5, 9, 1.0), ("a", 5, 1, 2.0)]
    for sequence, expected in (((), 9), (("w",), 1)):
        operator = merge_asof_operator(node(sequence=sequence), emits_changes=True)
        for row in rights:
            list(operator.on_batch(1, as_batch([row])))
        list(operator.on_batch(0, as_batch([("a", 5, 0, None)])))
        (batch,) = operator.end_epoch()
        assert batch.rows.column(4).to_pylist() == [expected]


def test_a_correction_that_changes_nothing_is_not_shown():
    operator = merge_asof_operator(node(), emits_changes=True)
    for index, row in ((1, ("a", 3, 1, 1.0)), (0, ("a", 9, 0, None))):
        list(operator.on_batch(index, as_batch([row])))
    assert sum(batch.num_rows for batch in operator.end_epoch()) == 1
    list(operator.on_batch(1, as_batch([("a", 4, 1, 1.0)])))
    assert list(operator.end_epoch()) == []


def test_lists_pass_through_and_are_corrected():
    schema = SCHEMA.append(pa.field("tags", pa.list_(pa.string())))
    sources = [Source("l"), Source("r")]
    for source in sources:
        source.schema = schema
    operator = merge_asof_operator(plan.MergeAsof(*map(plan.Scan, sources), (("k", "k"),)), emits_changes=True)
    shown = Counter()
    for time, tag in ((1, "x"), (2, "y")):
        row = as_batch([("a", time, 0, None)]).rows.append_column("tags", pa.array([[tag]]))
        list(operator.on_batch(1, Batch(row)))
        if time == 1:
            list(
                operator.on_batch(0, Batch(as_batch([("a", 7, 0, None)]).rows.append_column("tags", pa.array([["z"]]))))
            )
        for batch in operator.end_epoch():
            weights = [1] * batch.num_rows if batch.weights is None else batch.weights.tolist()
            for tags, weight in zip(batch.rows.column("tags_y").to_pylist(), weights, strict=True):
                shown[tuple(tags)] += weight
    assert +shown == {("y",): 1}


def test_old_right_rows_and_keys_without_rows_are_forgotten(monkeypatch):
    monkeypatch.setattr(merge_asof, "FEW_KEYS", 10)
    operator = merge_asof_operator(node(tolerance=1_000), emits_changes=False)
    sizes = []
    for epoch in range(60):
        given_rows = [(f"key {epoch} {i % 50}", 1_000 * epoch + i, i, None) for i in range(1_000)]
        for side in (0, 1):
            list(operator.on_batch(side, as_batch(given_rows)))
        list(operator.end_epoch())
        assert sum(batch.num_rows for batch in operator.on_watermark(1_000 * (epoch + 1))) == 1_000
        assert operator.sides[0].rows.size == 0 and operator.sides[1].rows.size <= 100
        sizes.append(operator.state_bytes)
    assert operator.keys.size < 500 and sizes[-1] < 1.5 * max(sizes[:20])


def test_kernels_are_compiled_once():
    assert len(kernels.latest.signatures) == len(kernels.merged.signatures) == 1


# Through frames


@pytest.mark.parametrize("parallelism", [1, 3])
@pytest.mark.parametrize(("tolerance", "exact"), [(None, True), ("20s", True), ("20s", False)])
def test_frames_merge_asof_as_pandas_does(parallelism, tolerance, exact):
    draw = np.random.default_rng(3)

    def table(count, value):
        seconds = np.sort(draw.choice(900, count, replace=False))
        at = (pd.Timestamp("2013-01-01", tz="UTC") + pd.to_timedelta(seconds, unit="s")).astype("datetime64[us, UTC]")
        return pd.DataFrame({"k": draw.choice(list("xyz"), count), "at": at, value: np.arange(count, dtype=float)})

    left, right = table(400, "a"), table(300, "b")
    reach = None if tolerance is None else pd.Timedelta(tolerance)
    expected = pd.merge_asof(left, right, on="at", by="k", tolerance=reach, allow_exact_matches=exact)
    frames = [
        ph.from_pandas(part.sort_values("late"), time="at", out_of_order="30s").drop(columns="late")
        for part in (
            table.assign(late=table["at"] + pd.to_timedelta(draw.integers(0, 30, len(table)), unit="s"))
            for table in (left, right)
        )
    ]
    frame = frames[0].merge_asof(frames[1], on="at", by="k", tolerance=tolerance, allow_exact_matches=exact)

    def check(actual):
        pd.testing.assert_frame_equal(actual.sort_values("at", ignore_index=True), expected, check_dtype=False)

    check(frame.compute(parallelism=parallelism))
    for mode in ("update", "append"):
        with frame.start(parallelism=parallelism, max_rows=57, mode=mode) as query:
            query.wait()
            check(query.latest())


@pytest.mark.parametrize("parallelism", [1, 3])
def test_an_aggregate_of_a_merge_asof_is_right_after_every_epoch(parallelism):
    schema = {"at": TIME, "v": pa.int64()}
    trades = scripted(schema, [rows(*({"at": 10 * i, "v": i} for i in range(20)))], time="at", out_of_order="1s")
    quotes = scripted(schema, [rows(*({"at": 7 * i, "v": i} for i in range(30)))], time="at", out_of_order="1s")
    total = trades.merge_asof(quotes, on="at").agg(n=("v_x", "count"), total=("v_y", "sum"))
    for result in trace(total, Schedule(epochs=((3, 2), (1, 4), (0, 5)), parallelism=parallelism)):
        left, right = result.consumed
        best = [max((q["v"] for q in right if q["at"] <= t["at"]), default=0) for t in left]
        assert_same_rows(result.table, [{"n": len(left), "total": sum(best)}])
