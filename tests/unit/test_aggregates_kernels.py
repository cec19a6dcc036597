"""What the accumulator kernels mean, said in plain Python."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from playhead.kernels import accumulators_counts as counts
from playhead.kernels import accumulators_extremes as extremes
from playhead.kernels import accumulators_floats as floats
from playhead.kernels import accumulators_integers as integers
from playhead.kernels import accumulators_moments as moments
from playhead.kernels import accumulators_order as order
from playhead.kernels import accumulators_sketches as sketches

WORD = 2**64
words = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63), 2**32, -(2**32)])
small_weights = st.integers(-3, 3) | st.sampled_from([2**40, -(2**40)])


@st.composite
def rows(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> tuple[list[int], list[Any], list[int], list[int]]:
    """Slots, values, validity (empty if all are there) and weights (empty if all are one)."""
    drawn = draw(st.lists(st.tuples(st.integers(0, 1), values, st.integers(0, 1), small_weights), max_size=8))
    slots, drawn_values, valid, weights = ([row[at] for row in drawn] for at in range(4))
    return slots, drawn_values, valid if draw(st.booleans()) else [], weights if draw(st.booleans()) else []


def counted(case: tuple[list[int], list[Any], list[int], list[int]]) -> list[tuple[int, Any, int]]:
    """(slot, value, weight) of every row that counts."""
    slots, values, valid, weights = case
    present = valid or [1] * len(slots)
    times = weights or [1] * len(slots)
    return [(s, v, w) for s, v, there, w in zip(slots, values, present, times, strict=True) if there]


def arrays(case: tuple[list[int], list[Any], list[int], list[int]], dtype: type) -> tuple[Any, Any, Any, Any]:
    slots, values, valid, weights = case
    frozen = [np.array(values, dtype), np.array(valid, np.uint8), np.array(weights, np.int64)]
    for array in frozen:
        array.flags.writeable = False
    return np.array(slots, np.int64), *frozen


def number(row: Any, *, of_words: int) -> int:
    """The two's complement number in the first words of a row."""
    bits = sum((int(word) % WORD) << (64 * at) for at, word in enumerate(row[:of_words]))
    return bits - WORD**of_words if bits >= WORD**of_words // 2 else bits


@given(rows(words))
def test_rows_are_counted_by_weight(case: Any) -> None:
    state = np.zeros((2, 1), np.int64)
    slots, _, valid, weights = arrays(case, np.int64)
    counts.add_rows(state, slots, valid, weights)
    assert [int(n) for n in state[:, 0]] == [sum(w for s, _, w in counted(case) if s == slot) for slot in range(2)]


@given(rows(st.integers(0, 1)))
def test_true_and_false_are_counted_apart(case: Any) -> None:
    state = np.zeros((2, 2), np.int64)
    counts.add_truths(state, *arrays(case, np.uint8))
    for slot in range(2):
        for truth in range(2):
            assert state[slot, truth] == sum(w for s, v, w in counted(case) if s == slot and v == truth)


@given(words, words)
def test_the_upper_half_of_a_product_is_exact(a: int, b: int) -> None:
    assert int(integers.multiply_high(a, b, -1)) == (a * b) >> 64
    signed = (((a % WORD) * b) >> 64) % WORD
    assert int(integers.multiply_high(a, b, 0)) % WORD == signed


@given(rows(words), st.booleans())
def test_integers_are_summed_in_128_bits(case: Any, signed: bool) -> None:
    state = np.zeros((2, 3), np.int64)
    integers.add_integers(state, *arrays(case, np.int64), -1 if signed else 0)
    for slot in range(2):
        mine = [(v if signed else v % WORD, w) for s, v, w in counted(case) if s == slot]
        assert number(state[slot], of_words=2) == sum(v * w for v, w in mine)
        assert state[slot, 2] == sum(w for _, w in mine)


@given(rows(st.tuples(words, words)))
def test_decimals_are_summed_in_192_bits(case: Any) -> None:
    state = np.zeros((2, 4), np.int64)
    slots, pairs, valid, weights = arrays(case, np.int64)
    integers.add_decimals(state, slots, pairs.reshape(-1, 2), valid, weights)
    magnitudes = np.zeros((2, 3), np.uint64)
    integers.wide_magnitudes(state, np.arange(2), magnitudes)
    for slot in range(2):
        total = sum(number(v, of_words=2) * w for s, v, w in counted(case) if s == slot)
        assert number(state[slot], of_words=3) == total
        assert sum(int(word) << (64 * at) for at, word in enumerate(magnitudes[slot])) == abs(total)


