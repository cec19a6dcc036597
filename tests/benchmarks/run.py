"""Measure Playhead beside other engines on this machine: prints a table and writes build/bench.json.

    python tests/benchmarks/run.py                        everything, on 10 million Nexmark events (and on 40)
    python tests/benchmarks/run.py --events 1000000 --only tumbling
    python tests/benchmarks/run.py --markdown             the last run as Markdown; measures nothing

A benchmark that falls short says so in the table. One that does not run, or answers wrongly, makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Callable

import epochs
import groups
import latency
import memory
import rendering
import startup
import throughput
from measure import BUILD, Entry, MeasurementError, machine
from queries import QUERIES

Benchmark = Callable[[], Entry | list[Entry]]


def benchmarks(events: int, rounds: int) -> dict[str, Benchmark]:
    """What can be asked for by name, in the order of the table."""
    rates: dict[str, Benchmark] = {
        query: lambda query=query: throughput.measure(query, events, rounds)  # type: ignore[misc]
        for query in QUERIES
    }
    return rates | {
        "memory": lambda: memory.measure("tumbling", "memory", events),
        "memory_new_strings": lambda: memory.measure("new_strings", "memory_new_strings", events),
        "latency": latency.measure,
        "import": lambda: startup.import_time(rounds),
        "first_result": lambda: startup.first_result(rounds),
        "epoch_overhead": lambda: epochs.measure(rounds),
        "groups": lambda: groups.measure(rounds),
    }


def measured(name: str, benchmark: Benchmark) -> list[Entry]:
    print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        entries = benchmark()
    except MeasurementError as error:
        return [{"name": name, "error": str(error), "met": False}]
    return entries if isinstance(entries, list) else [entries]


def main() -> int:
    everything = list(benchmarks(0, 0))
    parser = argparse.ArgumentParser(description="Measure Playhead beside other engines on this machine.")
    parser.add_argument("--events", type=int, default=10_000_000, help="Nexmark events; 46 in 50 are bids")
    parser.add_argument("--rounds", type=int, default=5, help="each engine's turns; the median counts")
    parser.add_argument("--only", choices=everything, action="append", help="measure just this; may be repeated")
    parser.add_argument("--markdown", action="store_true", help="print the last run as Markdown, measure nothing")
    given = parser.parse_args()
    path = BUILD / "bench.json"
    if given.markdown:
        print(rendering.markdown(json.loads(path.read_text())))
        return 0
    chosen = given.only or everything
    available = benchmarks(given.events, given.rounds)
    results = [entry for name in everything if name in chosen for entry in measured(name, available[name])]
    command = shlex.join(["python", "tests/benchmarks/run.py", *sys.argv[1:]])
    report = {"machine": machine(), "command": command, "events": given.events, "results": results}
    BUILD.mkdir(exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(rendering.text(report))
    return int(any("error" in entry for entry in results))


if __name__ == "__main__":
    sys.exit(main())
