"""Three of the benchmark queries in streamz on pandas, over the first rows of the folder only: for scale.

streamz has neither event time nor windows that close: its groups are running ones over (auction, window), which it
emits whole after every batch, and it has no maximum. `run` answers how many rows went in.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pyarrow.dataset
from queries import EUROS_PER_DOLLAR, EVERY, QUERIES, SIZE
from streamz import Stream
from streamz.dataframe import DataFrame

ROWS, BATCH = 5 * 65_536, 65_536


def tumbling(bids: DataFrame) -> list[DataFrame]:
    groups = bids.groupby(["auction", "window"]).price
    return [groups.count(), groups.mean()]


def conversion(bids: DataFrame) -> list[DataFrame]:
    return [bids.assign(price=bids.price * EUROS_PER_DOLLAR)]


def selection(bids: DataFrame) -> list[DataFrame]:
    return [bids[bids.auction % EVERY == 0]]


PLANS: dict[str, Callable[[DataFrame], list[DataFrame]]] = {
    plan.__name__: plan for plan in (tumbling, conversion, selection)
}


def run(query: str, folder: str) -> int:
    batches = pyarrow.dataset.dataset(folder).scanner(columns=list(QUERIES[query].reads), batch_size=BATCH).to_batches()
    rows, results = 0, 0
    stream = Stream()
    plan_is_built = False

    def count(frame: pd.DataFrame) -> None:
        nonlocal results
        results += len(frame)

    for batch in batches:
        frame = batch.to_pandas()
        frame["window"] = frame["date_time"].astype("int64") // SIZE * SIZE
        if not plan_is_built:
            for result in PLANS[query](DataFrame(stream, example=frame.head(0))):
                result.stream.sink(count)
            plan_is_built = True
        stream.emit(frame)
        rows += len(frame)
        if rows >= ROWS:
            break
    assert results > 0
    return rows
