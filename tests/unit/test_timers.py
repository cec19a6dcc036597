"""Timers come out soonest first, and each window's slots when the window closes."""

from __future__ import annotations

import heapq
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from playhead.state.growable import grown
from playhead.state.slot_lists import SlotLists
from playhead.state.timers import TimerQueue

TIMES = st.integers(-5, 30) | st.sampled_from([-(2**63), 2**63 - 1])


class TimersAgainstHeapq(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.timers, self.model = TimerQueue(), []

    @rule(times=st.lists(TIMES, max_size=50))
    def push(self, times):
        self.timers.push(np.array(times, dtype=np.int64))
        for time in times:
            heapq.heappush(self.model, time)

    @rule(watermark=TIMES)
    def pop(self, watermark):
        due = []
        while self.model and self.model[0] <= watermark:
            due.append(heapq.heappop(self.model))
        assert self.timers.pop_until(watermark).tolist() == due
        assert len(self.timers) == len(self.model)
        assert self.timers.first == (self.model[0] if self.model else None)

    @rule()
    def restart(self):
        saved = self.timers.snapshot()
        assert saved.to_pylist() == sorted(self.model)
        self.timers = TimerQueue()
        self.timers.restore(saved)


class ListsAgainstDict(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.lists, self.model, self.free = SlotLists(), defaultdict(list), set(range(200))

    @rule(times=st.lists(TIMES, max_size=30))
    def add(self, times):
        slots = sorted(self.free)[-1 : -len(times) - 1 : -1]
        times = times[: len(slots)]
        self.lists.add(np.array(times, dtype=np.int64), np.array(slots, dtype=np.int64))
        for time, slot in zip(times, slots, strict=True):
            self.model[time].append(slot)
        self.free -= set(slots)

    @rule(slots=st.lists(st.integers(0, 300), unique=True))
    def remove(self, slots):
        self.lists.remove(np.array(slots, dtype=np.int64))
        for listed in self.model.values():
            self.free |= set(listed) & set(slots)
            listed[:] = [slot for slot in listed if slot not in slots]

    @rule(watermark=TIMES)
    def pop(self, watermark):
        times = sorted(time for time in self.model if time <= watermark)
        due = [slot for time in times for slot in self.model.pop(time)]
        assert self.lists.pop_until(watermark).tolist() == due
        assert self.lists.first == min(self.model, default=None)
        self.free |= set(due)


for machine in (TimersAgainstHeapq, ListsAgainstDict):
    machine.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
test_timers_are_a_heap = TimersAgainstHeapq.TestCase
test_slots_are_listed_as_in_a_dict_of_lists = ListsAgainstDict.TestCase


def test_a_slot_is_in_one_list_only():
    lists = SlotLists()
    lists.add(np.array([10]), np.array([3]))
    with pytest.raises(ValueError, match="slot 3 is listed already"):
        lists.add(np.array([20]), np.array([3]))


def test_a_million_windows_are_open_and_close_one_by_one():
    lists = SlotLists()
    times = np.random.default_rng(5).permutation(1_000_000)
    lists.add(times, np.arange(1_000_000))
    by_time = np.argsort(times)
    for watermark in range(50):
        assert lists.pop_until(watermark).tolist() == [by_time[watermark]]
    assert np.array_equal(lists.pop_until(2_000_000), by_time[50:])
    assert lists.first is None


@given(rows=st.integers(0, 9), capacity=st.integers(0, 40))
def test_a_grown_column_keeps_its_rows_and_fills_the_rest(rows, capacity):
    column = grown(np.arange(rows * 2).reshape(rows, 2), capacity, 7)
    assert len(column) >= max(rows, capacity)
    assert column[:rows].ravel().tolist() == list(range(rows * 2))
    assert (column[rows:] == 7).all()
