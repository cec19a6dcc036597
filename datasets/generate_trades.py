"""Write a made-up stock exchange as two Parquet folders: the trades, and the quotes around which they happen.

It has what makes real feeds hard: bursts, silent spells, a few symbols that get most of the events, and rows
that arrive late and out of order (`arrival` says when; the files are in that order). Prices walk at random in
ticks of one cent. Nothing in it is anybody's data.

    python datasets/generate_trades.py --events 1000000 --out build/trades
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]
Columns = dict[str, Int64s]

BASE_TIME = 1_704_205_800_000_000
"""2024-01-02T14:30:00Z in microseconds since 1970: the opening bell in New York."""
EPISODE = 1000
"""Events come in episodes of a thousand, each of one mood: calm, a burst, or calm after a silent spell."""
BURST_SHARE, BURST_SPEED = 0.15, 40
SILENCE_SHARE, SILENCE_SECONDS = 0.03, (30, 300)
TRADE_SHARE = 0.2
"""The share of the events that are trades; the others are quotes."""
TICKS_PER_DOLLAR = 100
CHEAPEST_TICKS = 500
TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Exchange:
    """What is traded, how fast, and how far out of order it arrives."""

    seed: int = 1
    symbols: int = 50
    zipf: float = 1.1
    """The weight of the n-th symbol is n to the power of minus this."""
    rate: int = 100
    """Events per second while calm."""
    latency_ms: int = 20
    """Every row arrives up to this long after its time."""
    out_of_order_ms: int = 5000
    """Some rows arrive up to this long (never as long) after their time."""
    delayed_share: float = 0.02

    def draw(self, events: Int64s, purpose: str) -> UInt64s:
        """64 random bits per event, a hash of its number; another purpose or seed gives unrelated bits."""
        stream = blake2b(f"{self.seed} {purpose}".encode(), digest_size=8).digest()
        return mixed(np.frombuffer(stream, dtype="<u8").astype(np.uint64) + events.astype(np.uint64))

    def names(self) -> list[str]:
        """Invented symbols of four letters, the busiest first."""
        vowels, consonants = "AEIOU", "BCDFGHJKLMNPQRSTVWXZ"
        syllables = [c + v for c in consonants for v in vowels]
        if not 0 < self.symbols <= len(syllables) ** 2:
            raise ValueError(f"symbols must be between 1 and {len(syllables) ** 2}, not {self.symbols}")
        order = np.argsort(self.draw(np.arange(len(syllables) ** 2), "names"), kind="stable")[: self.symbols]
        return [syllables[i // len(syllables)] + syllables[i % len(syllables)] for i in order.tolist()]


@dataclass
class Tape:
    """Where the walk stands between two chunks: the last time, each symbol's ticks, rows that are still under way."""

    time: int
    ticks: Int64s
    under_way: Columns = field(default_factory=dict)


