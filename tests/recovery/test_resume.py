"""A query that stops, fails or is started elsewhere goes on as if nothing had happened, and says what it keeps."""

from __future__ import annotations

import json
from itertools import cycle, islice

import pandas as pd
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal
from recovery_runs import StopAfter, check, run_until

import playhead as ph
from playhead.checkpoint.catalog import CheckpointWarning
from playhead.errors import CheckpointError, FencedError, PlanError, SinkError
from playhead.preparing import QueryRestartedWarning


@pytest.mark.parametrize("parallelism", [[1], [2], [2, 3, 1], [1, 4]], ids=str)
def test_stopped_and_started_again_at_any_parallelism_it_ends_as_if_it_had_never_stopped(
    counts, rows, parallelism, tmp_path
):
    for tasks in islice(cycle(parallelism), 4):
        query = run_until(counts, [ph.to_memory()], 15, parallelism=tasks, checkpoint=tmp_path, name="stops")
        assert query.state == "stopped"
    query = counts.start(checkpoint=tmp_path, name="stops", parallelism=parallelism[0]).wait()
    check(query.latest(), rows)
    assert query.progress.rows == len(rows)


def test_files_hold_every_row_once_after_many_stops(counts, rows, tmp_path):
    for epochs in (1, 9, 30):
        run_until(counts, [ph.to_parquet(tmp_path / "out")], epochs, checkpoint=tmp_path / "c", name="files")
    counts.start([ph.to_parquet(tmp_path / "out"), StopAfter(0)], checkpoint=tmp_path / "c", name="files").wait()
    check(pq.read_table(tmp_path / "out").to_pandas(), rows)


def test_a_query_that_has_ended_is_found_ended(counts, rows, tmp_path):
    counts.start(checkpoint=tmp_path, name="ends").wait()
    again = counts.start(checkpoint=tmp_path, name="ends").wait()
    assert again.state == "finished"
    assert again.progress.rows == len(rows)
    check(again.latest(), rows)


class FailsOnce(StopAfter):
    """A sink that fails in one of its epochs, once."""

    def write(self, epoch, changes, watermark):
        self.left -= 1
        if self.left == 0:
            raise OSError("the line is down")


def test_after_a_sink_failed_the_query_goes_on_by_itself_and_says_so(counts, rows, tmp_path):
    sinks = [ph.to_memory(), ph.to_parquet(tmp_path / "out"), FailsOnce(40)]
    with pytest.warns(QueryRestartedWarning, match="goes on behind epoch .* the line is down"):
        query = counts.start(
            sinks, mode="append", checkpoint=tmp_path / "c", name="f", checkpoint_every="0us", max_rows=500
        ).wait()
    check(query.latest(), rows)
    check(pq.read_table(tmp_path / "out").to_pandas(), rows)


def test_a_failure_that_no_restart_mends_ends_the_query_with_it(counts, tmp_path):
    class Fails(StopAfter):
        def write(self, epoch, changes, watermark):
            raise OSError("broken for good")

    with pytest.warns(QueryRestartedWarning):
        query = counts.start(Fails(0), checkpoint=tmp_path, name="f", checkpoint_every=None, restarts=1)
        with pytest.raises(SinkError, match="broken for good"):
            query.wait()


# Damage


@pytest.fixture
def stopped(counts, tmp_path):
    """The folder of a query that was stopped twice."""
    for _ in range(2):
        run_until(counts, [ph.to_memory()], 20, checkpoint=tmp_path, name="q")
    return tmp_path


def newest(folder, pattern):
    return sorted((folder / "q").glob(pattern))[-1]


@pytest.mark.parametrize("damage", ["cut off", "a flipped byte", "missing"])
@pytest.mark.parametrize("file", ["checkpoints/*.json", "state/*.arrow"])
def test_a_damaged_checkpoint_is_told_and_the_one_before_it_used(counts, rows, stopped, damage, file):
    path = newest(stopped, file)
    data = path.read_bytes()
    match damage:
        case "cut off":
            path.write_bytes(data[: len(data) // 2])
        case "a flipped byte":
            path.write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])
        case "missing":
            path.unlink()
    if file.startswith("checkpoints") and damage == "missing":
        query = counts.start(checkpoint=stopped, name="q")
    else:
        with pytest.warns(CheckpointWarning, match="before"):
            query = counts.start(checkpoint=stopped, name="q")
    check(query.wait().latest(), rows)


