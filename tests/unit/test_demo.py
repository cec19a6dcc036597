"""The demonstration says what it should, finds a difference from pandas if there is one, and draws what it computed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from playhead import demo, warm
from playhead.demo_picture import FIRST_HOUR, by_hour_and_day

SHAPE = r"""Playhead \d+\.\d+\S* - 327,346 flights from New York in 2013, in landing order, 12h out of order
history as one batch   compute\(\)     \d+\.\d+ s   [\d,]+ rows/s
the same frame, live   replay\(max\)   ######## 31 Dec 2013 - late 0 - rejected 0 - [\d,]+ rows/s
carrier +window_start +window_end +n +mean_delay +worst +share
(?: +9E 2013-01-01 \d\d:00:00-05:00 2013-01-01 \d\d:00:00-05:00 +\d+ +-?\d+\.\d +-?\d+ +\d\.\d+
){5}equal to pandas: 63,855 groups, 0 differences
too tight on purpose \(6h\): \d+ rows late; q\.late holds them; result \+ late = all rows
picture: \S+\.png    next: make lab
"""


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    return pd.read_parquet(demo.FLIGHTS)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "1")


def table(*rows: tuple[str, int, int, float]) -> pd.DataFrame:
    """Groups as (carrier, hour, n, mean_delay)."""
    frame = pd.DataFrame(rows, columns=["carrier", "hour", "n", "mean_delay"])
    start = pd.Timestamp("2013-07-01", tz="America/New_York") + pd.to_timedelta(frame.pop("hour"), unit="h")
    frame.insert(1, "window_start", start)
    frame.insert(2, "window_end", start + pd.Timedelta("1h"))
    return frame


# The whole of it


def test_the_demonstration_prints_what_it_promises_and_nothing_else(tmp_path: Path) -> None:
    picture = tmp_path / "new" / "demo.png"
    command = [sys.executable, "-W", "default", "-m", "playhead.demo", "--picture", str(picture)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(SHAPE, done.stdout)
    assert not re.search(r"[^\n\x20-\x7e]", done.stdout)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_difference_is_shown_with_both_values_and_ends_in_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    right = demo.pandas_delays

    def planted(flights: pd.DataFrame) -> pd.DataFrame:
        wrong = right(flights)
        wrong.loc[41, "worst"] = -12345
        return wrong

    monkeypatch.setattr(demo, "pandas_delays", planted)
    assert demo.main(["--picture", str(tmp_path / "demo.png")]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    worst = right(pd.read_parquet(demo.FLIGHTS)).loc[41]
    assert last == (
        f"NOT equal to pandas, in compute(): 1 of 63,855 groups differ; the first is 9E from {worst.window_start}: "
        f"worst is {worst.worst} by playhead, -12345 by pandas"
    )
    assert not (tmp_path / "demo.png").exists()


def test_a_row_that_is_neither_in_the_result_nor_late_is_noticed(flights: pd.DataFrame) -> None:
    one_more = pd.concat([flights, flights.tail(1)])
    text, whole = demo.run_too_tight(one_more)
    assert not whole
    assert "but the result has" in text and "of 327,347 rows" in text


def test_without_its_data_the_demonstration_says_where_to_run_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(demo, "FLIGHTS", tmp_path / "flights.parquet")
    assert demo.main([]) == 1
    assert "in a clone of the repository" in capsys.readouterr().err


# The comparison


def test_equal_tables_have_no_difference_whatever_the_order_of_their_rows() -> None:
    ours = table(("AA", 1, 2, 0.1 + 0.2), ("UA", 1, 1, float("nan")))
    assert demo.first_difference(ours, table(("UA", 1, 1, float("nan")), ("AA", 1, 2, 0.3))) is None


@pytest.mark.parametrize(
    ("pandas", "said"),
    [
        ([("AA", 1, 2, 5.0), ("UA", 1, 4, 7.0)], "1 of 2 groups differ; the first is UA .*: n is 3 by playhead, 4 by"),
        ([("AA", 1, 2, 5.1), ("UA", 1, 4, 7.0)], "2 of 2 groups differ; the first is AA .*: mean_delay is 5.0 .* 5.1"),
        ([("UA", 1, 3, 7.0)], "1 of 2 groups differ; the first is AA .*, which only playhead has"),
        (
            [("AA", 0, 1, 0.0), ("AA", 1, 2, 5.0), ("UA", 1, 3, 7.0)],
            "1 of 3 .* AA .* 00:00:00-04:00, which only pandas",
        ),
        (
            [("AA", 1, 2, 5.0), ("UA", 1, 3, float("nan"))],
            "1 of 2 .* UA .*: mean_delay is 7.0 by playhead, nan by pandas",
        ),
    ],
)
def test_the_first_difference_is_named(pandas: list[tuple[str, int, int, float]], said: str) -> None:
    difference = demo.first_difference(table(("AA", 1, 2, 5.0), ("UA", 1, 3, 7.0)), table(*pandas))
    assert difference and re.match(said, difference)


def test_other_columns_are_a_difference() -> None:
    ours = table(("AA", 1, 2, 5.0))
    assert demo.first_difference(ours, ours.rename(columns={"n": "count"})) is not None


# The picture


def test_the_picture_shows_means_over_carriers_and_counts_the_small_hours_to_the_day_before() -> None:
    hours = by_hour_and_day(table(("AA", 8, 1, 10.0), ("UA", 8, 3, 30.0), ("AA", 25, 1, 90.0), ("AA", 32, 2, 0.0)))
    assert [f"{day:%d %b}" for day in hours.days] == ["01 Jul", "02 Jul"]
    eight, one = 8 - FIRST_HOUR, 25 - FIRST_HOUR
    assert hours.grid[eight].tolist() == [25.0, 0.0]
    assert hours.grid[one, 0] == 90.0
    assert hours.by_day.tolist() == [(10 + 90 + 90) / 5, 0.0]
    assert hours.by_hour[eight] == (10 + 90) / 6
    assert hours.flights == 7


# The kernels


def test_warming_up_says_in_one_line_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    warm.main()
    line = r"kernels: (\d+ compiled into numba's cache|all loaded from numba's cache) in \d+\.\d s\n"
    assert re.fullmatch(line, capsys.readouterr().out)


def test_warming_up_leaves_the_demonstration_nothing_to_load_or_compile() -> None:
    warm.warm([warm.hourly])
    before = {kernel.__name__: kernel.signatures for kernel in warm.kernels()}
    demo.delays(demo.read_flights("12h")).compute()
    assert {kernel.__name__: kernel.signatures for kernel in warm.kernels()} == before
