"""A KeyIndex is a dict from key tuples to slots, and keeps slots dense and stable."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from playhead.kernels import key_index as kernels
from playhead.state.key_index import KeyIndex

WORDS = st.one_of(
    st.integers(0, 20),
    st.sampled_from([-(2**63), 2**63 - 1, -1, 2**32, 2**63 - 2]),
    st.integers(-(2**63), 2**63 - 1),
)


def as_words(keys, width):
    return np.array(keys, dtype=np.int64).reshape(len(keys), width).T.copy()


class IndexAgainstDict(RuleBasedStateMachine):
    @initialize(width=st.integers(0, 4))
    def start(self, width):
        self.index, self.width = KeyIndex(width, capacity=8), width
        self.slots, self.free, self.fresh = {}, [], 0

    def draw_keys(self, data, size=40):
        return data.draw(st.lists(st.tuples(*[WORDS] * self.width), max_size=size))

    @rule(data=st.data())
    def find_or_insert(self, data):
        keys = self.draw_keys(data)
        expected_new = []
        for key in keys:
            if key not in self.slots:
                if self.free:
                    self.slots[key] = self.free.pop()
                else:
                    self.slots[key], self.fresh = self.fresh, self.fresh + 1
                expected_new.append(self.slots[key])
        slots, new = self.index.find_or_insert(as_words(keys, self.width))
        assert slots.tolist() == [self.slots[key] for key in keys]
        assert new.tolist() == expected_new

    @rule(data=st.data())
    def find(self, data):
        keys = self.draw_keys(data) + list(self.slots)
        assert self.index.find(as_words(keys, self.width)).tolist() == [self.slots.get(key, -1) for key in keys]

    @precondition(lambda self: self.slots)
    @rule(data=st.data())
    def remove(self, data):
        keys = data.draw(st.lists(st.sampled_from(sorted(self.slots)), unique=True))
        gone = [self.slots.pop(key) for key in keys]
        self.index.remove(np.array(gone, dtype=np.int64))
        self.free.extend(gone)

    @precondition(lambda self: self.width < 5)
    @rule(value=WORDS)
    def add_word(self, value):
        self.index.add_word(value)
        self.width += 1
        self.slots = {(*key, value): slot for key, slot in self.slots.items()}

    @rule()
    def clear(self):
        self.index.clear()
        self.slots, self.free, self.fresh = {}, [], 0

    @invariant()
    def holds_the_same(self):
        if not hasattr(self, "slots"):
            return
        assert self.index.size == len(self.slots)
        assert self.index.live_slots().tolist() == sorted(self.slots.values())
        assert all(slot < self.index.capacity for slot in self.slots.values())
        slots = np.array(list(self.slots.values()), dtype=np.int64)
        assert list(map(tuple, self.index.keys_of(slots).T.tolist())) == list(self.slots)


IndexAgainstDict.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
test_index_is_a_dict_of_slots = IndexAgainstDict.TestCase


@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_hundred_thousand_keys_come_and_go_without_growing_the_table(width):
    index = KeyIndex(width)
    random = np.random.default_rng(7)
    for round_ in range(20):
        words = random.integers(0, 2**62, (width, 5_000))
        slots, new = index.find_or_insert(words)
        assert sorted(new.tolist()) == list(range(5_000)), f"slots are used again in round {round_}"
        assert np.array_equal(index.find(words), slots)
        index.remove(random.permutation(slots))
        assert index.size == 0
    assert index.capacity == 8_192
    assert not index._table[kernels.HEADER :].any(), "no tombstones"


@given(keys=st.lists(st.tuples(WORDS, WORDS), unique=True, min_size=1, max_size=60), data=st.data())
def test_removal_leaves_no_key_behind_an_empty_cell(keys, data):
    index = KeyIndex(2, capacity=len(keys))
    slots, _ = index.find_or_insert(as_words(keys, 2))
    kept = data.draw(st.lists(st.sampled_from(range(len(keys))), unique=True))
    index.remove(np.array(sorted(set(range(len(keys))) - set(kept)), dtype=np.int64))
    table = index._table[kernels.HEADER :]
    for cell in np.flatnonzero(table):
        home = (int(table[cell]) >> 32) & (len(table) - 1)
        between = (np.arange((cell - home) % len(table)) + home) % len(table)
        assert table[between].all()


def test_floats_and_times_do_not_pile_up_in_one_corner_of_the_table():
    floats = np.arange(50_000.0).view(np.int64)
    times = np.arange(50_000) * 3_600_000_000
    for words in (floats[None], times[None], np.stack([times, floats]), np.stack([floats, times, times])):
        index = KeyIndex(len(words))
        index.find_or_insert(words)
        table = index._table[kernels.HEADER :]
        cells = np.flatnonzero(table)
        distance = (cells - (table[cells] >> 32)) & (len(table) - 1)
        assert distance.mean() < 1


def test_a_key_that_is_not_there_cannot_be_removed():
    index = KeyIndex(1)
    slots, _ = index.find_or_insert(np.array([[5, 6, 7]]))
    index.remove(slots[1:2])
    with pytest.raises(ValueError, match="slot 1 holds no key"):
        index.remove(slots[1:2])
    with pytest.raises(ValueError, match="slot 99 holds no key"):
        index.remove(np.array([99]))


def test_keys_of_another_width_are_refused():
    with pytest.raises(ValueError, match="keys of 1 words for an index of width 2"):
        KeyIndex(2).find(np.array([[1]]))


def test_read_only_and_strided_words_use_the_same_compiled_kernel():
    index = KeyIndex(2)
    words = np.array([[1, 9, 2, 9], [3, 9, 4, 9]])
    frozen = words.copy()
    frozen.flags.writeable = False
    index.find_or_insert(words)
    compiled = len(kernels.insert_two.signatures)
    assert index.find_or_insert(words[:, ::2])[0].tolist() == [0, 2]
    assert index.find_or_insert(frozen)[0].tolist() == [0, 1, 2, 1]
    assert len(kernels.insert_two.signatures) == compiled == 1


def test_the_kernel_means_what_its_plain_python_twin_means():
    words = np.random.default_rng(3).integers(0, 90, (2, 400))
    compiled, plain = KeyIndex(2), {}
    slots, new = compiled.find_or_insert(words)
    assert slots.tolist() == [plain.setdefault(key, len(plain)) for key in zip(*words.tolist(), strict=True)]
    assert new.tolist() == list(range(len(plain)))
    assert compiled.capacity == 1 << (len(plain) - 1).bit_length()
