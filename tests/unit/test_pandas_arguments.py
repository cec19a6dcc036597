"""Arguments of pandas' verbs that a lazy frame cannot take are refused with what to do instead, never in silence."""

from __future__ import annotations

import pandas as pd
import pytest

import playhead as ph

ROWS = pd.DataFrame({"at": pd.to_datetime(["2020-01-01", "2020-01-02"], utc=True), "k": ["a", "b"], "x": [1, 2]})
F = ph.from_pandas(ROWS, time="at")

REFUSED = {
    "merge validate": (lambda: F.merge(F, on="k", validate="1:1"), "right.value_counts"),
    "merge indicator": (lambda: F.merge(F, on="k", indicator=True), r"right.assign\(found=True\)"),
    "merge index": (lambda: F.merge(F, left_index=True), "has no index"),
    "merge sort": (lambda: F.merge(F, on="k", sort=True), "sort_values"),
    "merge cross": (lambda: F.merge(F, how="cross"), "assign"),
    "merge_asof forward": (lambda: F.merge_asof(F, direction="forward"), "swap the frames"),
    "merge_asof on": (lambda: F.merge_asof(F, left_on="x", right_on="at"), "event time, which is 'at'"),
    "resample on": (lambda: F.resample("1h", on="x"), "event time, which is 'at'"),
    "resample label": (lambda: F.resample("1h", label="middle"), "neither 'left' nor 'right'"),
    "groupby level": (lambda: F.groupby("k", level=0), "has no index"),
    "groupby nothing": (lambda: F.groupby(), "what to group by"),
    "groupby observed": (lambda: F.groupby("k", observed=False), "of which there are rows"),
    "drop rows": (lambda: F.drop("x", axis=0), "write a condition"),
    "inplace": (lambda: F.rename(columns={"x": "y"}, inplace=True), "a frame does not change"),
    "fillna method": (lambda: F.fillna(method="ffill"), "has no order"),
    "fillna of a column": (lambda: F.x.fillna(method="ffill"), "has no order"),
    "dropna axis": (lambda: F.dropna(axis=1), r"frame.drop\('x'\)"),
    "sum across": (lambda: F.sum(axis=1), r"frame.x \+ frame.y"),
    "std of all": (lambda: F.groupby("k").std(ddof=0), r"\(n - 1\) / n"),
    "mean with missing": (lambda: F.x.mean(skipna=False), "isna"),
    "value_counts shares": (lambda: F.value_counts("k", normalize=True), "divide"),
    "concat side by side": (lambda: ph.concat([F, F], axis=1), "merge them"),
    "concat of one": (lambda: ph.concat(F), r"ph.concat\(\[one, another\]\)"),
    "to_parquet index": (lambda: F.to_parquet("x.parquet", index=True), "has no index"),
    "del": (lambda: F.__delitem__("x"), r"frame.drop\('x'\)"),
}


@pytest.mark.parametrize(("asked", "remedy"), REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_be_had_is_refused_with_a_remedy(asked, remedy) -> None:
    with pytest.raises(ph.errors.PlanError, match=remedy):
        asked()


def test_an_argument_that_nobody_has_is_told_with_what_was_probably_meant() -> None:
    with pytest.raises(ph.errors.ArgumentError, match=r"merge\(\) has no argument 'onn'; did you mean 'on'"):
        F.merge(F, onn="k")
    with pytest.raises(TypeError, match="mean.. has no argument 'skipnull'"):
        F.groupby("k").mean(skipnull=True)
