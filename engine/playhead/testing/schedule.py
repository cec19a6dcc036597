"""How a stream might come: in which order, over which splits, cut into which epochs and batches, by how many tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from playhead.durations import microseconds

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class Schedule:
    """One way for the same rows to come; patterns shorter than what they are applied to are repeated."""

    splits: int = 1
    placing: tuple[int, ...] = (0,)
    """The split of each row, in order of event time."""
    delays: tuple[float, ...] = (0.0,)
    """How much of the allowed disorder each row is held back, 0 to 1."""
    epochs: tuple[tuple[int, ...], ...] = ()
    """How many rows each epoch takes from each split (all sources' splits, one after another).
    What is left then comes in one epoch, and the end of input in another."""
    batch_rows: int = 0
    """The most rows of a batch; 0: as the source gives them."""
    parallelism: int = 1

    def arrange(
        self, rows: Iterable[Mapping[str, Any]], *, time: str, out_of_order: Any = "0s"
    ) -> list[list[Mapping[str, Any]]]:
        """The rows of each split in order of arrival, none further than `out_of_order` behind one before it.

        Rows with datetimes, microseconds or other numbers as their `time` can be arranged.

        Examples
        --------
        >>> rows = [{"at": 0}, {"at": 1_000_000}, {"at": 2_000_000}]
        >>> Schedule(splits=2, placing=(0, 1), delays=(1, 0)).arrange(rows, time="at", out_of_order="1500ms")
        [[{'at': 0}, {'at': 2000000}], [{'at': 1000000}]]
        """
        reach = microseconds(out_of_order, "out_of_order")
        ordered = sorted(rows, key=lambda row: _number(row[time]))
        arrivals = [
            (_number(row[time]) + int(self.delays[number % len(self.delays)] * reach), number, row)
            for number, row in enumerate(ordered)
        ]
        splits: list[list[Mapping[str, Any]]] = [[] for _ in range(self.splits)]
        for _, number, row in sorted(arrivals, key=lambda arrival: arrival[:2]):
            splits[self.placing[number % len(self.placing)] % self.splits].append(row)
        return splits

    @classmethod
    def cuts(cls, *rows: int, parallelism: int = 1, batch_rows: int = 0) -> Schedule:
        """For one split: so many rows in the first epoch, so many in the second, and so on."""
        return cls(epochs=tuple((count,) for count in rows), parallelism=parallelism, batch_rows=batch_rows)


def schedules(*, splits: int = 3, parallelism: int = 3, epochs: int = 8, rows: int = 6) -> SearchStrategy[Schedule]:
    """A Hypothesis strategy of schedules, up to so many splits, tasks, epochs and rows an epoch and split.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(schedule=schedules(parallelism=1))
    ... def test_something(schedule): ...
    """
    try:
        from hypothesis import strategies as st
    except ImportError as error:
        raise ImportError("schedules() are Hypothesis strategies: pip install hypothesis") from error
    takes = st.lists(st.integers(0, rows), min_size=1, max_size=2 * splits).map(tuple)
    return st.builds(
        Schedule,
        splits=st.integers(1, splits),
        placing=st.lists(st.integers(0, splits - 1), min_size=1, max_size=5).map(tuple),
        delays=st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.999, 1.0]), min_size=1, max_size=7).map(tuple),
        epochs=st.lists(takes, max_size=epochs).map(tuple),
        batch_rows=st.sampled_from([0, 1, 2, 3, 7]),
        parallelism=st.integers(1, parallelism),
    )


def takes_of(epoch: Sequence[int], splits: int) -> list[int]:
    """How many rows an epoch takes from each of `splits` splits."""
    return [epoch[number % len(epoch)] if epoch else 0 for number in range(splits)]


def _number(time: Any) -> int:
    if isinstance(time, datetime):
        return (time - datetime(1970, 1, 1, tzinfo=UTC if time.tzinfo else None)) // timedelta(microseconds=1)
    return int(time)
