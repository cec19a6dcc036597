"""The key group of a key is fixed for good: these numbers are in savepoints."""

from __future__ import annotations

import datetime as dt
import math
import struct
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playhead.errors import TypeMismatchError
from playhead.kernels import key_groups as kernels
from playhead.state.key_groups import key_groups

MASK = 2**64 - 1
HUGE = 2**63 - 25
"""Modulo this, a group tells almost as much as the hash."""


def step(mixed, word):
    mixed = (mixed + 0x9E3779B97F4A7C15 & MASK) ^ (word & MASK)
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & MASK
    return mixed ^ mixed >> 31


def hash_of(kind, *words):
    mixed = 0
    for word in (kind, *words):
        mixed = step(mixed, word)
    return mixed


def hash_of_value(value):
    """The definition in the docstring of `key_groups`, in plain Python."""
    match value:
        case None:
            return hash_of(0)
        case bool():
            return hash_of(2, int(value))
        case int():
            return hash_of(1, value)
        case float():
            bits = 0x7FF8 << 48 if math.isnan(value) else struct.unpack("<Q", struct.pack("<d", value + 0.0))[0]
            return hash_of(3, bits)
        case str() | bytes():
            data = value.encode() if isinstance(value, str) else value
            padded = data + bytes(-len(data) % 8)
            words = struct.unpack(f"<{len(padded) // 8}Q", padded)
            return hash_of(4 if isinstance(value, str) else 5, len(data), *words)
        case Decimal():
            unscaled = int(value.scaleb(2))
            return hash_of(10 + 256 * 2, *[unscaled >> 64 * word for word in range(4)])


def group_of(values, count):
    mixed = 0
    for value in values:
        mixed = step(mixed, hash_of_value(value))
    return mixed % count


COLUMNS = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1), pa.int8(): st.integers(-128, 127), pa.uint64(): st.integers(0, MASK),
    pa.bool_(): st.booleans(), pa.float64(): st.floats() | st.sampled_from([0.0, -0.0]),
    pa.float32(): st.floats(width=32),
    pa.string(): st.text(max_size=20), pa.large_string(): st.text(max_size=20), pa.string_view(): st.text(max_size=20),
    pa.binary(): st.binary(max_size=20), pa.binary(9): st.binary(min_size=9, max_size=9),
    pa.decimal128(38, 2): st.decimals(-10**20, 10**20, places=2),
    pa.decimal256(50, 2): st.decimals(-10**20, 10**20, places=2),
    pa.null(): st.none(),
}  # fmt: skip


@given(data=st.data(), count=st.sampled_from([1, 128, 1000, HUGE]), skipped=st.integers(0, 9))
def test_groups_are_those_of_the_definition(data, count, skipped):
    types = data.draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=1, max_size=3))
    rows = data.draw(st.lists(st.tuples(*[COLUMNS[type_] | st.none() for type_ in types]), max_size=10))
    columns = [[row[number] for row in rows] for number in range(len(types))]
    arrays = [
        pa.array([None] * skipped + column, type_)[skipped:] for column, type_ in zip(columns, types, strict=True)
    ]
    assert key_groups(arrays, count).tolist() == [group_of(row, count) for row in rows]


GOLDEN_VECTORS = [
    (
        pa.array([0, 1, -1, 2**63 - 1, -(2**63), None]),
        [
            4009652215972497476,
            3485196235809096000,
            5047697288979163306,
            8477274600871623136,
            168991025076856770,
            258863698125685209,
        ],
    ),
    (pa.array([False, True]), [7028603973535963087, 8085588616792746766]),
    (
        pa.array([0.0, -0.0, 1.5, float("nan"), float("-inf")]),
        [2995370241786657163, 2995370241786657163, 7608864195639392393, 8012754324681913816, 5983936978586503547],
    ),
    (
        pa.array(["", "a", "12345678", "123456789", "Zürich"]),
        [2258853738080055743, 4025129665634935382, 4108489639786427624, 3399203083845802203, 4944306973732441165],
    ),
    (pa.array([b"", b"\0", b"\0\0"]), [5487156937311018993, 7147390235090063085, 2421857618725254270]),
    (pa.array([dt.date(2013, 1, 1)]), [5731214555882117573]),
    (pa.array([dt.time(12)], pa.time64("us")), [5658956829449807319]),
    (pa.array([1356998400000000], pa.timestamp("us", "UTC")), [6718358980934989840]),
    (pa.array([-1], pa.duration("us")), [2191376952319599496]),
    (pa.array([Decimal("-0.01"), Decimal("99.90")], pa.decimal128(10, 2)), [4629197711357436375, 4168891040391641]),
]


def test_golden_vectors():
    for array, expected in GOLDEN_VECTORS:
        assert key_groups([array], HUGE).tolist() == expected, array.type


@pytest.mark.parametrize("narrow", [pa.int8(), pa.int16(), pa.int32(), pa.uint8(), pa.uint32(), pa.uint64()])
def test_integers_of_any_width_are_the_same_key(narrow):
    numbers = pa.array([0, 1, 127])
    assert np.array_equal(key_groups([numbers.cast(narrow)], HUGE), key_groups([numbers], HUGE))


def test_a_dictionary_hashes_as_its_values():
    names = pa.array(["a", None, "b", "a", ""])
    tricky = pa.DictionaryArray.from_arrays(pa.array([1, 0, 2, 1, 3]), pa.array([None, "a", "b", ""]))
    large = pa.DictionaryArray.from_arrays(pa.array([9, None, 8, 9, 7]), pa.array([*"1234567", "", "b", "a"]))
    for array in (names.dictionary_encode(), tricky, large, tricky[1:], names.dictionary_encode()[3:]):
        assert np.array_equal(key_groups([array], HUGE), key_groups([names[5 - len(array) :]], HUGE))


def test_dates_are_days_and_units_matter():
    dates = pa.array([dt.date(1969, 12, 30), dt.date(2013, 1, 1)])
    assert np.array_equal(key_groups([dates], HUGE), key_groups([dates.cast(pa.date64())], HUGE))
    seconds, millis = (pa.array([5], pa.timestamp(unit)) for unit in ("s", "ms"))
    assert key_groups([seconds], HUGE) != key_groups([millis], HUGE)
    zoned = pa.array([5], pa.timestamp("s", "Asia/Tokyo"))
    assert key_groups([seconds], HUGE) == key_groups([zoned], HUGE)


def test_groups_fill_evenly():
    for keys in (pa.array(range(100_000)), pa.array([f"key {number}" for number in range(100_000)])):
        filled = np.bincount(key_groups([keys]), minlength=128)
        assert filled.min() > 0.8 * 100_000 / 128 and filled.max() < 1.2 * 100_000 / 128


def test_a_key_of_nothing_is_in_group_zero():
    assert key_groups([], rows=3).tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="needs to be told"):
        key_groups([])


def test_lists_are_not_keys():
    with pytest.raises(TypeMismatchError, match="cannot be a key"):
        key_groups([pa.array([[1]])])


def test_each_kernel_is_compiled_once():
    key_groups([pa.array([1, None]), pa.array(["a", None]), pa.array([1.5, 2.5])])
    key_groups([pa.array([Decimal("1.5")]), pa.array(["a"])])
    assert [len(kernel.signatures) for kernel in (kernels.hash_words, kernels.hash_bytes, kernels.fold)] == [1, 1, 1]
