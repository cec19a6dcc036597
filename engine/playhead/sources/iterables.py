"""Rows from the user's own iterables, synchronous and asynchronous."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any
from warnings import warn

import pyarrow as pa

from playhead.errors import PlanError, SourceError
from playhead.sources.columns import plain_schema
from playhead.sources.declared_source import DeclaredSource
from playhead.sources.pull import Pulled, pull_ahead
from playhead.sources.python_rows import fit_rows, fit_table, infer_schema, is_table, rows_of, unknown_names
from playhead.sources.salvage import salvage
from playhead.sources.source import Chunk, Rejected, Split, Stop
from playhead.sources.timing import Declared, merged, timing

ITEMS = 1024
"""How many items become one batch at most."""

AHEAD = 4 * ITEMS
"""How many items are pulled before somebody reads them."""


class IterableSource(DeclaredSource):
    """Dicts, tuples, tables from an iterable; a position is the number of items before it.

    A list, or a function that makes an iterator, can be read again; an iterator can be read once.
    """

    def __init__(self, items: Any, declared: Declared, *, schema: pa.Schema | None, bounded: bool) -> None:
        self.bounded = bounded
        self.make, self.replayable, name = _maker(items)
        self.taken = 0
        self.surprised = False
        if schema is None:
            schema = self._look_at_first()
        self.sent = plain_schema(schema)
        super().__init__(name, timing(declared, self.sent, bounded=bounded))

    def splits(self) -> list[Split]:
        return [Split("items")]

    def read(self, split: Split, columns: Sequence[str], position: Any, stop: Stop) -> Iterator[Chunk]:
        self.to_decode(columns)
        number = int(position or 0)
        for items in self._groups(number, stop):
            for group in _alike(items):
                checked, rejected = self._convert(group, number)
                number += len(group)
                self.taken = number
                yield Chunk(checked.select(list(columns)), number, rejected=rejected)

    def _groups(self, start: int, stop: Stop) -> Iterator[list[Any]]:
        """The items from number `start` on, as many at a time as are there."""
        if not self.replayable and start != self.taken:
            raise SourceError(
                f"{self.name} was read up to item {self.taken} and cannot be read from item {start} on; "
                "pass a function that makes a new iterator: from_iter(lambda: ...)"
            )
        items = self.make()
        skip = start if self.replayable else 0
        if self.bounded and hasattr(items, "__length_hint__"):  # over what is in memory: none is waited for
            yield from self._pull(islice(items, skip, None), stop)
            return
        pulled = Pulled(AHEAD)
        try:
            for group in pull_ahead(items, self.name, pulled, ITEMS, stop):
                if skip < len(group):
                    yield group[skip:]
                skip = max(0, skip - len(group))
        finally:
            if not self.replayable:
                self.taken = start + pulled.count  # those that nobody read are gone too

    def _pull(self, items: Iterator[Any], stop: Stop) -> Iterator[list[Any]]:
        while not stop.is_set():
            try:
                group = list(islice(items, ITEMS))
            except Exception as error:
                raise SourceError(
                    f"{self.name} raised {type(error).__name__} after item {self.taken}: {error}"
                ) from error
            if not group:
                return
            yield group

    def _convert(self, group: list[Any], number: int) -> tuple[pa.RecordBatch, Rejected | None]:
        """Rows of some items of one kind, and what could not become rows."""
        if is_table(group[0]):
            numbered = [(number + index, item) for index, item in enumerate(group)]
            found = salvage(numbered, lambda part: pa.concat_batches([fit_table(item, self.sent) for _, item in part]))
        else:
            numbered, strange = _rows(group, number)
            self._warn(unknown_names([row for _, row in numbered], self.sent))
            found = salvage(numbered, lambda part: fit_rows([row for _, row in part], self.sent))
            found.bad += strange
        bad = self.timing.reject([(f"item {index}", repr(item), reason) for (index, item), reason in found.bad])
        rows = pa.concat_batches(found.batches) if found.batches else pa.RecordBatch.from_pylist([], self.sent)
        places = [index for index, _ in found.good]
        checked, untimed = self.timing.check(rows, lambda row: f"item {places[min(row, len(places) - 1)]}")
        return checked, merged(bad, untimed)

    def _warn(self, names: set[str]) -> None:
        if names and not self.surprised:
            self.surprised = True
            warn(f"{self.name} has {sorted(names, key=str)}, not in {self.sent.names}: not read", stacklevel=2)

    def _look_at_first(self) -> pa.Schema:
        items = self.make()
        if isinstance(items, AsyncIterable):
            raise PlanError("the columns of an asynchronous iterable are not known before it runs; pass schema=")
        first = next(items, None)
        if first is None:
            raise PlanError("the iterable is empty, so that its columns are unknown; pass schema= with names and types")
        if not self.replayable:
            rest = chain([first], items)
            self.make = lambda: rest
        return infer_schema(first)


def _maker(items: Any) -> tuple[Callable[[], Any], bool, str]:
    """(a function that gives an iterator, whether it gives a new one each time, a name)."""
    if callable(items) and not isinstance(items, Iterable | AsyncIterable):
        return lambda: _iterator(items()), True, getattr(items, "__name__", "iterable").replace("<lambda>", "iterable")
    if not isinstance(items, Iterable | AsyncIterable):
        raise PlanError(f"from_iter takes an iterable, or a function that makes one; not {items!r:.80}")
    name = getattr(items, "__name__", type(items).__name__)
    iterator = _iterator(items)
    if iterator is items:
        return lambda: iterator, False, name
    return lambda: _iterator(items), True, name


def _iterator(items: Any) -> Any:
    return items if isinstance(items, AsyncIterable) else iter(items)


def _alike(items: list[Any]) -> Iterator[list[Any]]:
    """Runs of items that are all tables or all rows."""
    start = 0
    for index in range(1, len(items) + 1):
        if index == len(items) or is_table(items[index]) != is_table(items[start]):
            yield items[start:index]
            start = index


def _rows(group: list[Any], number: int) -> tuple[list[tuple[int, Any]], list[tuple[tuple[int, Any], str]]]:
    """The rows of items with the number of their item, and items that are no rows."""
    rows: list[tuple[int, Any]] = []
    strange: list[tuple[tuple[int, Any], str]] = []
    for index, item in enumerate(group, number):
        try:
            rows += [(index, row) for row in rows_of(item)]
        except TypeError as error:
            strange.append(((index, item), str(error)))
    return rows, strange
