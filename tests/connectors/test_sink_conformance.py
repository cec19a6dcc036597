"""What every sink keeps to. The sinks are the table in sink_cases.py; a new one is a line there."""

from __future__ import annotations

import json

import pytest
from sink_cases import SINKS, SinkCase, batch, epoch_batch, expected, files_in, seen
from sink_runs import QUERY, Checkpoints, context, run

from playhead.errors import SinkError
from playhead.runtime.delivery import Delivery
from playhead.sinks.sink import Prepared, ProvisionalSink, TransactionalSink

EXACTLY_ONCE = {name: case for name, case in SINKS.items() if case.exactly_once}
LASTING = {name: case for name, case in SINKS.items() if case.lasting}


def each(cases: dict[str, SinkCase]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases.values(), ids=list(cases))


@pytest.fixture
def place(tmp_path, request):
    case = request.node.callspec.params["case"]
    if case.needs:
        request.getfixturevalue(case.needs)
    path = tmp_path / "place"
    path.mkdir()
    return path


def opened(case, place, *, done=0, prepared=None, attempt=1, query=QUERY):
    """A new sink, as the runtime begins it behind an epoch."""
    sink = case.make(place)
    sink.open(context(case, attempt=attempt, query=query))
    if isinstance(sink, TransactionalSink):
        sink.recover(done, prepared)
    elif isinstance(sink, ProvisionalSink) and attempt > 1:
        sink.rolled_back(done)
    return sink


def write(case, sink, *epochs):
    for epoch in epochs:
        sink.write(epoch, epoch_batch(case.mode, epoch), epoch * 10)


def stored(prepared):
    """As it comes back from a checkpoint."""
    return Prepared(json.loads(json.dumps(prepared.details)), dict(prepared.tables))


# Without checkpoints


@each(SINKS)
def test_epochs_arrive_whole_and_in_their_order(case, place):
    sink = case.make(place)
    delivery = Delivery([sink], context(case, checkpointed=False))
    delivery.open()
    for epoch in 1, 2, 4, 5, 7:
        changes = [epoch_batch(case.mode, epoch)] if case.mode == "append" else [epoch_batch("update", epoch)]
        if case.mode != "append" and epoch in (4, 7):
            changes.insert(0, epoch_batch("update", epoch - 1))
        delivery.deliver(epoch, changes, epoch * 10)
    delivery.close(failed=False)
    if case.mode == "append":
        rows = [row for epoch in (1, 2, 4, 5, 7) for row in _rows_of(epoch_batch("append", epoch))]
        assert case.rows(place, sink) == ([("?",)] * len(rows) if case.only_counts else rows)
    else:
        assert seen(case, place, sink) == expected(case, 7)


def _rows_of(changes):
    return [tuple(row.values()) for row in changes.rows.to_pylist()]


@each(SINKS)
def test_a_sink_says_what_it_can_hold_and_what_it_promises(case, place):
    sink = case.make(place)
    assert case.mode in sink.modes
    assert set(sink.modes) <= {"append", "update", "complete"}
    assert sink.guarantee
    assert ("exactly once" in sink.guarantee) == case.exactly_once
    assert isinstance(sink, TransactionalSink) or not case.exactly_once
    assert 5 < len(repr(sink)) < 120


@each(SINKS)
def test_a_query_without_results_leaves_an_empty_one(case, place):
    sink = case.make(place)
    delivery = Delivery([sink], context(case, checkpointed=False))
    delivery.open()
    delivery.close(failed=False)
    assert case.rows(place, sink) == []


@each(SINKS)
def test_closing_before_opening_or_twice_is_harmless(case, place):
    sink = case.make(place)
    sink.close(failed=True)
    sink.open(context(case, checkpointed=False))
    sink.close(failed=False)
    sink.close(failed=False)


@each(EXACTLY_ONCE)
def test_a_failure_leaves_whole_epochs_and_nothing_unfinished(case, place):
    sink = case.make(place)
    delivery = Delivery([sink], context(case, checkpointed=False))
    delivery.open()
    delivery.deliver(1, [epoch_batch("append" if case.mode == "append" else "update", 1)], 0)
    delivery.close(failed=True)
    assert seen(case, place) in ([], expected(case, 1))
    assert [name for name in files_in(place) if "tmp" in name or "playhead" in name] == []


# With checkpoints


@each(EXACTLY_ONCE)
def test_rows_are_seen_when_they_are_committed_and_not_before(case, place):
    sink = opened(case, place)
    for first, last in (1, 3), (4, 4), (5, 9):
        before = seen(case, place)
        write(case, sink, *range(first, last + 1))
        assert seen(case, place) == before
        prepared = sink.prepare(last)
        assert seen(case, place) == before
        sink.commit(last, stored(prepared))
        assert seen(case, place) == expected(case, last)
    sink.close(failed=False)
    assert seen(case, place) == expected(case, 9)


