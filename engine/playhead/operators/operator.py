"""The contract of an operator: one running step of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from playhead.batch import Batch


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

    def snapshot(self, key_groups: range, *, touched_only: bool = False) -> dict[str, pa.Table]:
        """The state of `key_groups` as Arrow tables by name; only what changed since the last such call if asked."""
        return {}

    def restore(self, tables: Mapping[str, pa.Table]) -> None:
        """Add what `snapshot` gave, possibly several times with other key groups, to a fresh operator."""

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
