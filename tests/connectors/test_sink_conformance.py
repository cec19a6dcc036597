"""What every sink keeps to, and what is special about each."""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import fs

import playhead.io as ph
from playhead.batch import Batch
from playhead.errors import PlanError, RowsNotKeptWarning, SinkError, UserFunctionError
from playhead.sinks.counting import CountingSink
from playhead.sinks.memory import MemorySink
from playhead.sinks.parquet import write_parquet
from playhead.sinks.sink import SinkContext

SCHEMA = pa.schema([("key", pa.string()), ("n", pa.int64())])
EPOCHS = [(1, [("a", 1)]), (2, [("a", 2), ("b", 1)]), (7, [(None, 3)])]


def batch(rows, weights=None):
    columns = list(zip(*rows, strict=True)) or [[], []]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return Batch(pa.RecordBatch.from_arrays(arrays, schema=SCHEMA), None if weights is None else np.array(weights))


def context(mode="append"):
    return SinkContext(SCHEMA, mode, None, "a query")


def memory(folder):
    sink = MemorySink()
    return sink, lambda: [tuple(row.values()) for row in sink.latest().to_pylist()]


def counting(folder):
    sink = ph.to_nothing()
    return sink, lambda: sink.net_rows


def callback(folder):
    rows = []
    return ph.to_callback(
        lambda epoch, changes: rows.extend(tuple(row.values()) for row in changes.to_pylist())
    ), lambda: rows


def parquet(folder):
    sink = ph.to_parquet(folder / "out", target_bytes=1)
    return sink, lambda: [tuple(row.values()) for row in pq.read_table(folder / "out").to_pylist()]


every_sink = pytest.mark.parametrize("make", [memory, counting, callback, parquet], ids=lambda make: make.__name__)


@every_sink
def test_epochs_arrive_whole_and_in_their_order(make, tmp_path):
    sink, result = make(tmp_path)
    sink.open(context())
    for epoch, rows in EPOCHS:
        sink.write(epoch, batch(rows), epoch * 10)
    sink.close(failed=False)
    everything = [row for _, rows in EPOCHS for row in rows]
    assert result() == (len(everything) if make is counting else everything)


@every_sink
def test_a_sink_says_what_it_can_hold_and_what_it_promises(make, tmp_path):
    sink, _ = make(tmp_path)
    assert sink.modes
    assert set(sink.modes) <= {"append", "update", "complete"}
    assert sink.guarantee


@every_sink
def test_after_a_failure_nothing_is_half_written(make, tmp_path):
    sink, _ = make(tmp_path)
    sink.open(context())
    sink.write(1, batch([("a", 1)]), 0)
    sink.close(failed=True)
    for folder, _, names in os.walk(tmp_path):
        for name in names:
            assert name.endswith(".parquet")
            pq.read_table(os.path.join(folder, name))


@every_sink
def test_a_query_without_results_leaves_an_empty_one(make, tmp_path):
    sink, result = make(tmp_path)
    sink.open(context())
    sink.close(failed=False)
    assert result() == (0 if make is counting else [])


@every_sink
def test_closing_before_opening_or_twice_is_harmless(make, tmp_path):
    sink, _ = make(tmp_path)
    sink.close(failed=True)
    sink.open(context())
    sink.close(failed=False)
    sink.close(failed=False)


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


def test_a_callback_is_a_function_and_a_format_is_known():
    with pytest.raises(PlanError, match="a callback is a function"):
        ph.to_callback("print")
    with pytest.raises(PlanError, match="format='csv'"):
        ph.to_callback(print, format="csv")
    named_weight = SinkContext(pa.schema([("weight", pa.int64())]), "update", None, "q")
    with pytest.raises(PlanError, match="rename it"):
        ph.to_callback(print).open(named_weight)


def test_parquet_files_have_their_name_only_when_they_are_whole(tmp_path):
    sink = ph.to_parquet(tmp_path / "out")
    sink.open(context())
    sink.write(1, batch([("a", 1)]), 0)
    assert [name for name in os.listdir(tmp_path / "out") if name.endswith(".parquet")] == []
    sink.close(failed=False)
    assert os.listdir(tmp_path / "out") == ["part-00000.parquet"]


