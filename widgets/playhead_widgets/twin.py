"""The static twin of a live view: a picture and a table that stay where no widget lives, in a saved notebook."""

from __future__ import annotations

import base64
import io
import time
from html import escape
from typing import Any
from uuid import uuid4

import pyarrow as pa

from playhead_widgets.chart import ChartView
from playhead_widgets.rows import as_text, ordered
from playhead_widgets.table import TableView
from playhead_widgets.view import View
from playhead_widgets.watched import Moment

EVERY = 30.0
"""Seconds between two pictures while a query runs."""

ROWS = 10

COLOURS = ("#2f6fdb", "#d9622b", "#159a74", "#b0438a", "#8467d0", "#a8871d", "#2a9fc2", "#6d7480")


class Twin:
    """An ordinary output beside the widget, which hides it while it is alive."""

    def __init__(self, name: str, views: list[View]) -> None:
        self.name, self.views = name, views
        self._id = uuid4().hex
        self._shown, self._state, self._drawn, self._at = False, "", None, 0.0  # type: bool, str, Any, float

    def show(self, moment: Moment) -> None:
        """Put it below the widget, in the cell that runs now."""
        from IPython.display import HTML, display

        self._shown = True
        display(HTML(self.html(moment)), display_id=self._id)  # type: ignore[no-untyped-call]

    def is_due(self, moment: Moment) -> bool:
        """Whether it should be drawn again: the query stands still elsewhere, or a while has passed."""
        if not self._shown or self._drawn == moment.stamp[:1]:
            return False
        return moment.progress.state != "running" or time.monotonic() - self._at > EVERY

    def refresh(self, moment: Moment) -> None:
        """Replace it by what the views show now."""
        from IPython.display import HTML, update_display

        update_display(HTML(self.html(moment)), display_id=self._id)  # type: ignore[no-untyped-call]

    def html(self, moment: Moment) -> str:
        """Everything that is shown, without scripts."""
        self._drawn, self._at = moment.stamp[:1], time.monotonic()
        parts = [self._of(view, moment) for view in self.views]
        return f'<div class="playhead-twin">{"".join(parts)}<p>{escape(f"{self.name}: {moment.progress}")}</p></div>'

    def _of(self, view: View, moment: Moment) -> str:
        if isinstance(view, TableView):
            table = moment.standing.table
            return "" if table is None else table_html(ordered(table, (), view.group_columns))
        if isinstance(view, ChartView) and view.series:
            return f'<img alt="{escape(view.label)}" src="data:image/png;base64,{chart_png(view)}"/>'
        return ""


def table_html(table: pa.Table, rows: int = ROWS) -> str:
    """The last rows of a table as HTML."""
    last = table.slice(max(table.num_rows - rows, 0))
    texts = [as_text(column).to_pylist() for column in last.columns]
    head = "".join(f"<th>{escape(name)}</th>" for name in table.schema.names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape('' if cell is None else cell)}</td>" for cell in row) + "</tr>"
        for row in zip(*texts, strict=True)
    )
    more = f"<p>the last {last.num_rows:,} of {table.num_rows:,} rows</p>" if last.num_rows < table.num_rows else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def chart_png(view: ChartView) -> str:
    """What a chart shows as a picture, in base64."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, series in enumerate(list(view.series.values())[:10]):
        if not series.points.count:
            continue
        low, high = series.points.x[0], series.points.x[-1]
        for value, column in enumerate(view.drawing.y):
            chosen = series.points.shown(value, low, high, 800)
            x: Any = series.points.x[chosen]
            x = (x * 1e3).astype("int64").astype("datetime64[us]") if view.setup["time"] else x
            colour = COLOURS[(number * len(view.drawing.y) + value) % len(COLOURS)]
            y = np.asarray(series.points.values[value][chosen])
            axes.plot(x, y, color=colour, linewidth=1.4, label=view._name(series, column))
    axes.set_xlabel(f"{view.drawing.x} ({view.setup['zone']})" if view.setup["time"] else view.drawing.x)
    axes.set_ylabel(", ".join(view.drawing.y))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if len(axes.lines) > 1:
        axes.legend(frameon=False, fontsize=8, ncols=min(len(axes.lines), 6), loc="lower left", bbox_to_anchor=(0, 1))
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return base64.b64encode(file.getvalue()).decode()
