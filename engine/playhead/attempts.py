"""The runs of one query, one after the other: the first, and one more after each failure that a checkpoint mends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from playhead import plan
from playhead.preparing import QuerySettings, prepare
from playhead.recovery import Recovery, Wanted
from playhead.runtime.checkpoints import Start
from playhead.runtime.run import NOWHERE, Run
from playhead.sinks.sink import Sink


class Attempts:
    """Runs a plan to its end; with checkpoints, again from the newest one when it fails."""

    def __init__(self, node: plan.Node, sinks: Sequence[Sink], settings: QuerySettings, name: str) -> None:
        self.node, self.sinks, self.settings, self.name = node, tuple(sinks), settings, name
        self.recovery = None if settings.checkpoint is None else Recovery(settings.checkpoint, name)
        try:
            self.run = self._run_from(self._first())
        except BaseException:
            self.close()
            raise

    def connect(
        self, on_epoch: Callable[[], None], on_open: Callable[[], None], on_restart: Callable[[int, Exception], None]
    ) -> None:
        """Whom to tell of epochs, of sinks that are open, and of restarts."""
        self._on_restart = on_restart
        self.run.on_epoch, self.run.on_open = on_epoch, on_open

    def loop(self) -> None:
        """Run until the input ends, or until told to stop; raises what no restart mends."""
        while True:
            try:
                self.run.loop()
                return
            except Exception as error:
                if not self._again(error):
                    raise

    def close(self) -> None:
        """Let others have the checkpoints."""
        if self.recovery is not None:
            self.recovery.close()

    def _again(self, error: Exception) -> bool:
        """After a failure, begin the next run if that may help; returns whether it was."""
        old, recovery = self.run, self.recovery
        if recovery is None or old.stopping or not old.delivery.ready or not recovery.may_help(error):
            return False
        if not recovery.wait_before_restart(lambda: old.stopping):
            return False
        start = recovery.again(self._wanted())
        self.run = self._run_from(start)
        self.run.on_epoch, self.run.on_open = old.on_epoch, old.on_open
        self.run.go_on_as(old)
        self._on_restart(start.epoch, error)
        return True

    def _first(self) -> Start:
        if self.recovery is None:
            return NOWHERE
        return self.recovery.first(self._wanted())

    def _wanted(self) -> Wanted:
        run = prepare(self.node, self.sinks, self.settings, self.name)
        views = dict.fromkeys(run.delivery.views, self.node.schema)
        run.tasks.close()
        return Wanted(run.plan, views, self.settings.mode, self.settings.parallelism)

    def _run_from(self, start: Start) -> Run:
        checkpoints = self.recovery.checkpoints if self.recovery is not None else None
        return prepare(self.node, self.sinks, self.settings, self.name, start=start, checkpoints=checkpoints)
