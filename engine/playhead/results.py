"""Results as people want them: sorted by their groups, as a pandas frame that lost no integer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from playhead import plan
from playhead.errors import DataError, PlanError
from playhead.expr import Col
from playhead.schema import MAX_TIME, MIN_TIME

if TYPE_CHECKING:
    import pandas as pd


def sorted_result(table: pa.Table, node: plan.Node) -> pa.Table:
    """Rows sorted by their group columns if the plan ends with an aggregate, else as they came."""
    names = group_columns(node)
    if not names or table.num_rows < 2:
        return table
    keys = [table[name] for name in names]
    plain = [key.cast(_sortable(key.type)) for key in keys]
    sortable = pa.table(plain, names=[str(number) for number in range(len(plain))])
    import pyarrow.compute as pc

    return table.take(pc.sort_indices(sortable, sort_keys=[(name, "ascending") for name in sortable.column_names]))


def _sortable(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_float16(kind):
        return pa.float32()
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def group_columns(node: plan.Node) -> list[str]:
    """The group columns of the aggregate that a plan ends with, under their present names."""
    match node:
        case plan.Aggregate():
            return list(node.unique_key or ())
        case plan.Filter(input) | plan.Limit(input):
            return group_columns(input)
        case plan.Project(input, columns):
            names = {expr.name: name for name, expr in reversed(columns) if isinstance(expr, Col)}
            return [names[name] for name in group_columns(input) if name in names]
        case _:
            return []


def to_pandas(table: pa.Table, dtype_backend: Any = None) -> pd.DataFrame:
    """A pandas frame; integers and booleans with missing values get pandas' nullable types, never floats.

    Parameters
    ----------
    dtype_backend : {None, "numpy_nullable", "pyarrow"}
        As in `pandas.read_parquet`.
    """
    import pandas as pd

    if dtype_backend == "pyarrow":
        arrow: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
        return arrow
    if dtype_backend not in (None, "numpy_nullable"):
        raise PlanError(f"dtype_backend={dtype_backend!r} is neither 'numpy_nullable' nor 'pyarrow'")
    nullable = _nullable_types()
    if dtype_backend == "numpy_nullable":
        return _in_pandas(table, nullable.get)
    frame = _in_pandas(table)
    for position, name in enumerate(table.column_names):
        if (
            table.column(position).null_count
            and table.schema.types[position] in nullable
            and _loses(table.schema.types[position])
        ):
            frame[name] = table.column(position).to_pandas(types_mapper=nullable.get)
    return frame


def _in_pandas(table: pa.Table, types_mapper: Any = None) -> pd.DataFrame:
    try:
        frame: pd.DataFrame = table.to_pandas(types_mapper=types_mapper)
    except pa.ArrowInvalid as error:
        for name, column in zip(table.column_names, table.columns, strict=True):
            try:
                column.to_pandas()
            except pa.ArrowInvalid as why:
                raise DataError(
                    f"pandas cannot hold column {name!r}, which is {column.type}: {why}; "
                    "compute(dtype_backend='pyarrow') and to_arrow() keep it as it is"
                ) from why
        raise error
    return frame


def moment(time: int, zone: str) -> Any:
    """A time of the engine as a pandas.Timestamp; None for "not yet" and for the end of time."""
    if time in (MIN_TIME, MAX_TIME):
        return None
    import pandas as pd

    try:
        return pd.Timestamp(time, unit="us", tz="UTC").tz_convert(zone)
    except (OverflowError, ValueError):
        return None


def counted(number: int, what: str) -> str:
    """ "1 row", "2,000 rows"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _loses(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def _nullable_types() -> dict[pa.DataType, Any]:
    import pandas as pd

    types = {pa.bool_(): pd.BooleanDtype(), pa.float32(): pd.Float32Dtype(), pa.float64(): pd.Float64Dtype()}
    types |= {pa.string(): pd.StringDtype(), pa.large_string(): pd.StringDtype()}
    for width in (8, 16, 32, 64):
        types[getattr(pa, f"int{width}")()] = getattr(pd, f"Int{width}Dtype")()
        types[getattr(pa, f"uint{width}")()] = getattr(pd, f"UInt{width}Dtype")()
    return types
