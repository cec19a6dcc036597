"""Which slot belongs to a key: a hash table from tuples of int64 words to dense slots."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from playhead.batch import Int64s
from playhead.kernels import key_index as kernels

INSERT: dict[int, Callable[..., int]] = {1: kernels.insert_one, 2: kernels.insert_two}
"""The kernels for the usual widths of keys, which take an array a word."""


class KeyIndex:
    """Dense slots for keys of `width` int64 words.

    A slot is a small number that stays with its key until the key is removed, and is then used again. Whoever keeps
    columns by slot grows them to `capacity` after every `find_or_insert` and resets the `new` slots.

    All arrays given are int64 and C-contiguous; keys come as `words[word, row]`, or as an array for each word.

    Examples
    --------
    >>> index = KeyIndex(1)
    >>> slots, new = index.find_or_insert(np.array([[70, 30, 70]]))
    >>> slots.tolist(), new.tolist()
    ([0, 1, 0], [0, 1])
    >>> index.remove(np.array([0]))
    >>> index.find(np.array([[30, 70]])).tolist()
    [1, -1]
    """

    def __init__(self, width: int, capacity: int = 64) -> None:
        self.width = width
        self._start_empty(capacity)

    @property
    def size(self) -> int:
        """The number of keys."""
        return int(self._table[kernels.SIZE])

    @property
    def capacity(self) -> int:
        """All slots are below this; it doubles when it is reached."""
        return self._keys.shape[0]

    @property
    def nbytes(self) -> int:
        """How much memory table and keys take."""
        return self._table.nbytes + self._keys.nbytes

    def find_or_insert(self, words: Int64s | Sequence[Int64s]) -> tuple[Int64s, Int64s]:
        """The slot of each key, and the slots that are new with this call in order of first appearance.

        A new slot is one that was given back, if there is one, else the lowest that was never used.
        """
        if len(words) != self.width:
            raise ValueError(f"keys of {len(words)} words for an index of width {self.width}")
        insert = INSERT.get(self.width, kernels.insert)
        if self.width in INSERT:
            columns = [_frozen(column) for column in words]
        else:
            columns = [_frozen(words if isinstance(words, np.ndarray) else np.stack(words))]
        rows = columns[0].shape[-1]
        out = np.empty(2 * rows, dtype=np.int64)
        self._table[kernels.CREATED] = 0
        done = insert(*columns, self._table, self._keys, out, 0)
        while done < rows:
            self._grow()
            done = insert(*columns, self._table, self._keys, out, done)
        return out[:rows], out[rows : rows + self._table[kernels.CREATED]]

    def find(self, words: Int64s) -> Int64s:
        """The slot of each key, -1 where there is none."""
        words = self._checked(words)
        slots = np.empty(words.shape[1], dtype=np.int64)
        kernels.find(words, self._table, self._keys, slots)
        return slots

    def remove(self, slots: Int64s) -> None:
        """Forget the keys of `slots`, which may then be given to other keys."""
        done = kernels.remove(slots, self._table, self._keys, self.width)
        if done < len(slots):
            raise ValueError(f"slot {slots[done]} holds no key, so it cannot be removed")

    def keys_of(self, slots: Int64s) -> Int64s:
        """The keys of live `slots`, as `words[word, row]`."""
        words = np.empty((self.width, len(slots)), dtype=np.int64)
        kernels.gather_keys(slots, self._keys, words)
        return words

    def word_of(self, slots: Int64s, word: int) -> Int64s:
        """One word of the keys of live `slots`."""
        column: Int64s = self._keys[slots, word]
        return column

    def live_slots(self) -> Int64s:
        """The slots that hold a key, ascending."""
        live = np.ones(self._table[kernels.FRESH], dtype=np.uint8)
        kernels.mark_free(self._table, self._keys, live)
        return np.flatnonzero(live).astype(np.int64, copy=False)

    def add_word(self, value: int = 0) -> None:
        """Make all keys one word longer, those that are there by `value`; slots stay."""
        live = self.live_slots()
        words = self.keys_of(live)
        added = np.full((1, len(live)), value, dtype=np.int64)
        self._widen()
        self.replace_keys(live, np.concatenate([words, added]))

    def replace_keys(self, slots: Int64s, words: Int64s) -> None:
        """Give all live `slots` (no less) other keys, which must be as distinct as the old ones were."""
        self._keys[slots, : self.width] = words.T
        self._table[kernels.HEADER :] = 0
        kernels.reindex(self._table, self._keys, self.width, slots)

    def clear(self) -> None:
        """Forget all keys, and give back the memory."""
        self._start_empty(64)

    def _start_empty(self, capacity: int) -> None:
        slots = 1 << max(3, (capacity - 1).bit_length())
        self._table = _empty_table(slots)
        self._keys = np.zeros((slots, max(self.width, 1)), dtype=np.int64)

    def _checked(self, words: Int64s) -> Int64s:
        if words.shape[0] != self.width:
            raise ValueError(f"keys of {words.shape[0]} words for an index of width {self.width}")
        return words if words.flags.carray else np.array(words, dtype=np.int64, order="C")

    def _grow(self) -> None:
        slots = 2 * self.capacity
        table = _empty_table(slots)
        kernels.rehash(self._table, table)
        keys = np.zeros((slots, self._keys.shape[1]), dtype=np.int64)
        keys[: self.capacity] = self._keys
        self._table, self._keys = table, keys

    def _widen(self) -> None:
        self.width += 1
        keys = np.zeros((self.capacity, self.width), dtype=np.int64)
        keys[:, : self._keys.shape[1]] = self._keys  # the chain of free slots runs through the first word
        self._keys = keys


def _frozen(words: Int64s) -> Int64s:
    """As kernels take them, so that each is compiled for one kind of array."""
    if not (words.flags.c_contiguous and words.flags.aligned):
        words = np.array(words, dtype=np.int64, order="C")
    if words.flags.writeable:
        words = words.view()
        words.setflags(write=False)
    return words


def _empty_table(slots: int) -> Int64s:
    """Two cells a slot: linear probing stays short, and `capacity` is where the table is full enough."""
    table = np.zeros(kernels.HEADER + 2 * slots, dtype=np.int64)
    table[kernels.FREE] = -1
    return table
