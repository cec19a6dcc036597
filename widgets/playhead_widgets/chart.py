"""The live chart: points kept sorted by series in the kernel, of which a page gets those that its screen can show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from playhead.durations import microseconds
from playhead.errors import PlanError
from playhead.schema import require_column
from playhead_widgets.client import Client
from playhead_widgets.encode import Buffer
from playhead_widgets.kernels import Floats, Int64s
from playhead_widgets.numeric import as_floats, require_drawable
from playhead_widgets.points import Points
from playhead_widgets.rows import as_text
from playhead_widgets.view import Message, View
from playhead_widgets.watched import Moment, Watched

MOST_SERIES = 40
"""So many series are drawn; the chart says when there are more."""

NO_SAMPLE = np.inf
"""Stands in a column where this series has no point and another one has: a line goes on across it."""


@dataclass(frozen=True)
class Drawing:
    """What a chart draws."""

    kind: str
    x: str
    y: tuple[str, ...]
    by: str | None = None
    window: str | None = None
    """How much of the end of the x axis is shown while following; None: all of it."""

    @classmethod
    def of(cls, schema: pa.Schema, kind: str, x: str, y: Any, by: str | None, window: Any) -> Drawing:
        """Checked against the columns that there are."""
        names = (y,) if isinstance(y, str) else tuple(y)
        if not names:
            raise PlanError("y= names the column to draw, or a list of them")
        require_drawable(x, require_column(x, schema).type, "x")
        for name in names:
            require_drawable(name, require_column(name, schema).type, "y")
        if by is not None:
            require_column(by, schema)
        if window is not None and not isinstance(window, int | float):
            microseconds(window, "window")
        return cls(kind, x, names, by, window)


@dataclass
class Series:
    """The points of the rows with one value of `by`."""

    name: str
    points: Points
    rank: int = field(default=0)


class ChartView(View):
    """A chart that ticks. `frame.live.line(x=, y=, by=)` and its siblings make one."""

    def __init__(self, watched: Watched, drawing: Drawing, *, label: str = "") -> None:
        self.drawing, self.series = drawing, dict[str | None, Series]()
        kind = watched.schema.field(drawing.x).type
        is_time = bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))
        super().__init__(
            kind="chart",
            label=label or f"{', '.join(drawing.y)} by {drawing.x}",
            setup={
                "draw": drawing.kind,
                "x": drawing.x,
                "y": list(drawing.y),
                "by": drawing.by,
                "time": is_time,
                "zone": (kind.tz if pa.types.is_timestamp(kind) else None) or ("UTC" if is_time else None),
            },
        )
        window = drawing.window
        self.span = None if window is None else float(window) if isinstance(window, int | float) else _span(window)

    # Taking rows in

    def advance(self, moment: Moment) -> None:
        changes = moment.standing.changes
        if changes is None:
            self.series = {}
            table = moment.standing.table
            assert table is not None
            self._change(table, np.ones(table.num_rows, np.int64))
            return
        if not changes:
            return
        batches = [change.changes for change in changes]
        weights = [np.ones(b.num_rows, np.int64) if b.weights is None else b.weights for b in batches]
        self._change(pa.Table.from_batches([batch.rows for batch in batches]), np.concatenate(weights))

    def _change(self, rows: pa.Table, weights: Int64s) -> None:
        if not rows.num_rows:
            return
        x = as_floats(rows[self.drawing.x])
        values = np.stack([as_floats(rows[name]) for name in self.drawing.y])
        if self.drawing.by is None:
            self._of(None).points.change(x, values, weights)
            return
        labels = as_text(rows[self.drawing.by]).combine_chunks().dictionary_encode()
        codes = labels.indices.fill_null(len(labels.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
        order = np.argsort(codes, kind="stable")
        names = [*labels.dictionary.to_pylist(), None]
        for begin, end in _runs(codes[order]):
            chosen = order[begin:end]
            series = self._of(names[codes[chosen[0]]], missing="(missing)")
            series.points.change(x[chosen], values[:, chosen], weights[chosen])

    def _of(self, key: str | None, missing: str = "") -> Series:
        if key not in self.series:
            self.series[key] = Series(missing if key is None else key, Points(len(self.drawing.y)), len(self.series))
        return self.series[key]

    # Showing points

    def payload(self, moment: Moment, client: Client) -> Message:
        watermark = moment.progress.watermark
        about: dict[str, Any] = {"watermark": None if watermark is None else watermark.value / 1e6}
        if client.is_up_to_date(moment.version):
            return {"same": True, **about}, []
        shown = sorted((s for s in self.series.values() if s.points.count), key=lambda each: each.rank)
        drawn = shown[:MOST_SERIES]
        low, high = self._range(drawn, client)
        buckets = min(max(int(client.wants.get("width", 800)), 50), 4000)
        names, lines = [], []
        for series in drawn:
            for number, name in enumerate(self.drawing.y):
                chosen = series.points.shown(number, low, high, buckets)
                names.append(self._name(series, name))
                lines.append((series.points.x[chosen], series.points.values[number][chosen]))
        full = self._extent(drawn)
        about |= {"series": names, "more": len(shown) - len(drawn), "low": low, "high": high, "full": full}
        about |= {"points": sum(s.points.count for s in shown), "follow": client.wants.get("low") is None}
        return about, aligned(lines)

    def _name(self, series: Series, column: str) -> str:
        if self.drawing.by is None:
            return column
        return series.name if len(self.drawing.y) == 1 else f"{series.name} {column}"

    def _extent(self, series: list[Series]) -> list[float] | None:
        if not series:
            return None
        return [float(min(s.points.x[0] for s in series)), float(max(s.points.x[-1] for s in series))]

    def _range(self, series: list[Series], client: Client) -> tuple[float, float]:
        """From where to where the page looks: as far as it said, or to the end."""
        extent = self._extent(series)
        low, high = client.wants.get("low"), client.wants.get("high")
        if low is not None and high is not None and high > low:
            return float(low), float(high)
        if extent is None:
            return 0.0, 1.0
        if self.span is not None:
            return extent[1] - self.span, extent[1]
        return extent[0], extent[1]


def aligned(lines: list[tuple[Floats, Floats]]) -> list[Buffer]:
    """Lines over one x axis: the x of all, and of each line its values there, `NO_SAMPLE` where it has none.

    Points of a line at the same x stay apart.

    Examples
    --------
    >>> x, a, b = aligned([(np.array([1.0, 2.0]), np.array([5.0, 6.0])), (np.array([2.0]), np.array([7.0]))])
    >>> [np.frombuffer(part).tolist() for part in (x, a, b)]
    [[1.0, 2.0], [5.0, 6.0], [inf, 7.0]]
    """
    if not lines:
        return []
    lines = [(x, np.where(np.isinf(y), np.nan, y)) for x, y in lines]
    if len(lines) == 1 or all(len(x) == len(lines[0][0]) and (x == lines[0][0]).all() for x, _ in lines):
        return [lines[0][0].tobytes(), *(y.tobytes() for _, y in lines)]
    places = [x + 1j * _repeats(x) for x, _ in lines]
    union, where = np.unique(np.concatenate(places), return_inverse=True)
    buffers: list[Buffer] = [union.real.tobytes()]
    begin = 0
    for x, y in lines:
        column = np.full(len(union), NO_SAMPLE)
        column[where[begin : begin + len(x)]] = y
        buffers.append(column.tobytes())
        begin += len(x)
    return buffers


def _repeats(x: Floats) -> Int64s:
    """How many equal values stand before each value of a sorted array."""
    numbers = np.arange(len(x))
    first = np.ones(len(x), bool)
    first[1:] = x[1:] != x[:-1]
    return numbers - np.maximum.accumulate(np.where(first, numbers, 0))


def _runs(codes: Int64s) -> list[tuple[int, int]]:
    """Where equal values begin and end in a sorted array."""
    edges = np.flatnonzero(np.diff(codes)) + 1
    return list(zip([0, *edges.tolist()], [*edges.tolist(), len(codes)], strict=True))


def _span(window: Any) -> float:
    """A length of time in the milliseconds of the x axis."""
    return microseconds(window, "window") / 1e3
