"""Everything that the benchmarks ask of Playhead itself; the other files know only this one's functions.

`run` and `answer` are called by worker.py in a process of their own. Every query runs as a stream: append mode,
event time, watermark 5 s behind, default epochs, results counted epoch by epoch as they come.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from queries import EUROS_PER_DOLLAR, EVERY

import playhead as ph
from playhead.batch import Batch
from playhead.sinks.sink import SinkContext


class CountingSink:
    """Counts rows and epochs and keeps nothing; `on_epoch` may look at each epoch's changes."""

    modes = ("append", "update")
    guarantee = "counts, for benchmarks"

    def __init__(self, on_epoch: Callable[[Batch], None] = lambda changes: None) -> None:
        self.rows = self.epochs = 0
        self.on_epoch = on_epoch

    def open(self, context: SinkContext) -> None:
        self.schema = context.schema

    def write(self, epoch: int, changes: Batch, watermark: int) -> None:
        self.rows += changes.num_rows
        self.epochs += 1
        self.on_epoch(changes)

    def close(self, *, failed: bool) -> None:
        pass


def tumbling(bids: ph.Frame) -> ph.Frame:
    return bids.groupby(["auction", ph.tumbling("10s")]).agg(
        n=("price", "count"), mean=("price", "mean"), highest=("price", "max")
    )


def hopping(bids: ph.Frame) -> ph.Frame:
    return bids.groupby(["auction", ph.hopping("10s", "2s")]).agg(n=("auction", "count"))


def highest(bids: ph.Frame) -> ph.Frame:
    return bids.groupby([ph.tumbling("10s")]).agg(highest=("price", "max"))


def conversion(bids: ph.Frame) -> ph.Frame:
    return bids[["auction", "bidder", "price", "date_time"]].assign(price=bids.price * EUROS_PER_DOLLAR)


def selection(bids: ph.Frame) -> ph.Frame:
    return bids[bids.auction % EVERY == 0][["auction", "price", "date_time"]]


def new_strings(bids: ph.Frame) -> ph.Frame:
    """A string key that is hardly ever seen twice and never again after its window."""
    pair = bids.auction.astype("string") + "-" + bids.bidder.astype("string")
    return bids.assign(pair=pair).groupby(["pair", ph.tumbling("10s")]).agg(n=("price", "count"))


def by_key_and_day(rows: ph.Frame) -> ph.Frame:
    return rows.groupby(["key", ph.tumbling("1D")]).agg(n=("value", "count"), mean=("value", "mean"))


def by_key_and_second(rows: ph.Frame) -> ph.Frame:
    return rows.groupby(["key", ph.tumbling("1s")]).agg(n=("value", "count"), mean=("value", "mean"))


PLANS: dict[str, tuple[Callable[[ph.Frame], ph.Frame], str]] = {
    **{plan.__name__: (plan, "5s") for plan in (tumbling, hopping, highest, conversion, selection, new_strings)},
    "million_strings": (by_key_and_day, "5s"),
    "hot_windows": (by_key_and_second, "2s"),
    "open_windows": (by_key_and_second, "10D"),
}
"""What to run, and how far out of order its input is declared to be."""


def stream(query: str, folder: str, sink: CountingSink) -> None:
    plan, out_of_order = PLANS[query]
    frame = ph.read_parquet(folder, time="date_time", out_of_order=out_of_order)
    plan(frame).start(sink, mode="append").wait()


def run(query: str, folder: str) -> int:
    """Stream the folder through the query; how many result rows were counted."""
    sink = CountingSink()
    stream(query, folder, sink)
    return sink.rows


def answer(query: str, folder: str) -> pa.Table:
    """The rows that the same stream gives, all epochs together, with the columns of queries.py."""
    epochs: list[pa.RecordBatch] = []
    sink = CountingSink(lambda changes: epochs.append(changes.rows))
    stream(query, folder, sink)
    table = pa.Table.from_batches(epochs, sink.schema)
    if "window_start" not in table.column_names:
        return table
    start = table["window_start"].cast(pa.int64())
    return table.drop_columns(["window_start", "window_end"]).append_column("window", start)


def first_result(folder: str) -> None:
    """A small query, computed."""
    rows = ph.read_parquet(folder, time="date_time", out_of_order="5s")
    assert len(tumbling(rows[rows.price > 1000]).compute())


ROWS = pa.schema([("at", pa.timestamp("us", tz="UTC")), ("key", pa.int64()), ("value", pa.float64())])


def batch_of(first: int, rows: int, at: np.ndarray) -> pa.RecordBatch:
    """`rows` rows numbered from `first`, at the times `at` in microseconds since 1970, over a thousand keys."""
    numbers = np.arange(first, first + rows)
    columns = [pa.array(at).cast(ROWS.field("at").type), pa.array(numbers % 1000), pa.array(numbers * 0.5)]
    return pa.RecordBatch.from_arrays(columns, schema=ROWS)


def filter_project_window(rows: ph.Frame) -> ph.Frame:
    kept = rows[rows.value >= 0].assign(twice=rows.value * 2)
    return kept.groupby(["key", ph.tumbling("1s")]).agg(n=("twice", "count"), highest=("twice", "max"))


def small_epochs(epochs: int, rows: int) -> tuple[float, int]:
    """Seconds for `epochs` epochs of `rows` rows each in update mode, and how many epochs gave results."""

    def batches() -> Iterator[pa.RecordBatch]:
        for first in range(0, epochs * rows, rows):
            yield batch_of(first, rows, first * 10 + np.arange(rows))

    made = list(batches())
    sink = CountingSink()
    frame = ph.from_iter(made, schema=ROWS, time="at", out_of_order="0s")
    started = time.perf_counter()
    filter_project_window(frame).start(sink, mode="update", max_rows=rows).wait()
    return time.perf_counter() - started, sink.epochs


def paced(rate: int, seconds: float, tick: float = 0.001) -> np.ndarray:
    """Seconds from when each row was due to when its result came, in update mode at `rate` rows per second.

    Rows are pushed in order, so the n-th is visible once the counts of all groups add up to n. A row is due at a
    fixed time, whether or not the thread that pushes it is on time.
    """
    per_tick = round(rate * tick)
    ticks = round(seconds / tick)
    seen = np.empty(ticks)
    reached = visible = 0

    def on_epoch(changes: Batch) -> None:
        nonlocal reached, visible
        counts = changes.rows.column("n").to_numpy(zero_copy_only=False)
        visible += int(counts.sum() if changes.weights is None else counts @ changes.weights)
        seen[reached : visible // per_tick] = time.perf_counter()
        reached = visible // per_tick

    source = ph.push(ROWS, time="at", out_of_order="0s")
    sink = CountingSink(on_epoch)
    query = filter_project_window(source.frame).start(sink, mode="update")
    due = time.perf_counter() + 0.05 + np.arange(ticks) * tick
    pusher = threading.Thread(target=push_when_due, args=(source, due, per_tick))
    pusher.start()
    pusher.join()
    query.wait()
    if reached != ticks:
        raise RuntimeError(f"{reached * per_tick} of {ticks * per_tick} rows came out")
    return seen - due


def push_when_due(source: ph.Push, due: np.ndarray, per_tick: int) -> None:
    for number, moment in enumerate(due):
        time.sleep(max(0.0, moment - time.perf_counter()))
        source.send(batch_of(number * per_tick, per_tick, np.full(per_tick, int(time.time() * 1e6))))
    source.close()