def test_where_no_checkpoint_is_whole_nothing_is_guessed(counts, stopped):
    for path in (stopped / "q").glob("checkpoints/*.json"):
        path.write_bytes(b"{}")
    with pytest.warns(CheckpointWarning), pytest.raises(CheckpointError, match="none of them is whole"):
        counts.start(checkpoint=stopped, name="q")


def test_a_newer_format_is_refused_with_both_versions(counts, stopped):
    from playhead.checkpoint.tables import checksum

    path = newest(stopped, "checkpoints/*.json")
    body = json.dumps(json.loads(path.read_text())["manifest"] | {"format": 99, "playhead": "9.0"}).encode()
    path.write_bytes(b'{"sha256": "' + checksum([body]).encode() + b'", "manifest": ' + body + b"}\n")
    with pytest.raises(CheckpointError, match=r"format 99, written by Playhead 9\.0"):
        counts.start(checkpoint=stopped, name="q")


# Owners


def test_a_second_query_on_the_same_checkpoints_is_refused_and_the_first_goes_on(counts, rows, tmp_path):
    first = counts.start(checkpoint=tmp_path, name="one", max_rows=500)
    with pytest.raises(FencedError, match="is running already"):
        counts.start(checkpoint=tmp_path, name="one")
    check(first.wait().latest(), rows)


def test_a_checkpoint_needs_a_name_that_can_be_a_folder(counts, tmp_path):
    with pytest.raises(PlanError, match="needs a name"):
        counts.start(checkpoint=tmp_path)
    with pytest.raises(PlanError, match="also the name of a folder"):
        counts.start(checkpoint=tmp_path, name="a/b")


def test_fresh_discards_only_when_the_name_is_given_once_more(counts, stopped):
    with pytest.raises(CheckpointError, match="say fresh='q'"):
        counts.start(checkpoint=stopped, name="q", fresh=True)
    with pytest.raises(CheckpointError, match="nothing was discarded"):
        counts.start(checkpoint=stopped, name="q", fresh="other")
    query = run_until(counts, [ph.to_memory()], 1, checkpoint=stopped, name="q", fresh="q")
    assert query.progress.rows < 10_000


# Sources that are not as they were


def hourly(days):
    return ph.read_parquet(days, time="at", out_of_order="1min").groupby(ph.tumbling("1h")).agg(n=ph.size())


def write_day(folder, day):
    folder.mkdir(exist_ok=True)
    at = pd.date_range(f"2026-01-{day:02} 10:00", periods=3, freq="1min", tz="UTC")
    pd.DataFrame({"at": at}).to_parquet(folder / f"{day}.parquet")


@pytest.fixture
def ended(tmp_path):
    """A folder `days` with one file, and the checkpoints `c` of a query "etl" that has read it to its end."""
    write_day(tmp_path / "days", 1)
    hourly(f"{tmp_path}/days/").start(checkpoint=tmp_path / "c", name="etl").wait()
    return tmp_path


def test_input_that_came_after_the_end_is_not_passed_over_in_silence(ended):
    write_day(ended / "days", 2)
    with pytest.raises(CheckpointError, match=r"has not read: .*2\.parquet.*fresh='etl'"):
        hourly(f"{ended}/days/").start(checkpoint=ended / "c", name="etl")
    query = hourly(f"{ended}/days/").start(checkpoint=ended / "c", name="etl", fresh="etl").wait()
    assert query.latest()["n"].tolist() == [3, 3]


def test_the_same_files_under_another_name_go_on_where_they_were(ended, capsys):
    query = hourly(f"{ended}/days/*.parquet").start(checkpoint=ended / "c", name="etl").wait()
    assert "goes on where days stood" in capsys.readouterr().out
    assert query.latest()["n"].tolist() == [3]


def test_other_files_are_another_source_that_is_read_from_its_beginning(ended):
    write_day(ended / "others", 1)
    with pytest.raises(CheckpointError, match="new +others: is read from its beginning"):
        hourly(f"{ended}/others/").start(checkpoint=ended / "c", name="etl")


