"""Rows of every kind, and every aggregate over every window with what a beginner would expect of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import settings
from hypothesis import strategies as st

import playhead as ph
from playhead.aggregates import NAMES
from playhead.aggregates.approx_quantile import ApproxQuantile
from playhead.aggregates.quantile import Quantile
from playhead.testing import Grouped, Near, Schedule, rows, scripted
from playhead.testing.aggregates import AGGREGATES, present, quantile
from playhead.windows import Window

ZONE = "America/New_York"
SCHEMA = pa.schema(
    {
        "at": pa.timestamp("us", ZONE),
        "k": pa.string(),
        "g": pa.float64(),
        "x": pa.float64(),
        "i": pa.int64(),
        "s": pa.string(),
        "b": pa.bool_(),
    }.items()
)

OUT_OF_ORDER = 2
"""How many ticks rows are declared to be out of order."""


def examples(part: float) -> settings:
    """Some share of the examples that the profile asks for, since one example here is a whole query."""
    return settings(max_examples=max(2, int(settings().max_examples * part)))


@dataclass(frozen=True)
class WindowCase:
    """A window, and a scale of times at which its edges are met."""

    window: Window | None
    tick: timedelta = timedelta(seconds=5)
    begin: datetime = datetime(2024, 3, 5, tzinfo=UTC)
    zone: str = ZONE

    @property
    def out_of_order(self) -> timedelta:
        return OUT_OF_ORDER * self.tick


WINDOWS: dict[str, WindowCase] = {
    "no window": WindowCase(None),
    "tumbling": WindowCase(ph.tumbling("10s")),
    "tumbling with an offset": WindowCase(ph.tumbling("10s", offset="3s")),
    "tumbling from an origin": WindowCase(ph.tumbling("7s", origin="2024-03-05 00:00:02")),
    "days, one of 23 hours": WindowCase(ph.tumbling("1D"), timedelta(hours=5), datetime(2024, 3, 9, 4, tzinfo=UTC)),
    "days, one of 25 hours": WindowCase(ph.tumbling("1D"), timedelta(hours=5), datetime(2024, 11, 2, 3, tzinfo=UTC)),
    "weeks": WindowCase(ph.tumbling("W"), timedelta(days=2), datetime(2024, 3, 3, 4, tzinfo=UTC)),
    "months": WindowCase(ph.tumbling("MS"), timedelta(days=6), datetime(2024, 1, 30, 5, tzinfo=UTC)),
    "hopping": WindowCase(ph.hopping("10s", "5s")),
    "hopping by panes": WindowCase(ph.hopping("10s", "4s", offset="1s")),
    "session": WindowCase(ph.session("5s")),
}


def row_lists(case: WindowCase, most: int = 24) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Lists of rows whose times meet the edges of windows, and a microsecond beside them."""
    moment = st.builds(
        lambda ticks, beside: case.begin + ticks * case.tick + timedelta(microseconds=beside),
        st.integers(0, 12),
        st.sampled_from([0, 0, 0, -1, 1]),
    )
    row = st.fixed_dictionaries(
        {
            "at": moment,
            "k": st.sampled_from(["a", "b", "", None]),
            "g": st.sampled_from([1.5, 0.0, -0.0, math.nan, None]),
            "x": st.sampled_from([0.1, 0.2, -0.3, 1e16, -1e16, 3.0, 0.0, math.nan, None, math.inf]),
            "i": st.sampled_from([1, 2, -3, 2**53 + 1, None]),
            "s": st.sampled_from(["ant", "bee", "été", "", None]),
            "b": st.sampled_from([True, False, None]),
        }
    )
    return st.lists(row, min_size=1, max_size=most)


def stream(
    given: Iterable[Mapping[str, Any]], schedule: Schedule, case: WindowCase, *, disorder: float = 1.0, **declared: Any
) -> ph.Frame:
    """The rows as a schedule has them arrive: out of order by `disorder` times what is declared, at most."""
    splits = schedule.arrange(given, time="at", out_of_order=disorder * case.out_of_order)
    steps = [[rows(*part)] if part else [] for part in splits]
    return scripted(SCHEMA, *steps, time="at", out_of_order=case.out_of_order, **declared)


