"""The transport bar: play, pause, step, speed, and a timeline with the playhead on it."""

from __future__ import annotations

import math
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import traitlets

from playhead.runtime.pacing import parse_speed
from playhead_widgets.actions import Actions
from playhead_widgets.client import Client
from playhead_widgets.rate import Rate
from playhead_widgets.view import Message, View
from playhead_widgets.watched import Moment, Watched

NO_SEEK = "this version cannot go back: a replay goes forward only"
SLOW_NUMBERS = 0.5
"""Seconds between two looks at what takes longer to find out: the size of the state."""


class TransportBar(View):
    """Steers a query and says where it stands.

    `playing`, `speed` and `playhead` can be observed, linked and set: setting `playing` plays or pauses, setting
    `speed` changes the speed of a replay, setting `playhead` (a time) seeks.
    """

    playing = traitlets.Bool(True)
    speed = traitlets.Any(None, allow_none=True)
    playhead = traitlets.Any(None, allow_none=True)
    epoch = traitlets.Int(0)
    state = traitlets.Unicode("running")

    def __init__(self, watched: Watched) -> None:
        self.watched, self.query = watched, watched.query
        super().__init__(kind="transport", label=watched.query.name, setup={"zone": watched.zone})
        self.actions = Actions(watched.query.name, lambda: self.wake(), self._failed)
        self.problem = ""
        self._rate, self._numbers, self._looked = Rate(), {}, -math.inf  # type: Rate, dict[str, Any], float
        self._follows = True
        self._showing: int | None = None
        """The thread on which traits are set to what the query does, not to what somebody asks of it."""

    # What it says

    def show(self, moment: Moment) -> None:
        """Set the traits to what the query does."""
        self._showing = threading.get_ident()
        try:
            with self.hold_trait_notifications():
                self.state, self.epoch = moment.progress.state, moment.epoch
                self.playing, self.speed = moment.progress.state == "running", self.query.speed
                self.playhead = moment.progress.playhead
        except Exception as error:
            warnings.warn(f"an observer of {self.query.name} failed: {error!r}", stacklevel=1)
        finally:
            self._showing = None

    def payload(self, moment: Moment, client: Client) -> Message:
        progress, now = moment.progress, time.monotonic()
        rate = self._rate.update(progress.rows, now)
        if now - self._looked > SLOW_NUMBERS:
            self._looked, self._numbers = now, self._slow_numbers()
        about = {
            "state": progress.state,
            "playhead": milliseconds(progress.playhead),
            "watermark": milliseconds(progress.watermark),
            "start": milliseconds(progress.start),
            "end": milliseconds(progress.end),
            "replay": self.watched.is_replay,
            "speed": self.query.speed,
            "rows": progress.rows,
            "rate": rate if progress.state == "running" else 0.0,
            "average": progress.rows_per_second,
            "late": progress.late,
            "rejected": progress.rejected,
            "fraction": progress.fraction,
            "seek": self.can_seek,
            "why": "" if self.can_seek else NO_SEEK,
            "follows": self._follows,
            "problem": self._trouble(),
            **self._numbers,
        }
        return about, []

    def _slow_numbers(self) -> dict[str, Any]:
        marks = self.query.checkpoints
        return {
            "stateBytes": sum(self.query.metrics["state_bytes"].values()),
            "checkpoints": [milliseconds(each.playhead) for each in marks if each.playhead is not None],
            "now": time.time() * 1e3,
        }

    def _trouble(self) -> str:
        error = self.query.error
        return self.problem if error is None else f"{type(error).__name__}: {error}"

    @property
    def can_seek(self) -> bool:
        """Whether the query can be shown at another time."""
        return hasattr(self.query, "seek")

    # What it is asked

    def told(self, content: dict[str, Any], client: Client) -> None:
        if content.get("kind") != "do":
            return
        self.problem = ""
        action = self._action(str(content.get("what")), content.get("value"))
        self.actions.ask(action)

    def _action(self, what: str, value: Any) -> Callable[[], object]:
        query: Any = self.query
        match what:
            case "play":
                return self._play
            case "pause":
                return lambda: query.pause()
            case "step":
                return lambda: query.step()
            case "rows":
                return lambda: query.step(rows=int(value or 1))
            case "duration":
                return lambda: self._step_by(value)
            case "speed":
                return lambda: self._set_speed(value)
            case "seek":
                return lambda: self._seek(float(value))
            case "back":
                return lambda: self._seek_epoch(query.progress.epoch - 1)
            case "follow":
                return self._follow
        return lambda: None

    def _play(self) -> None:
        if self.query.state == "finished" and self.can_seek and self.query.progress.start is not None:
            self._query.seek(self.query.progress.start)
        self.query.play()

    def _step_by(self, milliseconds_on: Any) -> None:
        import pandas as pd

        self.query.step(pd.Timedelta(float(milliseconds_on), unit="ms"))

    def _set_speed(self, value: Any) -> None:
        self.query.speed = parse_speed(value if isinstance(value, str) else None if value is None else float(value))

    def _seek(self, at: float) -> None:
        import pandas as pd

        self._follows = False
        self._query.seek(pd.Timestamp(int(at * 1e3), unit="us", tz="UTC").tz_convert(self.watched.zone))

    def _seek_epoch(self, epoch: int) -> None:
        self._follows = False
        self._query.seek(max(epoch, 0))

    def _follow(self) -> None:
        if hasattr(self.query, "follow"):
            self._query.follow()
        elif self.query.state == "paused":
            self.query.play()
        self._follows = True

    @property
    def _query(self) -> Any:
        """The query with the methods that not every version has."""
        if not self.can_seek:
            from playhead.errors import RunError

            raise RunError(NO_SEEK)
        return self.query

    def _failed(self, error: Exception) -> None:
        self.problem = str(error)

    # Setting the traits

    def _is_asked(self) -> bool:
        return self._showing != threading.get_ident()

    @traitlets.observe("playing")
    def _playing_set(self, change: Any) -> None:
        if self._is_asked():
            self.actions.ask(self._play if change.new else self.query.pause)

    @traitlets.observe("speed")
    def _speed_set(self, change: Any) -> None:
        if self._is_asked():
            parse_speed(change.new)  # a wrong one is told at once
            self.actions.ask(lambda: self._set_speed(change.new))

    @traitlets.observe("playhead")
    def _playhead_set(self, change: Any) -> None:
        if self._is_asked() and change.new is not None:
            at = milliseconds(change.new)
            self.actions.ask(lambda: self._seek(at))

    def close(self) -> None:
        self.actions.close()
        super().close()


def milliseconds(moment: Any) -> Any:
    """A pandas.Timestamp as a page takes it: milliseconds since 1970."""
    return None if moment is None else moment.value / 1e6
