"""A real query, killed with SIGKILL at random moments and resumed until its end: nothing lost, nothing doubled.

`python -m playhead.testing.crash --rounds 100` prints what it did. A child process runs the query with checkpoints into
a Parquet folder, an event log and a table in memory, sometimes at another parallelism than before; the parent kills it
when it has shown a random number of epochs. Whenever the query comes to its end, its sinks are compared with the batch
answer, and the next one begins.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import playhead.io as ph
from playhead.frame.aggregating import size
from playhead.windows import tumbling

FILES, ROWS = 12, 4_000
"""Of the input: files, and rows in each."""


def main() -> None:
    """Run rounds as the command line says; exit 1 on the first difference."""
    parser = argparse.ArgumentParser(prog="python -m playhead.testing.crash", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100, help="how often a running query is killed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs=2, metavar=("FOLDER", "PARALLELISM"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(Path(arguments.child[0]), int(arguments.child[1]))
        return
    result = crash(arguments.rounds, arguments.seed)
    print(result)
    sys.exit(bool(result.lost or result.doubled))


class Result:
    """What came of it."""

    def __init__(self) -> None:
        self.kills = self.queries = self.lost = self.doubled = self.rows = 0

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.queries} queries run to their end, {self.rows:,} result rows compared in each "
            f"sink: {self.lost} lost, {self.doubled} doubled"
        )


def crash(rounds: int, seed: int = 0) -> Result:
    """Kill a query `rounds` times, at least; returns what its sinks say in the end."""
    chance, result = random.Random(seed), Result()
    while result.kills < rounds:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_input(folder / "input", seed + result.queries)
            while not _run_and_kill(folder, chance):
                result.kills += 1
            _compare(folder, result)
            result.queries += 1
    return result


def write_input(folder: Path, seed: int) -> None:
    """Some files of rows out of order, by up to a minute."""
    numbers = np.random.default_rng(seed)
    folder.mkdir()
    for number in range(FILES):
        due = (number * ROWS + np.arange(ROWS)) * 50_000
        at = due - numbers.integers(0, 60_000_000, ROWS)
        columns = {
            "at": pa.array(at).cast(pa.timestamp("us", "UTC")),
            "key": pa.array(numbers.integers(0, 40, ROWS)),
            "value": pa.array(numbers.integers(-1000, 1000, ROWS)),
        }
        pq.write_table(pa.table(columns), folder / f"{number:03}.parquet")


def query_of(folder: Path) -> Any:
    """The query that is killed."""
    rows = ph.read_parquet(f"{folder / 'input'}/", time="at", out_of_order="1min")
    return rows.groupby(["key", tumbling("30s")]).agg(n=size(), total=("value", "sum"), last=("value", "last"))


def child(folder: Path, parallelism: int) -> None:
    """Run the query, and say after each epoch which one it was."""
    sinks = [
        ph.to_parquet(folder / "out"),
        ph.to_event_log(folder / "log"),
        ph.to_callback(lambda epoch, changes: print(epoch, flush=True)),
    ]
    query = query_of(folder).start(
        sinks,
        mode="append",
        parallelism=parallelism,
        name="killed",
        checkpoint=folder / "checkpoints",
        checkpoint_every="20ms",
        max_rows=200,
    )
    query.wait()
    print("done", flush=True)


def _run_and_kill(folder: Path, chance: random.Random) -> bool:
    """Let a child go on with the query and kill it after some lines; True if it came to the end before."""
    command = [sys.executable, "-m", "playhead.testing.crash", "--child", str(folder), str(chance.choice([1, 1, 2, 3]))]
    lines = chance.randrange(1, 40)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        for line in process.stdout:
            if line.startswith("done"):
                process.wait()
                return True
            lines -= line.strip().isdigit()
            if lines <= 0:
                process.send_signal(signal.SIGKILL)
                process.wait()
                return False
        raise RuntimeError(f"the query failed by itself: {process.stderr.read()}")


def _compare(folder: Path, result: Result) -> None:
    expected = _bag(query_of(folder).to_arrow())
    result.rows += sum(expected.values())
    for found in (pq.read_table(folder / "out"), ph.read_event_log(folder / "log", until="now").to_arrow()):
        there = _bag(found)
        result.lost += sum((expected - there).values())
        result.doubled += sum((there - expected).values())


def _bag(table: pa.Table) -> Counter[str]:
    """Rows with how often each is there; the order of rows means nothing."""
    names = ["key", "window_start", "n", "total", "last"]
    return Counter(json.dumps(row, default=str) for row in table.select(names).to_pylist())


if __name__ == "__main__":
    main()
