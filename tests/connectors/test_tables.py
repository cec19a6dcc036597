"""Tables in memory: what is taken, and what would be lost in silence is refused."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

import playhead.io as ph
from playhead.errors import PlanError


@pytest.mark.parametrize(
    "index",
    [pd.Index([1, 2], name="id"), pd.Index(["a", "b"]), pd.date_range("2013", periods=2), pd.Index([0.5, 1.5])],
    ids=["named", "text", "times", "floats"],
)
def test_an_index_that_says_something_is_refused(index):
    with pytest.raises(PlanError, match=r"df\.reset_index\(\)"):
        ph.from_pandas(pd.DataFrame({"a": [1, 2]}, index=index))


def test_row_numbers_are_not_missed():
    df = pd.DataFrame({"a": [1, 2, 3]})
    assert ph.from_pandas(df[df.a > 1]).compute()["a"].tolist() == [2, 3]
    assert len(ph.from_pandas(pd.DataFrame({"a": []}, index=pd.Index([], dtype=object))).compute()) == 0


@pytest.mark.parametrize("other", [pd.Series([1]), {"a": [1]}, pa.table({"a": [1]})], ids=["series", "dict", "arrow"])
def test_from_pandas_says_what_it_was_given_and_what_it_takes(other):
    with pytest.raises(PlanError, match=f"takes a pandas DataFrame, not {type(other).__name__}"):
        ph.from_pandas(other)


@pytest.mark.parametrize("values", [pa.array([1]), pa.chunked_array([[1]])], ids=["array", "chunked"])
def test_from_arrow_wants_columns_with_names(values):
    with pytest.raises(PlanError, match=f"{type(values).__name__} is one column without a name"):
        ph.from_arrow(values)
