"""The ways in which something that was read is not in a result, and what a query says of each: once, with a remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playhead import plan
from playhead.errors import RowsNotKeptWarning
from playhead.results import counted

if TYPE_CHECKING:
    from playhead.runtime.run import Run


class LateRowsWarning(UserWarning):
    """Rows came later than their source declared, and were left out of windows that had closed."""


class RejectedRowsWarning(UserWarning):
    """Some input could not become rows."""


class ExpiredRowsWarning(UserWarning):
    """Rows that a merge kept were let go after their `ttl=`."""


class MissingKeysWarning(UserWarning):
    """Rows without a group key were left out, as `dropna=True` says."""


@dataclass(frozen=True)
class WayToLose:
    """One way in which rows are not in the result."""

    category: type[UserWarning]
    told: Callable[[Run], str | None]
    """What to say if that has happened in a run, else None. It is asked after every epoch."""


def ways_to_lose(node: plan.Node) -> tuple[WayToLose, ...]:
    """Those that a plan has."""
    ways = [
        WayToLose(LateRowsWarning, _late),
        WayToLose(RejectedRowsWarning, _rejected),
        WayToLose(RowsNotKeptWarning, _not_kept),
    ]
    parts = list(plan.walk(node))
    if any(isinstance(part, plan.Merge) and part.ttl is not None for part in parts):
        ways.append(WayToLose(ExpiredRowsWarning, _expired))
    if any(isinstance(part, plan.Aggregate) and part.dropna and part.keys for part in parts):
        ways.append(WayToLose(MissingKeysWarning, _missing_keys))
    return tuple(ways)


def _late(run: Run) -> str | None:
    if not run.late.rows:
        return None
    return (
        f"{counted(run.late.rows, 'row')} so far came after their window had closed and were left out; "
        "`.late` has them, with their windows. A larger out_of_order= or allowed_lateness= accepts them."
    )


def _rejected(run: Run) -> str | None:
    if not run.rejected_count:
        return None
    first = run.rejected.parts[0][0].slice(0, 1).to_pylist()[0]
    return (
        f"{counted(run.rejected_count, 'row')} of the input could not be read and is left out, "
        f"such as {first['source']}, {first['position']}: {first['reason']}. "
        "`.rejected` of a started frame has them, with position and reason; on_error='raise' stops at the first"
    )


def _not_kept(run: Run) -> str | None:
    gone = run.late.dropped + run.rejected.dropped
    if not gone:
        return None
    return (
        f"of the rows that were left out, the first {counted(gone, 'row')} can no longer be looked at: "
        f"`.late` and `.rejected` have the last {run.late.most:,} each, `.progress` counts all. "
        "Look at them more often, or declare the input so that fewer are left out."
    )


def _expired(run: Run) -> str | None:
    count = run.counts().get("expired", 0)
    if not count:
        return None
    return (
        f"{counted(count, 'row')} so far waited for partners in a merge as long as ttl= says and were let go; a "
        "partner that comes after that does not meet them. A larger ttl= keeps them longer; a query's metric "
        "'expired' counts them."
    )


def _missing_keys(run: Run) -> str | None:
    count = run.counts().get("missing key", 0)
    if not count:
        return None
    return (
        f"{counted(count, 'row')} so far had a missing group key and were left out, as dropna=True says; "
        "dropna=False makes groups of them; a query's metric 'missing key' counts them."
    )
