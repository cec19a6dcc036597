"""What a grouped query should show after each epoch: rows put into windows and groups one by one, in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from playhead.testing.aggregates import is_missing
from playhead.testing.compare import Row, same_value
from playhead.testing.oracles import Span, is_late, sessions, windows_of
from playhead.testing.trace import EpochResult
from playhead.windows import WINDOW_END, WINDOW_START, Session, Window

Pair = tuple[Row, Span | None]
"""A row and a window that it is in; None where there are no windows."""


@dataclass(frozen=True)
class Expected:
    """What should be seen after an epoch."""

    table: list[Row]
    late: list[Row]
    """Rows of this epoch that came too late, each with the window that it missed."""


@dataclass(frozen=True)
class Grouped:
    """A query `groupby([*keys, window]).agg(...)` as a beginner would write it.

    Examples
    --------
    >>> oracle = Grouped(keys=("k",), aggregates={"n": ("x", len)})
    >>> oracle.answer([{"k": "a", "x": 1}, {"k": "b", "x": 2}, {"k": "a", "x": 3}])
    [{'k': 'a', 'n': 2}, {'k': 'b', 'n': 1}]
    """

    keys: tuple[str, ...]
    aggregates: Mapping[str, tuple[str, Callable[[Sequence[Any]], Any]]]
    """The column that each result is made from, and what makes it; values come in order of time and value."""
    window: Window | None = None
    time: str = "at"
    zone: str = "UTC"
    allowed_lateness: timedelta = timedelta(0)

    def answer(self, rows: Iterable[Row]) -> list[Row]:
        """The answer over all these rows, none of which is late."""
        return self._table(self._pairs(list(rows)))

    def watch(self, results: Iterable[EpochResult], *, mode: str = "update", source: int = 0) -> Iterator[Expected]:
        """What should be seen after each epoch, given what it read; for queries that are this aggregate alone.

        Update and complete mode: the answer over all rows so far, less those late for a window. Append mode: of that,
        the windows that have closed.
        """
        accepted: list[Pair] = []
        kept: list[Row] = []
        watermark: int | None = None
        for result in results:
            late: list[Pair] = []
            if isinstance(self.window, Session):
                fresh, late = self._without_late_sessions(result, source, watermark)
                kept += fresh
                accepted = self._pairs(kept)
            else:
                for pair in self._pairs(result.fresh[source]):
                    (late if self._too_late(pair[1], watermark) else accepted).append(pair)
            watermark = result.watermark
            shown = [pair for pair in accepted if mode != "append" or self._too_late(pair[1], watermark, result.final)]
            yield Expected(self._table(shown, result.final or mode != "append"), [_with_window(pair) for pair in late])

    def _without_late_sessions(
        self, result: EpochResult, source: int, watermark: int | None
    ) -> tuple[list[Row], list[Pair]]:
        """Which session a late row would have been in is the engine's to say; that it was late is checked here."""
        said = [dict(row) for row in result.late]
        late: list[Pair] = []
        fresh: list[Row] = []
        for row in result.fresh[source]:
            found = next((other for other in said if _is_part_of(other, row)), None)
            if found is None:
                fresh.append(row)
                continue
            said.remove(found)
            span = (found[WINDOW_START], found[WINDOW_END])
            assert span[0] <= row[self.time] <= span[1], f"{row} does not touch the session {span}"
            assert self._too_late(span, watermark), f"{row} was late for {span}, which had not closed at {watermark}"
            late.append((row, span))
        return fresh, late

    def _too_late(self, span: Span | None, watermark: int | None, final: bool = False) -> bool:
        if span is None or watermark is None:
            return final
        return is_late(self.window, span[1], watermark, self.allowed_lateness)

    def _pairs(self, rows: Sequence[Row]) -> list[Pair]:
        if self.window is None:
            return [(row, None) for row in rows]
        if not isinstance(self.window, Session):
            return [(row, span) for row in rows for span in windows_of(self.window, row[self.time], self.zone)]
        pairs: list[Pair] = []
        gap = timedelta(microseconds=self.window.gap)
        for group in _groups(rows, lambda row: self._key(row)):
            spans = sessions([row[self.time] for row in group], gap)
            pairs += [(row, _span_of(row[self.time], spans)) for row in group]
        return pairs

    def _key(self, row: Row) -> tuple[Any, ...]:
        return tuple(row[key] for key in self.keys)

    def _table(self, pairs: Sequence[Pair], with_empty: bool = True) -> list[Row]:
        if not pairs and not self.keys and self.window is None and with_empty:
            return [{name: make([]) for name, (_, make) in self.aggregates.items()}]
        groups = _groups(pairs, lambda pair: (self._key(pair[0]), pair[1]))
        return [self._result(group) for group in groups]

    def _result(self, group: Sequence[Pair]) -> Row:
        (first, span), rows = group[0], [row for row, _ in group]
        result: Row = {key: first[key] for key in self.keys}
        if span is not None:
            result |= {WINDOW_START: span[0], WINDOW_END: span[1]}
        for name, (column, make) in self.aggregates.items():
            result[name] = make([row[column] for row in sorted(rows, key=lambda row: self._order(row, column))])
        return result

    def _order(self, row: Row, column: str) -> tuple[Any, ...]:
        value = row[column]
        return (row.get(self.time, 0), is_missing(value), 0 if is_missing(value) else value)


def _groups(items: Iterable[Any], key: Callable[[Any], Any]) -> list[list[Any]]:
    """Items of equal keys together, in order of first appearance; NaN is equal to NaN."""
    groups: dict[Any, list[Any]] = defaultdict(list)
    ordered: list[list[Any]] = []
    for item in items:
        place = groups[_same_for_equal(key(item))]
        if not place:
            ordered.append(place)
        place.append(item)
    return ordered


def _same_for_equal(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(_same_for_equal(part) for part in key)
    return (type(key).__name__, "NaN" if isinstance(key, float) and is_missing(key) else key)


def _span_of(moment: datetime, spans: Iterable[Span]) -> Span:
    return next(span for span in spans if span[0] <= moment <= span[1])


def _is_part_of(part: Row, row: Row) -> bool:
    return all(same_value(value, row[name]) for name, value in part.items() if name not in (WINDOW_START, WINDOW_END))


def _with_window(pair: Pair) -> Row:
    row, span = pair
    return row if span is None else {**row, WINDOW_START: span[0], WINDOW_END: span[1]}
