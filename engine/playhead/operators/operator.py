"""The contract of an operator: one running step of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from playhead.batch import Batch
from playhead.state.key_groups import KEY_GROUPS
from playhead.state.tables import Tables, merged


@dataclass
class Report:
    """What an operator did not do with a row, and how many rows that befell."""

    late: list[pa.RecordBatch] = field(default_factory=list)
    """Late rows since the last look, each with the `window_start` and `window_end` that it missed."""
    counts: dict[str, int] = field(default_factory=dict)
    """Rows by what befell them: "late", "expired", "null key", ..."""

    def count(self, what: str, rows: int) -> None:
        if rows:
            self.counts[what] = self.counts.get(what, 0) + rows


class Operator:
    """One step of a running plan: single-threaded, without a clock, without I/O.

    Within an epoch the runner calls `on_batch` for every batch of every input, then `input_ended` for every
    input that has come to its end and of which that was not said before, then `end_epoch`, then
    `on_watermark` with the smallest watermark of its inputs, and then does the same with the operators
    behind it. Everything that an operator yields in an epoch is consistent at the epoch's end.
    """

    def on_batch(self, index: int, batch: Batch) -> Iterable[Batch]:
        """Take a batch of input number `index`; yield what follows from it at once."""
        raise NotImplementedError

    def end_epoch(self) -> Iterable[Batch]:
        """Yield the net change of everything that was touched in this epoch."""
        return ()

    def input_ended(self, index: int) -> None:
        """Take note, before the `end_epoch` of its last rows, that no more rows of input number `index` will come."""

    def on_watermark(self, watermark: int) -> Iterable[Batch]:
        """Yield what has become final, and forget what no later row can reach."""
        return ()

    def output_watermark(self, watermark: int) -> int:
        """What this operator promises to those behind it when its inputs promise `watermark`."""
        return watermark

    # State

    key_groups: range = range(KEY_GROUPS)
    """The key groups of which this copy of the operator has the rows. Set by `owns`."""
    _parts: list[Tables] | None = None

    def owns(self, key_groups: range) -> None:
        """Told before anything else: this copy gets the rows of these key groups only, no other copy gets any of them.

        Where nothing is said, all. State that belongs to no key goes with the first key group of the copy that has it.
        """
        self.key_groups = key_groups

    def snapshot(self, key_groups: range, *, touched_only: bool = False) -> dict[str, pa.Table]:
        """The state of `key_groups` as Arrow tables by name, copied, so that it can be written while rows come.

        Called between epochs. With `touched_only`, an increment: only what changed since the last `snapshot_taken`,
        and in tables called `removed_...` what was forgotten. What else the tables are like is in `state.tables`.
        """
        return {}

    def asked(self, key_groups: range) -> range | None:
        """The key groups that a snapshot is asked for; None if that is all that this copy has rows of."""
        mine = self.key_groups
        return None if key_groups.start <= mine.start and mine.stop <= key_groups.stop else key_groups

    def snapshot_taken(self) -> None:
        """The snapshots of all key groups were taken: from now on touched means since this moment.

        Before the first call nothing is remembered of what was forgotten, so that it costs nothing without checkpoints.
        """

    def restore(self, tables: Tables) -> None:
        """Take note, on a fresh operator, of what a `snapshot` gave.

        Comes once for a base and for each increment behind it in their order, the same for each of several ranges of
        key groups, in any order of ranges; then comes `restored`, and before that nothing else but `owns`.
        """
        self._parts = [*(self._parts or ()), tables]

    def restored(self) -> None:
        """Go on from what `restore` was given, exactly: what is taken back later is bit for bit what was once emitted.

        All state counts as touched until the next `snapshot_taken`. If the operator owns the key groups of the one that
        the snapshots are of, that may come at once and the chain of increments go on; else a new base is due.
        """
        parts, self._parts = self._parts, None
        if parts:
            self.load(merged(parts))

    def load(self, tables: Tables) -> None:
        """Be, as a fresh operator, what `tables` say, in which each row of state is there once; see `state.tables`."""

    @property
    def report(self) -> Report:
        """What happened to rows that did not make it; operators that lose none share an empty one."""
        return NOTHING_TO_REPORT

    @property
    def done(self) -> bool:
        """No further row can change the result, so that nothing need be read for this operator any more."""
        return False

    @property
    def state_bytes(self) -> int:
        """How much memory the state takes."""
        return 0


NOTHING_TO_REPORT = Report()


def nothing() -> Iterator[Batch]:
    """Yield no batch."""
    yield from ()
