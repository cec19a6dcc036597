"""What an epoch costs when there is next to nothing in it: 100 rows through filter, project and windowed aggregate.

python tests/benchmarks/epochs.py       (one measurement, in this process, as JSON)
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from measure import HERE, Entry, MeasurementError, last_line

ROWS, FEW, MANY = 100, 500, 3000
ALLOWED_US = 300


def measure(rounds: int) -> Entry:
    command = [sys.executable, __file__, str(rounds)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MeasurementError(last_line(done.stderr))
    microseconds = json.loads(done.stdout.splitlines()[-1])
    return {
        "name": "epoch_overhead",
        "figures": {"rows_per_epoch": ROWS, "us_per_epoch": round(microseconds, 1)},
        "asked": f"under {ALLOWED_US} us",
        "met": microseconds < ALLOWED_US,
    }


def microseconds_per_epoch() -> float:
    """The difference between many epochs and few, so that starting and ending a query is not in it."""
    import ours

    few, many = (ours.small_epochs(epochs, ROWS) for epochs in (FEW, MANY))
    if (few[1], many[1]) != (FEW, MANY):
        raise RuntimeError(f"{few[1]} and {many[1]} epochs instead of {FEW} and {MANY}")
    return (many[0] - few[0]) / (MANY - FEW) * 1e6


def main() -> None:
    microseconds_per_epoch()
    print(json.dumps(statistics.median(microseconds_per_epoch() for _ in range(int(sys.argv[1])))))


if __name__ == "__main__":
    main()
