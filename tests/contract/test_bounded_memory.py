"""C5: what grows without bound is refused or told before a query starts, and the rest does not grow."""

from __future__ import annotations

import warnings
from contextlib import contextmanager

import pyarrow as pa
import pytest

import playhead as ph
from playhead.checks import StateGrowsWarning
from playhead.errors import PlanError, UnboundedStateError
from playhead.testing import Schedule, end, rows, scripted, trace

SCHEMA = {"at": pa.timestamp("us", "UTC"), "k": pa.string(), "x": pa.float64()}


def endless(name="endless"):
    script = [rows({"at": 1, "k": "a", "x": 1.0}), end()]
    return scripted(SCHEMA, script, time="at", out_of_order="1s", bounded=False, name=name)


def bounded():
    return scripted(SCHEMA, [rows({"at": 1, "k": "a", "x": 1.0})], time="at")


@contextmanager
def started(frame, **options):
    query = frame.start(**options)
    try:
        yield query.wait(30)
    finally:
        query.stop()


KEEPS_ROWS = {
    "median": lambda f: f.groupby("k").agg(m=("x", "median")),
    "nunique": lambda f: f.groupby("k").agg(m=("x", "nunique")),
    "quantile": lambda f: f.groupby("k").agg(m=ph.quantile("x", 0.9)),
    "max of what is taken back": lambda f: f.groupby("k").agg(x=("x", "sum")).agg(m=("x", "max")),
    "merge without ttl": lambda f: f.merge(endless("other"), on="k"),
}


@pytest.mark.parametrize("query", KEEPS_ROWS.values(), ids=list(KEEPS_ROWS))
def test_state_in_proportion_to_rows_is_refused_with_a_remedy_unless_allowed(query):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StateGrowsWarning)
        with pytest.raises(UnboundedStateError, match="allow_unbounded_state=True") as refused:
            query(endless()).start()
        assert any(remedy in str(refused.value) for remedy in ("add a window", "ttl="))
        with started(query(endless()), allow_unbounded_state=True) as running:
            assert running.progress.rows >= 1


@pytest.mark.parametrize("query", list(KEEPS_ROWS.values())[:4], ids=list(KEEPS_ROWS)[:4])
def test_over_a_bounded_input_nothing_is_refused(query):
    assert len(query(bounded()).compute()) == 1
    with started(query(bounded())) as running:
        assert len(running.latest()) == 1


WINDOWED = {
    "median": lambda f: f.groupby(["k", ph.tumbling("1s")]).agg(m=("x", "median")),
    "nunique": lambda f: f.groupby(["k", ph.hopping("2s", "1s")]).agg(m=("x", "nunique")),
    "session": lambda f: f.groupby(["k", ph.session("1s")]).agg(m=ph.quantile("x", 0.9)),
    "merge with ttl": lambda f: f.merge(endless("other"), on="k", ttl="1s"),
}


@pytest.mark.parametrize("query", WINDOWED.values(), ids=list(WINDOWED))
def test_a_window_or_a_time_to_live_bounds_it_without_a_word(query):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with started(query(endless())) as running:
            assert running.state == "finished"


def test_state_in_proportion_to_keys_is_told_once_with_a_live_number():
    with pytest.warns(StateGrowsWarning, match="aggregate by k .*state_bytes") as told:
        query = endless().groupby("k").agg(n=ph.size()).start().wait(30)
    assert len(told) == 1
    assert sum(query.metrics["state_bytes"].values()) > 0


def test_one_row_of_state_for_all_is_no_concern():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with started(endless().agg(n=ph.size(), total=("x", "sum"))) as running:
            assert running.latest().n.tolist() == [1]


def test_append_mode_refuses_what_is_never_final():
    with pytest.raises(PlanError, match="add a window, or use mode='update'"):
        endless().groupby("k").agg(n=ph.size()).start(mode="append")
    for left in (endless(), bounded()):
        with pytest.raises(PlanError, match="later, for other is endless; give ttl=.*how='inner'"):
            left.merge(endless("other"), on="k", how="left").start(mode="append", allow_unbounded_state=True)
    for right, ttl in ((endless("other"), "1s"), (bounded(), None)):
        with started(endless().merge(right, on="k", how="left", ttl=ttl), mode="append") as running:
            assert running.latest().x_y.tolist() == [1.0]


