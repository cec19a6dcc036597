"""Arrow columns reach kernels as plain arrays, whatever their type, offset and nulls."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playhead.errors import TypeMismatchError
from playhead.state.columns import decimal128_words, values_and_valid

INTEGERS = {
    pa.int8(): 7, pa.int16(): 15, pa.int32(): 31, pa.int64(): 63, pa.date32(): 31, pa.time32("ms"): 31,
    pa.date64(): 63, pa.time64("us"): 63, pa.timestamp("us", "Asia/Tokyo"): 63, pa.duration("ns"): 63,
}  # fmt: skip
"""Bits of the largest value, by type."""


@given(data=st.data(), type_=st.sampled_from(list(INTEGERS)), skipped=st.integers(0, 20))
def test_integers_and_times_come_as_int64(data, type_, skipped):
    bits = INTEGERS[type_]
    numbers = st.integers(-(2**bits), 2**bits - 1)
    expected = data.draw(st.lists(st.none() | numbers, max_size=40))
    storage = pa.int32() if type_.bit_width == 32 else pa.int64()
    array = pa.array([None] * skipped + expected, type_ if bits < 31 else storage)
    array = (array if bits < 31 else array.view(type_))[skipped:]
    values, valid = values_and_valid(array)
    assert values.dtype == np.int64 and valid.dtype == np.uint8
    assert not values.flags.writeable and not valid.flags.writeable
    if None not in expected:
        assert len(valid) == 0
        assert values.tolist() == expected
    else:
        assert valid.tolist() == [value is not None for value in expected]
        assert [value for value, there in zip(values.tolist(), valid, strict=True) if there] == [
            value for value in expected if value is not None
        ]


@given(expected=st.lists(st.booleans(), max_size=80), skipped=st.integers(0, 70))
def test_booleans_come_as_zero_and_one(expected, skipped):
    values, valid = values_and_valid(pa.array([True] * skipped + expected)[skipped:])
    assert values.dtype == np.int64 and values.tolist() == [int(value) for value in expected]
    assert len(valid) == 0


@pytest.mark.parametrize(
    ("type_", "dtype"),
    [(pa.uint8(), np.int64), (pa.uint32(), np.int64), (pa.uint64(), np.uint64), (pa.float16(), np.float64),
     (pa.float32(), np.float64), (pa.float64(), np.float64), (pa.decimal64(9, 2), np.int64), (pa.null(), np.int64)],
)  # fmt: skip
def test_each_type_has_one_kind_of_array(type_, dtype):
    for array in (pa.nulls(3, type_), pa.nulls(0, type_), pa.nulls(9, type_)[4:5]):
        values, valid = values_and_valid(array)
        assert values.dtype == dtype and values.shape == (len(array),)
        assert valid.tolist() == [0] * len(array)
        assert values.flags.c_contiguous and values.flags.aligned and not values.flags.writeable


def test_the_largest_uint64_is_not_lost():
    assert values_and_valid(pa.array([2**64 - 1], pa.uint64()))[0].tolist() == [2**64 - 1]
    assert values_and_valid(pa.array([2**32 - 1], pa.uint32()))[0].tolist() == [2**32 - 1]


def test_sixty_four_bit_values_are_not_copied():
    array = pa.array([1, 2, 3], pa.timestamp("us"))
    values, _ = values_and_valid(array[1:])
    assert values.ctypes.data == array.buffers()[1].address + 8


def test_a_signalling_nan_is_widened_without_a_warning():
    bits = np.array([0x7F800001], dtype=np.uint32)
    assert np.isnan(values_and_valid(pa.Array.from_buffers(pa.float32(), 1, [None, pa.py_buffer(bits)]))[0]).all()


def test_values_that_are_not_aligned_are_copied():
    numbers = np.arange(5, dtype=np.int64)
    buffer = pa.py_buffer(b"x" + numbers.tobytes()).slice(1)
    values, _ = values_and_valid(pa.Array.from_buffers(pa.int64(), 5, [None, buffer]))
    assert values.flags.aligned and values.tolist() == numbers.tolist()


def test_a_decimal_comes_as_two_words():
    numbers = [Decimal("0.01"), Decimal("-0.01"), Decimal(2**70)]
    words = decimal128_words(pa.array([None, *numbers], pa.decimal128(38, 2))[1:]).tolist()
    assert [(high << 64) + (low % 2**64) for low, high in words] == [1, -1, 100 * 2**70]


def test_text_is_not_a_number():
    with pytest.raises(TypeMismatchError, match="a column of string is not one of numbers"):
        values_and_valid(pa.array(["1"]))


def test_dates_are_days():
    assert values_and_valid(pa.array([dt.date(1969, 12, 31)]))[0].tolist() == [-1]
