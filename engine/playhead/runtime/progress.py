"""How far a query has come, as numbers, as a line of text and as a progress bar."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playhead.results import counted, moment
from playhead.schema import MAX_TIME, MIN_TIME

if TYPE_CHECKING:
    from playhead.plan import Node
    from playhead.preparing import QuerySettings
    from playhead.runtime.run import Run


@dataclass(frozen=True, repr=False)
class Progress:
    """Where a query stands."""

    state: str
    epoch: int
    rows: int
    rows_per_second: float
    playhead: Any
    """The greatest event time shown, a pandas.Timestamp; None before the first row."""
    watermark: Any
    late: int
    rejected: int
    fraction: float | None
    """How much of a bounded input has been shown, 0 to 1; None if that is not known."""
    start: Any = None
    """Where a replay begins, a pandas.Timestamp; None if that is not known."""
    end: Any = None

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        done = "" if self.fraction is None else f" {self.fraction:.0%}"
        at = "" if self.playhead is None else f" at {self.playhead:%d %b %Y %H:%M:%S}"
        rows = f"{counted(self.rows, 'row')}, {self.rows_per_second:,.0f} rows/s"
        return f"{self.state}{done}{at}, {rows}, late {self.late:,}, rejected {self.rejected:,}"


def progress_of(run: Run, node: Node, settings: QuerySettings, state: str, elapsed: int) -> Progress:
    """The numbers of a run at this moment."""
    zone = next(
        (str(s.source.schema.field(s.source.time.column).type.tz) for s in run.plan.scans if s.source.time), "UTC"
    )
    counts = run.counts()
    with run.changed:  # these belong together
        epoch, rows, playhead, watermark = run.epoch, run.rows, run.playhead, run.watermark
    return Progress(
        state=state,
        epoch=epoch,
        rows=rows,
        rows_per_second=rows / max(elapsed, 1) * 1e6,
        playhead=moment(playhead, zone),
        watermark=moment(watermark, zone),
        late=counts.get("late", 0),
        rejected=run.rejected_count,
        fraction=_fraction(run, settings, state),
        start=moment(settings.range_start, zone),
        end=moment(settings.range_end, zone),
    )


def _fraction(run: Run, settings: QuerySettings, state: str) -> float | None:
    if state == "finished":
        return 1.0
    if settings.range_end == MAX_TIME or settings.range_start == MIN_TIME or run.playhead == MIN_TIME:
        return None
    length = max(settings.range_end - settings.range_start, 1)
    return min(1.0, max(0.0, (run.playhead - settings.range_start) / length))


class ProgressBar:
    """tqdm's bar in a terminal or a notebook; nothing where nobody looks."""

    def __init__(self, name: str, delay: float = 0.5) -> None:
        self.name, self.begun, self.delay = name, time.monotonic(), delay
        self.last = 0.0
        self.bar: Any = None
        self.measured = False
        """It is known how much there is to come."""
        self.wanted = _somebody_looks()

    def update(self, progress: Callable[[], Progress]) -> None:
        """Show the progress, ten times a second at most and not before `delay` seconds have passed."""
        now = time.monotonic()
        if not self.wanted or now - self.begun < self.delay or now - self.last < 0.1:
            return
        self.last = now
        self._show(progress())

    def close(self, progress: Progress | None) -> None:
        """Leave the last state on the screen."""
        if self.bar is not None:
            if progress is not None:
                self._show(progress)
            self.bar.close()

    def _show(self, progress: Progress) -> None:
        if self.bar is None:
            self.measured = progress.fraction is not None
        done, text = round(100 * (progress.fraction or 0.0), 1), _text(progress, rows=not self.measured)
        if self.bar is None:
            from tqdm.auto import tqdm

            form = "{desc} {percentage:3.0f}%|{bar}| {unit}" if self.measured else "{desc}  {unit}"
            self.bar = tqdm(total=100, initial=done, desc=self.name, unit=text, bar_format=form)
        self.bar.n, self.bar.unit = done, text  # tqdm would put a comma before a postfix
        self.bar.refresh()


def _text(progress: Progress, *, rows: bool) -> str:
    """What stands behind the bar, or instead of one where nobody knows how far it is."""
    at = "" if progress.playhead is None else f"{progress.playhead:%d %b %Y %H:%M} - "
    read = f"{counted(progress.rows, 'row')} - " if rows else ""
    return f"{at}{read}late {progress.late:,} - rejected {progress.rejected:,} - {progress.rows_per_second:,.0f} rows/s"


def _somebody_looks() -> bool:
    if getattr(sys.stderr, "isatty", lambda: False)():
        return True
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"