def mixed(bits: UInt64s) -> UInt64s:
    """Splitmix64 (Steele, Lea and Flood, 2014): inputs next to each other give unrelated outputs."""
    bits = (bits + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def uniform(bits: UInt64s) -> npt.NDArray[np.float64]:
    """Floats in [0, 1)."""
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(bits: UInt64s, bound: int) -> Int64s:
    """Whole numbers in [0, bound)."""
    return ((bits >> np.uint64(1)) % np.uint64(bound)).astype(np.int64)


def waits(exchange: Exchange, events: Int64s) -> Int64s:
    """Microseconds between each event and the one before it: short in bursts, very long after a silent spell."""
    episode = events // EPISODE
    mood = uniform(exchange.draw(episode, "mood"))
    mean = np.where(mood < BURST_SHARE, 1e6 / exchange.rate / BURST_SPEED, 1e6 / exchange.rate)
    wait = 1 + (-np.log1p(-uniform(exchange.draw(events, "wait"))) * mean).astype(np.int64)
    silent = (mood >= 1 - SILENCE_SHARE) & (events % EPISODE == 0) & (events > 0)
    shortest, longest = SILENCE_SECONDS
    silence = (shortest + below(exchange.draw(episode, "silence"), longest - shortest)) * 1_000_000
    return wait + np.where(silent, silence, 0)


def delays(exchange: Exchange, events: Int64s) -> Int64s:
    """Microseconds from each event to its arrival."""
    delayed = uniform(exchange.draw(events, "delayed")) < exchange.delayed_share
    usual = min(exchange.latency_ms, exchange.out_of_order_ms) * 1000
    longest = np.where(delayed, exchange.out_of_order_ms * 1000, usual)
    return (uniform(exchange.draw(events, "delay")) * longest).astype(np.int64)


def chosen_symbols(exchange: Exchange, events: Int64s) -> Int64s:
    """The number of each event's symbol; the first is the busiest."""
    weights = np.arange(1, exchange.symbols + 1, dtype=np.float64) ** -exchange.zipf
    ends = np.cumsum(weights) / weights.sum()
    return np.searchsorted(ends[:-1], uniform(exchange.draw(events, "symbol")), side="right").astype(np.int64)


def walked(ticks: Int64s, symbol: Int64s, steps: Int64s) -> Int64s:
    """Each event's place on its symbol's walk, after its own step; `ticks` moves on to the last places."""
    order = np.argsort(symbol, kind="stable")
    total = np.cumsum(steps[order])
    counts = np.bincount(symbol, minlength=len(ticks))
    ends = np.cumsum(counts)
    before = np.concatenate([[0], total])[ends - counts]
    place = np.empty_like(steps)
    place[order] = total + np.repeat(ticks - before, counts)
    ticks += np.concatenate([[0], total])[ends] - before
    return place


def events_of(exchange: Exchange, tape: Tape, start: int, stop: int) -> Columns:
    """The events with the numbers `start` to `stop`, in order of time, as plain columns; the tape moves on."""
    events = np.arange(start, stop, dtype=np.int64)
    time = tape.time + np.cumsum(waits(exchange, events))
    symbol = chosen_symbols(exchange, events)
    is_trade = uniform(exchange.draw(events, "trade")) < TRADE_SHARE
    steps = np.where(is_trade, 0, below(exchange.draw(events, "step"), 3) - 1)
    tape.time = int(time[-1])
    bid = CHEAPEST_TICKS + np.abs(walked(tape.ticks, symbol, steps))
    ask = bid + 1 + below(exchange.draw(events, "spread"), 3)
    return {
        "ts": time,
        "arrival": time + delays(exchange, events),
        "symbol": symbol,
        "is_trade": is_trade.astype(np.int64),
        "bid": bid,
        "ask": ask,
        "bid_size": lots(exchange, events, "bid size"),
        "ask_size": lots(exchange, events, "ask size"),
        "buyer_pays": below(exchange.draw(events, "side"), 2),
    }


def lots(exchange: Exchange, events: Int64s, purpose: str) -> Int64s:
    """Sizes in hundreds: mostly small, seldom large."""
    return 100 * (1 + (1.0 / (1.0 - uniform(exchange.draw(events, purpose)) * 0.99) - 1.0).astype(np.int64))


def chunks(exchange: Exchange, events: int, *, chunk: int = 500_000) -> Iterator[dict[str, pa.Table]]:
    """Trades and quotes in order of arrival, made `chunk` events at a time."""
    first_ticks = below(exchange.draw(np.arange(exchange.symbols), "first price"), 300 * TICKS_PER_DOLLAR)
    tape = Tape(BASE_TIME, first_ticks)
    for start in range(0, events, chunk):
        made = events_of(exchange, tape, start, min(start + chunk, events))
        known = {name: np.concatenate([tape.under_way.get(name, made[name][:0]), made[name]]) for name in made}
        last = start + chunk >= events
        arrived = (known["arrival"] < tape.time) | last
        tape.under_way = {name: values[~arrived] for name, values in known.items()}
        order = np.argsort(known["arrival"][arrived], kind="stable")
        yield as_tables(exchange, {name: values[arrived][order] for name, values in known.items()})


def as_tables(exchange: Exchange, rows: Columns) -> dict[str, pa.Table]:
    """Trades happen at the bid or at the ask of their moment; quotes are the rest."""
    names = pa.array(exchange.names())
    is_trade = rows["is_trade"] == 1
    trade = {name: values[is_trade] for name, values in rows.items()}
    quote = {name: values[~is_trade] for name, values in rows.items()}
    paid = np.where(trade["buyer_pays"] == 1, trade["ask"], trade["bid"])
    return {
        "trades": pa.table(
            shared_columns(names, trade) | {"price": paid / TICKS_PER_DOLLAR, "size": trade["bid_size"]},
        ),
        "quotes": pa.table(
            shared_columns(names, quote)
            | {"bid": quote["bid"] / TICKS_PER_DOLLAR, "ask": quote["ask"] / TICKS_PER_DOLLAR}
            | {"bid_size": quote["bid_size"], "ask_size": quote["ask_size"]}
        ),
    }


def shared_columns(names: pa.Array, rows: Columns) -> dict[str, pa.Array]:
    return {
        "ts": pa.array(rows["ts"]).cast(TIME),
        "arrival": pa.array(rows["arrival"]).cast(TIME),
        "symbol": names.take(pa.array(rows["symbol"])),
    }


def write(out: Path, exchange: Exchange, events: int, *, chunk: int = 500_000) -> dict[str, int]:
    """Write `out`/trades and `out`/quotes, a file per chunk; rows written of each."""
    rows = {"trades": 0, "quotes": 0}
    for kind in rows:
        (out / kind).mkdir(parents=True, exist_ok=True)
        for stale in (out / kind).glob("part-*.parquet"):
            stale.unlink()
    for number, tables in enumerate(chunks(exchange, events, chunk=chunk)):
        for kind, table in tables.items():
            pq.write_table(table, out / kind / f"part-{number:05d}.parquet")
            rows[kind] += table.num_rows
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Write made-up trades and quotes as Parquet folders.")
    parser.add_argument("--events", type=int, default=1_000_000, help="trades and quotes together")
    parser.add_argument("--out", type=Path, required=True, help="folder for trades/ and quotes/")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--symbols", type=int, default=50)
    parser.add_argument("--rate", type=int, default=100, help="events per second while calm")
    parser.add_argument("--out-of-order-ms", type=int, default=5000, help="greatest delay of a row's arrival")
    given = parser.parse_args()
    exchange = Exchange(seed=given.seed, symbols=given.symbols, rate=given.rate, out_of_order_ms=given.out_of_order_ms)
    rows = write(given.out, exchange, given.events)
    print(f"{given.out}: " + ", ".join(f"{count:,} {kind}" for kind, count in rows.items()))


if __name__ == "__main__":
    main()
