"""Pushed rows, iterables, a steady rate, this machine's counters, and folders in which files appear."""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import UTC, datetime, timedelta
from threading import Event

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import playhead.io as ph
from playhead.errors import ColumnNotFoundError, DataError, PlanError, SourceError

WHEN = datetime(2013, 1, 1, tzinfo=UTC)
SCHEMA = {"at": "timestamp[us, UTC]", "n": "int64"}


class ScriptedStop:
    """Stands in for waiting: each wait runs the next step of a script; the end of the script says stop."""

    def __init__(self, *steps):
        self.steps, self.stopped = list(steps), False

    def is_set(self):
        return self.stopped

    def wait(self, timeout=None):
        if self.steps:
            self.steps.pop(0)()
        else:
            self.stopped = True
        return self.stopped


def read(source, stop=None, columns=None, position=None):
    split = source.splits()[0]
    return list(source.read(split, columns or source.schema.names, position, stop or Event()))


def rows_in(chunks, column="n"):
    return [value for chunk in chunks for value in chunk.rows.column(column).to_pylist()]


def pushing(**options):
    pushed = ph.push(SCHEMA, time="at", out_of_order="5s", **options)
    return pushed, pushed.frame.node.source


def test_everything_that_has_columns_or_names_can_be_pushed():
    pushed, source = pushing()
    assert pushed.send({"at": WHEN, "n": 1})
    assert pushed.send([{"at": WHEN, "n": 2}, {"n": 3, "at": WHEN}])
    assert pushed.send((WHEN, 4))
    assert pushed.send(pa.table({"n": pa.array([5], pa.int32()), "at": [WHEN]}))
    assert pushed.send(pd.DataFrame({"at": [WHEN], "n": [6]}, index=[17]))
    assert pushed.send([])
    pushed.close()
    assert rows_in(read(source)) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        ({"att": WHEN, "n": 1}, ColumnNotFoundError, "did you mean 'at'"),
        ({"at": WHEN, "n": "one"}, DataError, "do not fit the columns at: timestamp"),
        ({"at": WHEN, "n": 2**70}, DataError, "do not fit the columns"),
        ((WHEN,), DataError, "1 values where there are 2 columns"),
        (17, DataError, "a row is a dict or a tuple"),
        ([17], DataError, "a row is a dict or a tuple"),
        (pd.DataFrame({"n": [1]}), DataError, r"the columns \['at'\] are missing"),
        (pd.DataFrame({"at": [WHEN], "n": [1], "extra": [1]}), ColumnNotFoundError, "extra"),
    ],
)
def test_rows_that_do_not_fit_are_the_senders_error_and_nothing_is_sent(rows, error, words):
    pushed, source = pushing()
    with pytest.raises(error, match=words):
        pushed.send(rows)
    pushed.close()
    assert read(source) == []


def test_a_time_with_a_zone_does_not_lose_it_in_a_column_without_one():
    pushed = ph.push({"at": "timestamp[us]"}, time="at", tz="America/New_York", out_of_order="5s")
    with pytest.raises(DataError, match="has a zone"):
        pushed.send({"at": WHEN})


def test_pushed_rows_without_a_time_are_rejected_with_their_number():
    pushed, source = pushing()
    pushed.send([{"at": WHEN, "n": 1}, {"at": WHEN, "n": 2}])
    pushed.send([{"at": WHEN, "n": 3}, {"n": 4}])
    pushed.close()
    chunks = read(source)
    assert rows_in(chunks) == [1, 2, 3]
    assert [(list(c.rejected.position), list(c.rejected.reason)) for c in chunks if c.rejected] == [
        (["row 3"], ["event time 'at' is null"])
    ]


def test_a_full_buffer_refuses_or_waits_until_there_is_room():
    pushed, source = pushing(buffer_bytes=20)
    assert pushed.send({"at": WHEN, "n": 1})
    assert not pushed.send({"at": WHEN, "n": 2}, block=False)
    assert not pushed.send({"at": WHEN, "n": 2}, timeout=0)
    sent = threading.Thread(target=lambda: (pushed.send({"at": WHEN, "n": 3}), pushed.close()))
    sent.start()
    assert rows_in(read(source)) == [1, 3]
    sent.join(10)
    assert not sent.is_alive()


