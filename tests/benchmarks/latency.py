"""How long a row waits for its result at 50,000 rows per second, beside how late an idle loop wakes up on this machine.

python tests/benchmarks/latency.py jitter | paced       (one measurement, in this process, as JSON)
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np
from measure import HERE, Entry, MeasurementError, last_line

RATE, SECONDS, TICK = 50_000, 10.0, 0.001
MAX_DELAY_MS, ALLOWANCE_MS = 5.0, 5.0


def measure() -> Entry:
    """First the idle loop, then the paced stream, each in a fresh process."""
    jitter, paced = (in_fresh_process(what) for what in ("jitter", "paced"))
    allowed = MAX_DELAY_MS + ALLOWANCE_MS + jitter["p99_ms"]
    return {
        "name": "latency",
        "figures": {
            "rows_per_s": RATE,
            "p50_ms": paced["p50_ms"],
            "p99_ms": paced["p99_ms"],
            "idle_jitter_p50_ms": jitter["p50_ms"],
            "idle_jitter_p99_ms": jitter["p99_ms"],
        },
        "asked": f"goal: p99 under max_delay + 5 ms + jitter = {allowed:.1f} ms",
        "met": paced["p99_ms"] < allowed,
    }


def in_fresh_process(what: str) -> dict[str, float]:
    done = subprocess.run([sys.executable, __file__, what], cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MeasurementError(last_line(done.stderr))
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def idle_jitter() -> np.ndarray:
    """Seconds by which a thread that only sleeps is late for its ticks."""
    due = time.perf_counter() + 0.05 + np.arange(round(SECONDS / TICK)) * TICK
    late = np.empty(len(due))
    for number, moment in enumerate(due):
        time.sleep(max(0.0, moment - time.perf_counter()))
        late[number] = time.perf_counter() - moment
    return late


def paced_latency() -> np.ndarray:
    """The same ticks with rows in them; a first short run compiles and warms up."""
    import ours

    ours.paced(RATE, 1.0, TICK)
    return ours.paced(RATE, SECONDS, TICK)


def main() -> None:
    seconds = {"jitter": idle_jitter, "paced": paced_latency}[sys.argv[1]]()
    p50, p99 = np.percentile(seconds * 1000, [50, 99])
    print(json.dumps({"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3)}))


if __name__ == "__main__":
    main()
