"""What is special about results in an event log; what every sink keeps to is in the conformance suite."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import playhead.io as ph
from playhead.batch import Batch
from playhead.errors import PlanError, SinkError
from playhead.sinks.sink import Prepared, SinkContext

SCHEMA = pa.schema([("key", pa.string()), ("n", pa.int64())])


def batch(rows, weights=None, schema=SCHEMA):
    return Batch(
        pa.RecordBatch.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema), weights
    )


def opened(path, *, mode="append", schema=SCHEMA, attempt=1, done=0, prepared=None, query="q", **options):
    sink = ph.to_event_log(path / "log", **options)
    sink.open(SinkContext(schema, mode, None, query, attempt, checkpointed=True))
    sink.recover(done, prepared)
    return sink


def stored(prepared):
    return Prepared(json.loads(json.dumps(prepared.details)))


def rows(path):
    return [tuple(row.values()) for row in ph.read_event_log(path / "log", until="now").to_arrow().to_pylist()]


def test_changes_are_written_with_their_weights_and_add_up(tmp_path):
    sink = opened(tmp_path, mode="update", key="key", partitions=3)
    sink.write(1, batch([("a", 1), ("b", 1)]), 0)
    sink.write(2, batch([("a", 1), ("a", 2)], np.array([-1, 1])), 0)
    sink.commit(2, stored(sink.prepare(2)))
    sink.close(failed=False)
    total = Counter()
    for key, n, weight in rows(tmp_path):
        total[key, n] += weight
    assert +total == {("a", 2): 1, ("b", 1): 1}
    assert [row for row in rows(tmp_path) if row[0] == "a"] == [("a", 1, 1), ("a", 1, -1), ("a", 2, 1)]


def test_equal_rows_are_all_there_and_rows_are_not_taken_back_in_mode_append(tmp_path):
    sink = opened(tmp_path)
    sink.write(1, batch([("a", 1), ("b", 2)], np.array([1, 3])), 0)
    sink.commit(1, stored(sink.prepare(1)))
    assert rows(tmp_path) == [("a", 1), ("b", 2), ("b", 2), ("b", 2)]
    with pytest.raises(SinkError, match="epoch 2 takes rows back"):
        sink.write(2, batch([("a", 1)], np.array([-1])), 0)
    sink.close(failed=True)


def test_what_waits_long_for_a_checkpoint_is_staged_and_seen_by_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr("playhead.sinks.event_log.STAGE_BYTES", 1)
    sink = opened(tmp_path)
    for epoch in (1, 2, 3):
        sink.write(epoch, batch([("a", epoch)]), 0)
    log = ph.event_log(tmp_path / "log")
    with log.database.reading() as connection:
        assert connection.execute("select count(*) from staged").fetchone() == (3,)
    assert (len(log), rows(tmp_path)) == (0, [])
    prepared = stored(sink.prepare(3))
    second = opened(tmp_path, attempt=2, done=3, prepared=prepared)
    assert rows(tmp_path) == [("a", 1), ("a", 2), ("a", 3)]
    with log.database.reading() as connection:
        assert connection.execute("select count(*) from staged").fetchone() == (0,)
        assert connection.execute("select count(*) from payloads").fetchone() == (3,)
    for each in (sink, second):
        each.close(failed=False)


def test_nothing_that_was_staged_in_vain_stays(tmp_path):
    sink = opened(tmp_path)
    sink.write(1, batch([("a", 1)]), 0)
    sink.prepare(1)
    sink.close(failed=True)
    opened(tmp_path, attempt=2).close(failed=False)
    with ph.event_log(tmp_path / "log").database.reading() as connection:
        assert connection.execute("select count(*) from payloads").fetchone() == (0,)


def test_results_that_others_may_have_read_are_not_written_again(tmp_path):
    sink = opened(tmp_path)
    first = None
    for epoch in (1, 2):
        sink.write(epoch, batch([("a", epoch)]), 0)
        prepared = stored(sink.prepare(epoch))
        sink.commit(epoch, prepared)
        first = first or prepared
    sink.close(failed=False)
    with pytest.raises(SinkError, match="'q' goes on behind epoch 1, and .* has its results up to epoch 2"):
        opened(tmp_path, attempt=2, done=1, prepared=first)
    with pytest.raises(SinkError, match="'q' starts from nothing"):
        opened(tmp_path, attempt=2)
    with pytest.raises(SinkError, match="attempt 0 of 'q' is out of date: attempt 1 writes"):
        opened(tmp_path, attempt=0, done=2, prepared=prepared)
    other = opened(tmp_path, query="another")
    other.write(1, batch([("b", 1)]), 0)
    other.commit(1, stored(other.prepare(1)))
    other.close(failed=False)
    assert rows(tmp_path) == [("a", 1), ("a", 2), ("b", 1)]


def test_a_log_that_lost_what_was_prepared_in_it_is_an_error(tmp_path):
    sink = opened(tmp_path)
    sink.write(1, batch([("a", 1)]), 0)
    prepared = stored(sink.prepare(1))
    sink.close(failed=True)
    (tmp_path / "log" / "log.sqlite").unlink()
    with pytest.raises(SinkError, match="has 0 of the 1 rows that epoch 1 prepared"):
        opened(tmp_path, attempt=2, done=1, prepared=prepared)


def test_a_result_that_grew_columns_or_came_to_have_them_in_another_order_goes_on(tmp_path):
    sink = opened(tmp_path, schema=pa.schema([("key", pa.string()), ("n", pa.int32())]))
    sink.write(1, batch([("a", 1)], schema=pa.schema([("key", pa.string()), ("n", pa.int32())])), 0)
    prepared = stored(sink.prepare(1))
    sink.commit(1, prepared)
    sink.close(failed=False)
    wider = pa.schema([("more", pa.float64()), ("n", pa.int64()), ("key", pa.string())])
    sink = opened(tmp_path, schema=wider, attempt=2, done=1, prepared=prepared)
    sink.write(2, batch([(0.5, 2**40, "b")], schema=wider), 0)
    sink.commit(2, stored(sink.prepare(2)))
    sink.close(failed=False)
    assert rows(tmp_path) == [("a", 1, None), ("b", 2**40, 0.5)]
    with pytest.raises(PlanError, match="'key' is string and cannot become int64; 'n' .int64. is missing"):
        opened(tmp_path, schema=pa.schema([("key", pa.int64())]), attempt=3, done=2)


def test_a_result_with_a_column_weight_is_asked_to_rename_it(tmp_path):
    with pytest.raises(PlanError, match="rename it"):
        opened(tmp_path, mode="update", schema=pa.schema([("weight", pa.int64())]))


def test_a_query_without_checkpoints_appends_again_each_time_that_it_runs(tmp_path):
    frame = ph.from_pandas(pd.DataFrame({"n": [3, 1, 2]}))
    for _ in range(2):
        frame.start(ph.to_event_log(tmp_path / "log"), name="q").wait()
    assert sorted(rows(tmp_path)) == [(1,), (1,), (2,), (2,), (3,), (3,)]


def test_a_sink_is_shown_in_a_few_words():
    sink = ph.to_event_log("/tmp/delays")
    assert repr(sink) == "<event log: /tmp/delays>"
    assert (sink.modes, sink.guarantee) == (("append", "update"), "exactly once")