def test_closing_ends_senders_that_wait_and_later_ones_are_told():
    pushed, source = pushing(buffer_bytes=1)
    pushed.send({"at": WHEN, "n": 1})
    failures = []

    def send():
        try:
            pushed.send({"at": WHEN, "n": 2})
        except SourceError as error:
            failures.append(str(error))

    sender = threading.Thread(target=send)
    sender.start()
    pushed.close()
    sender.join(10)
    assert failures == ["push is closed; nothing can be sent any more"]
    assert rows_in(read(source)) == [1]


def test_an_idle_sender_says_so_between_its_rows():
    pushed, source = pushing()
    pushed.send({"at": WHEN, "n": 1})
    pushed.idle()
    pushed.send({"at": WHEN, "n": 2})
    pushed.close()
    assert [(chunk.rows.num_rows, chunk.idle) for chunk in read(source)] == [(1, False), (0, True), (1, False)]


def test_every_reader_gets_what_is_sent_while_it_reads_and_the_past_is_gone():
    pushed, source = pushing()
    pushed.send({"at": WHEN, "n": 1})
    one, two = (source.read(source.splits()[0], ["n"], None, Event()) for _ in range(2))
    assert next(one).rows.column("n").to_pylist() == [1]
    pushed.send({"at": WHEN, "n": 2})
    pushed.close()
    assert rows_in(list(two)) == [2]
    assert rows_in(list(one)) == [2]
    with pytest.raises(SourceError, match="cannot go back"):
        read(source, position=0)


