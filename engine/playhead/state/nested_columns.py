"""Lists, maps and structs as int64 words: equal values have equal ids, however deep they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from playhead.batch import Int64s
from playhead.state.columns import valid_bytes
from playhead.state.keyed_slots import KeyedSlots

EMPTY = 0
"""The id of a list without elements."""


class StructColumn:
    """The id of a struct is the slot of its fields' values."""

    words = 1

    def __init__(self, type_: pa.StructType) -> None:
        self.type = type_
        self.fields = [type_.field(i) for i in range(type_.num_fields)]
        self.slots = KeyedSlots([field.type for field in self.fields])

    @property
    def size(self) -> int:
        """The number of different values."""
        return self.slots.size

    @property
    def nbytes(self) -> int:
        return self.slots.nbytes

    def write(self, array: pa.Array, out: Int64s) -> None:
        there = array.drop_null()
        slots, _ = self.slots.find_or_insert((), there.flatten(), rows=len(there))
        out[0, _rows_with_values(array)] = slots

    def as_words(self, array: pa.Array) -> Int64s | None:
        return None

    def read(self, words: Int64s) -> pa.Array:
        if not self.slots.size:
            return pa.nulls(words.shape[1], self.type)
        arrays = self.slots.keys(np.ascontiguousarray(words[0]))
        mask = None if self.fields else pa.array(np.zeros(words.shape[1], bool))
        return pa.StructArray.from_arrays(arrays, fields=self.fields, mask=mask)

    def renew(self, ids: Int64s) -> Int64s:
        """Forget all values but those of `ids`; returns their new ids."""
        return _renewed(self, ids)

    def clear(self) -> None:
        self.slots.clear()


class ListColumn:
    """The id of a list is that of all elements but its last, and the last one, seen as one pair: a tree of prefixes."""

    words = 1

    def __init__(self, type_: pa.DataType) -> None:
        self.type = type_
        self.is_map = pa.types.is_map(type_)
        element = pa.struct([type_.key_field, type_.item_field]) if self.is_map else type_.value_type
        self.pairs = KeyedSlots([element], prefix_words=1)

    @property
    def size(self) -> int:
        """The number of different values and of their beginnings."""
        return self.pairs.size

    @property
    def nbytes(self) -> int:
        return self.pairs.nbytes

    def write(self, array: pa.Array, out: Int64s) -> None:
        there = array.drop_null()
        if self.is_map:
            there = there.cast(pa.list_(pa.struct([self.type.key_field, self.type.item_field])))
        lengths = np.asarray(pc.list_value_length(there)).astype(np.int64)
        elements = pc.list_flatten(there)
        starts = np.cumsum(lengths) - lengths
        ids = np.full(len(there), EMPTY, np.int64)
        for place in range(lengths.max(initial=0)):
            longer = np.flatnonzero(lengths > place)
            last = elements.take(pa.array(starts[longer] + place))
            slots, _ = self.pairs.find_or_insert((ids[longer],), [last])
            ids[longer] = slots + 1
        out[0, _rows_with_values(array)] = ids

    def as_words(self, array: pa.Array) -> Int64s | None:
        return None

    def read(self, words: Int64s) -> pa.Array:
        rest = words[0].copy()
        steps = []
        while len(longer := np.flatnonzero(rest > EMPTY)):
            slots = rest[longer] - 1
            steps.append((longer, slots))
            rest[longer] = self.pairs.prefix(slots, 0)
        lengths = np.zeros(len(rest), np.int64)
        for longer, _ in steps:
            lengths[longer] += 1
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        elements = np.empty(offsets[-1], np.int64)
        for step, (longer, slots) in enumerate(steps):
            elements[offsets[longer + 1] - 1 - step] = slots
        (values,) = self.pairs.keys(elements)
        return self._lists(offsets, values)

    def _lists(self, offsets: Int64s, values: pa.Array) -> pa.Array:
        kind, small = self.type, pa.array(offsets.astype(np.int32))
        if self.is_map:
            return pa.MapArray.from_arrays(small, *values.flatten()).cast(kind)
        if pa.types.is_fixed_size_list(kind):
            return pa.FixedSizeListArray.from_arrays(_filled_up(offsets, values, kind.list_size), type=kind)
        if pa.types.is_large_list(kind):
            return pa.LargeListArray.from_arrays(pa.array(offsets), values, type=kind)
        return pa.ListArray.from_arrays(small, values, type=kind)

    def renew(self, ids: Int64s) -> Int64s:
        """Forget all values but those of `ids`; returns their new ids."""
        return _renewed(self, ids)

    def clear(self) -> None:
        self.pairs.clear()


def _filled_up(offsets: Int64s, values: pa.Array, size: int) -> pa.Array:
    """The elements with `size` nulls where a list is missing."""
    places = offsets[:-1, None] + np.arange(size)
    missing = np.broadcast_to(np.diff(offsets)[:, None] < size, places.shape)
    return values.take(pa.array(np.where(missing, 0, places).ravel(), mask=missing.ravel()))


def nested_column(type_: pa.DataType) -> StructColumn | ListColumn | None:
    """The words for values of a nested type; None for other types."""
    if pa.types.is_struct(type_):
        return StructColumn(type_)
    if any(test(type_) for test in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)):
        return ListColumn(type_)
    return ListColumn(type_) if pa.types.is_map(type_) else None


def _renewed(column: Any, ids: Int64s) -> Int64s:
    values = column.read(ids.reshape(1, -1))
    column.clear()
    out = np.empty((1, len(ids)), np.int64)
    column.write(values, out)
    renewed: Int64s = out[0]
    return renewed


def _rows_with_values(array: pa.Array) -> Any:
    return valid_bytes(array) != 0 if array.null_count else slice(None)
