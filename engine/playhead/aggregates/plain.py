"""What is true of most aggregates, so that each says only how it differs."""

from __future__ import annotations

from typing import ClassVar


class PlainAggregate:
    """An aggregate of one column for which order is nothing, and from whose small state rows can be taken back."""

    name: ClassVar[str]
    order_dependent: ClassVar[bool] = False
    keeps_rows: ClassVar[bool] = False
    can_take_back: ClassVar[bool] = True

    def __str__(self) -> str:
        return self.name
