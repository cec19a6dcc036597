"""Decoding ahead: one thread a split fills a buffer of decoded rows, bounded by bytes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from playhead.batch import Int64s
from playhead.errors import PlayheadError, SourceError
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.sources.source import Chunk, Rejected, Source, Split


@dataclass
class Decoded:
    """A chunk in the buffer, with what an epoch's cut asks of it."""

    chunk: Chunk
    before: Any
    """The reader's position before the chunk."""
    times: Int64s
    """The event times; of length 0 if there are none."""
    max_time: int
    """The greatest of them."""
    least: Int64s
    """Least event time from each row of the chunk on; of length 0 where nobody asks for it."""
    releases: Int64s
    """Greatest replay time so far in the split, row by row; of length 0 if the replay is not paced."""
    size: int
    """Bytes."""
    taken: int = 0

    def greatest(self, first: int, last: int) -> int:
        """The greatest event time of these rows; that of the chunk is known already."""
        return self.max_time if last - first == len(self.times) else int(self.times[first:last].max())

    def rows_until(self, time: int) -> int:
        """How many of the rows left come before the first that is later than `time`."""
        left = self.times[self.taken :]
        if self.max_time <= time or not len(left):
            return len(left)
        later = left > time
        first = int(later.argmax())
        return first if later[first] else len(left)


@dataclass
class Taken:
    """What one split gives to one epoch."""

    rows: list[pa.RecordBatch] = field(default_factory=list)
    count: int = 0
    rejected: list[Rejected] = field(default_factory=list)


