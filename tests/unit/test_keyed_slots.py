"""Keys of any type and with any nulls get the slots that a dict of tuples would give them."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from playhead.errors import DataError, PlanError, TypeMismatchError
from playhead.kernels import key_index as kernels
from playhead.state import keyed_slots
from playhead.state.key_encoder import KeyEncoder
from playhead.state.keyed_slots import KeyedSlots


def integers(bits, signed=True):
    low = -(2 ** (bits - 1)) if signed else 0
    return st.sampled_from([low, 0, 1, low + 2**bits - 1]) | st.integers(low, low + 2**bits - 1)


ZONED = st.datetimes(dt.datetime(1960, 1, 1), dt.datetime(2040, 1, 1), timezones=st.just(dt.UTC))
TEXT = st.sampled_from(["", "a", "\0", "ß" * 30]) | st.text(max_size=6)
FLOATS = st.sampled_from([0.0, -0.0, math.nan, -math.nan, math.inf, 1.5, 5e-324])
NARROW_FLOATS = FLOATS.filter(lambda number: number != 5e-324)
VALUES = {
    pa.int8(): integers(8), pa.int64(): integers(64),
    pa.uint16(): integers(16, signed=False), pa.uint64(): integers(64, signed=False),
    pa.bool_(): st.booleans(),
    pa.float64(): FLOATS | st.floats(), pa.float32(): NARROW_FLOATS, pa.float16(): NARROW_FLOATS,
    pa.date32(): st.dates(), pa.date64(): st.dates(), pa.time64("us"): st.times(), pa.timestamp("us", "UTC"): ZONED,
    pa.duration("us"): st.timedeltas(dt.timedelta(-999), dt.timedelta(999)),
    pa.string(): TEXT, pa.large_string(): TEXT, pa.string_view(): TEXT,
    pa.binary(): st.binary(max_size=4), pa.binary(3): st.binary(min_size=3, max_size=3),
    pa.decimal128(38, 2): st.decimals(-10**30, 10**30, places=2),
    pa.decimal256(70, 1): st.decimals(-10**30, 10**30, places=1),
    pa.decimal64(10, 2): st.decimals(-10**7, 10**7, places=2),
    pa.dictionary(pa.int8(), pa.string()): st.sampled_from(["a", "b", ""]),
    pa.dictionary(pa.int32(), pa.int64()): integers(64),
    pa.null(): st.none(),
    pa.list_(pa.int64()): st.lists(st.none() | st.integers(0, 2), max_size=3),
    pa.list_(pa.float64()): st.lists(FLOATS, max_size=2),
    pa.large_list(pa.list_(pa.string())): st.lists(st.none() | st.lists(TEXT, max_size=2), max_size=2),
    pa.list_(pa.string(), 2): st.lists(TEXT, min_size=2, max_size=2),
    pa.struct([("a", pa.int64()), ("b", pa.list_(pa.bool_()))]): st.fixed_dictionaries(
        {"a": st.none() | st.integers(0, 2), "b": st.none() | st.lists(st.booleans(), max_size=2)}
    ),
    pa.struct([]): st.just({}),
    pa.map_(pa.string(), pa.int8()): st.lists(st.tuples(TEXT, st.none() | integers(8)), max_size=2),
}  # fmt: skip


def canonical(value):
    """The same for equal keys, and different for different ones: a NaN is a NaN, a zero a zero."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else value + 0.0
    if isinstance(value, list | tuple):
        return tuple(canonical(element) for element in value)
    if isinstance(value, dict):
        return tuple((name, canonical(field)) for name, field in value.items())
    return value


def as_array(values, type_, skipped):
    if pa.types.is_float16(type_):
        values = [None if value is None else np.float16(value) for value in values]
    filler = [next((value for value in values if value is not None), None)] * skipped
    if pa.types.is_dictionary(type_):
        plain = pa.array(filler + values, type_.value_type)
        encoded = plain.dictionary_encode()
        indices = encoded.indices.cast(type_.index_type)
        return pa.DictionaryArray.from_arrays(indices, encoded.dictionary)[skipped:]
    return pa.array(filler + values, type_)[skipped:]


def canonical_rows(arrays):
    return list(zip(*[[canonical(value) for value in array.to_pylist()] for array in arrays], strict=True))


