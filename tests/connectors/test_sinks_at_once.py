"""What is special about the sinks that show an epoch at once: memory, counting, callbacks."""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import playhead.io as ph
from playhead.batch import Batch
from playhead.errors import PlanError, RowsNotKeptWarning, SinkError, UserFunctionError
from playhead.sinks.counting import CountingSink
from playhead.sinks.memory import MemorySink
from playhead.sinks.sink import SinkContext

SCHEMA = pa.schema([("key", pa.string()), ("n", pa.int64())])


def batch(rows, weights=None):
    columns = list(zip(*rows, strict=True)) or [[], []]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return Batch(pa.RecordBatch.from_arrays(arrays, schema=SCHEMA), None if weights is None else np.array(weights))


def context(mode="append"):
    return SinkContext(SCHEMA, mode, None, "a query")


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 3), st.integers(-2, 3)), max_size=6),
        max_size=8,
    )
)
def test_memory_holds_the_sum_of_all_changes(epochs):
    sink, table = MemorySink(), Counter()
    sink.open(context("update"))
    for number, changes in enumerate(epochs):
        net = Counter()
        for key, n, weight in changes:
            net[key, n] += max(weight, -table[key, n] - net[key, n])
        net = {row: weight for row, weight in net.items() if weight}
        table.update(net)
        if net:
            ordered = sorted(net.items(), key=lambda item: item[1])
            sink.write(number, batch([row for row, _ in ordered], [weight for _, weight in ordered]), number)
        expected = Counter({row: count for row, count in table.items() if count})
        assert Counter(tuple(row.values()) for row in sink.latest().to_pylist()) == expected


def test_memory_in_complete_mode_holds_the_last_table_only():
    sink = MemorySink()
    sink.open(context("complete"))
    sink.write(1, batch([("a", 1), ("b", 1)]), 0)
    sink.write(2, batch([("a", 2)]), 0)
    assert sink.latest().to_pylist() == [{"key": "a", "n": 2}]


def test_memory_lets_old_changes_go_and_counts_them():
    sink = MemorySink(keep_changes=3)
    sink.open(context())
    for epoch in range(5):
        sink.write(epoch, batch([("a", epoch), ("b", epoch)]), epoch)
    with pytest.warns(RowsNotKeptWarning, match="first 8 rows .*keep_changes="):
        assert [change.epoch for change in sink.changelog()] == [4]
    assert [change.epoch for change in sink.changelog()] == [4]  # and not a second time
    assert (sink.dropped, sink.latest().num_rows, sink.epoch, sink.watermark) == (8, 10, 4, 4)


def test_memory_notices_a_row_that_is_taken_back_and_was_never_there():
    sink = MemorySink()
    sink.open(context("update"))
    sink.write(1, batch([("a", 1)], [-1]), 0)
    with pytest.raises(SinkError, match="1 rows were taken back that had never been there"):
        sink.latest()


def test_counting_counts_changes_and_rows():
    sink = CountingSink()
    sink.open(context("update"))
    sink.write(1, batch([("a", 1), ("b", 1)]), 0)
    sink.write(2, batch([("a", 1), ("a", 2)], [-1, 1]), 5)
    assert (sink.rows, sink.net_rows, sink.epochs, sink.watermark) == (4, 2, 2, 5)


def test_counts_go_back_with_the_query():
    sink = CountingSink()
    sink.open(context())
    sink.recover(0, None)
    sink.write(1, batch([("a", 1), ("b", 1)]), 5)
    prepared = sink.prepare(1)
    sink.write(2, batch([("c", 1)]), 6)
    again = CountingSink()
    for each in sink, again:
        each.recover(1, prepared)
        assert (each.rows, each.net_rows, each.epochs, each.watermark) == (2, 2, 1, 5)
    sink.recover(0, None)
    assert (sink.rows, sink.net_rows, sink.epochs, sink.watermark) == (0, 0, 0, None)


def test_a_callback_gets_weights_in_update_mode_and_the_format_it_asks_for():
    seen = []
    sink = ph.to_callback(lambda epoch, changes: seen.append((epoch, changes)), format="pandas")
    sink.open(context("update"))
    sink.write(3, batch([("a", 1), ("a", 2)], [-1, 1]), 0)
    sink.write(4, batch([("b", 1)]), 0)
    expected = pd.DataFrame({"key": ["a", "a"], "n": [1, 2], "weight": [-1, 1]})
    assert seen[0][0] == 3
    pd.testing.assert_frame_equal(seen[0][1], expected, check_dtype=False)
    assert seen[1][1]["weight"].tolist() == [1]


def test_a_callback_that_raises_is_named_with_its_line_and_the_epoch():
    def shout(epoch, changes):
        return {}["missing"]

    sink = ph.to_callback(shout)
    sink.open(context())
    line = shout.__code__.co_firstlineno + 1
    with pytest.raises(
        UserFunctionError,
        match=rf"shout raised KeyError: 'missing' at .*{os.path.basename(__file__)}:{line}, in epoch 5",
    ):
        sink.write(5, batch([("a", 1)]), 0)


def test_a_callback_is_told_how_far_the_query_went_back_and_its_errors_are_named_too():
    told = []
    sink = ph.to_callback(print, rolled_back=told.append)
    sink.open(context())
    sink.rolled_back(4)
    assert told == [4]
    ph.to_callback(print).rolled_back(4)  # nobody wants to know
    with pytest.raises(UserFunctionError, match="ZeroDivisionError.*told to go back to epoch 4"):
        ph.to_callback(print, rolled_back=lambda epoch: epoch / 0).rolled_back(4)


def test_a_callback_is_a_function_and_a_format_is_known():
    with pytest.raises(PlanError, match="a callback is a function"):
        ph.to_callback("print")
    with pytest.raises(PlanError, match="format='csv'"):
        ph.to_callback(print, format="csv")
    with pytest.raises(PlanError, match="rolled_back= is a function of an epoch, not 'print'"):
        ph.to_callback(print, rolled_back="print")
    named_weight = SinkContext(pa.schema([("weight", pa.int64())]), "update", None, "q")
    with pytest.raises(PlanError, match="rename it"):
        ph.to_callback(print).open(named_weight)


def test_sinks_are_shown_in_a_few_words(tmp_path):
    assert repr(ph.to_parquet("delays")) == "<parquet: delays>"
    assert repr(ph.to_nothing()) == "<nothing: 0 rows counted>"
    assert repr(ph.to_memory()) == "<memory: epoch 0>"
    assert repr(ph.to_callback(print)) == "<callback: print, format=arrow>"
    assert repr(ph.to_parquet("delays", changelog=True)) == "<parquet: delays, changelog>"
