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
    """`function(epoch, changes)` after each epoch that changed something; at least once across a crash."""

    function: Callable[[int, Any], object]
    format: str = "arrow"
    modes: tuple[str, ...] = ("update", "append", "complete")
    guarantee: str = "at least once"
    mode: str = field(default="update", init=False)

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise PlanError(f"a callback is a function of (epoch, changes), not {self.function!r}")
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
        try:
            self.function(epoch, table)
        except Exception as error:
            raise UserFunctionError(
                f"the callback {_name(self.function)} raised {type(error).__name__}: {error} "
                f"at {_line(error, self.function)}, in epoch {epoch} with {changes.num_rows:,} changed rows"
            ) from error

    def close(self, *, failed: bool) -> None:
        """A callback holds nothing."""


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
