"""The verb that shows a frame live in a notebook; the widgets are imported when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playhead.errors import PlanError
from playhead.frame.planned import Planned

if TYPE_CHECKING:
    from playhead_widgets.live import Live


class LiveVerbs(Planned):
    """`frame.live`."""

    __slots__ = ()

    @property
    def live(self) -> Live:
        """The frame to watch in a notebook: `frame.live()` is a table that ticks, `frame.live.line(x=, y=)` a chart.

        Both stand above a bar with which the query is played, paused and stepped.
        """
        try:
            from playhead_widgets.live import Live
        except ImportError as error:
            raise PlanError(
                f"live views need the notebook's packages: pip install 'playhead[notebook]' ({error})"
            ) from error
        return Live(self._frame())
