"""`map` with a dict: another value for each value."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from playhead.expr import Function, Values
from playhead.functions.comparison import both_zeros, fitting_choice
from playhead.functions.operands import decoded


def map_values(values: Values, keys: pa.ListScalar, results: pa.ListScalar) -> Values:
    """`results[i]` where a value is `keys[i]`, null where it is none of them."""
    values = decoded(values)
    fitting, places = _keys_as(keys, values.type)
    if isinstance(values, pa.Scalar):
        return map_values(pa.array([values.as_py()], values.type), keys, results)[0]
    found = pc.index_in(values, value_set=fitting)
    return results.values.take(places.take(found))


@lru_cache(maxsize=256)
def _keys_as(keys: pa.ListScalar, data_type: pa.DataType) -> tuple[pa.Array, pa.Array]:
    """The keys that a column of `data_type` can hold, and the place of each in the mapping."""
    fitting: list[Any] = []
    places: list[int] = []
    for place, key in enumerate(keys.values):
        value = pa.scalar(None, data_type) if not key.is_valid else fitting_choice(key, data_type)
        if value is not None:
            equal = both_zeros(value.as_py())
            fitting += equal
            places += [place] * len(equal)
    return pa.array(fitting, data_type), pa.array(places, pa.int64())


MAP = Function("map", map_values)
