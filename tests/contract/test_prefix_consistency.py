"""C1: after every epoch the result is the answer over exactly the rows read so far, less the late ones."""

from __future__ import annotations

from datetime import timedelta

import pytest
from contract_queries import FEW, WINDOWS, every_aggregate, examples, oracle, query, row_lists, stream
from hypothesis import given
from hypothesis import strategies as st

from playhead.aggregates import NAMES
from playhead.testing import assert_same_rows, schedules, trace
from playhead.testing.aggregates import AGGREGATES

MODES = ("update", "append", "complete")
by_window = pytest.mark.parametrize("case", WINDOWS.values(), ids=list(WINDOWS))
by_mode = pytest.mark.parametrize("mode", MODES)


def check_every_epoch(results, expected, mode):
    for result, wanted in zip(results, expected.watch(results, mode=mode), strict=True):
        assert_same_rows(result.table, wanted.table, f"the table after epoch {result.epoch}")
        columns = result.late[0].keys() if result.late else ()
        late = [{name: row[name] for name in columns} for row in wanted.late] if columns else wanted.late
        assert_same_rows(result.late, late, f"what was late in epoch {result.epoch}")


def test_every_aggregate_has_an_oracle():
    assert set(NAMES) - set(AGGREGATES) == {"approx_nunique"}  # which is not exact; see contract_queries


@by_mode
@by_window
@examples(0.1)
@given(data=st.data(), schedule=schedules())
def test_every_aggregate_over_every_window_is_right_after_every_epoch(case, mode, data, schedule):
    rows, asked = data.draw(row_lists(case)), every_aggregate(take_back=False)
    results = trace(query(stream(rows, schedule, case), case, asked), schedule, mode=mode)
    check_every_epoch(results, oracle(case, asked), mode)


@by_mode
@by_window
@examples(0.2)
@given(data=st.data(), schedule=schedules(), lateness=st.sampled_from([0, 1, 3]))
def test_rows_later_than_declared_are_left_out_of_exactly_the_windows_that_they_missed(
    case, mode, data, schedule, lateness
):
    rows, allowed = data.draw(row_lists(case)), lateness * case.tick if case.window else timedelta(0)
    frame = query(stream(rows, schedule, case, disorder=4), case, FEW, allowed_lateness=allowed)
    check_every_epoch(trace(frame, schedule, mode=mode), oracle(case, FEW, allowed_lateness=allowed), mode)


@pytest.mark.parametrize("keys", [(), ("g",), ("k", "b"), ("i", "s")], ids=str)
@examples(0.3)
@given(data=st.data(), schedule=schedules(), mode=st.sampled_from(MODES))
def test_keys_of_every_kind_make_their_own_groups(keys, data, schedule, mode):
    case = WINDOWS[data.draw(st.sampled_from(["no window", "tumbling", "hopping", "session"]))]
    rows = data.draw(row_lists(case))
    results = trace(query(stream(rows, schedule, case, disorder=2), case, FEW, keys), schedule, mode=mode)
    check_every_epoch(results, oracle(case, FEW, keys), mode)


@examples(0.5)
@given(data=st.data(), schedule=schedules(), mode=st.sampled_from(MODES))
def test_each_epochs_changelog_has_each_row_once_and_take_backs_first(data, schedule, mode):
    case = WINDOWS["hopping"]
    for result in trace(query(stream(data.draw(row_lists(case)), schedule, case), case, FEW), schedule, mode=mode):
        weights = [weight for _, weight in result.changes]
        assert weights == sorted(weights) and 0 not in weights
        seen = [str(row) for row, _ in result.changes]
        assert len(seen) == len(set(seen))