@given(data=st.data(), type_=st.sampled_from(list(VALUES)), skipped=st.integers(0, 9))
@settings(max_examples=300)
def test_a_column_of_any_type_comes_back(data, type_, skipped):
    encoder = KeyEncoder([type_])
    for nullable in (False, True):
        values = data.draw(st.lists(VALUES[type_] | st.none() if nullable else VALUES[type_], max_size=20))
        array = as_array(values, type_, skipped)
        words = encoder.encode([array])
        (decoded,) = encoder.decode(words)
        decoded.validate(full=True)
        assert decoded.type == type_
        assert canonical_rows([decoded]) == canonical_rows([array])
        keys = canonical_rows([array])
        by_words = list(map(tuple, words.T.tolist()))
        assert [keys.index(key) for key in keys] == [by_words.index(word) for word in by_words]


KEY_TYPES = [pa.string(), pa.float64(), pa.dictionary(pa.int8(), pa.string()), pa.decimal128(38, 2)]
KEY_TYPES += [pa.list_(pa.int64()), pa.struct([("a", pa.int64()), ("b", pa.list_(pa.bool_()))])]


class SlotsAgainstDict(RuleBasedStateMachine):
    @initialize(types=st.lists(st.sampled_from(KEY_TYPES), max_size=3), prefix_words=st.integers(0, 2))
    def start(self, types, prefix_words):
        self.types, self.prefix_words = types, prefix_words
        self.keyed = KeyedSlots(types, prefix_words=prefix_words, capacity=8)
        self.slots = {}

    def draw(self, data):
        rows = data.draw(st.integers(0, 12))
        exactly = {"min_size": rows, "max_size": rows}
        nulls = st.none() if data.draw(st.integers(0, 3)) == 0 else st.nothing()
        prefix = [
            np.array(data.draw(st.lists(st.integers(0, 2), **exactly)), np.int64) for _ in range(self.prefix_words)
        ]
        arrays = [as_array(data.draw(st.lists(nulls | VALUES[type_], **exactly)), type_, 0) for type_ in self.types]
        ends = list(zip(*[word.tolist() for word in prefix], strict=True)) or [()] * rows
        keys = canonical_rows(arrays) or [()] * rows
        return prefix, arrays, rows, [(*end, *key) for end, key in zip(ends, keys, strict=True)]

    @rule(data=st.data())
    def find_or_insert(self, data):
        prefix, arrays, rows, keys = self.draw(data)
        slots, new = self.keyed.find_or_insert(prefix, arrays, rows=rows)
        unknown = list(dict.fromkeys(key for key in keys if key not in self.slots))
        assert len(new) == len(unknown) and not set(new.tolist()) & set(self.slots.values())
        self.slots.update(zip(unknown, new.tolist(), strict=True))
        assert slots.tolist() == [self.slots[key] for key in keys]

    @rule(data=st.data())
    def find(self, data):
        prefix, arrays, rows, keys = self.draw(data)
        assert self.keyed.find(prefix, arrays, rows=rows).tolist() == [self.slots.get(key, -1) for key in keys]

    @precondition(lambda self: self.slots)
    @rule(data=st.data())
    def remove(self, data):
        gone = data.draw(st.lists(st.sampled_from(sorted(self.slots.values())), unique=True))
        self.keyed.remove(np.array(gone, dtype=np.int64))
        self.slots = {key: slot for key, slot in self.slots.items() if slot not in gone}

    @rule()
    def compact(self):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(keyed_slots, "FEW_VALUES", 2)
            self.keyed.compact()

    @rule()
    def everything_comes_back(self):
        slots = np.array(list(self.slots.values()), dtype=np.int64)
        assert self.keyed.live_slots().tolist() == sorted(slots.tolist())
        columns = [self.keyed.prefix(slots, word).tolist() for word in range(self.prefix_words)]
        decoded = self.keyed.keys(slots)
        assert [array.type for array in decoded] == self.types
        columns += [[canonical(value) for value in array.to_pylist()] for array in decoded]
        if columns:
            assert list(zip(*columns, strict=True)) == list(self.slots)


SlotsAgainstDict.TestCase.settings = settings(max_examples=60, stateful_step_count=20)
test_slots_are_those_of_a_dict = SlotsAgainstDict.TestCase


def test_interned_values_do_not_pile_up():
    keyed = KeyedSlots([pa.string(), pa.binary()], prefix_words=1)
    compacted = 0
    for epoch in range(50):
        names = pa.array([f"name {epoch} {row}" for row in range(1_000)] + [None])
        slots, _ = keyed.find_or_insert([np.full(1_001, epoch)], [names, names.cast(pa.binary())])
        keyed.remove(slots[:990])
        kept = keyed.live_slots()
        before = keyed.keys(kept)
        compacted += keyed.compact()
        assert keyed.keys(kept) == before
        assert np.array_equal(
            keyed.find([np.full(11, epoch)], [names[990:], names[990:].cast(pa.binary())]), slots[990:]
        )
    assert keyed.size == 50 * 11
    assert 20 < compacted < 50
    assert keyed.nbytes < 300_000


