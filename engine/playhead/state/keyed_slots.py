"""Slots for keys of any type, with numbers such as a window's end before them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from playhead.batch import Int64s
from playhead.state.key_encoder import KeyEncoder
from playhead.state.key_index import KeyIndex

FEW_VALUES = 1024
"""So many interned values are never worth a compaction."""


class KeyedSlots:
    """The slot of each key: some int64 numbers (the prefix), then key columns.

    A slot stays with its key until the key is removed and is then used again: whoever keeps columns by slot
    grows them to `capacity` after `find_or_insert`, and resets new slots or removed ones. Both the prefix and the
    columns may be empty; if both are, `rows` has to be given.

    Examples
    --------
    >>> windows = KeyedSlots([pa.string()], prefix_words=1)
    >>> ends = np.array([60, 60, 120])
    >>> slots, new = windows.find_or_insert([ends], [pa.array(["UA", "UA", None])])
    >>> slots.tolist(), new.tolist()
    ([0, 0, 1], [0, 1])
    >>> windows.prefix(new, 0).tolist(), windows.keys(new)[0].to_pylist()
    ([60, 120], ['UA', None])
    """

    def __init__(self, types: Sequence[pa.DataType], *, prefix_words: int = 0, capacity: int = 64) -> None:
        self.prefix_words = prefix_words
        self._encoder = KeyEncoder(types)
        self._index = KeyIndex(prefix_words + self._encoder.width, capacity)
        self._room: Int64s = np.empty(0, dtype=np.int64)

    @property
    def size(self) -> int:
        """The number of keys."""
        return self._index.size

    @property
    def capacity(self) -> int:
        """All slots are below this; it doubles when it is reached."""
        return self._index.capacity

    @property
    def nbytes(self) -> int:
        """How much memory the table, the keys and the interned values take."""
        return self._index.nbytes + self._encoder.nbytes

    def find_or_insert(
        self, prefix: Sequence[Int64s], arrays: Sequence[pa.Array], *, rows: int | None = None
    ) -> tuple[Int64s, Int64s]:
        """The slot of each row's key, and the slots that are new with this call in order of first appearance."""
        self._admit(prefix, arrays)
        if self._encoder.has_nulls or not (prefix or arrays):
            return self._index.find_or_insert(self._words(prefix, arrays, rows))
        return self._index.find_or_insert([*prefix, *self._encoder.encode_apart(arrays)])

    def find(self, prefix: Sequence[Int64s], arrays: Sequence[pa.Array], *, rows: int | None = None) -> Int64s:
        """The slot of each row's key, -1 where there is none."""
        return self._index.find(self._words(prefix, arrays, rows))

    def remove(self, slots: Int64s) -> None:
        """Forget the keys of `slots`, which may then be given to other keys."""
        self._index.remove(slots)

    def prefix(self, slots: Int64s, word: int) -> Int64s:
        """Number `word` of the prefix of each of `slots`."""
        return self._index.word_of(slots, word)

    def keys(self, slots: Int64s) -> list[pa.Array]:
        """The key columns of `slots`, of the types they were declared with."""
        return self._encoder.decode(self._index.keys_of(slots)[self.prefix_words :])

    def words(self, slots: Int64s) -> Int64s:
        """The keys of `slots` as the words that stand for them, prefix first, as `words[word, row]`."""
        return self._index.keys_of(slots)

    def encode(self, prefix: Sequence[Int64s], arrays: Sequence[pa.Array], *, rows: int | None = None) -> Int64s:
        """The words of keys, whether they are there or not."""
        return self._words(prefix, arrays, rows).copy()

    def find_words(self, words: Int64s) -> Int64s:
        """The slot of each key given as words, -1 where there is none."""
        return self._index.find(words)

    def decode(self, words: Int64s) -> list[pa.Array]:
        """The key columns that words stand for; `words` without the prefix."""
        return self._encoder.decode(words)

    def live_slots(self) -> Int64s:
        """The slots that hold a key, ascending."""
        return self._index.live_slots()

    def clear(self) -> None:
        """Forget all keys, and give back the memory."""
        self._encoder = KeyEncoder(self._encoder.types)
        self._index = KeyIndex(self.prefix_words + self._encoder.width)

    def compact(self) -> bool:
        """Forget interned values that no key uses, if over half are such; slots stay. Cheap if there is nothing to do.

        To be called between epochs. Interned values never outnumber twice the keys by much, whatever comes and goes.
        """
        most_values = max(FEW_VALUES, 2 * self.size)
        if self._encoder.most_interned <= most_values:
            return False
        slots = self.live_slots()
        words = self._index.keys_of(slots)
        self._encoder.reclaim(words[self.prefix_words :], most_values=most_values)
        self._index.replace_keys(slots, words)
        return True

    def _admit(self, prefix: Sequence[Int64s], arrays: Sequence[pa.Array]) -> None:
        if len(prefix) != self.prefix_words:
            raise ValueError(f"{len(prefix)} numbers before the key where there are {self.prefix_words}")
        if self._encoder.admit(arrays):
            self._index.add_word(0)

    def _words(self, prefix: Sequence[Int64s], arrays: Sequence[pa.Array], rows: int | None) -> Int64s:
        self._admit(prefix, arrays)
        words = self._room_for(_rows_of(prefix, arrays, rows))
        for word, numbers in enumerate(prefix):
            words[word] = numbers
        self._encoder.encode_into(arrays, words, self.prefix_words)
        return words

    def _room_for(self, rows: int) -> Int64s:
        """An array for the words of a batch; one for all batches, since fresh memory costs as much as filling it."""
        needed = self._index.width * rows
        if needed > len(self._room):
            self._room = np.empty(needed, dtype=np.int64)
        return self._room[:needed].reshape(self._index.width, rows)


def _rows_of(prefix: Sequence[Int64s], arrays: Sequence[pa.Array], rows: int | None) -> int:
    if rows is not None:
        return rows
    for column in (*prefix, *arrays):
        return len(column)
    raise ValueError("a key of nothing needs to be told the number of rows")
