"""Arguments that pandas' verbs have and those of a lazy frame have not: accepted where they change nothing, else told.

A verb takes them as `**pandas` and calls `refuse(pandas)`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from playhead.errors import ArgumentError, did_you_mean

ANYTHING = object()
"""Whatever is given changes nothing here."""

NO_INDEX = "a frame has no index; what would be in it is a column"
NO_ORDER = "a frame has no order; sort the result: .compute().sort_values(...)"
BY_COLUMNS = "aggregates go over rows; for values side by side write an expression, such as frame.x + frame.y"
CHOOSE = "choose the columns first, as in frame[['x', 'y']]"
MISSING = "missing values are left out of aggregates; count those that there are with frame.x.isna().sum()"

COMMON: Mapping[str, tuple[tuple[Any, ...], str]] = {
    "inplace": ((False,), "a frame does not change; go on with what the verb returns"),
    "copy": ((ANYTHING,), ""),
    "level": ((None,), NO_INDEX),
    "ignore_index": ((ANYTHING,), ""),
}
AGGREGATE = {
    "axis": ((0, "index", None), BY_COLUMNS),
    "skipna": ((True,), MISSING),
    "numeric_only": ((), CHOOSE),
    "min_count": ((0, -1), "count the values beside it: .agg(total=('x', 'sum'), n=('x', 'count'))"),
    "engine": ((None,), "aggregates are compiled anyway"),
}
SPREAD = {
    "ddof": ((1,), "var and std are those of a sample; times (n - 1) / n, with n=('x', 'count'), is the population's"),
}
JOIN = {
    "left_index": ((False,), NO_INDEX + "; name it in on=, or left_on= and right_on="),
    "right_index": ((False,), NO_INDEX + "; name it in on=, or left_on= and right_on="),
}
ROWS_ONLY = {"axis": ((0, "index"), "it is rows that are left out; frame.drop('x') leaves out a column")}
COLUMNS_ONLY = {"axis": ((1, "columns"), "it is about columns; for rows write a condition, as in frame[frame.x > 0]")}

VERBS: Mapping[str, Mapping[str, tuple[tuple[Any, ...], str]]] = {
    "merge": JOIN
    | {
        "sort": ((False,), NO_ORDER),
        "indicator": (
            (False,),
            "give the right frame a column, right.assign(found=True): it is null where there was no partner",
        ),
        "validate": (
            (None, "many_to_many", "m:m"),
            "what is unique is not known before all rows have come; ask right.value_counts(keys) what is there twice",
        ),
    },
    "merge_asof": JOIN
    | {
        "direction": (
            ("backward",),
            "a row is joined with what happened before it, as what comes later is not known yet; swap the frames, or "
            "compute() both and use pandas.merge_asof",
        )
    },
    "groupby": {
        "axis": ((0, "index"), "groups are of rows"),
        "group_keys": ((ANYTHING,), ""),
        "observed": ((True,), "groups are those of which there are rows"),
        "level": ((None,), NO_INDEX + "; group by that"),
    },
    "resample": {
        "axis": ((0, "index"), "it is rows that are resampled"),
        "group_keys": ((ANYTHING,), ""),
        "level": ((None,), NO_INDEX + "; it goes by the frame's event time"),
        "kind": (("timestamp", None), "it is labelled by times"),
        "convention": ((ANYTHING,), ""),
    },
    "drop": COLUMNS_ONLY | {"index": ((None,), "for rows write a condition, as in frame[frame.x > 0]")},
    "rename": COLUMNS_ONLY | {"index": ((None,), NO_INDEX)},
    "astype": {"errors": (("raise",), "a value that does not fit is an error; make it null first, with where()")},
    "fillna": {
        "method": ((None,), "the value before or behind it is not known: a frame has no order"),
        "axis": ((0, "index"), "a value is filled by another column with frame.x.fillna(frame.y)"),
        "limit": ((None,), "which ones come first is not known: a frame has no order"),
    },
    "dropna": ROWS_ONLY,
    "where": {"axis": ((0, None), "a condition is by row")},
    "mask": {"axis": ((0, None), "a condition is by row")},
    "clip": {"axis": ((0, None), "limits are plain values, or columns as in frame.x.clip(frame.low, frame.high)")},
    "query": {"engine": ((None, "python", "numexpr"), "it is Arrow's"), "parser": (("pandas",), "it is like pandas'")},
    "value_counts": {
        "normalize": ((False,), "divide what it computes: n['count'] / n['count'].sum()"),
        "sort": ((False,), NO_ORDER),
        "ascending": ((False,), NO_ORDER),
        "bins": ((None,), "group by an expression, such as (frame.x // 10).rename('ten')"),
    },
    "describe": {
        "percentiles": ((None,), "ask for them: frame.agg(p90=ph.quantile('x', 0.9))"),
        "include": ((None,), "it is about the numeric columns; nunique(), min() and value_counts() about others"),
        "exclude": ((None,), "choose the columns first, as in frame[['x', 'y']]"),
    },
    "concat": {
        "axis": ((0, "index"), "rows of two frames do not line up by themselves; merge them"),
        "join": (("outer", "inner"), "the frames have the same columns"),
        "keys": ((None,), "tell them apart by a column: a.assign(source='a')"),
        "sort": ((False,), "columns keep their order"),
        "names": ((None,), NO_INDEX),
        "verify_integrity": ((False,), NO_INDEX),
    },
    "to_parquet": {
        "index": ((False, None), NO_INDEX),
        "engine": (("auto", "pyarrow"), "it is written by pyarrow"),
        "compression": (("snappy",), "it is snappy"),
        "partition_cols": ((None,), "write a frame for each value: frame[frame.k == 'a'].to_parquet(...)"),
    },
    "mean": AGGREGATE | {"numeric_only": ((ANYTHING,), "")},
    "sum": AGGREGATE | {"numeric_only": ((True,), CHOOSE)},
    "std": AGGREGATE | SPREAD | {"numeric_only": ((ANYTHING,), "")},
    "var": AGGREGATE | SPREAD | {"numeric_only": ((ANYTHING,), "")},
    "median": AGGREGATE | {"numeric_only": ((ANYTHING,), "")},
    "nunique": AGGREGATE | {"dropna": ((True,), "missing values are not counted; add frame.x.isna().any()")},
    "quantile": AGGREGATE | {"interpolation": (("linear",), "it is interpolated linearly")},
    **dict.fromkeys(["count", "size", "min", "max", "first", "last", "any", "all"], AGGREGATE),
}
"""By verb and argument: the values that are taken, and what to do where another one is given."""


def refuse(pandas: Mapping[str, Any], verb: str | None = None) -> None:
    """Raise the error for the first of these arguments of the calling verb that cannot be taken."""
    if not pandas:
        return
    caller = inspect.currentframe()
    code = caller.f_back.f_code if caller and caller.f_back else None
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code and verb is None else ()
    verb = verb or (code.co_name if code else "")
    known = {**COMMON, **VERBS.get(verb, {})}
    for name, value in pandas.items():
        if name not in known:
            near = did_you_mean(name, [other for other in (*own, *known) if other != "self"])
            raise ArgumentError(f"{verb}() has no argument {name!r}{near}")
        taken, instead = known[name]
        if not any(each is ANYTHING or (type(value) is type(each) and value == each) for each in taken):
            raise ArgumentError(f"{verb}({name}={value!r}) cannot be had: {instead}")