@pytest.mark.parametrize("how", ["inner", "left"])
@pytest.mark.parametrize("sides", ["stream and table", "table and stream", "stream and means", "means and table"])
def test_beside_a_table_that_ends_a_stream_needs_no_time_to_live(sides, how):
    stream, table, mean = endless(), bounded(), lambda frame: frame.groupby("k").agg(x=("x", "mean"))
    left, right = {
        "stream and table": (stream, table),
        "table and stream": (table, stream),
        "stream and means": (stream, mean(table)),
        "means and table": (mean(stream), table),
    }[sides]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if sides == "means and table" else "error", StateGrowsWarning)
        with started(left.merge(right, on="k", how=how)) as running:
            assert running.latest()[["x_x", "x_y"]].values.tolist() == [[1.0, 1.0]]


def test_a_merge_of_two_streams_is_refused_by_their_names_even_behind_a_limit():
    for left in (endless(), endless().limit(5)):
        with pytest.raises(UnboundedStateError, match="both are endless .endless; other.; give ttl="):
            left.merge(endless("other"), on="k").start()


@pytest.mark.parametrize("how", ["inner", "left"])
@pytest.mark.parametrize("mode", ["update", "append"])
def test_a_stream_beside_a_table_needs_the_memory_of_the_table(how, mode):
    sizes = {}
    for length in (8, 32):
        frame = ever_new_strings(length, 1).merge(bounded().rename(columns={"x": "y"})[["k", "y"]], on="k", how=how)
        nothing = frame[frame.y < 0]
        cuts = Schedule(epochs=tuple((400, 1) for _ in range(length)))
        sizes[length] = trace(nothing, cuts, mode=mode)[length - 1].state_bytes
    assert 0 < sizes[32] <= 1.15 * sizes[8]


# What is not refused does not grow

QUERIES = {
    "tumbling": lambda f: f.groupby(["k", ph.tumbling("10s")]).agg(n=ph.size(), m=("x", "mean"), top=("x", "max")),
    "hopping": lambda f: f.groupby(["k", ph.hopping("10s", "2s")]).agg(n=ph.size(), q=("x", "last")),
    "session": lambda f: f.groupby(["k", ph.session("1ms")]).agg(n=ph.size(), first=("x", "first")),
    "days": lambda f: f.groupby(["k", ph.tumbling("1D")]).agg(n=ph.size(), d=("k", "nunique")),
    "windows of windows": lambda f: (
        f.groupby(["k", ph.tumbling("2s")]).agg(x=("x", "max")).groupby([ph.tumbling("10s")]).agg(top=("x", "max"))
    ),
    "merge": lambda f: f.merge(f.select("at", "k", "x"), on="k", ttl="5s"),
    "merge_asof": lambda f: f.merge_asof(f.select("at", "k", "x"), by="k", tolerance="5s"),
}


def ever_new_strings(epochs, step):
    """Four hundred rows for each epoch, whose strings never come again."""
    made = [
        {"at": number * step, "k": f"key number {number} is as long as a uuid", "x": float(number % 97)}
        for number in range(epochs * 400)
    ]
    steps = [rows(*made[first : first + 400]) for first in range(0, len(made), 400)]
    return scripted(SCHEMA, steps, time="at", out_of_order="0s")


@pytest.mark.parametrize("mode", ["update", "append"])
@pytest.mark.parametrize("name", QUERIES)
def test_state_does_not_grow_with_the_length_of_the_input(name, mode):
    step = 86_400_000_000 // 800 if name == "days" else 10_000_000 // 400  # a day is two epochs, ten seconds are one
    sizes = {}
    for length in (16, 64):
        frame = QUERIES[name](ever_new_strings(length, step))
        nothing = frame[frame[frame.columns[-1]] < 0]
        results = trace(nothing, Schedule.cuts(*[400] * length), mode=mode)
        sizes[length] = max(result.state_bytes for result in results[length // 2 : length])
    assert 0 < sizes[64] <= 1.15 * sizes[16]


def test_the_warning_of_growth_is_true_without_a_window_state_does_grow():
    sizes = [trace(ever_new_strings(length, 1).groupby("k").agg(n=ph.size()))[-2].state_bytes for length in (8, 32)]
    assert sizes[1] > 3 * sizes[0]
