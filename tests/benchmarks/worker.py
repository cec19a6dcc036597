"""A process of its own for one engine and one query: told over standard input to run it, it answers how long it took.

    python tests/benchmarks/worker.py engine_polars tumbling build/nexmark-10000000/bids

Lines in: `run`, `answer PATH` (leaves the result there as an Arrow file), `quit`. Each is answered by a line of JSON.
Its peak memory is its own, untouched by the other engines and by the comparing of answers.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any


def peak_rss_mib() -> float:
    """The most memory this process ever held. Linux would add what the parent held before us to `ru_maxrss`."""
    try:
        with open("/proc/self/status") as status:
            high_water = next(line for line in status if line.startswith("VmHWM"))
        return int(high_water.split()[1]) / 1024
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def rss_mib() -> float:
    """The memory this process holds now; its peak where the system does not say."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return peak_rss_mib()


def timed(work: Callable[[], Any]) -> dict[str, Any]:
    """What `work` returns, and its wall and CPU seconds (of all threads)."""
    held = rss_mib()
    started, cpu = time.perf_counter(), time.process_time()
    value = work()
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "value": value,
        "rss_before_mib": held,
        "peak_rss_mib": peak_rss_mib(),
    }


def save(table: Any, path: str) -> int:
    import pyarrow as pa

    with pa.OSFile(path, "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return int(table.num_rows)


def main() -> None:
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what an engine prints must not mix with the replies
    engine, query, folder = sys.argv[1:4]
    module = importlib.import_module(engine)
    for line in sys.stdin:
        command, _, path = line.strip().partition(" ")
        try:
            if command == "quit":
                break
            if command == "answer":
                reply = {"value": save(module.answer(query, folder), path)}
            else:
                reply = timed(lambda: module.run(query, folder))
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main()