def test_no_word_is_spent_on_nulls_before_there_is_one():
    encoder = KeyEncoder([pa.int64(), pa.string()])
    values = [pa.array([1, 2]), pa.array(["a", "b"])]
    assert encoder.width == 2 and not encoder.admit(values)
    nulls = [pa.array([1, 2]), pa.array(["a", None])]
    with pytest.raises(ValueError, match="call admit"):
        encoder.encode_into(nulls, np.empty((2, 2), dtype=np.int64), 0)
    assert encoder.admit(nulls) and encoder.width == 3
    assert not encoder.admit(nulls)
    assert encoder.encode(values)[2].tolist() == [0, 0]


def test_null_is_not_zero_and_not_the_empty_string():
    keyed = KeyedSlots([pa.int64(), pa.string()])
    slots, _ = keyed.find_or_insert([], [pa.array([0, None, 0, None]), pa.array(["", "", None, None])])
    assert slots.tolist() == [0, 1, 2, 3]


def test_a_null_in_a_dictionary_is_a_null():
    dictionary = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0]), pa.array([None, "a"]))
    keyed = KeyedSlots([dictionary.type])
    slots, _ = keyed.find_or_insert([], [dictionary])
    assert slots.tolist() == [0, 1, 0, 0]
    assert keyed.keys(slots)[0].to_pylist() == [None, "a", None, None]


def test_a_dictionary_larger_than_its_rows_is_not_interned_whole():
    names = pa.array([f"{number}" for number in range(10_000)])
    keyed = KeyedSlots([pa.dictionary(pa.int32(), pa.string())])
    keyed.find_or_insert([], [pa.DictionaryArray.from_arrays(pa.array([9_999, 3], pa.int32()), names)])
    assert keyed._encoder.most_interned == 2


def test_a_key_of_nothing_is_one_group():
    keyed = KeyedSlots([])
    assert keyed.find([], [], rows=2).tolist() == [-1, -1]
    slots, new = keyed.find_or_insert([], [], rows=3)
    assert slots.tolist() == [0, 0, 0] and new.tolist() == [0]
    with pytest.raises(ValueError, match="needs to be told the number of rows"):
        keyed.find([], [])


def test_more_values_than_the_dictionary_type_can_count_is_an_error_that_says_so():
    encoder = KeyEncoder([pa.dictionary(pa.int8(), pa.int64())])
    words = encoder.encode([pa.array(range(300))])
    with pytest.raises(DataError, match="300 distinct values are too many for a column of dictionary"):
        encoder.decode(words)


def test_lists_that_come_and_go_do_not_pile_up():
    keyed = KeyedSlots([pa.list_(pa.int64())])
    for epoch in range(50):
        lists = pa.array([[epoch, row, row] for row in range(1_000)])
        slots, _ = keyed.find_or_insert([], [lists])
        keyed.remove(slots[10:])
        keyed.compact()
        assert keyed.keys(slots[:10])[0].equals(lists[:10])
    assert keyed.size == 500 and keyed._encoder.most_interned < 5_000


def test_values_that_are_none_of_these_cannot_be_keys():
    with pytest.raises(TypeMismatchError, match="cannot be a key"):
        KeyedSlots([pa.month_day_nano_interval()])


def test_a_column_of_another_type_is_refused():
    with pytest.raises(TypeMismatchError, match="a column of int32 where keys are of int64"):
        KeyedSlots([pa.int64()]).find([], [pa.array([1], pa.int32())])
    with pytest.raises(ValueError, match="2 columns for a key of 1"):
        KeyedSlots([pa.int64()]).find([], [pa.array([1]), pa.array([1])])
    with pytest.raises(ValueError, match="0 numbers before the key where there are 1"):
        KeyedSlots([pa.int64()], prefix_words=1).find([], [pa.array([1])])
    with pytest.raises(PlanError, match="64 key columns are too many"):
        KeyedSlots([pa.int64()] * 64)


def test_clearing_forgets_keys_and_values():
    keyed = KeyedSlots([pa.string()])
    keyed.find_or_insert([], [pa.array(["a", None])])
    keyed.clear()
    assert keyed.size == 0
    assert keyed.find_or_insert([], [pa.array(["b"])])[0].tolist() == [0]
    assert keyed.keys(np.array([0]))[0].to_pylist() == ["b"]


def test_kernels_are_compiled_once_for_all_of_this():
    inserting = (kernels.insert_one, kernels.insert_two, kernels.insert, kernels.find)
    assert [len(kernel.signatures) for kernel in inserting] == [1, 1, 1, 1]
