"""Finding the few bad pieces of input among many good ones, without looking at each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import pyarrow as pa

Item = TypeVar("Item")

UNREADABLE = (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError, OverflowError)
"""What converting a bad piece of input raises; broken UTF-8 is a ValueError too."""


@dataclass
class Salvaged(Generic[Item]):
    """What became of some input: batches of rows, the pieces they were made from, and the bad pieces with reasons."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    good: list[Item] = field(default_factory=list)
    bad: list[tuple[Item, str]] = field(default_factory=list)


def salvage(
    items: Sequence[Item],
    convert: Callable[[Sequence[Item]], pa.RecordBatch],
    why: Callable[[Exception], str] = str,
) -> Salvaged[Item]:
    """Convert what can be converted: halves until the bad pieces stand alone, so that a few of them cost little.

    Examples
    --------
    >>> found = salvage([1, 2, "x", 4], lambda part: pa.record_batch({"n": pa.array(part, pa.int64())}))
    >>> found.good, [item for item, reason in found.bad]
    ([1, 2, 4], ['x'])
    """
    found: Salvaged[Item] = Salvaged()

    def attempt(part: Sequence[Item]) -> None:
        if not part:
            return
        try:
            batch = convert(part)
        except UNREADABLE as error:
            if len(part) == 1:
                found.bad.append((part[0], why(error)))
            else:
                attempt(part[: len(part) // 2])
                attempt(part[len(part) // 2 :])
        else:
            found.batches.append(batch)
            found.good.extend(part)

    attempt(items)
    return found
