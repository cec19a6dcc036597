"""Running a query for a while, with a stop in its middle, and what pandas says the result is."""

from __future__ import annotations

from pandas.testing import assert_frame_equal


class StopAfter:
    """A sink that asks its query to stop once it has seen so many epochs; `query` is set after `start`."""

    modes = ("append", "update")
    guarantee = "none"

    def __init__(self, epochs: int) -> None:
        self.left, self.query = epochs, None

    def open(self, context) -> None:
        """Nothing to open."""

    def write(self, epoch, changes, watermark) -> None:
        self.left -= 1
        if self.left == 0:
            self.query.stop()

    def close(self, *, failed) -> None:
        """Nothing to close."""


def run_until(frame, sinks, epochs, **options):
    """Start a query, let it stop itself after so many epochs with results, and wait for that."""
    stopper = StopAfter(epochs)
    query = frame.start([*sinks, stopper], max_rows=500, checkpoint_every=None, **options)
    stopper.query = query
    query._thread.join(60)
    query._raise_if_failed()
    return query


KEY = ["key", "window_start"]


def as_pandas_would(rows):
    """The answer in six lines of pandas."""
    rows = rows.assign(window_start=rows["at"].dt.floor("30s")).sort_values(["at", "value"])
    groups = rows.groupby(KEY)["value"].agg(n="size", total="sum", last="last").reset_index()
    return groups


def check(found, rows):
    expected = as_pandas_would(rows)
    found = found[expected.columns].sort_values(KEY, ignore_index=True)
    assert_frame_equal(found, expected, check_dtype=False)
