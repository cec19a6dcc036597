"""numpy's functions of one value at a time, on columns: `np.sqrt(frame.price)`; null stays null."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from playhead.errors import PlanError
from playhead.expr import Function, Values
from playhead.functions.operands import FLOAT, KINDS, convert, kind_of, meet
from playhead.functions.through_numpy import apply_ufunc, as_floats

_KEEP_INTEGERS = frozenset({np.floor, np.ceil, np.trunc, np.rint, np.sign, np.square, np.positive})
_TWO = frozenset({np.maximum, np.minimum, np.fmax, np.fmin})


@dataclass(frozen=True)
class Ufunc:
    """One of numpy's functions over Arrow values."""

    ufunc: np.ufunc

    def __call__(self, *arguments: Values) -> Values:
        if len(arguments) == 2 and self.ufunc in _TWO:
            return apply_ufunc(self.ufunc, *_numbers(*meet(*arguments)))
        if self.ufunc in _KEEP_INTEGERS and kind_of(arguments[0]) == "integer":
            whole = self.ufunc in (np.floor, np.ceil, np.trunc, np.rint, np.positive)
            return arguments[0] if whole else apply_ufunc(self.ufunc, *arguments)
        floats = [as_floats(argument) for argument in arguments]
        return apply_ufunc(self.ufunc, *(meet(*floats) if len(floats) == 2 else floats))


def _numbers(*values: Values) -> list[Values]:
    for value in values:
        if KINDS.get(value.type.id) not in ("integer", FLOAT):
            as_floats(value)
    return [convert(value, value.type) for value in values]


@lru_cache(maxsize=256)
def ufunc_function(ufunc: np.ufunc) -> Function:
    """The scalar function that is a numpy ufunc.

    Raises
    ------
    PlanError
        If it gives more than one result or takes more than two values.
    """
    if ufunc.nout != 1 or ufunc.nin > 2:
        raise PlanError(f"numpy's {ufunc.__name__} does not work on a column")
    return Function(ufunc.__name__, Ufunc(ufunc))
