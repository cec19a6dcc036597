"""Everything that can go wrong, as one tree.

PlayheadError
├── PlanError                 a query that makes no sense; raised while it is being written
│   ├── ColumnNotFoundError   a name that the input does not have
│   ├── VerbNotFoundError     something that pandas has and a lazy frame has not; says what to do instead
│   ├── ArgumentError         an argument that a verb does not have, or that cannot be had here; says what to do instead
│   ├── TypeMismatchError     a function, comparison or join over types that do not fit
│   ├── EventTimeError        a window, replay or join that needs an event time and has none, or a wrong one
│   ├── UnboundedError        a question that an endless input can never answer
│   └── UnboundedStateError   a plan whose memory would grow with every row of an endless input
├── DataError                 rows that cannot be processed: a value that does not fit, an overflow, a broken file
└── RunError                  a query that stopped while running
    ├── UserFunctionError     the user's own function raised; names its line and the row
    ├── SourceError           a source failed; names the source and the position
    │   └── RowsGoneError     an event log is asked for rows that its retention has removed; names what is gone
    ├── SinkError             a sink failed; names the sink and the epoch
    └── CheckpointError       a checkpoint that cannot be read, written or used for this query
        └── FencedError       another process has taken the query over, or still has it
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable
from difflib import get_close_matches


class PlayheadError(Exception):
    """What all errors of this package have in common."""


class PlanError(PlayheadError, ValueError):
    """A query makes no sense; raised while it is being written, not when it runs."""


class ColumnNotFoundError(PlanError, AttributeError, KeyError):
    """A query names a column that its input does not have."""

    def __init__(self, name: str, columns: Iterable[str], meant: str = "") -> None:
        self.name, self.columns = name, tuple(columns)
        self.message = f"no column {name!r} in {list(self.columns)}{meant or did_you_mean(name, self.columns)}"
        super().__init__(self.message)

    def __str__(self) -> str:  # KeyError would show the repr of the message
        return self.message


class VerbNotFoundError(PlanError, AttributeError):
    """Something that pandas has and a lazy frame has not; the message says what to do instead."""

    def __init__(self, name: str, instead: str) -> None:
        self.name, self.instead = name, instead
        super().__init__(f"no {name!r} here: {instead}")


class ArgumentError(PlanError, TypeError):
    """An argument that a verb does not have, or that cannot be had here; the message says what to do instead."""


class TypeMismatchError(PlanError, TypeError):
    """A function, comparison or join is asked to work on types that do not fit."""


class EventTimeError(PlanError):
    """A window, replay or join needs an event time that is not there or does not fit."""


class UnboundedError(PlanError):
    """A question that an endless input can never answer."""


class UnboundedStateError(PlanError):
    """A plan whose memory would grow with every row of an endless input."""


class DataError(PlayheadError, ValueError):
    """Rows that cannot be processed: a value that does not fit, an overflow, a broken file."""


class RunError(PlayheadError, RuntimeError):
    """A query stopped while it was running."""


class UserFunctionError(RunError):
    """The user's own function raised; the message names its line and the row."""

    def __init__(self, message: str, row_number: int | None = None) -> None:
        self.row_number = row_number
        """Which row of the batch that was being processed it was, where that is known."""
        super().__init__(message)


class SourceError(RunError):
    """A source failed; the message names the source and the position."""


class RowsGoneError(SourceError):
    """An event log is asked for rows that its retention has removed; the message names what is gone."""

    def __init__(self, message: str, partition: int = -1, first: int = -1) -> None:
        self.partition, self.first = partition, first
        """The partition, and the offset of the first row that it still has."""
        super().__init__(message)


class SinkError(RunError):
    """A sink failed; the message names the sink and the epoch."""


class RowsNotKeptWarning(UserWarning):
    """There was more than is kept to be looked at: the first late or rejected rows, or changes, are gone."""


class KafkaAwayWarning(UserWarning):
    """No Kafka broker answers; what was begun goes on by itself when one does again."""


class CheckpointError(RunError):
    """A checkpoint cannot be read, written or used for this query; the message says which and why."""


class FencedError(CheckpointError):
    """Another process has taken the query over, or still has it: two may not write the same checkpoints."""


def frames_to_user() -> int:
    """The `stacklevel` of a warning that should point at the user's line, outside of this package."""
    package, level, frame = os.path.dirname(__file__), 0, inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(package):
        level, frame = level + 1, frame.f_back
    return level


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """End an error message with the nearest of `candidates`, or with nothing."""
    guess = get_close_matches(str(name), [str(candidate) for candidate in candidates], n=1)
    return f"; did you mean {guess[0]!r}?" if guess else ""
