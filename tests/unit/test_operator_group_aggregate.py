"""What an aggregate by tumbling window remembers between snapshots."""

from __future__ import annotations

import pyarrow as pa
import pytest

import playhead as ph
from playhead.batch import Batch
from playhead.optimize import optimize
from playhead.physical import lower
from playhead.testing import rows, scripted

COLUMNS = {"at": pa.timestamp("us", "UTC"), "k": pa.int64()}
ALL = range(128)


def operator_of(window, mode):
    """The one stateful operator of a count by key and window."""
    frame = scripted(COLUMNS, [rows({"at": 0, "k": 0})], time="at")
    plan = lower(optimize(frame.groupby(["k", window]).agg(n=ph.size()).node), mode=mode)
    return next(vertex.make(True) for vertex in plan.vertices if vertex.make)


def feed(operator, watermark, *given):
    """An epoch with rows `(at, k)`."""
    if given:
        at, k = zip(*given, strict=True)
        schema = pa.schema(COLUMNS.items())
        list(operator.on_batch(0, Batch(pa.record_batch([pa.array(at, schema.field("at").type), pa.array(k)], schema))))
    list(operator.end_epoch())
    list(operator.on_watermark(watermark))


@pytest.mark.parametrize("mode", ["append", "update"])
@pytest.mark.parametrize("window", [ph.tumbling("10us"), ph.hopping("10us", "5us")], ids=str)
def test_an_increment_says_what_was_touched_and_what_is_gone_since_the_first_snapshot(window, mode):
    operator = operator_of(window, mode)
    feed(operator, 0, (1, 1), (2, 2), (21, 3))
    kept = {name for name in operator.snapshot(ALL) if "progress" not in name}
    operator.snapshot_taken()
    feed(operator, 20, (22, 4), (23, 4))
    increment = operator.snapshot(ALL, touched_only=True)
    (groups,) = [name for name in kept if "k" in increment[name].schema.names and increment[name].num_rows]
    assert sorted(increment[groups]["k"].to_pylist()) == [4], "3 is as it was"
    gone = [table["k"].to_pylist() for name, table in increment.items() if name.endswith(groups) and name != groups]
    assert [sorted(keys) for keys in gone] == [[1, 2]]
