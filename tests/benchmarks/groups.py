"""What a group costs in memory and a row in time: a million string keys, three hot windows, a million open windows."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from measure import BUILD, HERE, Entry, Worker, in_turns, median

ROWS, GROUPS, KEYS = 4_000_000, 1_000_000, 1000
SHAPES = ("million_strings", "hot_windows", "open_windows")
GROUPS_AT_ONCE = {"million_strings": GROUPS, "hot_windows": 3 * KEYS, "open_windows": GROUPS}


def measure(rounds: int) -> list[Entry]:
    """The three shapes in turns. The memory of three hot windows is what the rest of a query needs: it is taken off."""
    with ExitStack() as stack:
        workers = {shape: stack.enter_context(Worker("ours", shape, folder(shape))) for shape in SHAPES}
        replies = in_turns(workers, rounds)
    peak = {shape: replies[shape][-1]["peak_rss_mib"] for shape in SHAPES}
    entries: list[Entry] = []
    for shape in SHAPES:
        figures = {
            "groups_at_once": GROUPS_AT_ONCE[shape],
            "ns_per_row": round(median(replies[shape]) / ROWS * 1e9, 1),
            "peak_rss_mib": round(peak[shape], 1),
        }
        if shape != "hot_windows":
            more = (peak[shape] - peak["hot_windows"]) * 2**20
            figures["state_bytes_per_group"] = round(more / (GROUPS - GROUPS_AT_ONCE["hot_windows"]), 1)
        entries.append({"name": shape, "figures": figures})
    hot, open_ones = (median(replies[shape]) for shape in ("hot_windows", "open_windows"))
    entries[-1] |= {"asked": "at most 3 x the time per row of hot windows", "met": open_ones <= 3 * hot}
    return entries


def folder(shape: str) -> Path:
    """The input of a shape; made on first use, in a process of its own."""
    path = BUILD / f"groups-{shape}"
    if not path.exists():
        subprocess.run([sys.executable, __file__, shape, str(path)], cwd=HERE, check=True)
    return path


def make(shape: str) -> dict[str, object]:
    """Columns `key`, `value` and `date_time`: four rows to a group, in a random order."""
    import numpy as np
    import pyarrow as pa

    random = np.random.default_rng(1)
    group = random.permutation(np.arange(ROWS) % GROUPS)
    if shape == "million_strings":
        key = pa.array(np.char.add("customer-", group.astype(str)))
        time = np.arange(ROWS) * 100
    elif shape == "hot_windows":
        key = pa.array(group % KEYS)
        time = np.arange(ROWS) * 100 - random.integers(0, 2_000_000, ROWS)
    else:
        key = pa.array(group % KEYS)
        time = group // KEYS * 1_000_000 + random.integers(0, 1_000_000, ROWS)
    stamps = pa.array(time + 1_436_918_400_000_000).cast(pa.timestamp("us", tz="UTC"))
    return {"key": key, "value": random.random(ROWS), "date_time": stamps}


def main() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    shape, path = sys.argv[1], Path(sys.argv[2])
    unfinished = path.with_suffix(".unfinished")
    unfinished.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(make(shape)), unfinished / "part-00000.parquet", row_group_size=1 << 18)
    unfinished.rename(path)


if __name__ == "__main__":
    main()
