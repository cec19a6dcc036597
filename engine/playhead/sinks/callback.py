"""Calls a Python function with the changes of each epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from playhead.batch import Batch
from playhead.errors import PlanError, UserFunctionError
from playhead.sinks.sink import SinkContext

FORMATS = ("arrow", "pandas")


@dataclass
class CallbackSink:
    """`function(epoch, changes)` after each epoch that changed something; at least once across a crash.

    It is called before a checkpoint holds the epoch. When the query was begun again, `rolled_back_to(epoch)` says which
    epochs still count; later ones are told again, maybe cut differently.
    """

    function: Callable[[int, Any], object]
    format: str = "arrow"
    rolled_back_to: Callable[[int], object] | None = None
    modes: tuple[str, ...] = ("update", "append", "complete")
    guarantee: str = "at least once: an epoch may be told again after a crash, with its number"
    mode: str = field(default="update", init=False)

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise PlanError(f"a callback is a function of (epoch, changes), not {self.function!r}")
        if self.rolled_back_to is not None and not callable(self.rolled_back_to):
            raise PlanError(f"rolled_back= is a function of an epoch, not {self.rolled_back_to!r}")
        if self.format not in FORMATS:
            raise PlanError(f"format={self.format!r} is none of {list(FORMATS)}")

    def __repr__(self) -> str:
        return f"<callback: {getattr(self.function, '__qualname__', self.function)}, format={self.format}>"

    def open(self, context: SinkContext) -> None:
        if context.mode == "update" and "weight" in context.schema.names:
            raise PlanError("in update mode a callback gets a column 'weight', and the result has one; rename it")
        self.mode = context.mode

    def write(self, epoch: int, changes: Batch, watermark: int) -> None:
        table: Any = pa.Table.from_batches([changes.rows])
        if self.mode == "update":
            weights = np.ones(changes.num_rows, np.int64) if changes.weights is None else changes.weights
            table = table.append_column("weight", pa.array(weights, pa.int64()))
        if self.format == "pandas":
            table = table.to_pandas()
        _call(self.function, epoch, table, what=f"in epoch {epoch} with {changes.num_rows:,} changed rows")

    def rolled_back(self, epoch: int) -> None:
        if self.rolled_back_to is not None:
            _call(self.rolled_back_to, epoch, what=f"told to go back to epoch {epoch}")

    def close(self, *, failed: bool) -> None:
        """A callback holds nothing."""


def _call(function: Callable[..., object], *arguments: Any, what: str) -> None:
    """Call the user's function; what it raises names it, with its line."""
    try:
        function(*arguments)
    except Exception as error:
        raise UserFunctionError(
            f"the callback {_name(function)} raised {type(error).__name__}: {error} at {_line(error, function)}, {what}"
        ) from error


def _name(function: Callable[..., object]) -> str:
    return getattr(function, "__qualname__", type(function).__qualname__)


def _line(error: BaseException, function: Callable[..., object]) -> str:
    """The deepest line that is in the file of the user's function."""
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    trace, line = error.__traceback__, "a line that Python does not know"
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if code is None or file == code.co_filename:
            line = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return line
