"""The points of one series of a chart, kept sorted while rows are added and taken back."""

from __future__ import annotations

import numpy as np

from playhead_widgets.kernels import Floats, Int64s, choose_points, merge_points


class Points:
    """Points (x, values...) sorted by x, as many times as they are there.

    Examples
    --------
    >>> points = Points(1)
    >>> points.change(np.array([2.0, 1.0]), np.array([[20.0, 10.0]]), np.array([1, 1]))
    >>> points.change(np.array([2.0, 2.0]), np.array([[20.0, 21.0]]), np.array([-1, 1]))
    >>> points.x.tolist(), points.values[0].tolist()
    ([1.0, 2.0], [10.0, 21.0])
    """

    def __init__(self, values: int) -> None:
        self.count = 0
        self._x: Floats = np.empty(64)
        self._values: Floats = np.empty((values, 64))

    @property
    def x(self) -> Floats:
        return self._x[: self.count]

    @property
    def values(self) -> Floats:
        """Of each value a row."""
        return self._values[:, : self.count]

    def change(self, x: Floats, values: Floats, weights: Int64s) -> None:
        """Add points of positive weight, take back those of negative weight; NaN is no place on the x axis."""
        x, values, weights = _summed(x, values, weights)
        if not len(x):
            return
        begin = int(np.searchsorted(self.x, x[0], side="left"))
        kept = self.count - begin
        out: Int64s = np.empty(kept + int(weights[weights > 0].sum()), np.int64)
        bits = np.ascontiguousarray(values).view(np.int64)
        total = merge_points(self._x, self._values.view(np.int64), begin, self.count, x, bits, weights, out)
        out = out[:total]
        old, new = np.maximum(out, 0), np.maximum(-1 - out, 0)
        merged_x = np.where(out >= 0, self._x[old], x[new])
        merged_values = np.where(out >= 0, self._values[:, old], values[:, new])
        self._reserve(begin + total)
        self._x[begin : begin + total] = merged_x
        self._values[:, begin : begin + total] = merged_values
        self.count = begin + total

    def between(self, low: float, high: float) -> tuple[int, int]:
        """The numbers of the points of a stretch, with one more on each side so that lines reach its edges."""
        begin = int(np.searchsorted(self.x, low, side="left"))
        end = int(np.searchsorted(self.x, high, side="right"))
        return max(begin - 1, 0), min(end + 1, self.count)

    def shown(self, value: int, low: float, high: float, buckets: int) -> Int64s:
        """The numbers of the points that a screen of `buckets` columns shows of a stretch."""
        begin, end = self.between(low, high)
        if end - begin <= 4 * buckets:
            return np.arange(begin, end)
        out: Int64s = np.empty(5 * buckets + 10, np.int64)
        return out[: choose_points(self._x, self._values[value], begin, end, low, high, buckets, out)]

    def _reserve(self, count: int) -> None:
        if count <= len(self._x):
            return
        room = max(count, 2 * len(self._x))
        x, values = np.empty(room), np.empty((len(self._values), room))
        x[: self.count], values[:, : self.count] = self.x, self.values
        self._x, self._values = x, values


def _summed(x: Floats, values: Floats, weights: Int64s) -> tuple[Floats, Floats, Int64s]:
    """Sorted as the points are, equal points summed up, those that cancel out gone."""
    placed = ~np.isnan(x)
    if not placed.all():
        x, values, weights = x[placed], values[:, placed], weights[placed]
    if not len(x):
        return x, values, weights
    values = np.where(np.isnan(values), np.nan, values) + 0.0  # one NaN, one zero
    bits = np.ascontiguousarray(values).view(np.int64)
    order = np.lexsort((*bits[::-1], x))
    x, bits, weights = x[order], bits[:, order], weights[order]
    first = np.ones(len(x), bool)
    first[1:] = (x[1:] != x[:-1]) | (bits[:, 1:] != bits[:, :-1]).any(axis=0)
    sums = np.add.reduceat(weights, np.flatnonzero(first))
    chosen = np.flatnonzero(first)[sums != 0]
    return x[chosen], np.ascontiguousarray(bits[:, chosen]).view(np.float64), sums[sums != 0]
