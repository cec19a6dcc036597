"""What counts as an event time: zones, clock changes, text, dates, integers, nanoseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Event
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import playhead.io as ph
from playhead.errors import ColumnNotFoundError, EventTimeError, PlanError
from playhead.sources.time_parsing import TimeParser

NEW_YORK = "America/New_York"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def times(frame):
    """The event times as Python's, and the reasons of what was rejected."""
    source = frame.node.source
    chunks = list(source.read(source.splits()[0], [source.time.column], None, Event()))
    values = [value for chunk in chunks for value in chunk.rows.column(0).to_pylist()]
    return values, [reason for chunk in chunks if chunk.rejected for reason in chunk.rejected.reason]


def in_memory(values, kind, **options):
    return ph.from_arrow(pa.table({"at": pa.array(values, kind)}), time="at", **options)


def microseconds(moment):
    return (moment - EPOCH) // timedelta(microseconds=1)


def test_naive_times_are_utc_and_zoned_ones_keep_their_zone():
    noon = datetime(2013, 7, 1, 12)
    assert times(in_memory([noon], pa.timestamp("us")))[0] == [noon.replace(tzinfo=UTC)]
    frame = in_memory([0], pa.timestamp("s", tz=NEW_YORK))
    assert frame.schema.field("at").type == pa.timestamp("us", tz=NEW_YORK)
    assert times(frame)[0] == [EPOCH]


def test_local_times_that_the_clock_showed_twice_or_never_are_rejected_and_not_guessed():
    clock = [
        datetime(2013, 3, 10, 1, 59),
        datetime(2013, 3, 10, 2, 30),
        datetime(2013, 11, 3, 1, 30),
        datetime(2013, 11, 3, 2),
    ]
    found, reasons = times(in_memory(clock, pa.timestamp("us"), tz=NEW_YORK))
    assert found == [clock[0].replace(tzinfo=ZoneInfo(NEW_YORK)), clock[3].replace(tzinfo=ZoneInfo(NEW_YORK))]
    assert "does not exist in America/New_York" in reasons[0]
    assert "is ambiguous in America/New_York" in reasons[1]


def test_local_times_beyond_the_known_clock_changes_are_rejected():
    found, reasons = times(in_memory([datetime(2037, 12, 31), datetime(2038, 7, 1)], pa.timestamp("us"), tz=NEW_YORK))
    assert found == [datetime(2037, 12, 31, tzinfo=ZoneInfo(NEW_YORK))]
    assert "is after 2037" in reasons[0]


@given(st.lists(st.datetimes(datetime(1850, 1, 1), datetime(2040, 1, 1)), max_size=20))
def test_local_times_are_what_python_says_unless_python_has_two_answers(clock):
    zone = ZoneInfo("Europe/Berlin")
    parser = TimeParser("at", pa.timestamp("us"), "Europe/Berlin")
    found = parser.parse(pa.array(clock, pa.timestamp("us")))
    for naive, value in zip(clock, found, strict=True):
        first, second = naive.replace(tzinfo=zone), naive.replace(tzinfo=zone, fold=1)
        if first.utcoffset() == second.utcoffset() and naive < datetime(2038, 1, 1):
            assert value.value == microseconds(first.astimezone(UTC))
        else:
            assert not value.is_valid


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.none() | st.integers(-(10**12), 10**12), max_size=20),
    st.sampled_from(["s", "ms", "us", "ns"]),
)
def test_integers_count_what_unit_says_within_the_years_1_to_9999(counts, unit):
    found = TimeParser("at", pa.int64(), "UTC", unit).parse(pa.array(counts, pa.int64()))
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    for count, value in zip(counts, found, strict=True):
        exact = None if count is None or count * 10**6 % per_second else count * 10**6 // per_second
        inside = exact is not None and -62_135_596_800_000_000 <= exact <= 253_402_300_799_999_999
        assert (value.value if value.is_valid else None) == (exact if inside else None)


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint16(), pa.int32(), pa.uint64()])
def test_integers_of_every_width_are_event_times(kind):
    assert times(in_memory([0, 100], kind, unit="s"))[0] == [EPOCH, EPOCH + timedelta(seconds=100)]


TEXTS = {
    "2013-01-31T23:59:59.5": datetime(2013, 1, 31, 23, 59, 59, 500_000, UTC),
    "2013-01-31 23:59": datetime(2013, 1, 31, 23, 59, tzinfo=UTC),
    "1969-12-31": datetime(1969, 12, 31, tzinfo=UTC),
    "2013-01-31T23:59:59Z": datetime(2013, 1, 31, 23, 59, 59, tzinfo=UTC),
    "2013-01-31T23:59:59+05:30": datetime(2013, 1, 31, 18, 29, 59, tzinfo=UTC),
    "2013-01-31T23:59:59.123456789": None,
    "31/01/2013": None,
    "": None,
    "yesterday": None,
    "2013-02-30": None,
}


@given(st.lists(st.sampled_from(list(TEXTS)), max_size=12))
def test_text_is_read_as_iso_8601_whatever_stands_beside_it(texts):
    found = TimeParser("at", pa.string(), "UTC").parse(pa.array(texts, pa.string()))
    assert [value.as_py() for value in found] == [TEXTS[text] for text in texts]