@given(st.lists(words, min_size=1, max_size=5))
def test_means_of_words_are_rounded_down(values: list[int]) -> None:
    total, means = sum(values), np.zeros(1, np.int64)
    low = total % WORD
    state = np.array([[low - WORD if low >= WORD // 2 else low, total >> 64, len(values)]])
    integers.floor_means(state, np.array([0]), means)
    assert means[0] == total // len(values)


@given(rows(st.floats(-1e100, 1e100) | st.sampled_from([math.inf, -math.inf, math.nan])))
def test_float_sums_keep_what_is_rounded_away(case: Any) -> None:
    sums, kept = np.zeros((2, 2)), np.zeros((2, 3), np.int64)
    floats.add_floats(sums, kept, *arrays(case, np.float64))
    for slot in range(2):
        mine = [(v, w) for s, v, w in counted(case) if s == slot]
        finite = [(Fraction(v), w) for v, w in mine if math.isfinite(v)]
        error = abs(Fraction(sums[slot, 0]) + Fraction(sums[slot, 1]) - sum(v * w for v, w in finite))
        assert error <= len(finite) * sum(abs(v * w) for v, w in finite) / 2**104 + Fraction(1e-300)
        assert kept[slot].tolist() == [
            sum(w for _, w in finite),
            sum(w for v, w in mine if v == math.inf),
            sum(w for v, w in mine if v == -math.inf),
        ]


@given(rows(st.floats(-1e100, 1e100)))
def test_squares_are_summed_to_106_bits(case: Any) -> None:
    sums, kept = np.zeros((2, 4)), np.zeros((2, 2), np.int64)
    moments.add_moments(sums, kept, *arrays(case, np.float64))
    check_squares(sums, counted(case))


@given(rows(words), st.booleans())
def test_squares_of_integers_are_summed_to_106_bits(case: Any, signed: bool) -> None:
    sums, kept = np.zeros((2, 4)), np.zeros((2, 2), np.int64)
    moments.add_integer_moments(sums, kept, *arrays(case, np.int64), -1 if signed else 0)
    check_squares(sums, [(s, v if signed else v % WORD, w) for s, v, w in counted(case)])


def check_squares(sums: Any, mine: list[tuple[int, Any, int]]) -> None:
    for slot in range(2):
        for column, power in ((0, 1), (2, 2)):
            exact = [Fraction(v) ** power * w for s, v, w in mine if s == slot]
            error = abs(Fraction(sums[slot, column]) + Fraction(sums[slot, column + 1]) - sum(exact))
            assert error <= (1 + len(exact)) * sum(map(abs, exact), Fraction()) / 2**100 + Fraction(1e-300)


@given(rows(words), st.sampled_from([0, -1]))
def test_the_greatest_word_is_kept(case: Any, flip: int) -> None:
    best, seen = np.full((2, 1), -(2**63)), np.zeros((2, 1), np.uint8)
    slots, values, valid, _ = arrays(case, np.int64)
    extremes.keep_greatest(best, seen, slots, values, valid, flip)
    for slot in range(2):
        mine = [v ^ flip for s, v, _ in counted(case) if s == slot]
        assert seen[slot, 0] == bool(mine)
        assert best[slot, 0] == max(mine, default=-(2**63))


@given(st.lists(st.tuples(st.integers(0, 2), st.binary(max_size=3)), min_size=1, max_size=6), st.booleans())
def test_the_greatest_row_is_kept_by_words_and_bytes(drawn: list[tuple[int, bytes]], turned: bool) -> None:
    distinct = sorted({text for _, text in drawn}, key=hash)
    ends = np.cumsum([0, *map(len, distinct)])
    arena = np.frombuffer(b"".join(distinct) + b" ", np.uint8).copy()
    best, seen = np.zeros((1, 2), np.int64), np.zeros((1, 1), np.uint8)
    pairs = np.array([[key, distinct.index(text)] for key, text in drawn])
    some, mask = np.zeros(len(drawn), np.int64), np.empty(0, np.uint8)
    order.keep_greatest_rows(best, seen, some, pairs, mask, turned, np.array([0, 1], np.uint8), ends, arena)
    assert (best[0, 0], distinct[best[0, 1]]) == (min(drawn) if turned else max(drawn))


def mixed(word: int) -> int:
    word ^= word >> 33
    word = word * 0xFF51AFD7ED558CCD % WORD
    word ^= word >> 33
    word = word * 0xC4CEB9FE1A85EC53 % WORD
    return word ^ word >> 33


def hashed(parts: list[int]) -> int:
    state = 0x9E3779B97F4A7C15
    for part in parts:
        state = (mixed(state ^ part) + 0x9E3779B97F4A7C15) % WORD
    return state


@given(st.lists(st.tuples(words, words), max_size=3))
def test_words_are_hashed_one_after_the_other(values: list[tuple[int, int]]) -> None:
    hashes = np.empty(len(values), np.uint64)
    sketches.hash_words(np.array(values, np.int64).reshape(-1, 2), hashes)
    assert hashes.tolist() == [mixed(hashed([part % WORD for part in value])) for value in values]


@given(st.lists(st.binary(max_size=20), max_size=3))
def test_bytes_are_hashed_eight_at_a_time_and_then_their_number(texts: list[bytes]) -> None:
    hashes = np.empty(len(texts), np.uint64)
    data = np.frombuffer(b"".join(texts) + b" ", np.uint8)
    sketches.hash_bytes(np.cumsum([0, *map(len, texts)]), data, hashes)
    for text, found in zip(texts, hashes.tolist(), strict=True):
        parts = [int.from_bytes(text[at : at + 8], "little") for at in range(0, len(text) // 8 * 8 + 1, 8)]
        assert found == mixed(hashed(parts) ^ len(text))


def test_hashes_never_change() -> None:
    hashes = np.empty(2, np.uint64)
    sketches.hash_words(np.array([[0], [1]]), hashes)
    sketches.hash_bytes(np.array([0, 0, 8]), np.frombuffer(b"playhead", np.uint8), texts := np.empty(2, np.uint64))
    assert [hex(word) for word in [*hashes.tolist(), *texts.tolist()]] == GOLDEN


GOLDEN = ["0x79cfc3dbe5bbfcaf", "0x76e869957626605", "0x79cfc3dbe5bbfcaf", "0x1c016992b84d0a40"]


@given(st.lists(st.integers(0, WORD - 1), max_size=20))
def test_a_register_keeps_the_longest_run_of_zeros(values: list[int]) -> None:
    registers, expected = np.zeros((1, sketches.REGISTERS), np.uint8), [0] * sketches.REGISTERS
    hashes, all_valid = np.array(values, np.uint64), np.empty(0, np.uint8)
    sketches.raise_registers(registers, np.zeros(len(values), np.int64), hashes, all_valid)
    for value in values:
        register, rest = value >> 52, value % 2**52
        expected[register] = max(expected[register], 53 - rest.bit_length())
    assert registers[0].tolist() == expected