class Spread(ph.UserAggregate):
    """A user's aggregate: the sum of squares, from which rows can be taken back."""

    state = {"squares": "int64"}
    result_type = "int64"

    def add(self, state: Any, slots: Any, values: Any) -> None:
        np.add.at(state["squares"], slots, values.astype("int64") % 1000 * (values.astype("int64") % 1000))

    def take_back(self, state: Any, slots: Any, values: Any) -> None:
        np.subtract.at(state["squares"], slots, values.astype("int64") % 1000 * (values.astype("int64") % 1000))

    def merge(self, state: Any, slots: Any, other: Any, other_slots: Any) -> None:
        np.add.at(state["squares"], slots, other["squares"][other_slots])

    def result(self, state: Any, slots: Any) -> Any:
        return state["squares"][slots]


Make = Callable[[Sequence[Any]], Any]


def _about_as_many(values: Sequence[Any]) -> Near:
    exact = len(set(present(values)))
    return Near(exact, 0.05 * exact)


def _about(q: float) -> Make:
    def make(values: Sequence[Any]) -> Any:
        exact = quantile(values, q)
        if exact is None or not math.isfinite(exact.value):
            return exact
        numbers = sorted(present(values))
        place = (len(numbers) - 1) * q
        return Near(exact.value, 0.0101 * max(abs(numbers[math.floor(place)]), abs(numbers[math.ceil(place)])))

    return make


def _floats(make: Make) -> Make:
    def made(values: Sequence[Any]) -> Any:
        value = make(values)
        return float(value) if isinstance(value, int) else value

    return made


@dataclass(frozen=True)
class Asked:
    """Aggregates by result name: the column, what the engine is asked for, and the oracle."""

    columns: dict[str, tuple[str, Any, Make]] = field(default_factory=dict)

    @property
    def agg(self) -> dict[str, tuple[str, Any]]:
        return {name: (column, what) for name, (column, what, _) in self.columns.items()}

    @property
    def oracle(self) -> dict[str, tuple[str, Make]]:
        return {name: (column, make) for name, (column, _, make) in self.columns.items()}


NUMBERS = ["sum", "mean", "var", "std", "median", "any", "all"]
EXACT = {name: make for name, make in AGGREGATES.items() if name in NAMES and name not in NUMBERS}


def every_aggregate(*, take_back: bool) -> Asked:
    """All aggregates over columns of all kinds; `take_back` leaves out those that only work on growing input."""
    asked: dict[str, tuple[str, Any, Make]] = {}
    for column in "x", "i", "b":
        for name in NUMBERS:
            if column == "b" and name == "median":
                continue
            make = AGGREGATES[name]
            asked[f"{name}_{column}"] = (column, name, _floats(make) if (name, column) == ("sum", "x") else make)
    for column in "x", "i", "s", "b":
        asked |= {f"{name}_{column}": (column, name, make) for name, make in EXACT.items()}
    for column in "x", "i":
        asked[f"upper_{column}"] = (column, Quantile(0.75), lambda values: quantile(values, 0.75))
    asked["about_i"] = ("i", ApproxQuantile(0.5), _about(0.5))
    asked["squares"] = ("i", Spread(), lambda values: sum((value % 1000) ** 2 for value in present(values)))
    if not take_back:
        for column in "x", "s":
            asked[f"distinct_{column}"] = (column, "approx_nunique", _about_as_many)
    return Asked(asked)


FEW = Asked(
    {
        "n": ("i", "size", len),
        "total": ("i", "sum", AGGREGATES["sum"]),
        "mean": ("x", "mean", AGGREGATES["mean"]),
        "top": ("s", "max", AGGREGATES["max"]),
        "newest": ("i", "last", AGGREGATES["last"]),
    }
)
"""One aggregate of each kind of state."""


def query(frame: ph.Frame, case: WindowCase, asked: Asked, keys: Sequence[str] = ("k",), **options: Any) -> ph.Frame:
    """The aggregates by keys and window."""
    by = [*keys, *([case.window] if case.window else [])]
    return frame.groupby(by, **options).agg(**asked.agg)


def oracle(
    case: WindowCase, asked: Asked, keys: Sequence[str] = ("k",), allowed_lateness: timedelta = timedelta(0)
) -> Grouped:
    """What `query` should show."""
    return Grouped(tuple(keys), asked.oracle, case.window, "at", case.zone, allowed_lateness)
