"""Write an online auction as three Parquet folders: people, the auctions they open and the bids they make.

These are the events of the Nexmark benchmark, at any size. The rules (1 person, 3 auctions and 46 bids in
every 50 events; ids from 1000; hot auctions, sellers and bidders; prices, names, channels) are those of the
generators of Apache Beam (sdks/java/testing/nexmark) and of github.com/nexmark/nexmark for Apache Flink, both
under the Apache License 2.0, which follow Tucker, Tufte, Papadimos and Maier, "NEXMark - A Benchmark for Queries
over Data Streams" (2002). The code is ours. Where it differs: an event's values are a hash of its number, so that
any slice of the events can be made on its own; times step by microseconds, not milliseconds; the column
`extra`, which only pads rows to a size, is left out; names of columns are in snake case.

    python datasets/generate_nexmark.py --events 10000000 --out build/nexmark-10m
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]

CYCLE, PEOPLE, AUCTIONS = 50, 1, 3
"""Of every 50 events the first is a person and the next three are auctions; the other 46 are bids."""
FIRST_ID, FIRST_CATEGORY, CATEGORIES = 1000, 10, 5
HOT_AUCTION_RATIO, HOT_SELLER_RATIO, HOT_BIDDER_RATIO, HOT_CHANNEL_RATIO = 2, 4, 4, 2
HOT_BATCH = 100
"""One auction (seller, bidder) in a hundred is a hot one."""
IN_FLIGHT_AUCTIONS, ACTIVE_PEOPLE, ID_LEAD = 100, 1000, 10
BASE_TIME = 1_436_918_400_000_000
"""2015-07-15T00:00:00Z in microseconds since 1970."""
ROW_GROUP = 1 << 18

FIRST_NAMES = ["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"]
LAST_NAMES = ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"]
CITIES = ["Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle"]
CITIES += ["Kent", "Cheyenne"]
STATES = ["AZ", "CA", "ID", "OR", "WA", "WY"]
HOT_CHANNELS = ["Google", "Facebook", "Baidu", "Apple"]
COLD_CHANNELS = 10_000
LETTERS = np.frombuffer((b"abcdefghijklmnopqrstuvwxyz" * 10)[:256], dtype=np.uint8)
LETTERS_AND_SPACES = np.frombuffer((b"abcdefghijklmnopqrstuvwxyz  " * 10)[:256], dtype=np.uint8)

TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class Nexmark:
    """Which events: their seed, how fast they follow each other, and how far out of order they arrive."""

    seed: int = 1
    rate: int = 10_000
    """Events per second of event time."""
    out_of_order_ms: int = 0
    """An event may arrive up to this long (never as long) after its time; 0 keeps them in order."""
    delayed_share: float = 0.1
    """The share of the events that are delayed at all."""

    def times(self, events: Int64s) -> Int64s:
        """Event times in microseconds since 1970."""
        return BASE_TIME + events * 1_000_000 // self.rate

    def arrivals(self, events: Int64s) -> Int64s:
        """When the events become known, in microseconds since 1970: never before their time."""
        if not self.out_of_order_ms:
            return self.times(events)
        delayed = uniform(self.draw(events, "delayed")) < self.delayed_share
        delay = below(self.draw(events, "delay"), self.out_of_order_ms * 1000)
        return self.times(events) + np.where(delayed, delay, 0)

    def draw(self, events: Int64s, purpose: str) -> UInt64s:
        """64 random bits per event, a hash of its number; another purpose or seed gives unrelated bits."""
        stream = blake2b(f"{self.seed} {purpose}".encode(), digest_size=8).digest()
        return mixed(np.frombuffer(stream, dtype="<u8").astype(np.uint64) + events.astype(np.uint64))


def mixed(bits: UInt64s) -> UInt64s:
    """Splitmix64 (Steele, Lea and Flood, 2014): inputs next to each other give unrelated outputs."""
    bits = (bits + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def uniform(bits: UInt64s) -> npt.NDArray[np.float64]:
    """Floats in [0, 1)."""
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(bits: UInt64s, bound: int | Int64s) -> Int64s:
    """Whole numbers in [0, bound)."""
    return ((bits >> np.uint64(1)) % np.asarray(bound, dtype=np.uint64)).astype(np.int64)


def arrival_order(settings: Nexmark, events: int, start: int, stop: int) -> Int64s:
    """The numbers of the events that arrive in the time span of the events `start` to `stop`, in order of arrival.

    The last span is open, so that all `events` are in some span, however they are cut.
    """
    if not settings.out_of_order_ms:
        return np.arange(start, stop, dtype=np.int64)
    reach = settings.out_of_order_ms * settings.rate // 1000 + 1
    numbers = np.arange(max(0, start - reach), stop, dtype=np.int64)
    arrivals = settings.arrivals(numbers)
    first, last = settings.times(np.array([start, stop], dtype=np.int64))
    here = (arrivals >= first) & ((arrivals < last) | (stop >= events))
    arrived: Int64s = numbers[here]
    return arrived[np.argsort(arrivals[here], kind="stable")]


def last_person(events: Int64s) -> Int64s:
    """How many people came before the last one that is known at these events."""
    return events // CYCLE


def last_auction(events: Int64s) -> Int64s:
    """How many auctions came before the last one that is known at these events; -1 before the first."""
    return events // CYCLE * AUCTIONS + np.clip(events % CYCLE - PEOPLE, -1, AUCTIONS - 1)


def some_person(settings: Nexmark, events: Int64s) -> Int64s:
    """One of the active people, or one of the next few to come, counted from 0."""
    known = last_person(events) + 1
    active = np.minimum(known, ACTIVE_PEOPLE)
    return known - active + below(settings.draw(events, "person"), active + ID_LEAD)


def some_auction(settings: Nexmark, events: Int64s) -> Int64s:
    """One of the auctions in flight, or one of the next few to come, counted from 0."""
    last = last_auction(events)
    oldest = np.maximum(last - IN_FLIGHT_AUCTIONS, 0)
    return oldest + below(settings.draw(events, "auction"), last - oldest + 1 + ID_LEAD)


def prices(settings: Nexmark, events: Int64s, purpose: str = "price") -> Int64s:
    """Cents, from 1 to 1,000,000 dollars, evenly over the orders of magnitude."""
    return np.rint(10.0 ** (uniform(settings.draw(events, purpose)) * 6.0) * 100.0).astype(np.int64)


def timestamps(microseconds: Int64s) -> pa.Array:
    return pa.array(microseconds).cast(TIME)


def bids(settings: Nexmark, events: Int64s, channels: tuple[pa.Array, pa.Array]) -> pa.Table:
    """The bids with these event numbers."""
    hot_auction = below(settings.draw(events, "hot auction"), HOT_AUCTION_RATIO) > 0
    hot_bidder = below(settings.draw(events, "hot bidder"), HOT_BIDDER_RATIO) > 0
    auction = np.where(hot_auction, last_auction(events) // HOT_BATCH * HOT_BATCH, some_auction(settings, events))
    bidder = np.where(hot_bidder, last_person(events) // HOT_BATCH * HOT_BATCH + 1, some_person(settings, events))
    hot_channel = below(settings.draw(events, "hot channel"), HOT_CHANNEL_RATIO) > 0
    pick = settings.draw(events, "channel")
    hot_pick, cold_pick = below(pick, len(HOT_CHANNELS)), below(pick, COLD_CHANNELS)
    channel = pa.array(np.where(hot_channel, hot_pick, len(HOT_CHANNELS) + cold_pick).astype(np.int32))
    names, urls = channels
    return pa.table(
        {
            "auction": auction + FIRST_ID,
            "bidder": bidder + FIRST_ID,
            "price": prices(settings, events),
            "channel": pa.DictionaryArray.from_arrays(channel, names),
            "url": pa.DictionaryArray.from_arrays(channel, urls),
            "date_time": timestamps(settings.times(events)),
        }
    )


def auctions(settings: Nexmark, events: Int64s) -> pa.Table:
    """The auctions with these event numbers; they last as long as 100 further auctions take, on average."""
    hot_seller = below(settings.draw(events, "hot seller"), HOT_SELLER_RATIO) > 0
    seller = np.where(hot_seller, last_person(events) // HOT_BATCH * HOT_BATCH, some_person(settings, events))
    times = settings.times(events)
    horizon = settings.times(events + IN_FLIGHT_AUCTIONS * CYCLE // AUCTIONS) - times
    first_price = prices(settings, events)
    return pa.table(
        {
            "id": last_auction(events) + FIRST_ID,
            "item_name": text(settings, events, "item name", 20),
            "description": text(settings, events, "description", 100),
            "initial_bid": first_price,
            "reserve": first_price + prices(settings, events, "reserve"),
            "date_time": timestamps(times),
            "expires": timestamps(times + 1000 + below(settings.draw(events, "expires"), horizon * 2)),
            "seller": seller + FIRST_ID,
            "category": FIRST_CATEGORY + below(settings.draw(events, "category"), CATEGORIES),
        }
    )


def people(settings: Nexmark, events: Int64s) -> pa.Table:
    """The people with these event numbers."""
    names = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
    return pa.table(
        {
            "id": last_person(events) + FIRST_ID,
            "name": one_of(settings, events, "name", names),
            "email_address": emails(settings, events),
            "credit_card": credit_cards(settings, events),
            "city": one_of(settings, events, "city", CITIES),
            "state": one_of(settings, events, "state", STATES),
            "date_time": timestamps(settings.times(events)),
        }
    )


def one_of(settings: Nexmark, events: Int64s, purpose: str, values: list[str]) -> pa.Array:
    pick = below(settings.draw(events, purpose), len(values)).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(pick), pa.array(values))


def random_bytes(settings: Nexmark, events: Int64s, purpose: str, width: int) -> npt.NDArray[np.uint8]:
    """`width` random bytes per event, shape (events, width)."""
    words = -(-width // 8)
    words_of_events = mixed(settings.draw(events, purpose)[:, None] + np.arange(words, dtype=np.uint64)[None, :])
    return words_of_events.astype("<u8").view(np.uint8)[:, :width]


def text(settings: Nexmark, events: Int64s, purpose: str, longest: int) -> pa.Array:
    """Letters and some spaces, 3 to `longest` - 1 of them."""
    characters = LETTERS_AND_SPACES[random_bytes(settings, events, purpose, longest)]
    lengths = 3 + below(settings.draw(events, f"{purpose} length"), longest - 3)
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    kept = characters[np.arange(longest)[None, :] < lengths[:, None]]
    return pa.StringArray.from_buffers(len(events), pa.py_buffer(ends), pa.py_buffer(kept))


def fixed_width(characters: npt.NDArray[np.uint8]) -> pa.Array:
    """Strings of equal length from a (rows, length) matrix of characters."""
    rows, width = characters.shape
    ends = np.arange(0, (rows + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(characters)))


def emails(settings: Nexmark, events: Int64s) -> pa.Array:
    """Seven letters at five letters dot com."""
    characters = np.empty((len(events), 17), dtype=np.uint8)
    characters[:, :13] = LETTERS[random_bytes(settings, events, "email", 13)]
    characters[:, 7] = ord("@")
    characters[:, 13:] = np.frombuffer(b".com", dtype=np.uint8)
    return fixed_width(characters)


def credit_cards(settings: Nexmark, events: Int64s) -> pa.Array:
    """Sixteen digits in groups of four."""
    digits = random_bytes(settings, events, "card", 19) % 10 + ord("0")
    digits[:, [4, 9, 14]] = ord(" ")
    return fixed_width(digits)


def channel_names_and_urls(settings: Nexmark) -> tuple[pa.Array, pa.Array]:
    """The four hot channels and ten thousand others, and the address that belongs to each."""
    numbers = np.arange(len(HOT_CHANNELS) + COLD_CHANNELS, dtype=np.int64)
    names = HOT_CHANNELS + [f"channel-{number}" for number in range(COLD_CHANNELS)]
    letters = LETTERS[random_bytes(settings, numbers, "url", 15)].tobytes().decode("ascii")
    paths = (letters[i : i + 15] for i in range(0, len(letters), 15))
    has_id = below(settings.draw(numbers, "url id"), 10) > 0
    ids = below(settings.draw(numbers, "urls id"), 2**31)
    has_id[: len(HOT_CHANNELS)] = False
    urls = [
        f"https://www.nexmark.com/{path[:5]}/{path[5:10]}/{path[10:]}/item.htm?query=1" + f"&channel_id={id}" * given
        for path, id, given in zip(paths, ids.tolist(), has_id.tolist(), strict=True)
    ]
    return pa.array(names), pa.array(urls)


def tables(settings: Nexmark, events: int, *, chunk: int = 500_000) -> Iterator[dict[str, pa.Table]]:
    """The events in order of arrival, `chunk` of them at a time: persons, auctions and bids."""
    channels = channel_names_and_urls(settings)
    for start in range(0, events, chunk):
        numbers = arrival_order(settings, events, start, min(start + chunk, events))
        place = numbers % CYCLE
        yield {
            "persons": people(settings, numbers[place < PEOPLE]),
            "auctions": auctions(settings, numbers[(place >= PEOPLE) & (place < PEOPLE + AUCTIONS)]),
            "bids": bids(settings, numbers[place >= PEOPLE + AUCTIONS], channels),
        }


def write(
    out: Path, settings: Nexmark, events: int, *, chunk: int = 500_000, chunks_per_part: int = 5
) -> dict[str, int]:
    """Write `out`/persons, `out`/auctions and `out`/bids, a file per `chunks_per_part` chunks; rows written of each."""
    rows = {"persons": 0, "auctions": 0, "bids": 0}
    for kind in rows:
        (out / kind).mkdir(parents=True, exist_ok=True)
        for stale in (out / kind).glob("part-*.parquet"):
            stale.unlink()
    writers: dict[str, pq.ParquetWriter] = {}
    for number, chunk_tables in enumerate(tables(settings, events, chunk=chunk)):
        for kind, table in chunk_tables.items():
            if number % chunks_per_part == 0:
                if number:
                    writers[kind].close()
                path = out / kind / f"part-{number // chunks_per_part:05d}.parquet"
                writers[kind] = pq.ParquetWriter(
                    path, table.schema, store_schema=False, dictionary_pagesize_limit=4 << 20
                )
            writers[kind].write_table(table, row_group_size=ROW_GROUP)
            rows[kind] += table.num_rows
    for writer in writers.values():
        writer.close()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Write Nexmark events as Parquet folders.")
    parser.add_argument("--events", type=int, default=1_000_000, help="persons, auctions and bids together")
    parser.add_argument("--out", type=Path, required=True, help="folder for persons/, auctions/ and bids/")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=10_000, help="events per second of event time")
    parser.add_argument("--out-of-order-ms", type=int, default=0, help="greatest delay of an event's arrival")
    parser.add_argument("--chunk", type=int, default=500_000, help="events in memory at a time")
    given = parser.parse_args()
    settings = Nexmark(seed=given.seed, rate=given.rate, out_of_order_ms=given.out_of_order_ms)
    rows = write(given.out, settings, given.events, chunk=given.chunk)
    print(f"{given.out}: " + ", ".join(f"{count:,} {kind}" for kind, count in rows.items()))


if __name__ == "__main__":
    main()
