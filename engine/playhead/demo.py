"""The demonstration: a year of flights through one query, as history and as it happened, compared with pandas.

`make demo`, or `python -m playhead.demo --picture somewhere.png`, in a clone of the repository.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import playhead as ph
from playhead.demo_picture import draw
from playhead.left_out import LateRowsWarning
from playhead.query import Query
from playhead.warm import hourly, warm

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).parents[2]
FLIGHTS = ROOT / "datasets" / "flights.parquet"
PICTURE = ROOT / "build" / "demo.png"
KEYS = ["carrier", "window_start", "window_end"]


def read_flights(out_of_order: str) -> ph.Frame:
    """The flights that departed from New York in 2013, as they became known: when they landed."""
    return ph.read_parquet(FLIGHTS, time="departed", arrival="landed", out_of_order=out_of_order)


def delays(flights: ph.Frame) -> ph.Frame:
    """The query of the demonstration: departures by carrier and hour."""
    return (
        flights.assign(very_late=flights.dep_delay > 60)
        .groupby(["carrier", ph.tumbling("1h")])
        .agg(
            n=("flight", "count"),
            mean_delay=("dep_delay", "mean"),
            worst=("dep_delay", "max"),
            share=("very_late", "mean"),
        )
    )


def pandas_delays(flights: pd.DataFrame) -> pd.DataFrame:
    """The same question, asked of pandas."""
    import pandas as pd

    hours = flights.assign(very_late=flights.dep_delay > 60, window_start=flights.departed.dt.floor("1h"))
    table = hours.groupby(["carrier", "window_start"], as_index=False).agg(
        n=("flight", "count"), mean_delay=("dep_delay", "mean"), worst=("dep_delay", "max"), share=("very_late", "mean")
    )
    table.insert(2, "window_end", table.window_start + pd.Timedelta("1h"))
    return table


def first_difference(ours: pd.DataFrame, pandas: pd.DataFrame) -> str | None:
    """What differs first between two tables of the same groups, with both values; None if nothing does.

    Counts and extremes have to be equal, means within 1e-12 of each other's size.
    """
    import numpy as np

    if list(ours.columns) != list(pandas.columns):
        return f"columns: playhead {list(ours.columns)}, pandas {list(pandas.columns)}"
    both = ours.merge(pandas, on=KEYS, how="outer", suffixes=("", " of pandas"), indicator=True, sort=True)
    values = [name for name in pandas.columns if name not in KEYS]
    left = both[values].to_numpy("float64")
    right = both[[f"{name} of pandas" for name in values]].to_numpy("float64")
    wrong = ~np.isclose(left, right, rtol=1e-12, atol=1e-12, equal_nan=True)
    wrong |= (both["_merge"] != "both").to_numpy()[:, None]
    rows, columns = np.nonzero(wrong)
    if not len(rows):
        return None
    row, name = both.iloc[rows[0]], values[columns[0]]
    where = f"{len(set(rows)):,} of {len(both):,} groups differ; the first is {row.carrier} from {row.window_start}"
    if row["_merge"] != "both":
        return f"{where}, which only {'playhead' if row['_merge'] == 'left_only' else 'pandas'} has"
    return f"{where}: {name} is {row[name]} by playhead, {row[f'{name} of pandas']} by pandas"


def replay_with_a_bar(table: ph.Frame, days: tuple[pd.Timestamp, pd.Timestamp]) -> Query:
    """Replay as fast as possible; in a terminal the line moves while it does."""
    begun = time.perf_counter()
    query = table.replay(speed="max", name="the same frame, live")
    while query.state == "running" and sys.stdout.isatty():
        print(f"{_bar(query, days, begun):<110}", end="\r", flush=True)
        time.sleep(0.05)
    query.wait()
    print(_bar(query, days, begun), flush=True)
    return query


def _bar(query: Query, days: tuple[pd.Timestamp, pd.Timestamp], begun: float) -> str:
    """The timetable's days are the bar: the last flights of the year leave after midnight."""
    first, last = days
    progress = query.progress
    at = first if progress.playhead is None else min(progress.playhead, last)
    filled = round(8 * (at - first) / (last - first))
    speed = progress.rows / (time.perf_counter() - begun)
    numbers = f"late {progress.late:,} - rejected {progress.rejected:,} - {speed:,.0f} rows/s"
    return f"the same frame, live   replay(max)   {'#' * filled:.<8} {at:%d %b %Y} - {numbers}"


def run_too_tight(flights: pd.DataFrame) -> tuple[str, bool]:
    """Declare half the disorder that there is; returns what to say and whether every row is accounted for."""
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LateRowsWarning)
        query = delays(read_flights("6h")).start(max_rows=512, name="too tight").wait()
    late, result = query.late.compute(), query.latest()
    both = pd.concat([result.set_index(KEYS).n, late.groupby(KEYS).size()]).groupby(level=KEYS).sum()
    whole = bool(both.sum() == len(flights)) and bool((both == pandas_delays(flights).set_index(KEYS).n).all())
    text = f"too tight on purpose (6h): {query.progress.late:,} rows late; q.late holds them; "
    if whole and len(late) == query.progress.late:
        return text + "result + late = all rows", True
    return text + f"but the result has {result.n.sum():,} and q.late {len(late):,} of {len(flights):,} rows", False


def demonstrate(picture: Path) -> int:
    """Print the demonstration; 0 if everything is as it should be."""
    import pandas as pd

    flights = pd.read_parquet(FLIGHTS)
    days = (flights.scheduled.min(), flights.scheduled.max())
    rows = len(flights)
    year = f"{rows:,} flights from New York in {days[0].year}"
    print(f"Playhead {ph.__version__} - {year}, in landing order, 12h out of order", flush=True)

    table = delays(read_flights("12h"))
    history, seconds = _timed(table.compute)
    print(f"history as one batch   compute()     {seconds:.2f} s   {rows / seconds:,.0f} rows/s", flush=True)
    query = replay_with_a_bar(table, days)
    live = query.latest()
    print(live.head().round({"mean_delay": 1, "share": 2}).to_string(index=False), flush=True)

    expected = pandas_delays(flights)
    for name, result in (("compute()", history), ("replay()", live)):
        difference = first_difference(result, expected)
        if difference:
            print(f"NOT equal to pandas, in {name}: {difference}", flush=True)
            return 1
    print(f"equal to pandas: {len(expected):,} groups, 0 differences", flush=True)
    text, whole = run_too_tight(flights)
    print(text, flush=True)
    if not whole:
        return 1
    draw(live, picture)
    print(f"picture: {_short(picture)}    next: make lab", flush=True)
    return 0


def _timed(function: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.perf_counter()
    result = function()
    return result, time.perf_counter() - begun


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """What `python -m playhead.demo` does; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m playhead.demo", description=__doc__)
    parser.add_argument(
        "--picture", type=Path, default=PICTURE, help="where the picture goes (default: build/demo.png)"
    )
    picture = parser.parse_args(arguments).picture
    if not FLIGHTS.exists():
        print(
            f"the demonstration replays {FLIGHTS}, which is not there; run it in a clone of the repository",
            file=sys.stderr,
        )
        return 1
    os.environ["TQDM_DISABLE"] = "1"  # the line above is this demonstration's own bar
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its first run says that it looks for fonts
    warm([hourly])  # loading kernels is not what is timed
    return demonstrate(picture)


if __name__ == "__main__":
    sys.exit(main())