def test_parquet_begins_a_new_file_at_the_target_size(tmp_path, monkeypatch):
    monkeypatch.setattr("playhead.sinks.parquet.ROW_GROUP", 2)
    sink = ph.to_parquet(tmp_path, target_bytes=100)
    sink.open(context())
    for epoch in range(4):
        sink.write(epoch, batch([("a", epoch), ("b", epoch)]), 0)
    sink.close(failed=False)
    assert sorted(os.listdir(tmp_path)) == [f"part-0000{part}.parquet" for part in range(4)]
    assert pq.read_table(tmp_path).column("n").to_pylist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_parquet_refuses_a_folder_with_something_in_it_and_a_file(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SinkError, match=r"is not empty: it has notes\.txt"):
        ph.to_parquet(tmp_path).open(context())
    with pytest.raises(SinkError, match="is a file"):
        ph.to_parquet(tmp_path / "notes.txt").open(context())


class ForbiddenHandler(fs.FSSpecHandler):
    def __init__(self):
        pass

    def __getattribute__(self, name):
        if name in ("open_output_stream", "create_dir"):
            return self.refuse
        return super().__getattribute__(name)

    def refuse(self, *arguments, **options):
        raise PermissionError(13, "Permission denied")

    def get_file_info(self, paths):
        return [fs.FileInfo(path, fs.FileType.NotFound) for path in paths]

    def get_type_name(self):
        return "forbidden"


def test_parquet_refuses_a_folder_that_it_may_not_write_to_before_anything_runs():
    sink = ph.to_parquet("/out", filesystem=fs.PyFileSystem(ForbiddenHandler()))
    with pytest.raises(SinkError, match="cannot make the folder '/out'.*Permission denied"):
        sink.open(context())
    sink.close(failed=True)


def test_parquet_cannot_take_rows_back(tmp_path):
    sink = ph.to_parquet(tmp_path)
    sink.open(context())
    with pytest.raises(SinkError, match="epoch 4 takes rows back"):
        sink.write(4, batch([("a", 1)], [-1]), 0)
    sink.close(failed=True)
    assert os.listdir(tmp_path) == []


BATCHES = [batch([("a", 1)]).rows, batch([("b", 2)]).rows]


def broken():
    yield BATCHES[0]
    raise KeyboardInterrupt


@pytest.mark.parametrize("path", ["table.parquet", "folder/"])
def test_a_table_is_written_whole_or_not_at_all(path, tmp_path):
    target = f"{tmp_path}/{path}"
    with pytest.raises(KeyboardInterrupt):
        write_parquet(target, broken(), SCHEMA)
    assert [name for _, _, names in os.walk(tmp_path) for name in names] == []
    assert write_parquet(target, iter(BATCHES), SCHEMA) == 2
    assert pq.read_table(target).to_pylist() == [{"key": "a", "n": 1}, {"key": "b", "n": 2}]
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []


def test_a_table_that_is_there_is_replaced_only_by_a_whole_one(tmp_path):
    target = tmp_path / "table.parquet"
    write_parquet(target, BATCHES[:1], SCHEMA)
    with pytest.raises(KeyboardInterrupt):
        write_parquet(target, broken(), SCHEMA)
    assert pq.read_table(target).num_rows == 1
    write_parquet(target, BATCHES, SCHEMA)
    assert pq.read_table(target).num_rows == 2
    with pytest.raises(SinkError, match="cannot write to"):
        write_parquet(tmp_path / "no" / "folder" / "table.parquet", BATCHES, SCHEMA)


def test_sinks_are_shown_in_a_few_words(tmp_path):
    assert repr(ph.to_parquet("delays")) == "<parquet: delays>"
    assert repr(ph.to_nothing()) == "<nothing: 0 rows counted>"
    assert repr(ph.to_memory()) == "<memory: epoch 0>"
    assert repr(ph.to_callback(print)) == "<callback: print, format=arrow>"