@pytest.mark.parametrize("text", [text for text, moment in TEXTS.items() if moment is None])
def test_each_text_that_is_no_time_has_its_reason(text):
    reason = TimeParser("at", pa.string(), "UTC").why(pa.scalar(text))
    assert reason.startswith("event time 'at'")
    expected = "is null" if not text else "nanoseconds" if "789" in text else "is not a time in ISO 8601"
    assert expected in reason


@pytest.mark.parametrize(
    ("values", "kind", "options", "words"),
    [
        ([1], pa.int64(), {}, r"unit='s', 'ms', 'us' or 'ns'"),
        ([1.0], pa.float64(), {}, "whole numbers"),
        (["2013"], pa.string(), {}, "to_datetime"),
        ([True], pa.bool_(), {}, "is no time"),
        ([1], pa.time64("us"), {}, "needs a date"),
        ([1], pa.timestamp("us"), {"tz": "America/NewYork"}, "did you mean 'America/New_York'"),
        ([1], pa.timestamp("us", tz="UTC"), {"tz": NEW_YORK}, "has the zone UTC already"),
        ([1], pa.timestamp("us"), {"unit": "s"}, "unit='s' is for an integer"),
        ([1], pa.int64(), {"unit": "minutes"}, "is one of"),
        ([1, 2], pa.timestamp("ns"), {}, r"\.dt\.floor\('us'\)"),
    ],
)
def test_a_column_that_is_no_event_time_is_refused_with_a_remedy(values, kind, options, words):
    with pytest.raises(EventTimeError, match=words):
        in_memory(values, kind, **options)


def test_a_wrong_name_is_refused_with_the_nearest_one():
    with pytest.raises(ColumnNotFoundError, match="did you mean 'at'"):
        ph.from_arrow(pa.table({"at": [1]}), time="att")
    index = pa.table({"at": [1]}).to_pandas().set_index("at")
    with pytest.raises(PlanError, match="reset_index"):
        ph.from_pandas(index, time="at")


def test_endless_sources_need_to_know_how_far_rows_are_out_of_order():
    with pytest.raises(EventTimeError, match="pass out_of_order='5s'"):
        ph.push({"at": "timestamp[us, UTC]"}, time="at")
    assert ph.push({"n": "int64"}, time=ph.arrival_time()).frame.time == "arrival_time"
    assert ph.push({"n": "int64"}).frame.time is None


def test_the_time_of_arrival_is_stamped_once_from_the_injected_clock_and_never_goes_back():
    source = ph.from_iter([{"n": n} for n in range(5)], time=ph.arrival_time(), tz=NEW_YORK, bounded=True).node.source
    ticks = iter([5, 10, 3, 30, 40, 50])
    source.clock = lambda: next(ticks)
    chunks = list(source.read(source.splits()[0], ["arrival_time", "n"], None, Event()))
    assert [row["arrival_time"] for chunk in chunks for row in chunk.rows.to_pylist()] == [
        EPOCH + timedelta(microseconds=10)
    ] * 5
    assert (source.out_of_order, str(source.schema.field("arrival_time").type)) == (0, f"timestamp[us, tz={NEW_YORK}]")
    assert [chunk.rows.schema.names for chunk in source.read(source.splits()[0], ["n"], None, Event())] == [["n"]]
    with pytest.raises(PlanError, match="there is one already"):
        ph.from_arrow(pa.table({"arrival_time": [1]}), time=ph.arrival_time())


def test_a_row_whose_arrival_cannot_be_read_is_rejected_whatever_columns_are_asked_for(tmp_path):
    (tmp_path / "a.csv").write_text("at,landed\n2013-01-01,2013-01-02\n2013-01-01,soon\n2013-01-01,\n")
    source = ph.read_csv(tmp_path / "a.csv", time="at", arrival="landed").node.source
    for columns in (["at"], ["landed"], []):
        chunks = list(source.read(source.splits()[0], columns, None, Event()))
        assert sum(chunk.rows.num_rows for chunk in chunks) == 2
        assert [reason for chunk in chunks if chunk.rejected for reason in chunk.rejected.reason] == [
            "event time 'landed' = 'soon' is not a time in ISO 8601, such as 2013-01-31T23:59:59.5"
        ]


@pytest.mark.parametrize("count", [2**62, -(2**62)])
@pytest.mark.parametrize("kind", [pa.timestamp("us", "UTC"), pa.timestamp("us"), pa.timestamp("s"), pa.int64()])
@pytest.mark.parametrize("tz", [None, "Europe/Berlin"])
def test_times_beyond_every_calendar_are_rejected_and_shown_as_their_number(count, kind, tz):
    if getattr(kind, "tz", None):
        tz = None
    table = pa.table({"at": pa.array([0, count], pa.int64()).view(kind)})
    source = ph.from_arrow(table, time="at", tz=tz, unit="us" if pa.types.is_integer(kind) else None).node.source
    (chunk,) = source.read(source.splits()[0], ["at"], None, Event())
    assert chunk.rejected.text == [f"{{'at': '{count}'}}"]
    assert chunk.rejected.reason == (f"event time 'at' = '{count}' is outside the years 1 to 9999",)


@pytest.mark.parametrize("option", ["out_of_order", "idle_timeout"])
def test_what_is_said_of_the_event_time_needs_one(option):
    with pytest.raises(PlanError, match=f"{option}= is about the event time"):
        ph.from_arrow(pa.table({"a": [1]}), **{option: "1s"})
