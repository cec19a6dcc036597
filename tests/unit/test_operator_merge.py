"""At the end of every epoch a merge has shown exactly the join of the rows that it has seen."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import playhead as ph
from playhead import plan
from playhead.batch import Batch
from playhead.errors import PlanError
from playhead.kernels import joins
from playhead.operators import joined_rows
from playhead.operators.merge import merge_operator
from playhead.runtime import feed as feed_module
from playhead.schema import MAX_TIME, MIN_TIME, EventTime
from playhead.state import row_store
from playhead.testing import Schedule, rows, scripted, trace

TIME = pa.timestamp("us", "UTC")
LEFT = pa.schema([("k", pa.int64()), ("name", pa.string()), ("at", TIME)])
RIGHT = pa.schema([("k", pa.int64()), ("name", pa.string()), ("at", TIME)])

ROWS = st.tuples(st.sampled_from([0, 1, 2, None]), st.sampled_from("ab"), st.integers(0, 30))
SIDES = st.integers(0, 1)
EPOCHS = st.lists(st.lists(st.tuples(SIDES, ROWS), max_size=12), max_size=6)


class Source:
    """What a plan wants to know of its input."""

    bounded, out_of_order, sequence, arrival = True, None, (), None

    def __init__(self, name, schema):
        self.name, self.schema, self.time = name, schema, EventTime("at")


def node(how="inner", ttl=None, on=(("k", "k"),), schemas=(LEFT, RIGHT)):
    left, right = (plan.Scan(Source(name, schema)) for name, schema in zip("lr", schemas, strict=True))
    return plan.Merge(left, right, on, how, ttl)


def as_batch(rows, schema, weights=None):
    columns = [
        pa.array([row[i] for row in rows], pa.int64()).cast(field.type)
        if pa.types.is_timestamp(field.type)
        else pa.array([row[i] for row in rows], field.type)
        for i, field in enumerate(schema)
    ]
    return Batch(pa.RecordBatch.from_arrays(columns, schema=schema), None if weights is None else np.array(weights))


def plain(rows):
    """Rows as tuples, times as numbers."""
    columns = [c.cast(pa.int64()) if pa.types.is_timestamp(c.type) else c for c in rows.columns]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


class Shown(Counter):
    """What an operator has shown, summed up."""

    def add(self, batches):
        for batch in batches:
            weights = [1] * batch.num_rows if batch.weights is None else batch.weights.tolist()
            for row, weight in zip(plain(batch.rows), weights, strict=True):
                self[row] += weight
        for row in [row for row, weight in self.items() if weight == 0]:
            del self[row]


def join(left, right, how, ttl=None):
    """What a beginner would write. Rows come as Counters."""
    result = Counter()
    for (k, name, at), weight in left.items():
        found = 0
        for (other_k, other_name, other_at), other_weight in right.items():
            if k is not None and k == other_k and (ttl is None or abs(at - other_at) <= ttl):
                result[k, name, at, other_name, other_at] += weight * other_weight
                found += other_weight
        if how == "left" and not found:
            result[k, name, at, None, None] += weight
    return +result


def feed(operator, deltas):
    """Give an epoch to an operator; what it shows at once and at the end."""
    out = []
    for side, row, weight in deltas:
        out += operator.on_batch(side, as_batch([row], (LEFT, RIGHT)[side], [weight]))
    return out + list(operator.end_epoch())


@pytest.mark.parametrize("how", ["inner", "left"])
@given(epochs=EPOCHS, cut=st.integers(1, 5))
def test_rows_that_only_come(how, epochs, cut):
    operator = merge_operator(node(how), emits_changes=True, retractable=(False, False))
    shown, seen = Shown(), (Counter(), Counter())
    for epoch in epochs:
        out = []
        for side in (1, 0):
            rows = [row for of, row in epoch if of == side]
            seen[side].update(rows)
            for start in range(0, len(rows), cut):
                out += operator.on_batch(side, as_batch(rows[start : start + cut], LEFT))
        out += operator.end_epoch()
        if how == "inner":
            assert all(batch.weights is None for batch in out)
        shown.add(out)
        assert shown == join(*seen, how)
        list(operator.on_watermark(MIN_TIME))


def changelogs(epochs):
    """Deltas that take back only what is there at the end of an epoch; within it in any order."""
    there, result = (Counter(), Counter()), []
    for epoch in epochs:
        deltas = []
        for side, row, weight in epoch:
            weight = max(weight, -there[side][row])
            if weight:
                there[side][row] += weight
                deltas.append((side, row, weight))
        result.append(deltas)
    return result


WEIGHTED = st.lists(st.lists(st.tuples(SIDES, ROWS, st.integers(-2, 2)), max_size=12), max_size=6)


@pytest.mark.parametrize("how", ["inner", "left"])
@given(epochs=WEIGHTED, order=st.randoms(use_true_random=False))
def test_rows_that_come_and_are_taken_back(how, epochs, order):
    operator = merge_operator(node(how), emits_changes=True, retractable=(True, True))
    shown, seen = Shown(), (Counter(), Counter())
    for deltas in changelogs(epochs):
        for side, row, weight in deltas:
            seen[side][row] += weight
        order.shuffle(deltas)
        before = Counter(shown)
        out = feed(operator, deltas)
        shown.add(out)
        assert shown == join(+seen[0], +seen[1], how)
        if all(row[0] is not None for _, row, _ in deltas):
            entries = [row for batch in out for row in plain(batch.rows)]
            assert len(entries) == len(set(entries)), "at most one entry a row and epoch"
            assert set(entries) == {row for row in before | shown if before[row] != shown[row]}
            signs = [weight > 0 for batch in out for weight in (batch.weights if batch.weights is not None else [1])]
            assert signs == sorted(signs), "take-backs come first"
    assert operator.keys.size == len({row[0] for side in seen for row in +side} - {None})


TIMED = st.lists(st.lists(st.tuples(SIDES, ROWS, st.integers(-8, 20)), max_size=10), max_size=8)


@pytest.mark.parametrize(("how", "emits_changes"), [("inner", True), ("inner", False), ("left", True), ("left", False)])
@given(epochs=TIMED, ttl=st.integers(0, 9))
def test_with_a_time_to_live_rows_that_meet_within_it_are_found_and_others_never(how, emits_changes, epochs, ttl):
    operator = merge_operator(node(how, ttl), emits_changes=emits_changes, retractable=(False, False))
    shown, seen, late, watermark = Shown(), (Counter(), Counter()), Counter(), MIN_TIME
    for number, epoch in enumerate(epochs):
        out = []
        for side, (k, name, _), ahead in epoch:
            row = (k, name, 8 * number + ahead)
            if row[2] < watermark:
                late[row] += 1
            else:
                seen[side][row] += 1
            out += operator.on_batch(side, as_batch([row], LEFT))
        shown.add([*out, *operator.end_epoch()])
        watermark = 8 * number - 2
        shown.add(operator.on_watermark(watermark))
        expected = join(*seen, how, ttl)
        if not emits_changes:  # a row with nulls is final when no partner can come
            expected = Counter(
                {r: n for r, n in expected.items() if r[4] is not None or r[0] is None or r[2] + ttl < watermark}
            )
        assert shown == expected
        for side in (0, 1):
            live = operator.sides[side].rows
            kept = [row for row in seen[side].elements() if row[0] is not None and row[2] + ttl >= watermark]
            assert Counter(plain(live.take(live.live_slots()))) == Counter(kept)
    shown.add(operator.on_watermark(MAX_TIME))
    shown.add(operator.on_watermark(MAX_TIME))
    assert shown == join(*seen, how, ttl)
    reported = [row[:3] for part in operator.report.late for row in plain(part)]
    assert Counter(reported) == late and operator.report.counts.get("late", 0) == late.total()
    matchable = sum(row[0] is not None for side in seen for row in side.elements())
    assert operator.report.counts.get("expired", 0) == matchable - sum(side.rows.size for side in operator.sides)


def continued(how, chains):
    """A fresh operator that goes on from a base and increments for each range of key groups."""
    operator = merge_operator(node(how), emits_changes=True, retractable=(True, True))
    for chain in chains:
        for tables in chain:
            operator.restore(tables)
    operator.restored()
    return operator


@pytest.mark.parametrize("how", ["inner", "left"])
@given(epochs=WEIGHTED, at=st.integers(0, 5), split=st.integers(1, 127), increments=st.booleans())
def test_a_restored_merge_goes_on_as_if_nothing_had_happened(how, epochs, at, split, increments):
    operator = merge_operator(node(how), emits_changes=True, retractable=(True, True))
    shown, seen = Shown(), (Counter(), Counter())
    ranges, chains = (range(split), range(split, 128)), ([], [])
    for number, deltas in enumerate(changelogs(epochs)):
        for side, row, weight in deltas:
            seen[side][row] += weight
        shown.add(feed(operator, deltas))
        assert shown == join(+seen[0], +seen[1], how)
        if increments:
            for groups, chain in zip(ranges, chains, strict=True):
                chain.append(operator.snapshot(groups, touched_only=bool(chain)))
            operator.snapshot_taken()
        if number == at:
            operator = continued(how, chains if increments else [[operator.snapshot(groups)] for groups in ranges])
            operator.snapshot_taken()


def test_a_row_whose_partner_comes_in_the_same_epoch_never_shows_a_null():
    operator = merge_operator(node("left"), emits_changes=True, retractable=(True, True))
    out = feed(operator, [(0, (1, "a", 5), 1), (1, (1, "b", 6), 1)])
    assert [row for batch in out for row in plain(batch.rows)] == [(1, "a", 5, "b", 6)]
    out = feed(operator, [(1, (1, "b", 6), -1)])
    assert [(row, batch.weights) for batch in out for row in plain(batch.rows)] == [
        ((1, "a", 5, "b", 6), np.array([-1])),
        ((1, "a", 5, None, None), None),
    ]
    out = feed(operator, [(1, (1, "b", 6), 1), (1, (1, "b", 6), -1)])
    assert out == []


def test_a_take_back_may_come_before_its_row_within_an_epoch():
    operator = merge_operator(node(), emits_changes=True, retractable=(True, True))
    assert feed(operator, [(0, (1, "a", 5), -1), (1, (1, "b", 6), 1), (0, (1, "a", 5), 1)]) == []
    assert operator.sides[0].rows.size == 0


def test_several_keys_of_several_types_with_nan_that_matches_nan():
    schema = pa.schema([("k", pa.float64()), ("d", pa.dictionary(pa.int8(), pa.string())), ("v", pa.list_(pa.int64()))])
    merged = plan.Merge(*(plan.Scan(Source(n, schema)) for n in "lr"), (("k", "k"), ("d", "d")), "inner")
    operator = merge_operator(merged, emits_changes=True, retractable=(False, False))
    nan = float("nan")
    keys = [pa.array([nan, -0.0, None, 1.0]), pa.array(["a", "b", "b", None]).dictionary_encode()]
    indices = keys[1].indices.cast(pa.int8())
    keys[1] = pa.DictionaryArray.from_arrays(indices, keys[1].dictionary)
    for side in (0, 1):
        values = pa.array([[side], [side, side], [], None], pa.list_(pa.int64()))
        list(operator.on_batch(side, Batch(pa.RecordBatch.from_arrays([*keys, values], schema=schema))))
    (batch,) = operator.end_epoch()
    assert batch.rows.schema.names == ["k", "d", "v_x", "v_y"]
    assert batch.rows.column(1).to_pylist() == ["a", "b"]
    assert batch.rows.column(2).to_pylist() == [[0], [0, 0]]
    assert batch.rows.column(3).to_pylist() == [[1], [1, 1]]


def test_nested_columns_are_refused_only_where_rows_must_be_compared():
    schemas = (pa.schema([*LEFT, ("tags", pa.list_(pa.string()))]), RIGHT)
    merge_operator(node(schemas=schemas), emits_changes=True, retractable=(False, True))
    with pytest.raises(PlanError, match="'tags' is list<.*leave the column out before the merge"):
        merge_operator(node(schemas=schemas), emits_changes=True, retractable=(True, False))


def test_memory_of_forgotten_rows_is_given_back(monkeypatch):
    monkeypatch.setattr(joined_rows, "MOST_ROWS", 1_000)
    operator = merge_operator(node(ttl=1_000), emits_changes=True, retractable=(False, False))
    pairs = 0
    for epoch in range(60):
        rows = [(row, f"{row:030}", row) for row in range(1_000 * epoch, 1_000 * (epoch + 1))]
        for side in (0, 1):
            list(operator.on_batch(side, as_batch(rows, LEFT)))
        batches = list(operator.end_epoch())
        assert all(batch.num_rows <= 1_000 for batch in batches)
        pairs += sum(batch.num_rows for batch in batches)
        assert list(operator.on_watermark(1_000 * (epoch + 1))) == []
        if epoch == 9:
            early = operator.state_bytes
    assert pairs == 60_000 and operator.keys.size <= 1_001
    assert operator.state_bytes <= 1.5 * early
    assert operator.report.counts == {"expired": 2 * 59_000}


def test_a_store_keeps_rows_in_order_through_compactions(monkeypatch):
    monkeypatch.setattr(row_store, "FEW_ROWS", 4)
    store, model = row_store.RowStore(pa.schema([("v", pa.int64())])), {}
    for step in range(40):
        values = list(range(7 * step, 7 * step + 7))
        slots, _, _ = store.add(pa.record_batch({"v": values}))
        model |= dict(zip(slots.tolist(), values, strict=True))
        gone = [slot for slot, value in model.items() if value % 5 != 0 and value < 7 * step - 9]
        store.remove(np.array(gone, np.int64))
        model = {slot: value for slot, value in model.items() if slot not in gone}
        store.compact()
        live = store.live_slots()
        assert sorted(live.tolist()) == sorted(model)
        assert store.take(live).column(0).to_pylist() == sorted(model.values())
        backwards = np.array(sorted(model, reverse=True), np.int64)
        assert store.take(backwards).column(0).to_pylist() == [model[slot] for slot in backwards.tolist()]
    assert len(store._pieces) < 6 and int(store._starts[-1]) < 2 * store.size + 20


def test_one_kernel_is_compiled():
    assert len(joins.probe.signatures) == 1


# Through frames


def frames(seed=5):
    draw = np.random.default_rng(seed)

    def table(rows, value):
        at = pd.Timestamp("2013-01-01", tz="UTC") + pd.to_timedelta(draw.integers(0, 500, rows), unit="s")
        return pd.DataFrame(
            {"k": draw.integers(0, 40, rows), "g": draw.choice(list("xyz"), rows), "at": at, value: range(rows)}
        )

    return table(300, "a"), table(200, "b")


def same(actual, expected):
    columns = list(expected.columns)
    actual = actual.sort_values(columns, ignore_index=True)
    expected = expected.sort_values(columns, ignore_index=True)
    pd.testing.assert_frame_equal(actual, expected, check_dtype=False)


@pytest.mark.parametrize("how", ["inner", "left"])
@pytest.mark.parametrize("parallelism", [1, 3])
def test_frames_merge_as_pandas_does(how, parallelism):
    left, right = frames()
    merged = ph.from_pandas(left).merge(ph.from_pandas(right), on=["k", "g"], how=how)
    expected = left.merge(right, on=["k", "g"], how=how)
    same(merged.compute(parallelism=parallelism), expected)
    with merged.start(parallelism=parallelism, max_rows=37) as query:
        query.wait()
        same(query.latest(), expected)


@pytest.mark.parametrize("parallelism", [1, 3])
def test_aggregates_can_be_merged_while_they_change(parallelism):
    left, right = frames()
    sums = [
        ph.from_pandas(table).groupby("k").agg(total=(value, "sum")) for table, value in ((left, "a"), (right, "b"))
    ]
    expected = [
        table.groupby("k").agg(total=(value, "sum")).reset_index() for table, value in ((left, "a"), (right, "b"))
    ]
    with sums[0].merge(sums[1], on="k", how="left").start(parallelism=parallelism, max_rows=23) as query:
        query.wait()
        same(query.latest(), expected[0].merge(expected[1], on="k", how="left"))


# An input that ends


def let_go_by(operator):
    """How many rows each side of a merge keeps."""
    return [side.rows.size for side in operator.sides]


@pytest.mark.parametrize("how", ["inner", "left"])
@pytest.mark.parametrize("ends", [0, 1])
@given(epochs=WEIGHTED, at=st.integers(0, 4), restored=st.integers(0, 5), split=st.integers(1, 127))
def test_beside_an_input_that_has_ended_rows_are_joined_and_let_go(how, ends, epochs, at, restored, split):
    operator = merge_operator(node(how), emits_changes=True, retractable=(True, True))
    shown, seen = Shown(), (Counter(), Counter())
    epochs = [[row for row in epoch if number <= at or row[0] != ends] for number, epoch in enumerate(epochs)]
    ranges, chains = (range(split), range(split, 128)), ([], [])
    for number, deltas in enumerate(changelogs(epochs)):
        out = []
        for side, row, weight in deltas:
            seen[side][row] += weight
            out += operator.on_batch(side, as_batch([row], LEFT, [weight]))
        if number == at:
            operator.input_ended(ends)
        shown.add([*out, *operator.end_epoch()])
        assert shown == join(+seen[0], +seen[1], how)
        if number >= at:
            assert let_go_by(operator)[1 - ends] == 0
            assert operator.keys.size <= len({row[0] for row in +seen[ends]})
        for groups, chain in zip(ranges, chains, strict=True):
            chain.append(operator.snapshot(groups, touched_only=bool(chain)))
        operator.snapshot_taken()
        if number == restored:
            operator = continued(how, chains)
            assert operator.ended[ends] == (number >= at)
            chains = ([], [])


@pytest.mark.parametrize("ttl", [None, 7])
@given(epochs=TIMED, at=st.integers(0, 6))
def test_in_append_mode_rows_without_a_partner_are_shown_when_the_right_input_has_ended(ttl, epochs, at):
    operator = merge_operator(node("left", ttl), emits_changes=False, retractable=(False, False))
    shown, seen = Shown(), (Counter(), Counter())
    for number, epoch in enumerate(epochs):
        out = []
        for side, (k, name, _), ahead in epoch:
            if side == 0 or number <= at:
                row = (k, name, 8 * number + abs(ahead))
                seen[side][row] += 1
                out += operator.on_batch(side, as_batch([row], LEFT))
        if number == at:
            operator.input_ended(1)
        shown.add([*out, *operator.end_epoch()])
        watermark = 8 * number
        shown.add(operator.on_watermark(watermark))
        expected = join(*seen, "left", ttl)
        if number < at:
            waiting = watermark - ttl if ttl is not None else MIN_TIME
            expected = Counter(
                {r: n for r, n in expected.items() if r[4] is not None or r[0] is None or r[2] < waiting}
            )
        else:
            assert let_go_by(operator)[0] == 0
        assert shown == expected
    if len(epochs) <= at:
        operator.input_ended(1)
        shown.add(operator.end_epoch())
    shown.add(operator.on_watermark(MAX_TIME))
    assert shown == join(*seen, "left", ttl)


def test_memory_of_rows_that_waited_for_the_other_input_to_end_is_given_back():
    operator = merge_operator(node("left"), emits_changes=True, retractable=(False, False))
    list(operator.on_batch(1, as_batch([(k, "table", 0) for k in range(50)], RIGHT)))
    list(operator.end_epoch())
    small = operator.state_bytes
    for epoch in range(40):
        list(operator.on_batch(0, as_batch([(row % 50, f"{row:030}", row) for row in range(1_000)], LEFT)))
        if epoch == 20:
            assert operator.state_bytes > 4 * small
            operator.input_ended(1)
        assert sum(batch.num_rows for batch in operator.end_epoch()) == 1_000
        if epoch >= 20:
            assert let_go_by(operator) == [0, 50]
    assert operator.state_bytes < 4 * small + 500_000


def dimension_and_facts(how, parallelism, mode, first):
    """What a query shows, epoch by epoch, of many facts beside a table of a few rows which is read first or last."""
    schema = {"k": pa.int64(), "x": pa.int64()}
    facts = [{"k": n % 7, "x": n} for n in range(60)]
    table = [{"k": k, "x": 100 * k} for k in range(5)]
    left = scripted(schema, [rows(*facts)], name="facts")
    right = scripted(schema, [rows(*table)], name="table")
    cuts = [[4, 3], [4, 2], [4, 0], [4, 0], [4, 0]] if first else [[9, 0], [9, 0], [9, 5], [9, 0]]
    frame = left.merge(right, on="k", how=how)
    return trace(frame, Schedule(epochs=tuple(map(tuple, cuts)), parallelism=parallelism), mode=mode)


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize("how", ["inner", "left"])
@pytest.mark.parametrize("mode", ["update", "append"])
@pytest.mark.parametrize("first", [True, False])
def test_at_every_epoch_facts_stand_beside_the_table_that_has_been_read(first, mode, how, parallelism):
    results = dimension_and_facts(how, parallelism, mode, first)
    ended = False
    for result in results:
        ended = ended or result.watermarks[1] == MAX_TIME
        facts, table = result.consumed
        names = {row["k"]: row["x"] for row in table}
        expected = [
            {"k": row["k"], "x_x": row["x"], "x_y": names.get(row["k"])}
            for row in facts
            if row["k"] in names or (how == "left" and (mode == "update" or ended))
        ]
        assert sorted(map(str, result.table)) == sorted(map(str, expected))
    assert ended and len(results) > 4


def test_a_watched_folder_has_not_ended_when_all_its_files_have_been_read(tmp_path, monkeypatch):
    monkeypatch.setattr(feed_module, "LOOK_FOR_SPLITS", 1_000)
    table = pd.DataFrame({"k": [1, 2], "x": [10, 20]})

    def write(number):
        at = pd.Timestamp("2013-01-01", tz="UTC") + pd.to_timedelta([100 * number, 100 * number + 30], unit="s")
        pd.DataFrame({"k": [1, 2], "n": number, "at": at}).to_parquet(tmp_path / "new")
        (tmp_path / "new").rename(tmp_path / f"{number}.parquet")

    write(0)
    folder = ph.read_parquet(tmp_path, watch=True, time="at", out_of_order="1s")
    frame = folder.merge(ph.from_pandas(table), on="k")
    with frame.start() as merged, folder.groupby([ph.tumbling("1min")]).agg(n=ph.size()).start() as windows:
        for number in range(3):
            if number:
                write(number)
            patience = time.monotonic() + 30
            while merged.progress.rows < 2 * number + 4 or windows.progress.rows < 2 * number + 2:
                assert time.monotonic() < patience
                with suppress(TimeoutError):
                    merged.wait(0.01)
        assert sorted(merged.latest().x.tolist()) == [10, 10, 10, 20, 20, 20]
        assert windows.progress.late == 0
