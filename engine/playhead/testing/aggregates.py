"""What each aggregate makes of a list of values, in plain Python that looks at all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from playhead.testing.compare import Near


def is_missing(value: Any) -> bool:
    """null and NaN are missing."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def present(values: Iterable[Any]) -> list[Any]:
    """The values that are not missing."""
    return [value for value in values if not is_missing(value)]


def total(values: Sequence[Any]) -> Any:
    """The sum; of floats within 1e-12 of the sum of their absolute values."""
    numbers = present(values)
    if not any(isinstance(number, float) for number in numbers):
        return sum(numbers) if numbers or not any(isinstance(value, float) for value in values) else 0.0
    finite = [number for number in numbers if math.isfinite(number)]
    infinite = {number for number in numbers if not math.isfinite(number)}
    if infinite:
        return Near(infinite.pop() if len(infinite) == 1 else math.nan, 0.0)
    return Near(math.fsum(finite), 1e-12 * math.fsum(map(abs, finite)))


def mean(values: Sequence[Any]) -> Any:
    """The sum divided by the number of values; null of nothing."""
    numbers = present(values)
    if not numbers:
        return None
    whole = total(numbers)
    if isinstance(whole, Near):
        return Near(whole.value / len(numbers), whole.within / len(numbers))
    return Near(float(Fraction(whole) / len(numbers)), 1e-15 * abs(whole))


def variance(values: Sequence[Any]) -> Any:
    """The variance of a sample; null of fewer than two values, NaN with infinities or squares that are too large."""
    numbers = present(values)
    if len(numbers) < 2:
        return None
    if any(abs(number) >= 2.0**490 for number in numbers):
        return Near(math.nan, 0.0)
    exact = [Fraction(number) for number in numbers]
    middle = sum(exact) / len(exact)
    spread = sum((number - middle) ** 2 for number in exact) / (len(exact) - 1)
    squares = sum(number**2 for number in exact) / len(exact)
    return Near(float(spread), float(spread * Fraction(2) ** -49 + len(exact) ** 2 * squares * Fraction(2) ** -99))


def deviation(values: Sequence[Any]) -> Any:
    """The root of the variance."""
    spread = variance(values)
    if spread is None or math.isnan(spread.value):
        return spread
    root = math.sqrt(spread.value)
    lowest = math.sqrt(max(spread.value - spread.within, 0.0))
    return Near(root, max(root - lowest, spread.within / root if root else 0.0))


def quantile(values: Sequence[Any], q: float) -> Any:
    """The value below which the part `q` lies, linear between neighbours; null of nothing."""
    numbers = sorted(present(values))
    if not numbers:
        return None
    place = (len(numbers) - 1) * q
    low, high = numbers[math.floor(place)], numbers[math.ceil(place)]
    value = low if low == high else float(low) + (float(high) - float(low)) * (place - math.floor(place))
    return Near(float(value), 1e-12 * (abs(low) + abs(high)) if math.isfinite(low) and math.isfinite(high) else 0.0)


AGGREGATES: dict[str, Callable[[Sequence[Any]], Any]] = {
    "size": len,
    "count": lambda values: len(present(values)),
    "sum": total,
    "mean": mean,
    "min": lambda values: min(present(values), default=None),
    "max": lambda values: max(present(values), default=None),
    "first": lambda values: next(iter(present(values)), None),
    "last": lambda values: next(iter(reversed(present(values))), None),
    "var": variance,
    "std": deviation,
    "any": lambda values: any(present(values)),
    "all": lambda values: all(present(values)),
    "median": lambda values: quantile(values, 0.5),
    "nunique": lambda values: len(set(present(values))),
}
"""What each aggregate makes of the values of a group, given in the order of event time and value."""
