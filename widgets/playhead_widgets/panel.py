"""A panel: views of one query above its transport bar, in a box like any other widget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import ipywidgets
import traitlets

from playhead.query import Query
from playhead_widgets.pump import Pump
from playhead_widgets.transport import TransportBar
from playhead_widgets.twin import Twin
from playhead_widgets.view import View
from playhead_widgets.watched import Moment, Watched


class Panel(ipywidgets.VBox):  # type: ignore[misc]  # published without types
    """Views of a running query and the bar that steers it.

    Attributes
    ----------
    query : Query
        The query behind it; everything that it can do is available.
    bar : TransportBar
        Play, pause, step, speed and the timeline.
    views : list of View
        Tables and charts, from top to bottom. All of them show the same epoch at any time.
    playing, speed, playhead : traits
        Those of the bar: observe them, link them to other widgets, or set them.
    """

    playing = traitlets.Bool(True)
    speed = traitlets.Any(None, allow_none=True)
    playhead = traitlets.Any(None, allow_none=True)

    def __init__(self, query: Query, make_views: Sequence[Callable[[Watched], View]]) -> None:
        self.query, self.watched = query, Watched(query)
        self.views = [make(self.watched) for make in make_views]
        self.bar = TransportBar(self.watched)
        group = uuid4().hex
        for view in (*self.views, self.bar):
            view.group = group
        super().__init__(children=[*self.views, self.bar])
        self.add_class("playhead-panel")
        self._twin = Twin(query.name, self.views)
        self.pump = Pump(self.watched, [*self.views, self.bar], self._take)
        for name in ("playing", "speed", "playhead"):
            traitlets.link((self.bar, name), (self, name))
        self.pump.start()

    def _take(self, moment: Moment) -> None:
        self.bar.show(moment)
        if self._twin.is_due(moment):
            self._twin.refresh(self._whole(moment))

    def _whole(self, moment: Moment) -> Moment:
        """The moment with all that a picture needs."""
        whole = self.watched.since(None, table=True)
        if not self.pump.watched_by_somebody:
            self.pump.advance(whole)
        return whole

    def _ipython_display_(self) -> None:
        from IPython.display import display

        data: Any = self._repr_mimebundle_()
        display(data[0] if isinstance(data, tuple) else data, raw=True)  # type: ignore[no-untyped-call]
        self._twin.show(self.watched.since(None, table=True))

    def __repr__(self) -> str:
        return f"<panel of {self.query!r}>"

    def close(self) -> None:
        """Stop the query and let the widgets go; what was shown stays readable through `query`."""
        self.pump.close()
        self.query.stop()
        for view in (*self.views, self.bar):
            view.close()
        super().close()
