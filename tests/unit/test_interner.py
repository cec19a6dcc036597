"""An Interner is a dict from byte strings to numbers."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playhead.errors import TypeMismatchError
from playhead.kernels import bytes as kernels
from playhead.state.interner import Interner

TEXT = st.one_of(st.sampled_from(["", "a", "ab", "a\0", "\0", "12345678", "123456789", "ü" * 40]), st.text(max_size=20))
TEXT_TYPES = [pa.string(), pa.large_string(), pa.string_view()]
BINARY_TYPES = [pa.binary(), pa.large_binary(), pa.binary_view()]


@given(
    batches=st.lists(st.lists(TEXT, max_size=60), max_size=6),
    skipped=st.integers(0, 9),
    type_=st.sampled_from(TEXT_TYPES),
)
def test_strings_get_the_next_number_when_first_seen(batches, skipped, type_):
    interner, expected = Interner(type_), {}
    for batch in batches:
        ids = interner.intern(pa.array(["skipped"] * skipped + batch, type_)[skipped:])
        assert ids.tolist() == [expected.setdefault(value, len(expected)) for value in batch]
    assert interner.size == len(expected)
    again = interner.values(np.arange(interner.size))
    assert again.type == type_ and again.to_pylist() == list(expected)
    again.validate(full=True)


@given(values=st.lists(st.binary(max_size=12), max_size=60), type_=st.sampled_from(BINARY_TYPES))
def test_binaries_keep_every_byte(values, type_):
    interner = Interner(type_)
    ids = interner.intern(pa.array(values, type_))
    assert interner.values(ids).equals(pa.array(values, type_))


@given(values=st.lists(st.binary(min_size=5, max_size=5), max_size=60), skipped=st.integers(0, 3))
def test_values_of_one_width_need_no_offsets(values, skipped):
    interner = Interner(pa.binary(5))
    ids = interner.intern(pa.array([b"-----"] * skipped + values, pa.binary(5))[skipped:])
    assert len(set(ids.tolist())) == len(set(values))
    assert interner.values(ids).equals(pa.array(values, pa.binary(5)))


def test_decimal256_is_interned_by_its_bytes():
    numbers = pa.array([Decimal(10) ** 60, Decimal("-0.01"), Decimal(10) ** 60], pa.decimal256(76, 2))
    interner = Interner(numbers.type)
    ids = interner.intern(numbers)
    assert ids.tolist() == [0, 1, 0]
    assert interner.values(ids).equals(numbers)


@given(values=st.lists(TEXT, unique=True, max_size=90), data=st.data())
def test_compacting_keeps_what_is_live_and_only_that(values, data):
    interner = Interner(pa.string())
    interner.intern(pa.array(values, pa.string()))
    live = data.draw(st.lists(st.sampled_from(range(len(values))))) if values else []
    remap = interner.compact(np.array(live, dtype=np.int64))
    kept = sorted(set(live))
    assert remap.tolist() == [kept.index(old) if old in kept else -1 for old in range(len(values))]
    expected = {values[old]: new for new, old in enumerate(kept)}
    ids = interner.intern(pa.array(values, pa.string()))
    assert ids.tolist() == [expected.setdefault(value, len(expected)) for value in values]


def test_a_hundred_thousand_strings_and_one_of_ten_megabytes():
    interner = Interner(pa.string())
    names = pa.array([f"customer-{number:09d}" for number in range(100_000)])
    long = pa.array(["x" * 10_000_000, "x" * 9_999_999 + "y"])
    assert np.array_equal(interner.intern(names), np.arange(100_000))
    assert interner.intern(long).tolist() == [100_000, 100_001]
    assert np.array_equal(interner.intern(names), np.arange(100_000))
    assert interner.values(np.array([100_001])).to_pylist() == long.to_pylist()[1:]
    interner.compact(np.array([5]))
    assert interner.nbytes < 10_000


@given(values=st.lists(st.binary(max_size=4), unique=True, min_size=1, max_size=20))
def test_kernels_compare_two_numbers_by_bytes(values):
    interner = Interner(pa.binary())
    interner.intern(pa.array(values))
    for first in range(len(values)):
        for second in range(len(values)):
            expected = (values[first] > values[second]) - (values[first] < values[second])
            assert kernels.compare(first, second, interner.ends, interner.arena) == expected


def test_all_types_share_one_compiled_kernel():
    for type_ in TEXT_TYPES:
        Interner(type_).intern(pa.array(["a"], type_))
    Interner(pa.binary(2)).intern(pa.array([b"ab"], pa.binary(2)))
    Interner(pa.string()).intern(pa.nulls(0, pa.string()))
    assert len(kernels.intern.signatures) == 1


def test_numbers_are_not_interned():
    with pytest.raises(TypeMismatchError, match="int64 is not made of bytes"):
        Interner(pa.int64())
