"""What is no group and no row survives snapshots too: a limit, an event time, what is closed, a table in memory."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playhead.batch import Batch
from playhead.operators.limit import LimitOperator
from playhead.operators.session_keys import SessionKeys
from playhead.operators.with_time import WithTimeOperator
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.sinks.memory import MemorySink
from playhead.sinks.sink import SinkContext
from playhead.state.tables import merged

TIME = pa.timestamp("us", "UTC")
ALL = range(128)


def continued(operator, parts):
    for part in parts:
        operator.restore(part)
    operator.restored()
    return operator


def test_a_limit_goes_on_where_it_was_in_the_one_task_that_has_rows():
    limit, chain = LimitOperator(10), []
    for rows in (3, 4):
        list(limit.on_batch(0, Batch(pa.record_batch({"x": list(range(rows))}))))
        chain.append(limit.snapshot(range(64), touched_only=bool(chain)))
        limit.snapshot_taken()
    assert continued(LimitOperator(10), chain).left == 3
    assert limit.snapshot(range(64, 128)) == {}
    moved = continued(LimitOperator(10), chain).snapshot(range(43))
    assert continued(LimitOperator(10), [moved]).left == 3


def test_a_new_event_time_is_promised_from_the_greatest_time_before_the_break():
    operator, chain = WithTimeOperator(0, 10), []
    for times in ([100, 300], [200]):
        list(operator.on_batch(0, Batch(pa.record_batch([pa.array(times, TIME)], names=["at"]))))
        chain.append(operator.snapshot(ALL, touched_only=bool(chain)))
        operator.snapshot_taken()
    assert continued(WithTimeOperator(0, 10), chain).output_watermark(0) == 290
    others = continued(WithTimeOperator(0, 10), [operator.snapshot(range(43, 86))])
    assert others.output_watermark(0) == MIN_TIME


def test_what_was_closed_of_a_key_is_kept_and_a_forgotten_key_is_gone_from_the_chain():
    fields = {"k": pa.string()}
    keys, chain = SessionKeys(fields, 5, TIME), []
    slots = keys.find_or_insert([pa.array(["a", "b", None])], 3, MIN_TIME)
    keys.close(slots[:1], np.array([10]), np.array([20]))
    chain.append(keys.snapshot(None, touched_only=False))
    keys.snapshot_taken()
    keys.forget(slots[1:2])
    keys.close(slots[2:], np.array([30]), np.array([40]))
    chain.append(keys.snapshot(None, touched_only=True))
    again = SessionKeys(fields, 5, TIME)
    found = again.load(merged(chain)["keys"])
    assert again.slots.keys(found)[0].to_pylist() == ["a", None]
    assert again.closed[found].tolist() == [[10, 20], [30, 40]]
    never = SessionKeys(fields, 5, TIME)
    never.find_or_insert([pa.array(["c"])], 1, MIN_TIME)
    loaded = SessionKeys(fields, 5, TIME)
    assert loaded.closed[loaded.load(never.snapshot(None, touched_only=False)["keys"])].tolist() == [
        [MAX_TIME, MIN_TIME]
    ]


ROWS = st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([0.5, -1.0, None]))
EPOCHS = st.lists(st.lists(st.tuples(ROWS, st.integers(-2, 2)), max_size=6), max_size=8)


@pytest.mark.parametrize("mode", ["append", "update", "complete"])
@given(epochs=EPOCHS, every=st.integers(1, 3), bases=st.sets(st.integers(0, 7)))
def test_the_table_in_memory_is_the_same_after_a_restart(mode, epochs, every, bases):
    schema = pa.schema([("k", pa.string()), ("x", pa.float64())])
    sink, chain, there = opened(schema, mode), [], Counter()
    for number, epoch in enumerate(epochs):
        rows, weights = [], []
        if mode == "complete":
            there = Counter()
        for row, weight in epoch:
            weight = abs(weight) if mode != "update" else max(weight, -there[row])
            if weight:
                there[row] += weight
                rows += [row] * (1 if mode == "update" else weight)
                weights += [weight] if mode == "update" else []
        columns = [pa.array([row[at] for row in rows], field.type) for at, field in enumerate(schema)]
        batch = pa.RecordBatch.from_arrays(columns, schema=schema)
        sink.write(number + 1, Batch(batch, np.array(weights, np.int64) if mode == "update" else None), number)
        if number % every == 0:
            increment = bool(chain) and number not in bases
            chain.append(sink.snapshot(touched_only=increment))
            assert ("changes" in chain[-1]) == (increment and mode != "complete")
            sink.snapshot_taken()
            again = continued(opened(schema, mode), chain)
            assert (again.epoch, again.watermark) == (number + 1, number)
            assert Counter(map(tuple, (row.values() for row in again.latest().to_pylist()))) == +there


def opened(schema, mode):
    sink = MemorySink()
    sink.open(SinkContext(schema, mode, None, "q"))
    return sink