def test_rows_pushed_from_many_threads_all_arrive():
    pushed, source = pushing(buffer_bytes=200)
    threads = [
        threading.Thread(target=lambda k=k: [pushed.send({"at": WHEN, "n": 100 * k + i}) for i in range(50)])
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    closer = threading.Thread(target=lambda: ([thread.join() for thread in threads], pushed.close()))
    closer.start()
    found = rows_in(read(source))
    closer.join()
    assert sorted(found) == sorted(100 * k + i for k in range(4) for i in range(50))
    assert all([n for n in found if n // 100 == k] == [100 * k + i for i in range(50)] for k in range(4))


def test_an_iterator_is_read_once_and_says_what_to_do():
    source = ph.from_iter(iter([{"n": 1}, {"n": 2}]), bounded=True).node.source
    assert rows_in(read(source)) == [1, 2]
    with pytest.raises(SourceError, match=r"from_iter\(lambda: \.\.\.\)"):
        read(source)
    assert not source.replayable


def test_items_of_any_kind_may_be_mixed_and_what_is_no_row_is_rejected():
    items = [{"n": 1}, [{"n": 2}, {"n": 3}], pa.table({"n": [4]}), pd.DataFrame({"n": [5]}), "six", {"n": "x"}, (8,)]
    chunks = read(ph.from_iter(items, schema={"n": "int64"}, bounded=True).node.source)
    assert rows_in(chunks) == [1, 2, 3, 4, 5, 8]
    places = [place for chunk in chunks if chunk.rejected for place in chunk.rejected.position]
    assert sorted(places) == ["item 4", "item 5"]


def test_keys_that_are_no_columns_are_warned_of_once():
    source = ph.from_iter([{"n": n, "m": 1} for n in range(3)], schema={"n": "int64"}, bounded=True).node.source
    with pytest.warns(UserWarning, match=r"\['m'\]") as warnings:
        assert rows_in(read(source)) == [0, 1, 2]
    assert len(warnings) == 1


@pytest.mark.parametrize("bounded", [True, False])
def test_an_iterable_that_raises_stops_the_source_and_names_the_item(bounded):
    def broken():
        yield {"n": 1}
        raise KeyError("gone")

    source = ph.from_iter(broken, schema={"n": "int64"}, bounded=bounded).node.source
    with pytest.raises(SourceError, match="broken raised KeyError after item"):
        read(source)


@pytest.mark.parametrize("bounded", [True, False])
def test_rows_do_not_wait_for_the_next_item_of_an_iterable(bounded):
    held = Event()

    def slow():
        yield {"n": 1}
        held.wait(30)
        yield {"n": 2}

    reader = ph.from_iter(slow, schema={"n": "int64"}, bounded=bounded).node.source.read(None, ["n"], None, Event())
    assert rows_in([next(reader)]) == [1]
    held.set()
    assert rows_in([next(reader)]) == [2]


def test_items_that_were_pulled_and_not_read_are_not_left_out_in_silence():
    source = ph.from_iter(({"n": n} for n in range(100_000)), bounded=True).node.source
    reader = source.read(None, ["n"], None, Event())
    next(reader)
    reader.close()
    with pytest.raises(SourceError, match=r"from_iter\(lambda: \.\.\.\)"):
        read(source)


def test_an_asynchronous_iterable_is_cancelled_when_nobody_reads_any_more():
    cancelled = Event()

    async def forever():
        yield {"n": 1}
        try:
            await asyncio.sleep(1_000)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    stop = Event()
    reader = ph.from_iter(forever, schema={"n": "int64"}).node.source.read(None, ["n"], None, stop)
    assert rows_in([next(reader)]) == [1]
    stop.set()
    assert list(reader) == []
    assert cancelled.wait(10)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        (17, "takes an iterable"),
        ([], "is empty"),
        ([(1, 2)], "pass schema="),
        ([{"n": None}], "nothing in 'n'"),
        ([17], "a row is a dict"),
    ],
)
def test_what_cannot_be_a_table_is_refused_when_the_frame_is_made(items, words):
    with pytest.raises(PlanError, match=words):
        ph.from_iter(items, bounded=True)


def test_the_rows_of_a_rate_follow_from_their_number_and_the_start():
    source = ph.rate(1_000, rows=10).node.source
    source.clock = lambda: 0
    reading = source.read(source.splits()[0], ["value", "timestamp"], None, Event())
    assert next(reading).rows.to_pylist() == [{"value": 0, "timestamp": datetime(1970, 1, 1, tzinfo=UTC)}]
    source.clock = lambda: 4_500
    assert rows_in([chunk := next(reading)], "value") == [1, 2, 3, 4]
    source.clock = lambda: 10**9
    rest = read(source, position=chunk.position)
    assert rows_in(rest, "value") == list(range(5, 10))
    assert rows_in(rest, "timestamp")[0] == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=5)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_is_above_zero(rate):
    with pytest.raises(PlanError, match="is not above 0"):
        ph.rate(rate)


def test_the_machine_is_read_at_even_times_of_the_injected_clock():
    source = ph.read_system(every="1s").node.source
    now = [0]
    source.clock = lambda: now[0]
    step = lambda: now.__setitem__(0, now[0] + 500_000)  # noqa: E731
    chunks = read(source, ScriptedStop(*[step] * 6))
    assert [moment.timestamp() for moment in rows_in(chunks, "timestamp")] == [1, 2, 3]
    for row in (row for chunk in chunks for row in chunk.rows.to_pylist()):
        assert 0 <= row["cpu_percent"] <= row["busiest_core_percent"] <= 100.1
        assert row["memory_used"] > 0
        assert all(value is None or value >= 0 for name, value in row.items() if name != "timestamp")


def test_the_machines_columns_name_no_process_user_or_host():
    assert ph.read_system().columns == [
        "timestamp",
        "cpu_percent",
        "busiest_core_percent",
        "memory_percent",
        "memory_used",
        "memory_available",
        "swap_used",
        "disk_read",
        "disk_written",
        "network_received",
        "network_sent",
    ]


def write(path, text, changed=None):
    """Write a file; `changed` seconds since 1970 stand for the time of the change."""
    path.write_text(text)
    if changed is not None:
        os.utime(path, (changed, changed))


@pytest.fixture
def eager(monkeypatch):
    monkeypatch.setattr("playhead.sources.watching.LOOK_SECONDS", 0.05)


