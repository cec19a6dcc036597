"""`frame.live`: a frame as something to watch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from playhead.errors import PlanError
from playhead_widgets.chart import ChartView, Drawing
from playhead_widgets.panel import Panel
from playhead_widgets.registry import make_room, remember
from playhead_widgets.table import TableView
from playhead_widgets.view import View
from playhead_widgets.watched import Watched

if TYPE_CHECKING:
    from playhead.frame import Frame
    from playhead.query import Query


class Live:
    """What `frame.live` is: call it for a table, or name a kind of chart.

    The frame is run on a thread of its own and shown as it goes; a bounded one is replayed, by default as fast as
    possible. Running the cell again replaces the query.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def __call__(self, *, name: str | None = None, **running: Any) -> Panel:
        """A table that ticks.

        Parameters
        ----------
        name : str, optional
            What the query is called; a panel of the same name is replaced.
        **running
            Those of `Frame.replay` for a frame that ends (`duration=`, `speed=`, `paused=`), else of `Frame.start`.
        """
        return self._show(name, running, lambda watched: TableView(watched))

    def line(self, *, x: str, y: str | list[str], by: str | None = None, window: Any = None, **running: Any) -> Panel:
        """A line chart that ticks.

        Parameters
        ----------
        x, y : str
            The columns to draw; `y` may be a list.
        by : str, optional
            A column whose values become lines of their own.
        window : str, timedelta or number, optional
            Show so much of the end of `x` only; default: all of it.
        **running
            As for a table.
        """
        drawing = Drawing.of(self._frame.schema, "line", x, y, by, window)
        return self._show(running.pop("name", None), running, lambda watched: ChartView(watched, drawing))

    def _show(self, name: str | None, running: dict[str, Any], make: Callable[[Watched], View]) -> Panel:
        make_room(name)
        query = begin(self._frame, name, running)
        panel = Panel(query, [make])
        remember(panel, name)
        return panel


def begin(frame: Frame, name: str | None, running: dict[str, Any]) -> Query:
    """Run a frame to be watched: a replay where there is an end and a time, else from now on."""
    if "sink" in running:
        from playhead.sinks.memory import MemorySink

        sinks = running["sink"] if isinstance(running["sink"], list | tuple) else [running["sink"]]
        running = {
            **running,
            "sink": [*sinks, *([] if any(isinstance(s, MemorySink) for s in sinks) else [MemorySink()])],
        }
    if not _can_be_replayed(frame):
        given = sorted({"duration", "speed", "paused"} & set(running))
        if given:
            raise PlanError(f"{', '.join(given)} is for replays, and this frame has no end or no time; leave it out")
        return frame.start(name=name, **running)
    if "duration" not in running:
        running = {"speed": "max", **running}
    return frame.replay(name=name, **running)


def _can_be_replayed(frame: Frame) -> bool:
    from playhead import plan

    sources = [scan.source for scan in plan.scans(frame.node)]
    return all(source.bounded and (source.time is not None or source.arrival is not None) for source in sources)
