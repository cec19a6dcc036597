"""Does peak memory stay where it is when the input is four times as long? With a counting sink, and ever-new keys."""

from __future__ import annotations

from measure import Entry, bids, run_once

LONGER = 4
ALLOWED = 1.15


def measure(query: str, name: str, events: int) -> Entry:
    """One query over `events` and over four times as many, each in a fresh process."""
    short, long = (run_once("ours", query, bids(size))["peak_rss_mib"] for size in (events, LONGER * events))
    return {
        "name": name,
        "figures": {
            f"peak_rss_mib_at_{events}_events": round(short, 1),
            f"peak_rss_mib_at_{LONGER * events}_events": round(long, 1),
            "ratio": round(long / short, 3),
        },
        "asked": f"ratio at most {ALLOWED}",
        "met": long / short <= ALLOWED,
    }
