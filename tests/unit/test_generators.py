"""The seeded generators keep the rules they promise, however their work is cut into chunks."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

DATASETS = Path(__file__).resolve().parents[2] / "datasets"
EVENTS = 60_000


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DATASETS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


nexmark = script("generate_nexmark")
trades = script("generate_trades")


def whole(chunks) -> dict[str, pa.Table]:
    """The chunks put together, a table per kind."""
    pieces = list(chunks)
    return {kind: pa.concat_tables([piece[kind] for piece in pieces]).combine_chunks() for kind in pieces[0]}


def microseconds(column: pa.ChunkedArray) -> np.ndarray:
    return column.cast(pa.int64()).to_numpy()


@pytest.fixture(scope="module")
def auction_house() -> dict[str, pa.Table]:
    return whole(nexmark.tables(nexmark.Nexmark(seed=7), EVENTS))


@pytest.fixture(scope="module")
def late_auction_house() -> dict[str, pa.Table]:
    return whole(nexmark.tables(nexmark.Nexmark(seed=7, out_of_order_ms=900), EVENTS))


@pytest.fixture(scope="module")
def exchange() -> dict[str, pa.Table]:
    return whole(trades.chunks(trades.Exchange(seed=7), EVENTS))


@pytest.mark.parametrize(("events", "expected"), [(50, (1, 3, 46)), (60_000, (1200, 3600, 55_200)), (53, (2, 5, 46))])
def test_one_event_in_fifty_is_a_person_and_three_are_auctions(events, expected):
    made = whole(nexmark.tables(nexmark.Nexmark(), events))
    assert tuple(made[kind].num_rows for kind in ("persons", "auctions", "bids")) == expected


def test_every_event_has_the_time_of_its_number(auction_house):
    times = np.concatenate([microseconds(table["date_time"]) for table in auction_house.values()])
    start = np.datetime64("2015-07-15T00:00:00", "us").astype(np.int64)
    assert np.array_equal(np.sort(times), start + 100 * np.arange(EVENTS))


def test_people_and_auctions_are_numbered_from_1000_without_holes(auction_house):
    assert auction_house["persons"]["id"].to_pylist() == list(range(1000, 1000 + EVENTS // 50))
    assert auction_house["auctions"]["id"].to_pylist() == list(range(1000, 1000 + 3 * EVENTS // 50))


def test_a_bid_is_for_an_auction_in_flight_or_about_to_open_or_for_the_hot_one(auction_house):
    bids = auction_house["bids"]
    opened = (microseconds(bids["date_time"]) - nexmark.BASE_TIME) // 100 // 50 * 3 + 2
    auction = bids["auction"].to_numpy() - 1000
    in_flight = (auction >= opened - 100) & (auction <= opened + 10)
    hot = auction == opened // 100 * 100
    assert (in_flight | hot).all() and (auction >= 0).all()
    assert (auction[opened >= 100] > opened[opened >= 100]).any(), "some bids come before their auction"


def test_a_bidder_is_one_of_the_thousand_active_people_or_about_to_join_or_the_hot_one(auction_house):
    bids = auction_house["bids"]
    joined = (microseconds(bids["date_time"]) - nexmark.BASE_TIME) // 100 // 50
    bidder = bids["bidder"].to_numpy() - 1000
    active = (bidder > joined - 1000) & (bidder <= joined + 10)
    assert (active | (bidder == joined // 100 * 100 + 1)).all() and (bidder >= 0).all()


def test_half_of_the_bids_are_for_hot_auctions_and_three_quarters_by_hot_bidders(auction_house):
    bids = auction_house["bids"]
    hot_auctions = (bids["auction"].to_numpy() % 100 == 0).mean()
    hot_bidders = (bids["bidder"].to_numpy() % 100 == 1).mean()
    hot_sellers = (auction_house["auctions"]["seller"].to_numpy() % 100 == 0).mean()
    assert hot_auctions == pytest.approx(1 / 2 + 1 / 2 / 100, abs=0.01)
    assert hot_bidders == pytest.approx(3 / 4 + 1 / 4 / 100, abs=0.01)
    assert hot_sellers == pytest.approx(3 / 4 + 1 / 4 / 100, abs=0.03)


def test_prices_spread_evenly_over_six_orders_of_magnitude(auction_house):
    price = auction_house["bids"]["price"].to_numpy()
    magnitudes = Counter(np.clip(np.log10(price).astype(int), 2, 7).tolist())
    assert price.min() >= 100 and price.max() <= 100_000_000
    assert [magnitudes[m] / len(price) for m in range(2, 8)] == pytest.approx([1 / 6] * 6, abs=0.01)


def test_half_of_the_bids_come_through_four_hot_channels_with_one_address_each(auction_house):
    bids = auction_house["bids"]
    channels = bids["channel"].to_pylist()
    hot = sum(channel in ("Google", "Facebook", "Baidu", "Apple") for channel in channels)
    assert hot / len(channels) == pytest.approx(1 / 2, abs=0.01)
    assert len(set(zip(channels, bids["url"].to_pylist(), strict=True))) == len(set(channels)) > 9000


def test_auctions_are_reserved_above_their_first_price_and_expire_after_they_open(auction_house):
    auctions = auction_house["auctions"]
    assert (auctions["reserve"].to_numpy() > auctions["initial_bid"].to_numpy()).all()
    assert (microseconds(auctions["expires"]) > microseconds(auctions["date_time"])).all()
    assert set(auctions["category"].to_pylist()) == {10, 11, 12, 13, 14}
    assert {3, 19} <= {len(name) for name in auctions["item_name"].to_pylist()} <= set(range(3, 20))


def test_people_have_well_formed_addresses_and_cards(auction_house):
    persons = auction_house["persons"].to_pandas()
    assert persons["email_address"].str.fullmatch(r"[a-z]{7}@[a-z]{5}\.com").all()
    assert persons["credit_card"].str.fullmatch(r"\d{4} \d{4} \d{4} \d{4}").all()
    assert persons["email_address"].is_unique


@pytest.mark.parametrize("chunk", [1, 997, 20_000])
@pytest.mark.parametrize("out_of_order_ms", [0, 70])
def test_nexmark_does_not_depend_on_how_it_is_cut(chunk, out_of_order_ms):
    settings = nexmark.Nexmark(seed=3, out_of_order_ms=out_of_order_ms)
    events = 1000 if chunk == 1 else 20_000
    assert whole(nexmark.tables(settings, events, chunk=chunk)) == whole(nexmark.tables(settings, events))


def test_another_seed_gives_other_bids():
    one, two = (whole(nexmark.tables(nexmark.Nexmark(seed=seed), 1000))["bids"] for seed in (1, 2))
    assert one["date_time"] == two["date_time"]
    assert all(one[column] != two[column] for column in ("auction", "bidder", "price", "channel", "url"))


def test_disorder_moves_rows_and_changes_none_of_them(auction_house, late_auction_house):
    for kind in auction_house:
        assert late_auction_house[kind] != auction_house[kind]
        by_value = [(name, "ascending") for name in auction_house[kind].column_names if name != "channel"]
        plain = [table[kind].cast(plain_strings(table[kind].schema)) for table in (auction_house, late_auction_house)]
        assert plain[0].sort_by(by_value) == plain[1].sort_by(by_value)


def plain_strings(schema: pa.Schema) -> pa.Schema:
    """The same columns, not dictionary-encoded."""
    return pa.schema([f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in schema])


def test_no_event_is_as_late_as_the_declared_disorder_and_some_are_nearly(late_auction_house):
    time = microseconds(late_auction_house["bids"]["date_time"])
    lateness = np.maximum.accumulate(time) - time
    assert 800_000 < lateness.max() < 900_000
    assert (lateness > 0).mean() == pytest.approx(0.1, abs=0.02)


def test_nexmark_files_hold_what_was_made_as_plain_strings_and_utc_times(tmp_path, late_auction_house):
    settings = nexmark.Nexmark(seed=7, out_of_order_ms=900)
    rows = nexmark.write(tmp_path, settings, EVENTS, chunk=7000, chunks_per_part=4)
    assert rows == {kind: table.num_rows for kind, table in late_auction_house.items()}
    assert len(list((tmp_path / "bids").glob("*.parquet"))) == 3
    for kind, table in late_auction_house.items():
        stored = ds.dataset(tmp_path / kind).to_table()
        assert stored.combine_chunks() == table.cast(plain_strings(table.schema))


def test_a_second_run_leaves_no_file_of_a_longer_first_one(tmp_path):
    nexmark.write(tmp_path, nexmark.Nexmark(), 10_000, chunk=1000, chunks_per_part=1)
    nexmark.write(tmp_path, nexmark.Nexmark(), 500)
    assert ds.dataset(tmp_path / "bids").count_rows() == 460


@pytest.mark.parametrize("chunk", [1, 997, 20_000])
def test_the_exchange_does_not_depend_on_how_it_is_cut(chunk):
    exchange = trades.Exchange(seed=3)
    events = 1000 if chunk == 1 else 20_000
    assert whole(trades.chunks(exchange, events, chunk=chunk)) == whole(trades.chunks(exchange, events))


def test_trades_and_quotes_have_the_declared_columns(exchange):
    assert exchange["trades"].column_names == ["ts", "arrival", "symbol", "price", "size"]
    assert exchange["quotes"].column_names == ["ts", "arrival", "symbol", "bid", "ask", "bid_size", "ask_size"]
    assert exchange["trades"].num_rows + exchange["quotes"].num_rows == EVENTS
    assert exchange["trades"].num_rows / EVENTS == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("kind", ["trades", "quotes"])
def test_rows_come_in_order_of_arrival_and_arrive_out_of_order_within_five_seconds(exchange, kind):
    time, arrival = microseconds(exchange[kind]["ts"]), microseconds(exchange[kind]["arrival"])
    assert (np.diff(arrival) >= 0).all()
    assert (arrival >= time).all() and (arrival - time < 5_000_000).all()
    lateness = np.maximum.accumulate(time) - time
    assert 4_000_000 < lateness.max() < 5_000_000


def test_no_declared_disorder_means_none():
    made = whole(trades.chunks(trades.Exchange(out_of_order_ms=0), 5000))
    for table in made.values():
        assert table["ts"] == table["arrival"]


def test_there_are_silent_spells_and_bursts(exchange):
    times = np.sort(np.concatenate([microseconds(table["ts"]) for table in exchange.values()]))
    gaps = np.diff(times)
    silences = gaps[gaps > 30_000_000]
    assert 1 <= len(silences) <= 6 and silences.max() < 301_000_000
    events_per_tenth = np.bincount((times - times[0]) // 100_000)
    assert np.median(events_per_tenth[events_per_tenth > 0]) == pytest.approx(10, abs=1)
    assert events_per_tenth.max() > 300


def test_symbols_are_busy_by_zipfs_law(exchange):
    symbols = Counter(exchange["trades"]["symbol"].to_pylist() + exchange["quotes"]["symbol"].to_pylist())
    assert len(symbols) == 50
    weights = np.arange(1, 51) ** -1.1
    shares = [count / EVENTS for _, count in symbols.most_common(5)]
    assert shares == pytest.approx((weights / weights.sum())[:5].tolist(), abs=0.01)
    assert [name for name, _ in symbols.most_common(3)] == trades.Exchange(seed=7).names()[:3]


def test_prices_walk_in_ticks_and_trades_happen_at_a_standing_quote(exchange):
    quotes = exchange["quotes"].to_pandas().sort_values("ts", kind="stable")
    for _, of_symbol in quotes.groupby("symbol"):
        ticks = (of_symbol["bid"] * 100).round().astype(int)
        assert ticks.diff().abs().max() <= 1 and (ticks >= 500).all()
    spread = ((quotes["ask"] - quotes["bid"]) * 100).round()
    assert set(spread) == {1.0, 2.0, 3.0}
    paired = pd.merge_asof(exchange["trades"].to_pandas().sort_values("ts"), quotes, on="ts", by="symbol")
    off = (paired["price"] - paired["bid"]).dropna()
    assert off.between(-0.001, 0.031).all()


def test_too_many_symbols_are_refused():
    with pytest.raises(ValueError, match="between 1 and 10000"):
        trades.Exchange(symbols=10_001).names()


def test_exchange_files_hold_what_was_made(tmp_path, exchange):
    rows = trades.write(tmp_path, trades.Exchange(seed=7), EVENTS, chunk=25_000)
    for kind, table in exchange.items():
        assert rows[kind] == table.num_rows
        assert ds.dataset(tmp_path / kind).to_table().combine_chunks() == table