class SplitReader:
    """One split of a source, being read: a thread, a buffer, and where consumption stands.

    The thread only fills `_buffer`; everything else belongs to the thread that cuts epochs. Each tells the other by a
    condition of its own, so that nobody wakes up in vain: `changed` that something came, `_room` that there is room.
    """

    def __init__(
        self,
        source: Source,
        split: Split,
        columns: Sequence[str],
        *,
        budget: int,
        changed: threading.Condition,
        paced: bool,
        knows_rest: bool,
    ) -> None:
        self.source, self.split, self.columns = source, split, tuple(columns)
        self.paced, self.knows_rest = paced, knows_rest
        self.budget, self.changed, self.stop = budget, changed, threading.Event()
        self.max_time, self.max_release, self.rest_min_time = MIN_TIME, MIN_TIME, split.min_time
        self.carried: int | None = None
        """The watermark that the source itself carries, if it does."""
        self.position: Any = None
        self.skip = 0
        self.idle = False
        self.consumed = 0
        self._buffer: deque[Decoded] = deque()
        self._room = threading.Condition()
        self._bytes = 0
        """In the buffer; changed while `_room` is held."""
        self._full = False
        """The thread waits for room in the buffer."""
        self._ended = self._ended_before = False
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    # Where it stands

    def standing(self) -> dict[str, Any]:
        """Where consumption stands, JSON-able: what `resume` goes on from."""
        return {
            "position": self.position,
            "skip": self.skip,
            "max_time": self.max_time,
            "max_release": self.max_release,
            "rest_min_time": self.rest_min_time,
            "carried": self.carried,
            "idle": self.idle,
            "consumed": self.consumed,
            "ended": self.started and self.finished,
        }

    def resume(self, standing: Mapping[str, Any]) -> None:
        """Go on where `standing` said; before `start` only."""
        self.position, self.skip = standing["position"], standing["skip"]
        self.max_time, self.max_release = standing["max_time"], standing["max_release"]
        self.rest_min_time, self.carried = standing["rest_min_time"], standing["carried"]
        self.idle, self.consumed = standing["idle"], standing["consumed"]
        if standing["ended"] and not self.source.grows:
            self._ended = self._ended_before = True

    # The reading thread

    def start(self) -> None:
        self._thread = threading.Thread(target=self._read, name=f"playhead read {self.split.name}", daemon=True)
        self._thread.start()

    @property
    def started(self) -> bool:
        return self._thread is not None or self._ended_before

    def _read(self) -> None:
        before, release, skip = self.position, self.max_release, self.skip
        try:
            for chunk in self.source.read(self.split, self.columns, self.position, self.stop):
                decoded = self._decoded(chunk, before, release)
                before = chunk.position
                decoded.taken = min(skip, chunk.rows.num_rows)  # taken before the query was resumed
                skip -= decoded.taken
                if len(decoded.releases):
                    release = int(decoded.releases[-1])
                if not self._put(decoded):
                    return
        except BaseException as error:
            self._error = error
        finally:
            with self.changed:
                self._ended = True
                self.changed.notify_all()

    def _decoded(self, chunk: Chunk, before: Any, release: int) -> Decoded:
        rows, time = chunk.rows, self.source.time
        times = least = releases = np.empty(0, np.int64)
        if time is not None:
            times = microsecond_values(rows, time.column)
            if self.knows_rest and len(times):
                least = np.minimum.accumulate(times[::-1])[::-1]
        if self.paced:
            by = microsecond_values(rows, self.source.arrival) if self.source.arrival else times
            releases = np.maximum(np.maximum.accumulate(by), release) if len(by) else by
        max_time = int(times.max()) if len(times) else MIN_TIME
        return Decoded(chunk, before, times, max_time, least, releases, rows.nbytes)

    def _put(self, decoded: Decoded) -> bool:
        if not self._fits(decoded):
            self._full = True
            self._tell()
            with self._room:
                self._room.wait_for(lambda: self.stop.is_set() or self._fits(decoded))
            self._full = False
        if self.stop.is_set():
            return False
        with self._room:
            self._bytes += decoded.size
        self._buffer.append(decoded)
        self._tell()
        return True

    def _fits(self, decoded: Decoded) -> bool:
        return not self._bytes or self._bytes + decoded.size <= self.budget

    def _tell(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def close(self) -> None:
        """Ask the thread to end; `join` waits for it."""
        self.stop.set()
        with self._room:
            self._room.notify_all()
        self._tell()

    def join(self, timeout: float) -> bool:
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    # The thread that cuts epochs (holds `changed` where it reads the buffer)

    @property
    def finished(self) -> bool:
        """Nothing is left and nothing will come."""
        if self._error is not None:
            self._raise_error()
        return self._ended and not self._buffer

    @property
    def ready(self) -> bool:
        """Something can be taken: rows, or a mark between rows."""
        if self._error is not None:
            self._raise_error()
        return bool(self._buffer)

    @property
    def marks_wait(self) -> bool:
        """The next thing to take is not a row: a watermark, an idle mark, rejected input."""
        self._raise_error()
        return bool(self._buffer) and self._buffer[0].taken == self._buffer[0].chunk.rows.num_rows

    def settles(self, until: int) -> bool:
        """Waiting brings no row that may be shown before `until`: the end was read, a later row waits, or no room."""
        if self._ended or (self._full and self._buffer):
            return True
        last = self._buffer[-1].releases if self._buffer else np.empty(0, np.int64)
        return len(last) > 0 and int(last[-1]) > until

    def rows_waiting(self, enough: int) -> int:
        """How many rows wait, counted up to `enough`."""
        total = 0
        for decoded in self._buffer:
            total += decoded.chunk.rows.num_rows - decoded.taken
            if total >= enough:
                break
        return total

    @property
    def next_release(self) -> int | None:
        """The replay time of the next row; None if no row waits."""
        for decoded in self._buffer:
            if decoded.taken < len(decoded.releases):
                return int(decoded.releases[decoded.taken])
        return None

    def rows_until(self, time: int) -> int:
        """How many rows of the chunk that is next come before the first that is later than `time`."""
        return self._buffer[0].rows_until(time) if self._buffer else 0

    def take(self, most: int, until: int) -> Taken:
        """Take up to `most` rows whose replay time is at most `until`, and all marks before the next row."""
        taken = Taken()
        while self._buffer:
            decoded = self._buffer[0]
            left = decoded.chunk.rows.num_rows - decoded.taken
            count = min(left, most - taken.count)
            if self.paced and until < MAX_TIME and len(decoded.releases):
                allowed = int(np.searchsorted(decoded.releases, until, side="right")) - decoded.taken
                count = min(count, max(0, allowed))
            if left and not count:
                break
            self._take(decoded, count, taken)
            if count < left:
                break
            self._buffer.popleft()
            with self._room:
                self._bytes -= decoded.size
                self._room.notify_all()
            self._finish_chunk(decoded.chunk, taken)
        self._remember_rest()
        return taken

    def _take(self, decoded: Decoded, count: int, taken: Taken) -> None:
        if not count:
            return
        first, last = decoded.taken, decoded.taken + count
        whole = count == decoded.chunk.rows.num_rows
        taken.rows.append(decoded.chunk.rows if whole else decoded.chunk.rows.slice(first, count))
        taken.count += count
        if len(decoded.times):
            self.max_time = max(self.max_time, decoded.greatest(first, last))
        if len(decoded.releases):
            self.max_release = max(self.max_release, int(decoded.releases[last - 1]))
        decoded.taken = last
        self.consumed += count
        self.idle = False
        self.position, self.skip = decoded.before, last

    def _finish_chunk(self, chunk: Chunk, taken: Taken) -> None:
        self.position, self.skip = chunk.position, 0
        if chunk.rejected is not None:
            taken.rejected.append(chunk.rejected)
        if chunk.watermark is not None:
            self.carried = chunk.watermark
        self.idle = chunk.idle
        self.rest_min_time = chunk.rest_min_time

    def _remember_rest(self) -> None:
        """What is known of the rows still to come, when a chunk was taken in part."""
        if self._buffer and self._buffer[0].taken and len(self._buffer[0].least):
            decoded = self._buffer[0]
            self.rest_min_time = min(int(decoded.least[decoded.taken]), decoded.chunk.rest_min_time)

    def _raise_error(self) -> None:
        if self._error is not None and not self._buffer:
            error, self._error = self._error, None
            if isinstance(error, PlayheadError | KeyboardInterrupt):
                raise error
            raise SourceError(
                f"{self.source.name}, split {self.split.name!r}, after {self.consumed:,} rows: {error}"
            ) from error


def microsecond_values(rows: pa.RecordBatch, column: str | None) -> Int64s:
    """A timestamp column in microseconds as int64, without copying where that is possible; null is before all times."""
    array = rows.column(rows.schema.get_field_index(column))
    if not pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("us"))
    elif array.type.unit != "us":
        array = array.cast(pa.timestamp("us", tz=array.type.tz))
    words = array.view(pa.int64())
    return np.asarray(words.fill_null(MIN_TIME) if words.null_count else words)
