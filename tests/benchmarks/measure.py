"""How the benchmarks measure: every engine in a process of its own, in turns in one run, and medians of the rounds.

Nothing heavy is imported here, so that the process that conducts the measurements stays small and idle.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build"
GENERATOR = HERE.parents[1] / "datasets" / "generate_nexmark.py"
DISORDER_MS = 4000
"""Events arrive up to this late; the queries are told 5 s."""

Entry = dict[str, Any]


class MeasurementError(Exception):
    """Something that was to be measured did not run; the message is its own."""


class Worker:
    """One engine with one query, in a process of its own (see worker.py)."""

    def __init__(self, engine: str, query: str, folder: Path | str) -> None:
        command = [sys.executable, str(HERE / "worker.py"), engine, query, str(folder)]
        self.words = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed on exit; a pipe would fill up and block
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.words, text=True
        )

    def ask(self, command: str) -> dict[str, Any]:
        """Send a line and wait for the reply."""
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.process.wait()
            self.words.seek(0)
            raise MeasurementError(last_line(self.words.read()))
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise MeasurementError(reply["error"])
        return reply

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()
        self.words.close()


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "the process ended without a word"


def in_turns(workers: Mapping[str, Worker], rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Let each run once for nothing, then A B C A B C ...; the replies of each, in order."""
    for worker in workers.values():
        worker.ask("run")
    replies: dict[str, list[dict[str, Any]]] = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            replies[name].append(worker.ask("run"))
    return replies


def median(replies: list[dict[str, Any]], key: str = "seconds") -> float:
    return statistics.median(float(reply[key]) for reply in replies)


def run_once(engine: str, query: str, folder: Path | str) -> dict[str, Any]:
    """One run in a fresh process, its peak memory included."""
    with Worker(engine, query, folder) as worker:
        return worker.ask("run")


def wall_seconds(command: list[str], environment: dict[str, str] | None = None) -> float:
    """How long a fresh process takes, from its start to its end."""
    started = time.perf_counter()
    done = subprocess.run(
        command, env={**os.environ, **(environment or {})}, cwd=HERE, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MeasurementError(last_line(done.stderr))
    return time.perf_counter() - started


def bids(events: int) -> Path:
    """The folder of the bids among `events` Nexmark events; made on first use."""
    folder = BUILD / f"nexmark-{events}"
    if not folder.exists():
        print(f"writing {folder} ...", file=sys.stderr, flush=True)
        unfinished = folder.with_suffix(".unfinished")
        options = ["--events", str(events), "--out", str(unfinished), "--out-of-order-ms", str(DISORDER_MS)]
        subprocess.run([sys.executable, str(GENERATOR), *options], check=True, stdout=subprocess.DEVNULL)
        unfinished.rename(folder)
    return folder / "bids"


def number_of_bids(events: int) -> int:
    """Of every 50 events the last 46 are bids."""
    return events // 50 * 46 + max(events % 50 - 4, 0)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    packages = {}
    for name in ("playhead", "numpy", "numba", "pyarrow", "pandas", "duckdb", "polars", "streamz"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = None
    return {
        "cpu": cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": packages,
    }


def cpu_name() -> str:
    try:
        with open("/proc/cpuinfo") as cpus:
            return next(line.split(":", 1)[1].strip() for line in cpus if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
