"""A running frame: the handle with progress, metrics, play, pause, step, speed, results and stop."""

from __future__ import annotations

import itertools
import threading
import time
import warnings
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from playhead import plan
from playhead.attempts import Attempts
from playhead.durations import microseconds
from playhead.errors import PlanError, RunError, did_you_mean
from playhead.explained import explained
from playhead.kept_rows import REJECTED, kept_table, late_schema
from playhead.left_out import ways_to_lose
from playhead.optimize import optimize
from playhead.preparing import QueryFailedWarning, QueryRestartedWarning, QuerySettings
from playhead.recovery import SavedCheckpoint
from playhead.results import moment, sorted_result, to_pandas
from playhead.resuming import query_folder
from playhead.runtime.pacing import parse_speed
from playhead.runtime.progress import Progress, ProgressBar, progress_of
from playhead.runtime.run import Goal
from playhead.schema import MAX_TIME
from playhead.sinks.memory import MemorySink
from playhead.sinks.sink import Sink

if TYPE_CHECKING:
    import pandas as pd

    from playhead.frame import Frame
    from playhead.runtime.run import Run

_NUMBERS = itertools.count(1)

STOP_SECONDS = 30
"""So long `stop` waits for a function of the user's that does not return."""


class Query:
    """A frame that runs, on a thread of its own. Made by `Frame.start` and `Frame.replay`.

    Its methods may be called from any thread. Results that nobody asked for are not computed twice:
    `latest()` reads what the query has shown last.
    """

    def __init__(
        self,
        node: plan.Node,
        sinks: Sequence[Sink],
        settings: QuerySettings,
        *,
        name: str | None = None,
        paused: bool = False,
    ) -> None:
        if settings.checkpoint is not None:
            query_folder(name)
        self.name = name or f"query {next(_NUMBERS)}"
        self._node, self._settings = node, settings
        self._view = next((sink for sink in sinks if isinstance(sink, MemorySink)), None)
        self._attempts = Attempts(node, sinks, settings, self.name)
        self.error: BaseException | None = None
        self._done, self._ready = threading.Event(), threading.Event()
        self._raised_at: TracebackType | None = None
        self._stepping = threading.Lock()
        self._ended: int | None = None
        self._ways_to_lose, self._warned = ways_to_lose(node), set[type[UserWarning]]()
        self._waited_for = False
        self._begun = settings.clock()
        self._bar = ProgressBar(self.name)
        self._attempts.connect(self._after_epoch, self._ready.set, self._restarted)
        self._run.pacer.playing = not paused
        self._thread = threading.Thread(target=self._work, name=f"playhead {self.name}", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._done.is_set() and not self._run.delivery.ready:
            self._raise_if_failed()  # a sink refused

    @property
    def _run(self) -> Run:
        """The attempt that is under way."""
        return self._attempts.run

    # What it is doing

    @property
    def state(self) -> str:
        """ "running", "paused", "finished", "stopped" or "failed"."""
        if self._done.is_set():
            return "failed" if self.error is not None else "finished" if self._run.finished else "stopped"
        return "running" if self._run.pacer.playing else "paused"

    @property
    def progress(self) -> Progress:
        """Where the query stands: epoch, rows, playhead, watermark, rows a second, late and rejected rows."""
        until = self._ended if self._ended is not None else self._settings.clock()
        return progress_of(self._run, self._node, self._settings, self.state, until - self._begun)

    @property
    def metrics(self) -> dict[str, Any]:
        """Numbers by name: rows in, changes out, late, rejected, state bytes by operator, the user's own metrics."""
        run = self._run
        counts = run.counts()
        return {
            "epochs": run.epoch,
            "rows_in": run.rows,
            "changes_out": run.delivery.rows,
            "late": counts.pop("late", 0),
            "rejected": run.rejected_count,
            **counts,
            "state_bytes": run.tasks.state_bytes(),
            **run.tasks.user_metrics(),
        }

    @property
    def playhead(self) -> Any:
        """The event time that the results show now, as a pandas.Timestamp; None before the first row."""
        return moment(self._run.playhead, self._zone)

    @property
    def watermark(self) -> Any:
        """No row before this time will be accepted any more; a pandas.Timestamp or None."""
        return moment(self._run.watermark, self._zone)

    @property
    def late(self) -> Frame:
        """The last 100,000 late rows, each with the window that it missed; `progress.late` counts all."""
        late: Frame = self._settings.frame_of(kept_table(self._run.late, late_schema(optimize(self._node))), "late")
        return late

    @property
    def rejected(self) -> Frame:
        """The last 100,000 pieces of input that could not become rows: source, position, text, reason."""
        rejected: Frame = self._settings.frame_of(kept_table(self._run.rejected, REJECTED), "rejected")
        return rejected

    def explain(self) -> str:
        """The plan as it runs, in which mode, and what its sinks promise across a crash; as `Frame.explain`."""
        recovery = self._attempts.recovery
        place = None if recovery is None else recovery.checkpoints.store.description
        return explained(self._node, self._settings.mode, self._run.delivery.sinks, checkpoint=place)

    def latest(self, *, dtype_backend: Any = None) -> pd.DataFrame:
        """The result as it stands after the last epoch."""
        self._raise_if_failed()
        return to_pandas(sorted_result(self.to_arrow(), self._node), dtype_backend)

    def to_arrow(self) -> pa.Table:
        """The result as it stands after the last epoch, as Arrow."""
        if self._view is None:
            raise RunError(
                f"{self.name} sends its results to other sinks and keeps none; "
                "start it without a sink, or add ph.to_memory()"
            )
        return self._view.latest()

    # Steering

    @property
    def speed(self) -> float | None:
        """Event time per time: 60 shows a minute each second; None is as fast as possible."""
        return self._run.pacer.speed

    @speed.setter
    def speed(self, speed: float | str | None) -> None:
        self._require_replay("speed")
        with self._run.changed:
            self._run.pacer.set_speed(parse_speed(speed), self._run.shown_release())
            self._run.changed.notify_all()

    def pause(self) -> Query:
        """Stand still after the epoch that is under way; returns when it is done."""
        with self._run.changed:
            self._run.pacer.pause(self._run.shown_release())
            self._run.changed.notify_all()
            while not self._is_inside() and not self._run.resting and not self._done.is_set():
                self._run.changed.wait(0.05)
        return self

    def play(self) -> Query:
        """Go on."""
        self._require_alive("play()")
        with self._run.changed:
            self._run.pacer.play(self._run.shown_release())
            self._run.changed.notify_all()
        return self

    def step(self, duration: Any = None, *, rows: int | None = None) -> Query:
        """Pause if need be and go a little further: by a duration, by rows, or until the visible result changes.

        Returns when it is done, or when the input ends. Of steps asked for at once, one follows the other.
        """
        self._require_alive("step()")
        self._require_outside("step()")
        if duration is not None:
            self._require_replay("step by a duration")
        if duration is not None and rows is not None:
            raise PlanError("step by a duration or by rows=, not by both")
        if rows is not None and rows < 1:
            raise PlanError(f"step(rows={rows!r}) goes nowhere; give 1 or more")
        length = None if duration is None else microseconds(duration, "step")
        with self._stepping:
            self._step(length, rows)
        self._raise_if_failed()
        return self

    def _step(self, length: int | None, rows: int | None) -> None:
        self.pause()
        with self._run.changed:
            shown = max(self._run.pacer.at, self._run.shown_release())
            until = MAX_TIME if length is None else shown + length
            goal = Goal(until, rows, change=length is None and rows is None)
            self._run.goal = goal
            self._run.changed.notify_all()
            try:
                while not goal.reached and not self._done.is_set():
                    self._run.changed.wait(0.05)
            except KeyboardInterrupt:
                self._run.goal = None
                raise

    def wait(self, timeout: float | None = None) -> Query:
        """Wait for the end of a bounded input; Ctrl-C stops at an epoch's end, a second one at once.

        Raises
        ------
        TimeoutError
            If the query still runs after `timeout` seconds.
        """
        self._require_outside("wait()")
        self._waited_for = True
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            while not self._done.wait(0.05):
                if deadline is not None and time.monotonic() > deadline:
                    raise TimeoutError(f"{self.name} still runs after {timeout:g} s: {self.progress}")
        except KeyboardInterrupt:
            self._interrupted()
            raise
        self._thread.join(STOP_SECONDS)
        self._raise_if_failed()
        return self

    def stop(self) -> Query:
        """End at the next epoch's end; returns when no thread is left. What was shown stays readable.

        From a callback of the query itself it returns at once, and the query ends after the callback.

        Raises
        ------
        TimeoutError
            If the query is still inside a function of yours after 30 seconds.
        """
        self._ask_to_stop()
        if self._is_inside():
            return self
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            raise TimeoutError(
                f"{self.name} was asked to stop {STOP_SECONDS} s ago and is still inside a callback or another "
                "function of yours; it ends when that returns"
            )
        return self

    def _ask_to_stop(self) -> None:
        with self._run.changed:
            self._run.stopping = True
            self._run.changed.notify_all()

    def _interrupted(self) -> None:
        self._ask_to_stop()
        try:
            self._done.wait(10)
        except KeyboardInterrupt:
            self._run.aborting = True

    def __enter__(self) -> Query:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if kind is None:
            self._raise_if_failed()

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and name not in ("speed", "name", "error"):
            raise AttributeError(f"a query has no setting {name!r}{did_you_mean(name, ['speed'])}")
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        why = "" if self.error is None else f"; {type(self.error).__name__}: {self.error}"
        return f"<{self.name}: {self.progress}{why}>"

    # Checkpoints

    @property
    def checkpoints(self) -> list[SavedCheckpoint]:
        """The checkpoints that are kept, oldest first: epoch, playhead and name of each."""
        return [] if self._attempts.recovery is None else self._attempts.recovery.saved(self._zone)

    def savepoint(self, name: str) -> str:
        """Keep the query's state as it is after this epoch, whole and until you delete it; returns the place.

        `start(..., resume=place)` begins another query with it, `start()` under the same name and `checkpoint=` after
        the query's own checkpoints are gone too.
        """
        if self._attempts.recovery is None:
            raise RunError(f"{self.name} keeps no checkpoints: start it with checkpoint='a folder', name=...")
        return self._attempts.recovery.savepoint(name, self._done)

    # The thread

    def _work(self) -> None:
        try:
            self._attempts.loop()
        except BaseException as error:
            self.error, self._raised_at = error, error.__traceback__
        finally:
            self._ended = self._settings.clock()
            self._attempts.close()
            if self.error is not None and not self._waited_for and self._ready.is_set():
                told = f"stopped at epoch {self._run.epoch}: {type(self.error).__name__}: {self.error}"
                self._warn(QueryFailedWarning, told)
            self._done.set()
            self._ready.set()
            self._bar.close(self.progress if self.error is None else None)
            with self._run.changed:
                self._run.changed.notify_all()

    def _after_epoch(self) -> None:
        self._bar.update(lambda: self.progress)
        for way in self._ways_to_lose:
            told = way.told(self._run) if way.category not in self._warned else None
            if told is not None:
                self._warn(way.category, told)

    def _restarted(self, epoch: int, error: Exception) -> None:
        self._warned.discard(QueryRestartedWarning)
        told = f"goes on behind epoch {epoch:,} after {type(error).__name__}: {error}"
        self._warn(QueryRestartedWarning, told)

    def _warn(self, category: type[UserWarning], text: str) -> None:
        self._warned.add(category)
        try:
            warnings.warn(f"{self.name}: {text}", category, stacklevel=2)
        except UserWarning:
            return  # warnings are errors here; the numbers are counted and visible all the same

    def _raise_if_failed(self) -> None:
        if self.error is not None:
            raise self.error.with_traceback(self._raised_at)

    def _require_alive(self, what: str) -> None:
        self._raise_if_failed()
        if self.state == "stopped":
            raise RunError(f"{what}: {self.name} was stopped; start the frame again for another query")

    def _require_outside(self, what: str) -> None:
        """Refuse to wait for a query on one of its own threads."""
        if self._is_inside():
            raise RunError(f"{what} inside {self.name}'s own callback would wait for itself; call it elsewhere")

    def _is_inside(self) -> bool:
        current = threading.current_thread()
        return current is self._thread or current in self._run.tasks.threads

    def _require_replay(self, what: str) -> None:
        if self._settings.order != "replay":
            raise RunError(f"{what} is for replays: a live query shows rows as they come. Use frame.replay(...)")

    @property
    def _zone(self) -> str:
        for scan in plan.scans(self._node):
            if scan.source.time is not None:
                return str(scan.source.schema.field(scan.source.time.column).type.tz)
        return "UTC"
