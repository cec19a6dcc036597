"""The classic test of consistency: money that only moves between accounts never shows a total other than 0."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
from contract_queries import examples
from hypothesis import given
from hypothesis import strategies as st

import playhead as ph
from playhead.testing import Schedule, assert_same_rows, rows, schedules, scripted, trace

ACCOUNTS = [f"account {number}" for number in range(10)]
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
SCHEMA = {"at": pa.timestamp("us", "UTC"), "id": pa.int64(), "source": pa.string(), "target": pa.string()}

transfers = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS)), min_size=1, max_size=40
).map(
    lambda given_transfers: [
        {"at": BEGIN + timedelta(seconds=second), "id": number, "source": source, "target": target}
        for number, (second, source, target) in enumerate(given_transfers)
    ]
)
"""Each moves one dollar."""


def stream(given_transfers, schedule):
    splits = schedule.arrange(given_transfers, time="at", out_of_order="20s")
    return scripted(SCHEMA, *[[rows(*split)] for split in splits], time="at", out_of_order="5s")


def balances(moved):
    """Credits less debits of every account that has had either."""
    sides = [moved.select(moved[side].rename("account")) for side in ("source", "target")]
    accounts = ph.concat(sides).groupby("account").agg(transfers=ph.size())
    credits = moved.groupby("target").agg(credits=ph.size()).rename({"target": "account"})
    debits = moved.groupby("source").agg(debits=ph.size()).rename({"source": "account"})
    joined = accounts.merge(credits, on="account", how="left").merge(debits, on="account", how="left")
    joined = joined.assign(credits=lambda f: f.credits.fillna(0), debits=lambda f: f.debits.fillna(0))
    return joined.assign(balance=lambda f: f.credits - f.debits)


@examples(1.5)
@given(moved=transfers, schedule=schedules())
def test_every_visible_total_is_zero(moved, schedule):
    for result in trace(balances(stream(moved, schedule)).agg(total=("balance", "sum")), schedule):
        assert [row["total"] for row in result.table] == [0], f"epoch {result.epoch}"
        assert all(row["total"] == 0 for row, _ in result.changes)


@examples(1)
@given(moved=transfers, schedule=schedules(), mode=st.sampled_from(["update", "complete"]))
def test_every_visible_balance_is_that_of_the_transfers_read_so_far(moved, schedule, mode):
    frame = balances(stream(moved, schedule)).select("account", "transfers", "balance")
    for result in trace(frame, schedule, mode=mode):
        expected = {}
        for row in result.consumed[0]:
            for account, dollars in ((row["source"], -1), (row["target"], 1)):
                before = expected.get(account, (0, 0))
                expected[account] = (before[0] + 1, before[1] + dollars)
        assert_same_rows(
            result.table,
            [{"account": name, "transfers": n, "balance": dollars} for name, (n, dollars) in expected.items()],
        )


@examples(1)
@given(moved=transfers, schedule=schedules())
def test_a_row_joined_with_itself_never_shows_a_false_null(moved, schedule):
    moved_rows = stream(moved, schedule)
    twice = moved_rows.merge(moved_rows.select("id", "target"), on="id", how="left")
    for result in trace(twice.select("id", "target_x", "target_y"), schedule):
        assert not any(row["target_y"] is None for row, _ in result.changes)
        assert_same_rows(
            result.table,
            [{"id": row["id"], "target_x": row["target"], "target_y": row["target"]} for row in result.consumed[0]],
        )


@examples(1)
@given(moved=transfers, schedule=schedules())
def test_an_aggregate_joined_to_its_own_rows_is_of_the_same_moment(moved, schedule):
    moved_rows = stream(moved, schedule)
    counts = moved_rows.groupby("source").agg(n=ph.size())
    for result in trace(moved_rows.merge(counts, on="source", how="left").select("id", "n"), schedule):
        sources = [row["source"] for row in result.consumed[0]]
        expected = [{"id": row["id"], "n": sources.count(row["source"])} for row in result.consumed[0]]
        assert_same_rows(result.table, expected)


def test_the_running_query_never_shows_a_total_other_than_zero():
    moved = [{"at": BEGIN, "id": n, "source": ACCOUNTS[n % 10], "target": ACCOUNTS[n * 7 % 10]} for n in range(500)]
    frame = balances(stream(moved, Schedule(splits=3, placing=(0, 1, 2)))).agg(total=("balance", "sum"))
    for parallelism in 1, 3:
        totals = []
        sink = ph.to_callback(lambda epoch, changes, totals=totals: totals.extend(changes["total"].to_pylist()))
        frame.start(sink, mode="update", parallelism=parallelism, max_rows=11).wait(60)
        assert totals == [0]
