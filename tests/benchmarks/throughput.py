"""Rows per second of five queries as a stream, beside the batch engines of DuckDB and polars on the same files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from measure import BUILD, HERE, Entry, MeasurementError, Worker, bids, in_turns, median, number_of_bids
from queries import QUERIES

ENGINES = {"playhead": "ours", "duckdb": "engine_duckdb", "polars": "engine_polars", "decode": "engine_decode"}
PEERS = ("duckdb", "polars")
ANSWERS = ("duckdb", "polars", "playhead")
FOR_SCALE = {"tumbling", "conversion", "selection"}


def measure(query: str, events: int, rounds: int) -> Entry:
    """One query: answers compared, then timed in turns; peak memory of processes that did nothing else."""
    folder, rows = bids(events), number_of_bids(events)
    errors = answers_differ(query, folder)
    entry: Entry = {"name": query, "rows": rows, "rounds": rounds}
    with ExitStack() as stack:
        workers = {}
        for name, engine in ENGINES.items():
            if name not in errors:
                workers[name] = stack.enter_context(Worker(engine, query, folder))
        replies = in_turns(workers, rounds)
    rates = {name: rows / median(of_engine) for name, of_engine in replies.items()}
    best = max(rates[peer] for peer in PEERS)
    ours = rates.get("playhead")
    peaks = {name: round(of_engine[-1]["peak_rss_mib"], 1) for name, of_engine in replies.items()}
    entry |= {
        "playhead_rows_per_s": ours and round(ours),
        "peers": {peer: round(rates[peer]) for peer in PEERS},
        "ratio_to_best": ours and round(ours / best, 3),
        "peak_rss_mib": peaks.pop("playhead", None),
        "decode_only_rows_per_s": round(rates["decode"]),
        "peers_peak_rss_mib": peaks,
        "cpu_seconds": {name: round(median(of_engine, "cpu_seconds"), 3) for name, of_engine in replies.items()},
        "seconds_of_rounds": {name: [round(r["seconds"], 4) for r in of_engine] for name, of_engine in replies.items()},
        "required_ratio": QUERIES[query].required,
        "goal_ratio": QUERIES[query].goal,
        "met": bool(ours and ours / best >= QUERIES[query].required),
    }
    entry["streamz_rows_per_s"] = streamz_rate(query, folder) if query in FOR_SCALE else None
    if errors:
        entry["error"] = "; ".join(errors.values())
    return entry


def answers_differ(query: str, folder: Path) -> dict[str, str]:
    """Which engines did not answer or answered something else, and how; the first engine is believed."""
    answers = BUILD / "answers"
    answers.mkdir(parents=True, exist_ok=True)
    errors: dict[str, str] = {}
    try:
        for name in ANSWERS:
            try:
                with Worker(ENGINES[name], query, folder) as worker:
                    worker.ask(f"answer {answers / name}.arrow")
                    if name != ANSWERS[0]:
                        compare(query, answers / f"{ANSWERS[0]}.arrow", answers / f"{name}.arrow")
            except MeasurementError as error:
                if name in PEERS:
                    raise
                errors[name] = f"{name}: {error}"
    finally:
        shutil.rmtree(answers)
    return errors


def compare(query: str, *paths: Path) -> None:
    command = [sys.executable, str(HERE / "compare_answers.py"), query, *map(str, paths)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode or found.stdout:
        raise MeasurementError(found.stdout.strip() or found.stderr.strip().splitlines()[-1])


def streamz_rate(query: str, folder: Path) -> int:
    """For scale, on the first rows only; the second of two runs."""
    with Worker("engine_streamz", query, folder) as worker:
        worker.ask("run")
        reply = worker.ask("run")
    return round(reply["value"] / reply["seconds"])
