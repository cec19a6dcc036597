"""Which splits are open, and what an epoch takes from them."""

from __future__ import annotations

import pyarrow as pa
import pytest

import playhead as ph
from playhead.testing import rows, scripted

AT = pa.timestamp("us", "UTC")


@pytest.mark.parametrize("empty", [1, 2, 3, 20])
def test_splits_without_rows_do_not_hold_up_what_stands_behind_them(empty):
    splits = [[] for _ in range(empty)]
    frame = scripted({"at": AT}, *splits, [rows({"at": 1})], *splits, time="at", out_of_order="0s")
    counted = frame.groupby(ph.tumbling("1s")).agg(n=("at", "size"))
    assert counted.compute().n.tolist() == [1]
    for query in counted.start(), counted.replay(speed="max"):
        assert query.wait(20).latest().n.tolist() == [1]
