"""What a frame and a query say of themselves: the plan, the mode, what sinks and sources promise, what is refused."""

from __future__ import annotations

import pyarrow as pa
import pytest

import playhead as ph

TRADES = {"at": "timestamp[us, UTC]", "k": "string", "x": "float64"}


def live() -> ph.Frame:
    return ph.push(TRADES, time="at", out_of_order="5s").frame


def last_lines(text: str, start: str) -> list[str]:
    return [line.removeprefix(start) for line in text.splitlines() if line.startswith(start)]


def test_a_frame_tells_how_start_would_run_it() -> None:
    text = ph.from_arrow(pa.table({"x": [1]})).explain()
    assert last_lines(text, "mode: ") == ["update, each epoch's net changes"]
    assert last_lines(text, "sink: ") == ["memory; guarantee: kept in memory: gone with the process"]


@pytest.mark.parametrize(
    ("sink", "mode"),
    [(ph.to_callback(print), "update"), (ph.to_parquet("/tmp/not/made"), "append"), (ph.to_nothing(), "update")],
    ids=["callback", "parquet", "nothing"],
)
def test_the_guarantee_of_each_sink_and_the_mode_that_it_takes_are_named(sink, mode) -> None:
    text = ph.from_arrow(pa.table({"x": [1]})).explain(sink=sink)
    assert last_lines(text, "mode: ")[0].startswith(mode)
    assert last_lines(text, "sink: ")[0].endswith(f"; guarantee: {sink.guarantee}")


def test_explain_with_a_sink_or_mode_that_start_would_refuse_says_so() -> None:
    running = live().groupby("k").agg(n=ph.size())
    (refused,) = last_lines(running.explain(mode="append"), "refused: ")
    with pytest.raises(ph.errors.PlanError) as told:
        running.start(mode="append")
    assert str(told.value) == refused
    with pytest.raises(ph.errors.PlanError, match="'out' is not a sink; ph.to_parquet"):
        running.explain(sink="out")
    with pytest.raises(ph.errors.PlanError, match="did you mean 'append'"):
        running.explain(mode="apend")


def test_what_is_worth_knowing_is_told() -> None:
    notes = last_lines(live().groupby("k").agg(last=("x", "last")).explain(), "note: ")
    assert any("push cannot be read again" in note for note in notes)
    assert any("declare sequence=" in note for note in notes)
    assert any("keeps every distinct key" in note for note in notes)


def test_a_query_tells_how_it_runs() -> None:
    counts = live().groupby(["k", ph.tumbling("1s")]).agg(n=ph.size())
    with counts.start([ph.to_nothing(), ph.to_memory()], mode="append") as query:
        assert query.explain() == counts.explain(sink=[ph.to_nothing(), ph.to_memory()], mode="append")
        assert last_lines(query.explain(), "mode: ") == ["append, each row once, when it is final"]
        assert len(last_lines(query.explain(), "sink: ")) == 2
