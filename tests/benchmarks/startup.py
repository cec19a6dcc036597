"""How long until something is there: an import, beside that of pandas, and a first result in a fresh process."""

from __future__ import annotations

import statistics
import sys
import tempfile

from measure import Entry, bids, wall_seconds

SMALL = 20_000
WARM_LIMIT_S, COLD_LIMIT_S = 2.0, 8.0


def import_time(rounds: int) -> Entry:
    """Whole processes in turns; the bare interpreter is beside them, not taken off."""
    commands = {name: [sys.executable, "-c", f"import {name}"] for name in ("playhead", "pandas", "sys")}
    for command in commands.values():
        wall_seconds(command)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds + 4):
        for name, command in commands.items():
            times[name].append(wall_seconds(command))
    middle = {name: statistics.median(of_import) for name, of_import in times.items()}
    return {
        "name": "import",
        "figures": {
            "playhead_s": round(middle["playhead"], 3),
            "pandas_s": round(middle["pandas"], 3),
            "bare_python_s": round(middle["sys"], 3),
        },
        "asked": "no longer than pandas",
        "met": middle["playhead"] <= middle["pandas"],
    }


def first_result(rounds: int) -> Entry:
    """A filter and a windowed aggregate over a small folder, from process start to process end."""
    command = [sys.executable, "-c", f"import ours; ours.first_result({str(bids(SMALL))!r})"]
    wall_seconds(command)
    warm = statistics.median(wall_seconds(command) for _ in range(rounds))
    with tempfile.TemporaryDirectory() as empty:
        cold = wall_seconds(command, {"NUMBA_CACHE_DIR": empty})
    return {
        "name": "first_result",
        "figures": {"warm_s": round(warm, 2), "cold_kernel_cache_s": round(cold, 2)},
        "asked": f"under {WARM_LIMIT_S:.0f} s warm, {COLD_LIMIT_S:.0f} s cold",
        "met": warm < WARM_LIMIT_S and cold < COLD_LIMIT_S,
    }
