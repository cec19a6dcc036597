"""Which splits are open, and what an epoch takes from them."""

from __future__ import annotations

import threading
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import playhead as ph
from playhead.runtime.feed import Feed, Reading
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.testing import Schedule, end, idle, rows, scripted, trace

AT = pa.timestamp("us", "UTC")


@pytest.mark.parametrize("empty", [1, 2, 3, 20])
def test_splits_without_rows_do_not_hold_up_what_stands_behind_them(empty):
    splits = [[] for _ in range(empty)]
    frame = scripted({"at": AT}, *splits, [rows({"at": 1})], *splits, time="at", out_of_order="0s")
    counted = frame.groupby(ph.tumbling("1s")).agg(n=("at", "size"))
    assert counted.compute().n.tolist() == [1]
    for query in counted.start(), counted.replay(speed="max"):
        assert query.wait(20).latest().n.tolist() == [1]


def until(condition):
    """Wait for a condition with a deadline."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never happens"
        threading.Event().wait(0.001)


def feed_of(frame):
    """A feed over the source of a frame."""
    source = frame.node.source
    return Feed([(source, source.schema.names)], Reading("time", False), lambda: 0, threading.Condition())


def opened(feed):
    """How many splits are open when all that are have decoded something."""
    before = 0
    while before < (now := sum(reader.started for reader in feed.readers)):
        until(lambda: all(reader.ready or reader.finished for reader in feed.readers if reader.started))
        before = now
        feed.rows_ready(1, MAX_TIME)
    return before


def hours_of(folder, files, *, out_of_order="2h"):
    """A frame over files with rows at these hours."""
    for number, hours in enumerate(files):
        times = pa.array([hour * 3_600_000_000 for hour in hours], AT)
        pq.write_table(pa.table({"at": times}), folder / f"{number:02}.parquet")
    return ph.read_parquet(folder, time="at", out_of_order=out_of_order)


def test_files_behind_each_other_in_time_are_opened_when_it_is_their_turn(tmp_path):
    frame = hours_of(tmp_path, [(hour, hour + 1) for hour in range(0, 40, 4)])
    feed = feed_of(frame)
    try:
        assert sum(reader.started for reader in feed.readers) == 1, "the first one has a head start"
        assert opened(feed) == 2
    finally:
        feed.close()
    days = frame.groupby(ph.tumbling("1D")).agg(n=("at", "size"))
    query = days.start(mode="append").wait(20)
    assert query.latest().n.tolist() == [12, 8]
    assert query.late.compute().empty


def test_files_that_overlap_in_time_are_open_together(tmp_path):
    feed = feed_of(hours_of(tmp_path, [(first, 5, 9) for first in range(4)], out_of_order="0s"))
    try:
        seen = [opened(feed)]
        while feed.cut(1).count:
            seen.append(opened(feed))
        assert seen[:5] == [2, 2, 2, 2, 3], "5h has come from the first two: what comes next is 2h, of the third"
    finally:
        feed.close()


def test_splits_that_never_end_are_all_read():
    splits = [[rows({"at": number})] for number in range(40)]
    frame = scripted({"at": AT}, *splits, time="at", out_of_order="1s", bounded=False)
    with frame.groupby(ph.tumbling("1D")).agg(n=("at", "size")).start() as query:
        until(lambda: query.latest().n.tolist() == [40])


def test_a_split_that_has_ended_does_not_end_time_for_one_that_is_silent():
    splits = [rows({"at": 10}), end()], [rows({"at": 20}), idle(), rows({"at": 15})]
    frame = scripted({"at": AT}, *splits, time="at", out_of_order="5us")
    results = trace(frame.groupby(ph.tumbling("1us")).agg(n=("at", "size")), Schedule(epochs=((1, 1), (0, 1))))
    assert [result.watermarks for result in results] == [[MIN_TIME], [MAX_TIME], [MAX_TIME]]
    assert not any(result.late for result in results)
