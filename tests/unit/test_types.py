"""Columns of every Arrow type pass through the verbs and all modes, as plain Python would have them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

import playhead as ph
from playhead.errors import TypeMismatchError

pytestmark = pytest.mark.usefixtures("no_thread_left")


def values(kind: pa.DataType, *items: Any) -> pa.Array:
    return pa.array([*items, None, items[0]], kind)


FLAT = {
    **{
        f"{sign}int{bits}": values(getattr(pa, f"{sign}int{bits}")(), 1, 2)
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    },
    "uint64 beyond int64": values(pa.uint64(), 2**63, 2**64 - 1),
    "float16": values(pa.float16(), 1.0, 2.0),
    "float32": values(pa.float32(), 0.1, -2.5),
    "float64": values(pa.float64(), 0.1, -2.5),
    "bool": values(pa.bool_(), True, False),
    "decimal128": values(pa.decimal128(10, 2), Decimal("1.50"), Decimal("-2.25")),
    "decimal256": values(pa.decimal256(50, 2), Decimal("1.50"), Decimal("-2.25")),
    "string": values(pa.string(), "a", ""),
    "large_string": values(pa.large_string(), "a", ""),
    "string_view": values(pa.string_view(), "a", "long enough not to be inlined"),
    "binary": values(pa.binary(), b"\xff", b""),
    "large_binary": values(pa.large_binary(), b"\xff", b""),
    "fixed_size_binary": values(pa.binary(2), b"ab", b"\x00\x00"),
    "dictionary": values(pa.string(), "a", "b").dictionary_encode(),
    "date32": values(pa.date32(), date(2013, 7, 1), date(1969, 12, 31)),
    "date64": values(pa.date64(), date(2013, 7, 1), date(1969, 12, 31)),
    "time32": values(pa.time32("s"), 1, 86_399),
    "time64": values(pa.time64("us"), 1, 86_399_999_999),
    "timestamp[s]": values(pa.timestamp("s"), 0, -1),
    "timestamp[ns, zone]": values(pa.timestamp("ns", "Europe/Berlin"), 1, -1),
    "duration": values(pa.duration("ms"), 1, -1),
}
NESTED = {
    "list": values(pa.list_(pa.int64()), [1], []),
    "list of strings": values(pa.list_(pa.string()), ["a", None], []),
    "fixed_size_list": values(pa.list_(pa.int64(), 2), [1, 2], [3, 4]),
    "struct": values(pa.struct({"a": pa.int64()}), {"a": 1}, {"a": None}),
    "list of structs": values(pa.list_(pa.struct({"a": pa.int64()})), [{"a": 1}], []),
    "map": values(pa.map_(pa.string(), pa.int64()), [("a", 1)], []),
    "null": pa.nulls(4),
}
EVERY = FLAT | NESTED
every_type = pytest.mark.parametrize("column", EVERY.values(), ids=list(EVERY))
flat_type = pytest.mark.parametrize("column", FLAT.values(), ids=list(FLAT))
nested_type = pytest.mark.parametrize("column", NESTED.values(), ids=list(NESTED))


def kept(kind: pa.DataType) -> pa.DataType:
    """Large and view layouts are layouts of text and bytes, not types of their own."""
    layouts = {"large_string": pa.string(), "string_view": pa.string(), "large_binary": pa.binary()}
    return layouts.get(str(kind), kind)


def typed(column: pa.Array) -> tuple[ph.Frame, pa.Table]:
    table = pa.table({"v": column, "n": list(range(len(column)))})
    return ph.from_arrow(table), table


@every_type
def test_columns_of_every_type_pass_through_rows_verbs_and_all_modes(column):
    frame, table = typed(column)
    assert frame.dtypes["v"] == kept(column.type)
    assert pa.Table.from_pandas(frame.compute(dtype_backend="pyarrow")).to_pylist() == table.to_pylist()
    assert len(frame.compute()) == 4 and len(frame.head(2)) == 2
    assert frame[frame.n != 1].to_arrow().to_pylist() == [row for row in table.to_pylist() if row["n"] != 1]
    for query in (
        frame.start(max_rows=1),
        frame.start(mode="append"),
        frame.start(mode="complete"),
        frame.start(parallelism=2),
    ):
        found = query.wait(60).to_arrow()
        assert sorted(found.to_pylist(), key=lambda row: row["n"]) == table.to_pylist()
        assert found.schema.types == [kept(column.type), pa.int64()]


@every_type
def test_columns_of_every_type_can_be_counted_looked_for_and_carried_through_a_merge(column):
    frame, table = typed(column)
    missing = [value is None for value in column.to_pylist()]
    assert frame.isna().compute().v.tolist() == missing
    assert frame.agg(there=("v", "count")).start(max_rows=1).wait(60).latest().there.tolist() == [missing.count(False)]
    assert len(frame.dropna(subset="v").compute()) == missing.count(False)
    taken_back = frame.merge(ph.from_arrow(pa.table({"n": [0, 1, 3]})), on="n", how="left").start(max_rows=1).wait(60)
    assert sorted(taken_back.to_arrow().to_pylist(), key=lambda row: row["n"]) == table.to_pylist()


@flat_type
def test_groups_of_every_type_are_those_of_plain_python(column):
    frame, table = typed(column)
    expected: dict[Any, int] = {}
    for row in table.to_pylist():
        expected[row["v"]] = expected.get(row["v"], 0) + row["n"]
    sums = frame.groupby("v").agg(total=("n", "sum"))
    found = sums.to_arrow()
    assert found.schema.field("v").type == kept(column.type)
    for result in (found, sums.start(max_rows=1).wait(60).to_arrow(), sums.start(parallelism=2).wait(60).to_arrow()):
        assert {row["v"]: row["total"] for row in result.to_pylist()} == expected
    assert len(sums.compute()) == len(sums.start().wait(60).latest()) == len(expected)
    pairs = frame.merge(frame.rename({"n": "m"}), on="v").compute()
    assert sorted(zip(pairs.n.astype(int), pairs.m.astype(int), strict=True)) == [
        (0, 0),
        (0, 3),
        (1, 1),
        (3, 0),
        (3, 3),
    ]


@flat_type
def test_the_least_and_the_greatest_of_every_type_are_those_of_plain_python(column):
    frame, table = typed(column)
    if pa.types.is_decimal256(column.type):
        with pytest.raises(TypeMismatchError, match="max cannot work on decimal256"):
            frame.agg(high=("v", "max"))
        return
    there = [row["v"] for row in table.to_pylist() if row["v"] is not None]
    extremes = frame.agg(low=("v", "min"), high=("v", "max"), different=("v", "nunique"))
    for result in (extremes.to_arrow(), extremes.start(max_rows=1).wait(60).to_arrow()):
        assert result.to_pylist() == [{"low": min(there), "high": max(there), "different": len(set(there))}]


@nested_type
def test_what_needs_an_order_refuses_columns_without_one_by_name(column):
    frame, _ = typed(column)
    with pytest.raises(TypeMismatchError, match="cannot group by 'v': .* values have no order"):
        frame.groupby("v").agg(n=ph.size())
    with pytest.raises(TypeMismatchError, match="max cannot work on"):
        frame.agg(high=("v", "max"))
    with pytest.raises(TypeMismatchError):
        frame[frame.v == frame.v]
