"""A Multiset is a Counter for each slot."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from playhead.batch import NO_WEIGHTS
from playhead.kernels import multiset as kernels
from playhead.state.multiset import Multiset

SLOTS = st.integers(0, 9)
WORDS = st.integers(-3, 12) | st.sampled_from([-(2**63), 2**63 - 1])
WEIGHTS = st.integers(-3, 3).filter(bool)
EVERY_SLOT = np.arange(100)


def int64(values):
    return np.array(values, dtype=np.int64)


class BagsAgainstCounters(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.bags, self.model = Multiset(), defaultdict(Counter)
        self.bags.grow(100)

    @rule(rows=st.lists(st.tuples(SLOTS, WORDS, WEIGHTS), max_size=60), weighted=st.booleans())
    def add(self, rows, weighted):
        slots, words, weights = map(int64, zip(*rows, strict=True)) if rows else [int64([])] * 3
        self.bags.add(slots, words, weights if weighted else NO_WEIGHTS)
        for slot, word, weight in rows:
            self.model[slot][word] += weight if weighted else 1

    @rule(slots=st.lists(SLOTS, unique=True))
    def reset(self, slots):
        self.bags.reset(int64(slots))
        for slot in slots:
            self.model.pop(slot, None)

    @rule(pairs=st.lists(st.tuples(SLOTS, SLOTS), max_size=6))
    def merge_with_itself_as_it_was(self, pairs):
        other = Multiset()
        other.grow(100)
        other.merge(EVERY_SLOT, self.bags, EVERY_SLOT)
        before = {slot: Counter(bag) for slot, bag in self.model.items()}
        self.bags.merge(int64([to for to, _ in pairs]), other, int64([of for _, of in pairs]))
        for to, of in pairs:
            for word, count in before.get(of, {}).items():
                self.model[to][word] += count

    @rule(slots=st.lists(SLOTS, max_size=5))
    def look(self, slots):
        offsets, words, counts = (column.tolist() for column in self.bags.entries(int64(slots)))
        expected = [sorted((word, count) for word, count in self.model[slot].items() if count) for slot in slots]
        found = list(zip(words, counts, strict=True))
        assert [found[begin:end] for begin, end in zip(offsets, offsets[1:], strict=False)] == expected

    def teardown(self):
        live = {slot: {word: count for word, count in bag.items() if count} for slot, bag in self.model.items()}
        distinct, total = self.bags.distinct(EVERY_SLOT).tolist(), self.bags.total(EVERY_SLOT).tolist()
        for slot in range(100):
            bag = live.get(slot, {})
            assert distinct[slot] == sum(count > 0 for count in bag.values())
            assert total[slot] == sum(bag.values())
        assert self.bags._index.size == sum(len(bag) for bag in live.values())


BagsAgainstCounters.TestCase.settings = settings(max_examples=80, stateful_step_count=20)
test_bags_are_counters = BagsAgainstCounters.TestCase


def test_what_comes_and_goes_leaves_nothing_behind():
    bags = Multiset()
    for round_ in range(30):
        words = np.arange(5_000) + 5_000 * round_
        slots = words % 7
        bags.add(slots, words)
        assert bags.total(np.arange(7)).sum() == 5_000
        bags.add(slots, words, np.full(5_000, -1))
        assert not bags.distinct(np.arange(7)).any()
    assert bags.nbytes < 1_000_000


def test_weights_of_all_kinds_use_one_compiled_kernel():
    bags = Multiset()
    frozen = int64([2])
    frozen.flags.writeable = False
    for weights in (NO_WEIGHTS, int64([1]), frozen):
        bags.add(int64([0]), int64([5]), weights)
    assert bags.total(int64([0])).tolist() == [4]
    assert len(kernels.add.signatures) == 1
