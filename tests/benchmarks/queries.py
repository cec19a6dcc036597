"""The five benchmark queries: what each reads, and how fast a stream has to be beside the best batch engine.

All run over the bids of Nexmark with event time. `tumbling`: count, average and highest price per auction and 10 s.
`hopping`: count per auction and 10 s, every 2 s. `highest`: the highest price per 10 s (query 7). `conversion`:
prices in euros (query 1, a map). `selection`: the bids of every 123rd auction (query 2, a filter).
An answer has these columns, whichever engine gives it; `window` is the start in microseconds since 1970.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BenchmarkQuery:
    """What a query reads, the columns of its answer, and the ratio to the best peer that is asked of it."""

    reads: tuple[str, ...]
    answer: tuple[str, ...]
    required: float
    goal: float


QUERIES = {
    "tumbling": BenchmarkQuery(
        ("auction", "price", "date_time"), ("auction", "window", "n", "mean", "highest"), required=0.8, goal=1.0
    ),
    "hopping": BenchmarkQuery(("auction", "date_time"), ("auction", "window", "n"), required=0.8, goal=1.0),
    "highest": BenchmarkQuery(("price", "date_time"), ("window", "highest"), required=0.4, goal=0.4),
    "conversion": BenchmarkQuery(
        ("auction", "bidder", "price", "date_time"), ("auction", "bidder", "price", "date_time"), required=0.3, goal=0.3
    ),
    "selection": BenchmarkQuery(
        ("auction", "price", "date_time"), ("auction", "price", "date_time"), required=0.3, goal=0.3
    ),
}
SIZE, HOP = 10_000_000, 2_000_000
"""Of the windows, in microseconds."""
EUROS_PER_DOLLAR = 0.908
EVERY = 123