@each(EXACTLY_ONCE)
def test_epochs_go_on_between_prepare_and_commit(case, place):
    sink = opened(case, place)
    write(case, sink, 1, 2)
    prepared = sink.prepare(2)
    write(case, sink, 3)
    sink.commit(2, stored(prepared))
    assert seen(case, place) == expected(case, 2)
    sink.commit(3, stored(sink.prepare(3)))
    assert seen(case, place) == expected(case, 3)
    sink.close(failed=False)


@each(EXACTLY_ONCE)
def test_committing_twice_is_committing_once(case, place):
    sink = opened(case, place)
    write(case, sink, 1, 2, 3)
    prepared = stored(sink.prepare(3))
    for _ in range(3):
        sink.commit(3, prepared)
        assert seen(case, place) == expected(case, 3)
    sink.close(failed=False)
    for attempt in 2, 3:
        opened(case, place, done=3, prepared=prepared, attempt=attempt).close(failed=False)
        assert seen(case, place) == expected(case, 3)


@each(EXACTLY_ONCE)
def test_a_checkpoint_without_changes_changes_nothing(case, place):
    sink = opened(case, place)
    sink.commit(1, stored(sink.prepare(1)))
    assert seen(case, place) == []
    write(case, sink, 1)
    for epoch in 1, 2, 3:
        prepared = stored(sink.prepare(epoch + 1))
        sink.commit(epoch + 1, prepared)
        assert seen(case, place) == expected(case, 1)
    opened(case, place, done=4, prepared=prepared, attempt=2).close(failed=False)
    assert seen(case, place) == expected(case, 1)


@each(EXACTLY_ONCE)
@pytest.mark.parametrize("closed", ["not at all", "failed", "well"])
def test_after_a_crash_prepared_work_is_committed_and_the_rest_comes_again(case, place, closed):
    sink = opened(case, place)
    write(case, sink, 1, 2)
    sink.commit(2, stored(sink.prepare(2)))
    write(case, sink, 3)
    prepared = stored(sink.prepare(3))
    write(case, sink, 4)  # no checkpoint holds this one
    if closed != "not at all":
        sink.close(failed=closed == "failed")
    assert seen(case, place) == expected(case, 2)
    second = opened(case, place, done=3, prepared=prepared, attempt=2)
    assert seen(case, place) == expected(case, 3)
    write(case, second, 4, 5)
    second.commit(5, stored(second.prepare(5)))
    second.close(failed=False)
    assert seen(case, place) == expected(case, 5)


@each(EXACTLY_ONCE)
def test_what_was_prepared_for_a_checkpoint_that_never_was_is_forgotten(case, place):
    sink = opened(case, place)
    write(case, sink, 1)
    prepared = stored(sink.prepare(1))
    sink.commit(1, prepared)
    write(case, sink, 2)
    sink.prepare(2)
    second = opened(case, place, done=1, prepared=prepared, attempt=2)
    assert seen(case, place) == expected(case, 1)
    write(case, second, 2, 3)
    second.commit(3, stored(second.prepare(3)))
    assert seen(case, place) == expected(case, 3)
    second.close(failed=False)


@each(EXACTLY_ONCE)
def test_a_query_that_crashed_before_its_first_checkpoint_starts_again(case, place):
    sink = opened(case, place)
    write(case, sink, 1, 2)
    sink.prepare(2)
    second = opened(case, place, attempt=2)
    write(case, second, 1)
    second.commit(1, stored(second.prepare(1)))
    second.close(failed=False)
    assert seen(case, place) == expected(case, 1)


class Crash(Exception):
    pass


@each(LASTING)
@pytest.mark.parametrize("every", [1, 3])
def test_wherever_it_crashes_each_row_is_there_once_in_the_end(case, place, every):
    """A crash after each single step, as an exception: nothing is closed, and another sink goes on."""
    steps = [(what, epoch) for epoch in range(8) for what in ("recover", "write", "prepare", "save", "commit")]
    for crash in steps:

        def stop(what, epoch, crash=crash):
            if (what, epoch) == crash:
                raise Crash

        try:
            run(case, place, 7, every=every, stop=stop)
        except Crash:
            if case.exactly_once:
                shown = seen(case, place)
                known = Checkpoints(place.parent / "place-checkpoints").epochs()
                assert shown in [expected(case, epoch) for epoch in [0, *known][-2:]], crash
    run(case, place, 8, every=every)
    assert seen(case, place) == expected(case, 8)