def test_a_place_that_cannot_hold_checkpoints_is_refused_in_words(counts, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be written to"):
        counts.start(checkpoint=tmp_path / "file", name="q")


def test_explain_of_a_query_says_where_its_checkpoints_are(counts, tmp_path):
    with counts.start(checkpoint=tmp_path, name="q") as query:
        assert f"checkpoint: {tmp_path}/q; " in query.explain()


# Savepoints and changed queries


def test_a_named_step_is_found_again_in_a_query_that_has_changed_around_it(history, tmp_path, capsys):
    source = ph.read_parquet(f"{history / 'input'}/", time="at", out_of_order="1min")
    for rows in (source, source[source.value > 0]):
        sizes = rows.groupby("key").agg(n=ph.size()).named("sizes")
        run_until(sizes[sizes.n > 1], [], 5, checkpoint=tmp_path, name="q", mode="update")
    assert "kept         sizes: unchanged" in capsys.readouterr().out
    other = source.rename(columns={"key": "group"}).groupby("group").agg(n=ph.size()).named("sizes")
    with pytest.raises(CheckpointError, match=r"sizes: its keys were \['key'\] and are \['group'\]"):
        other.start(ph.to_callback(print), checkpoint=tmp_path, name="q", mode="update")


def test_a_name_needs_a_step_that_keeps_something(counts):
    with pytest.raises(PlanError, match="no step with a state"):
        ph.from_pandas(pd.DataFrame({"x": [1]})).named("x")
    with pytest.raises(PlanError, match="a text that is not empty"):
        counts.named(" ")


def test_a_savepoint_begins_another_query_and_outlives_the_first(counts, rows, tmp_path):
    query = counts.start(checkpoint=tmp_path / "a", name="q", max_rows=500, checkpoint_every=None)
    place = query.savepoint("before")
    query.stop()
    with pytest.raises(CheckpointError, match="there is a savepoint 'before'"):
        query.savepoint("before")
    for path in (tmp_path / "a" / "q").glob("state/*"):
        path.unlink()
    other = counts.start(checkpoint=tmp_path / "b", name="other", resume=place).wait()
    check(other.latest(), rows)


def test_an_added_aggregate_begins_empty_and_the_others_go_on(history, rows, tmp_path, capsys):
    source = ph.read_parquet(f"{history / 'input'}/", time="at", out_of_order="1min")
    first = source.groupby("key").agg(n=ph.size(), total=("value", "sum"))
    run_until(first, [], 20, checkpoint=tmp_path, name="q", mode="update")
    second = source.groupby("key").agg(top=("value", "max"), n=ph.size(), total=("value", "sum"))
    seen = []
    query = second.start(
        ph.to_callback(lambda epoch, changes: seen.append(changes)), checkpoint=tmp_path, name="q", mode="update"
    ).wait()
    assert "kept         aggregate key: top is max(value) and begins empty" in capsys.readouterr().out
    assert query.progress.rows == len(rows)
    last = pd.concat([each.to_pandas() for each in seen]).groupby("key").last()
    expected = rows.groupby("key")["value"].agg(n="size", total="sum")
    assert_frame_equal(last[["n", "total"]], expected, check_dtype=False, check_index_type=False)


def test_another_window_is_another_step_that_begins_empty(history, tmp_path, capsys):
    source = ph.read_parquet(f"{history / 'input'}/", time="at", out_of_order="1min")
    for size in ("30s", "1min"):
        run_until(source.groupby(ph.tumbling(size)).agg(n=ph.size()), [], 3, checkpoint=tmp_path, name="q")
    told = capsys.readouterr().out
    assert "new          aggregate tumbling(1min): begins empty; the checkpoint has 'aggregate tumbling(30s)'" in told
    assert "dropped      aggregate tumbling(30s)" in told


def test_state_of_another_mode_is_refused_with_a_remedy(counts, tmp_path):
    run_until(counts, [], 3, checkpoint=tmp_path, name="q", mode="append")
    with pytest.raises(CheckpointError, match="mode='update' needs something else.*\n.*named") as error:
        counts.start(ph.to_callback(print), checkpoint=tmp_path, name="q", mode="update")
    assert "fresh='q'" in str(error.value)
