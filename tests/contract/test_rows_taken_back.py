"""C1 where rows are taken back: aggregates over aggregates, and windows of windows, are right after every epoch."""

from __future__ import annotations

from datetime import timedelta

import pytest
from contract_queries import FEW, WINDOWS, every_aggregate, examples, row_lists, stream
from hypothesis import given
from hypothesis import strategies as st

import playhead as ph
from playhead.testing import Grouped, assert_same_rows, schedules, trace
from playhead.testing.aggregates import AGGREGATES, is_missing

MICROSECOND = timedelta(microseconds=1)
CASE = WINDOWS["tumbling"]

FIRST = {"x": ("x", "max"), "i": ("i", "sum"), "s": ("s", "last"), "b": ("b", "any"), "g": ("g", "min")}
"""What is aggregated first; each result is named after its column, so that it can be aggregated again."""
FIRST_ORACLE = {name: (column, AGGREGATES[what]) for name, (column, what) in FIRST.items()}

WITHOUT_ORDER = [
    name for name in every_aggregate(take_back=True).columns if name.split("_")[0] not in ("first", "last")
]


def small(rows):
    """Without values so large that the rounding of their squares is seen in a variance after they were taken back."""

    def kept(value):
        return None if value is not None and abs(value) > 100 else value

    return [{**row, "x": kept(row["x"]), "i": kept(row["i"])} for row in rows]


def without(asked, names):
    return type(asked)({name: asked.columns[name] for name in names})


@pytest.mark.parametrize("keys", [(), ("b",), ("s",)], ids=str)
@examples(0.4)
@given(data=st.data(), schedule=schedules(), mode=st.sampled_from(["update", "complete", "append"]))
def test_every_aggregate_of_running_aggregates_follows_them(keys, data, schedule, mode):
    rows = small(data.draw(row_lists(CASE)))
    asked = without(every_aggregate(take_back=True), WITHOUT_ORDER)
    frame = stream(rows, schedule, CASE).groupby("k").agg(**FIRST).groupby(list(keys)).agg(**asked.agg)
    inner, outer = Grouped(("k",), FIRST_ORACLE), Grouped(keys, asked.oracle, time="none")
    for result in trace(frame, schedule, mode=mode):
        shown = mode != "append" or result.final
        expected = outer.answer(plain(inner.answer(result.consumed[0]))) if shown else []
        assert_same_rows(result.table, expected, f"the table after epoch {result.epoch}")


WINDOW_OF_WINDOWS = {
    "tumbling": ph.tumbling("20s"),
    "hopping": ph.hopping("20s", "10s"),
    "hopping by panes": ph.hopping("25s", "15s"),
    "session": ph.session("10s"),
    "no window": None,
}


@pytest.mark.parametrize("mode", ["update", "append", "complete"])
@pytest.mark.parametrize("window", WINDOW_OF_WINDOWS.values(), ids=list(WINDOW_OF_WINDOWS))
@examples(0.3)
@given(data=st.data(), schedule=schedules(), lateness=st.sampled_from(["0s", "7s"]))
def test_windows_of_windows_are_right_although_their_rows_come_and_go(window, mode, data, schedule, lateness):
    rows = small(data.draw(row_lists(CASE)))
    first = stream(rows, schedule, CASE, disorder=3).groupby(["k", ph.tumbling("10s")], allowed_lateness=lateness)
    asked = every_aggregate(take_back=True) if window else without(every_aggregate(take_back=True), WITHOUT_ORDER)
    frame = first.agg(**FIRST).groupby(["b", window] if window else ["b"]).agg(**asked.agg)
    inner = Grouped(("k",), FIRST_ORACLE, ph.tumbling("10s"))
    outer = Grouped(("b",), asked.oracle, window, time="last instant")
    allowed = timedelta(seconds=int(lateness[0]))
    late = []
    for result in trace(frame, schedule, mode=mode):
        late += [row for row in result.late]
        kept = less(result.consumed[0], late)
        seen = plain(inner.answer(kept))
        for row in seen:
            row["last instant"] = row["window_end"] - MICROSECOND
        expected = outer.answer(seen)
        if mode == "append":
            expected = [row for row in expected if closed(row, window, result, allowed)]
        assert_same_rows(result.table, expected, f"the table after epoch {result.epoch}")


def closed(row, window, result, allowed):
    if window is None:
        return result.final
    end = int((row["window_end"] + allowed).timestamp()) * 1_000_000 + (row["window_end"] + allowed).microsecond
    return result.watermark > end if isinstance(window, type(ph.session("1s"))) else result.watermark >= end


def less(rows, late):
    """The rows that are not among the late ones."""
    left = [{name: value for name, value in row.items() if not name.startswith("window")} for row in late]
    kept = []
    for row in rows:
        found = next((other for other in left if all(same(row[name], value) for name, value in other.items())), None)
        if found is None:
            kept.append(row)
        else:
            left.remove(found)
    assert not left
    return kept


def same(one, other):
    return one == other or (is_missing(one) and is_missing(other))


def plain(rows):
    """Results of an oracle as values: a sum of floats is taken as it is."""
    return [{name: getattr(value, "value", value) for name, value in row.items()} for row in rows]


@examples(0.5)
@given(data=st.data(), schedule=schedules())
def test_a_filter_behind_an_aggregate_takes_back_what_no_longer_passes(data, schedule):
    rows = data.draw(row_lists(CASE))
    running = stream(rows, schedule, CASE).groupby("k").agg(n=("i", "size"), total=("i", "sum"))
    odd = running[(running.n - running.n // 2 * 2) == 1].assign(double=lambda f: f.total * 2)
    inner = Grouped(("k",), {"n": ("i", len), "total": ("i", AGGREGATES["sum"])})
    for result in trace(odd, schedule):
        expected = [row for row in inner.answer(result.consumed[0]) if row["n"] % 2]
        assert_same_rows(result.table, [{**row, "double": 2 * row["total"]} for row in expected])


@examples(0.5)
@given(data=st.data(), schedule=schedules())
def test_results_shown_now_and_then_are_right_when_they_are_shown(data, schedule):
    rows, every = data.draw(row_lists(CASE)), 20_000_000
    frame = stream(rows, schedule, CASE).groupby(["k", ph.tumbling("10s")], emit_every="20s").agg(**FEW.agg)
    oracle = Grouped(("k",), FEW.oracle, ph.tumbling("10s"))
    results, shown = trace(frame, schedule), None
    for result in results:
        if shown is None or result.watermark // every > shown or result.final:
            shown = result.watermark // every
            assert_same_rows(result.table, oracle.answer(result.consumed[0]))