@each(EXACTLY_ONCE)
def test_a_process_that_was_taken_for_dead_cannot_commit_any_more(case, place):
    zombie = opened(case, place)
    write(case, zombie, 1)
    zombie.commit(1, stored(zombie.prepare(1)))
    write(case, zombie, 2)
    prepared = stored(zombie.prepare(2))
    second = opened(case, place, done=2, prepared=prepared, attempt=2)
    write(case, zombie, 3)
    write(case, second, 3)
    with pytest.raises(SinkError):
        zombie.commit(3, stored(zombie.prepare(3)))
    zombie.close(failed=True)
    assert seen(case, place) == expected(case, 2)
    second.commit(3, stored(second.prepare(3)))
    second.close(failed=False)
    assert seen(case, place) == expected(case, 3)


@each({name: case for name, case in EXACTLY_ONCE.items() if case.owned})
def test_what_belongs_to_one_query_is_refused_to_another(case, place):
    sink = opened(case, place)
    write(case, sink, 1)
    sink.commit(1, stored(sink.prepare(1)))
    sink.close(failed=False)
    with pytest.raises(SinkError, match=f"{QUERY!r}"):
        opened(case, place, query="another query")
    with pytest.raises(SinkError, match=f"{QUERY!r}"):
        case.make(place).open(context(case, checkpointed=False))
    assert seen(case, place) == expected(case, 1)


@each({name: case for name, case in EXACTLY_ONCE.items() if case.owned})
def test_results_are_not_wiped_or_doubled_by_a_start_from_nothing(case, place):
    sink = opened(case, place)
    write(case, sink, 1)
    sink.commit(1, stored(sink.prepare(1)))
    sink.close(failed=False)
    with pytest.raises(SinkError):
        opened(case, place)
    assert seen(case, place) == expected(case, 1)


@each({name: case for name, case in EXACTLY_ONCE.items() if case.goes_back})
def test_a_query_that_goes_back_to_an_older_checkpoint_takes_its_results_along(case, place):
    sink = opened(case, place)
    write(case, sink, 1)
    older = stored(sink.prepare(1))
    sink.commit(1, older)
    write(case, sink, 2, 3)
    sink.commit(3, stored(sink.prepare(3)))
    sink.close(failed=False)
    second = opened(case, place, done=1, prepared=older, attempt=2)
    write(case, second, 2)
    second.commit(2, stored(second.prepare(2)))  # other cuts than before
    write(case, second, 3, 4)
    second.commit(4, stored(second.prepare(4)))
    second.close(failed=False)
    assert seen(case, place) == expected(case, 4)


# Several sinks of one query


@each(EXACTLY_ONCE)
def test_sinks_show_a_checkpoint_together_or_not_at_all(case, place):
    """Here with a Parquet folder beside each; the other one fails to prepare."""
    other = SINKS["parquet"].make(place.parent)
    parts = [case.make(place), other]
    delivery = Delivery(parts, context(case))
    if case.mode not in other.modes:
        pytest.skip("no mode in common")
    delivery.open()
    delivery.recover(0, [])
    delivery.deliver(1, [epoch_batch("append" if case.mode == "append" else "update", 1)], 0)
    prepared = delivery.prepare(1)
    assert seen(case, place) == [] == SINKS["parquet"].rows(place.parent, None)
    delivery.commit(1, [stored(each) for each in prepared])
    together = sorted(SINKS["parquet"].rows(place.parent, None), key=str)
    assert seen(case, place) == expected(case, 1) == together
    other.prepare = lambda epoch: 1 / 0
    delivery.deliver(2, [epoch_batch("append" if case.mode == "append" else "update", 2)], 0)
    with pytest.raises(SinkError, match="ParquetSink could not prepare at epoch 2: division by zero"):
        delivery.prepare(2)
    delivery.close(failed=True)
    assert seen(case, place) == expected(case, 1) == together


# What sinks show at once


@each({name: case for name, case in SINKS.items() if not case.exactly_once})
def test_what_is_not_exactly_once_is_seen_before_a_checkpoint_holds_it(case, place):
    sink = opened(case, place)
    write(case, sink, 1)
    assert seen(case, place, sink) == expected(case, 1)


def test_the_batches_of_the_tests_add_up_to_their_tables():
    for mode in "append", "update":
        table = {}
        for epoch in range(1, 30):
            changes = epoch_batch(mode, epoch)
            weights = [1] * changes.num_rows if changes.weights is None else changes.weights.tolist()
            for row, weight in zip(_rows_of(changes), weights, strict=True):
                table[row] = table.get(row, 0) + weight
            whole = sorted((row for row, count in table.items() for _ in range(count)), key=str)
            assert whole == expected(SINKS["parquet" if mode == "append" else "parquet table"], epoch)
    assert batch([(("a", 1), -1)]).weights.tolist() == [-1]
