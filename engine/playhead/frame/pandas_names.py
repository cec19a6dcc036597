"""What pandas has and a lazy frame has not: the error that says what to do instead."""

from __future__ import annotations

from playhead.aggregates import NAMES
from playhead.errors import ColumnNotFoundError, VerbNotFoundError, did_you_mean

NO_INDEX = "there is no index; all that a row has is in its columns"
NO_ORDER = "a frame has no order; sort the result: {it}.compute().{name}(...)"
NO_ROW_NUMBERS = "a frame has no row numbers; use head(n), limit(n) or a condition, as in frame[frame.x > 0]"
NO_LOOPS = "rows are not looped over; write expressions, map_batches(function), or loop over {it}.compute()"
NOT_CHANGED = "a frame does not change; frame.assign(x=...) and frame.drop(...) give another one"
NOT_BUILT = "it is not built yet; groupby with a window (ph.tumbling, ph.hopping) may do, or {it}.compute().{name}(...)"
COMPUTED = "compute it first: {it}.compute().{name}"
HOW_MANY = "how many rows there are is not known before it runs; ask frame.agg(n=ph.size()).compute()"

SHARED = {
    **dict.fromkeys(["index", "set_index", "reset_index", "sort_index", "reindex", "T", "transpose", "axes"], NO_INDEX),
    **dict.fromkeys(["sort_values", "nlargest", "nsmallest", "rank", "argsort"], NO_ORDER),
    **dict.fromkeys(["iloc", "iat", "loc", "at", "take", "xs", "sample"], NO_ROW_NUMBERS),
    **dict.fromkeys(["items", "iterrows", "itertuples", "keys"], NO_LOOPS),
    **dict.fromkeys(["insert", "pop", "update", "copy"], NOT_CHANGED),
    **dict.fromkeys(["shift", "diff", "pct_change", "rolling", "expanding", "ewm", "drop_duplicates"], NOT_BUILT),
    **dict.fromkeys(["cumsum", "cumprod", "cummax", "cummin", "ffill", "bfill", "interpolate"], NOT_BUILT),
    **dict.fromkeys(["shape", "size", "empty"], HOW_MANY),
    "replace": "say column.map({{old: new}}), or column.where(condition, other)",
    "append": "say ph.concat([one, another])",
}
"""What to do instead, by the name in pandas; `it` is what was asked, `name` the name."""

FRAME = SHARED | {
    "apply": "say frame.x.apply(function, frame.y) for one value at a time, or frame.map_batches(function)",
    "map": "say frame.assign(x=frame.x.map(...)), or frame.map_batches(function)",
    "applymap": "say frame.assign(x=frame.x.map(...)), or frame.map_batches(function)",
    "eval": "say frame.assign(x=frame.y + frame.z)",
    "join": "say frame.merge(other, on=...)",
    "info": "print(frame) and frame.dtypes show the columns, frame.explain() the plan",
    "aggregate": "say frame.agg(...)",
    **dict.fromkeys(
        ["std", "var", "median", "first", "last"], "say frame.agg('{name}') for all columns, or frame.x.{name}()"
    ),
    "quantile": "say frame.x.quantile(0.5)",
}

COLUMN = SHARED | {
    **dict.fromkeys(["agg", "aggregate"], "call the aggregate: frame.x.mean(), or frame.agg(mean=('x', 'mean'))"),
    **dict.fromkeys(["transform", "pipe"], "write an expression, or frame.assign(x=frame.x.apply(function))"),
    "groupby": "group the frame: frame.groupby(key).agg(x=('x', 'mean'))",
    "to_frame": "say frame[['x']]",
    "drop": "say frame.drop('x') for a column, frame[condition] for rows",
    "dropna": "say frame.dropna(subset='x')",
    "query": "say frame[frame.x > 0]",
    "start": "start a frame: frame.agg(mean=('x', 'mean')).start()",
}

GROUPS = {
    **dict.fromkeys(
        ["compute", "start", "replay", "head"], "say first what is wanted of each group, such as .agg(n=ph.size())"
    ),
    **dict.fromkeys(
        ["apply", "transform", "pipe", "filter"],
        "a group's rows are not kept; use .agg(...), or a ph.UserAggregate for an aggregate of your own",
    ),
    **dict.fromkeys(["rolling", "cumsum", "shift", "diff", "rank", "nth", "cumcount", "ngroup"], NOT_BUILT),
    **dict.fromkeys(["groups", "get_group", "ngroups", "indices"], "groups are only known when it runs; use .agg(...)"),
    "aggregate": "say .agg(...)",
}


def missing_from_frame(name: str, columns: list[str], verbs: type) -> AttributeError:
    """The error of `frame.name` where there is no such column and no such verb."""
    import pandas as pd

    if name in FRAME or (hasattr(pd.DataFrame, name) and not did_you_mean(name, columns)):
        return VerbNotFoundError(name, FRAME.get(name, COMPUTED).format(it="frame", name=name))
    meant = "" if did_you_mean(name, columns) else did_you_mean(name, _public(verbs))
    return ColumnNotFoundError(name, columns, meant)


def missing_from_column(name: str, verbs: type) -> AttributeError:
    """The error of `column.name` where there is no such verb."""
    import pandas as pd

    if name in COLUMN or hasattr(pd.Series, name):
        return VerbNotFoundError(name, COLUMN.get(name, COMPUTED).format(it="column", name=name))
    return VerbNotFoundError(name, f"a column has no such verb{did_you_mean(name, _public(verbs))}")


def missing_from_groups(name: str, columns: list[str]) -> AttributeError:
    """The error of `frame.groupby(...).name` where there is no such column and no such aggregate."""
    if name in GROUPS:
        return VerbNotFoundError(name, GROUPS[name].format(it="frame", name=name))
    return ColumnNotFoundError(name, columns, "" if did_you_mean(name, columns) else did_you_mean(name, NAMES))


def _public(verbs: type) -> list[str]:
    return [name for name in dir(verbs) if not name.startswith("_")]