def test_new_csv_files_are_read_as_they_appear_and_each_only_once(tmp_path, eager):
    write(tmp_path / "a.csv", "n\n1\n")
    source = ph.read_csv(tmp_path, watch=True).node.source
    assert not source.bounded
    stop = ScriptedStop(
        lambda: write(tmp_path / "c.csv", "n\n3\n", 1),
        lambda: write(tmp_path / "c.csv", "n\n3\n4\n", 2),
        lambda: None,
        lambda: write(tmp_path / "c.csv.tmp", "n\n9\n"),
        lambda: write(tmp_path / "d.csv", "n\n5\n"),
        lambda: None,
        lambda: None,
    )
    chunks = read(source, stop)
    assert rows_in(chunks) == [1, 3, 4, 5]
    assert not any(chunk.rejected for chunk in chunks)


def test_files_that_come_too_late_in_order_or_change_are_reported_and_not_read(tmp_path, eager):
    write(tmp_path / "m.csv", "n\n1\n", 1)
    stop = ScriptedStop(
        lambda: write(tmp_path / "a.csv", "n\n2\n"), lambda: write(tmp_path / "m.csv", "n\n3\n", 5), lambda: None
    )
    chunks = read(ph.read_csv(tmp_path, watch=True).node.source, stop)
    assert rows_in(chunks) == [1]
    reasons = {os.path.basename(c.rejected.position[0]): c.rejected.reason[0] for c in chunks if c.rejected}
    assert "appeared after" in reasons["a.csv"]
    assert "changed after it was read" in reasons["m.csv"]
    assert len([chunk for chunk in chunks if chunk.rejected]) == 2


def test_watching_goes_on_behind_the_file_of_a_position(tmp_path, eager):
    write(tmp_path / "a.jsonl", '{"n": 1}\n')
    write(tmp_path / "b.jsonl", '{"n": 2}\n')
    chunks = read(ph.read_json(tmp_path, watch=True).node.source, ScriptedStop())
    stop = ScriptedStop(lambda: write(tmp_path / "c.jsonl", '{"n": 3}\n'), lambda: None)
    again = ph.read_json(tmp_path, watch=True).node.source
    assert rows_in(read(again, stop, position=chunks[0].position)) == [2, 3]


def test_new_parquet_files_become_splits_and_broken_ones_are_told_once(tmp_path):
    pq.write_table(pa.table({"n": [1]}), tmp_path / "b.parquet")
    source = ph.read_parquet(tmp_path, watch=True).node.source
    assert [os.path.basename(split.name) for split in source.splits()] == ["b.parquet"]
    pq.write_table(pa.table({"n": [2]}), tmp_path / "a.parquet")
    (tmp_path / "half.parquet").write_bytes(b"PAR1 to be continued")
    pq.write_table(pa.table({"m": [2]}), tmp_path / "other.parquet")
    assert [os.path.basename(split.name) for split in source.splits()] == ["b.parquet", "a.parquet"]
    source.splits()
    splits = source.splits()
    assert len({split.name for split in splits}) == len(splits) == 4
    chunks = [chunk for split in splits for chunk in source.read(split, ["n"], None, Event())]
    assert rows_in(chunks) == [1, 2]
    reasons = sorted(reason for chunk in chunks if chunk.rejected for reason in chunk.rejected.reason)
    assert "half.parquet is not a whole Parquet file" in reasons[0]
    assert "other.parquet has no column 'n'" in reasons[1]


def test_an_empty_folder_can_be_watched_if_its_columns_are_declared(tmp_path, eager):
    source = ph.read_csv(tmp_path, schema={"n": "int64"}, watch=True).node.source
    stop = ScriptedStop(lambda: write(tmp_path / "a.csv", "n\n7\n"), lambda: None, lambda: None)
    assert rows_in(read(source, stop)) == [7]


def test_push_is_shown_in_a_few_words():
    pushed = ph.push({"ts": "timestamp[us, UTC]", "a": "int64", "b": "string"}, time="ts", out_of_order="1s")
    assert repr(pushed) == "<push: 3 columns, time=ts, open>"
    pushed.close()
    assert repr(pushed) == "<push: 3 columns, time=ts, closed>"
