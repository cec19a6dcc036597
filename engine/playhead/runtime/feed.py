"""All sources of a query together: which split is read next, what an epoch takes, and the watermarks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from playhead.runtime.coordinator import SplitTime, source_watermark, with_idle_sources
from playhead.runtime.pacing import Clock
from playhead.runtime.reader import SplitReader
from playhead.schema import MAX_TIME, MIN_TIME
from playhead.sources.source import Rejected, Source

OPEN_SPLITS = 16
"""How many splits of a source are decoded at once, at most; those that never end are all open, or nobody reads them."""

OPEN_AHEAD = 2
"""So many are open although the next rows in time are known to be in the first of them; that one has a head start."""

IN_TURN = 8192
"""So many rows are taken from a split at once while others are not far from it in time."""

LOOK_FOR_SPLITS = 500_000
"""Microseconds between two looks for new splits of an endless source."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a feed reads."""

    order: str
    """"sequence": split after split, for source order; "time": the split that is behind first;
    "replay": row by row in replay time."""
    known_watermark: bool
    """Watermarks from what is known about the rest of the input, not from `out_of_order`."""
    budget: int = 64 << 20
    """Bytes decoded ahead, all splits together."""
    all_at_once: bool = False
    """Open splits as soon as there is a place for them, before it is their turn."""


@dataclass
class Cut:
    """What an epoch takes: rows by source, and the watermarks behind them."""

    rows: list[list[pa.RecordBatch]]
    watermarks: list[int]
    count: int = 0
    rejected: list[tuple[int, Rejected]] = field(default_factory=list)


@dataclass
class SourceFeed:
    """One source and its splits."""

    source: Source
    columns: tuple[str, ...]
    readers: list[SplitReader] = field(default_factory=list)
    """Of all splits that were ever found."""
    waiting: deque[SplitReader] = field(default_factory=deque)
    """Those that are not open yet, in the order in which they will be."""
    open: list[SplitReader] = field(default_factory=list)
    """Those that are open, less those that are known to be at their end."""
    watermark: int = MIN_TIME
    idle: bool = False
    consumed: int = 0
    seen: dict[int, int] = field(default_factory=dict)
    """When each split last gave rows."""
    unwanted: bool = False
    """Nothing more is read from it."""
    saved: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Where its splits stood when the query was resumed, by name; each is used when the split is found."""

    def standing(self) -> dict[str, Any]:
        """How far the source has come, JSON-able: what `resume` goes on from."""
        splits = dict(self.saved) | {reader.split.name: reader.standing() for reader in self.readers}
        return {"name": self.source.name, "watermark": self.watermark, "consumed": self.consumed, "splits": splits}

    def resume(self, standing: Mapping[str, Any]) -> None:
        """Go on where `standing` said; before splits are found."""
        self.watermark, self.consumed = standing["watermark"], standing["consumed"]
        self.saved = dict(standing["splits"]) if getattr(self.source, "replayable", True) else {}
        if hasattr(self.source, "resumed"):  # so that it knows which of its splits are new
            self.source.resumed(tuple(self.saved))


class Feed:
    """Reads the sources of a query and cuts epochs out of them. One thread uses it."""

    def __init__(
        self,
        sources: Sequence[tuple[Source, Sequence[str]]],
        reading: Reading,
        clock: Clock,
        changed: threading.Condition,
        standing: Sequence[Mapping[str, Any] | None] = (),
    ) -> None:
        self.reading, self.clock, self.changed = reading, clock, changed
        self.sources = [SourceFeed(source, tuple(columns)) for source, columns in sources]
        for feed, where in zip(self.sources, standing, strict=False):
            if where is not None:
                feed.resume(where)
        self._looked = clock()
        self._may_idle = any(source.idle_timeout is not None for source, _ in sources)
        self._waiting_since: int | None = None
        self.begin_time = clock()
        for feed in self.sources:
            self._discover(feed)
        self._open_more()

    # What there is

    @property
    def readers(self) -> list[SplitReader]:
        return [reader for feed in self.sources for reader in feed.readers]

    def active(self) -> list[SplitReader]:
        """The readers that are open and not at their end."""
        active: list[SplitReader] = []
        for feed in self.sources:
            if any(reader.finished for reader in feed.open):
                feed.open = [reader for reader in feed.open if not reader.finished]
            active += feed.open
        return active

    @property
    def finished(self) -> bool:
        """Every source has ended and nothing waits; a source that may grow never ends by itself."""
        return not self.active() and not any(
            feed.waiting or (feed.source.grows and not feed.unwanted) for feed in self.sources
        )

    def settled(self, until: int) -> bool:
        """Whether waiting longer brings no row that may be shown before `until`."""
        return all(reader.settles(until) for reader in self._candidates())

    def rows_ready(self, enough: int, until: int) -> int:
        """Rows that an epoch could take now, counted up to `enough`."""
        self._open_more()  # splits may have ended without a row to be taken
        total = 0
        for reader in self._candidates():
            if self._may_take(reader, until):
                total += reader.rows_waiting(enough)
            if total >= enough:
                break
        return total

    def marks_ready(self) -> bool:
        return any(reader.marks_wait for reader in self._candidates())

    def next_release(self) -> int | None:
        """The earliest replay time that waits; None if a reader has yet to say."""
        releases = [reader.next_release for reader in self._candidates()]
        known = [release for release in releases if release is not None]
        return min(known) if known and len(known) == len(releases) else None

    def _candidates(self) -> list[SplitReader]:
        active = self.active()
        return active[:1] if self.reading.order == "sequence" else active

    def _may_take(self, reader: SplitReader, until: int) -> bool:
        if not reader.ready:
            return False
        release = reader.next_release if self.reading.order == "replay" else None
        return release is None or release <= until

    # Cutting an epoch

    def cut(self, max_rows: int, until: int = MAX_TIME) -> Cut:
        """Take an epoch's rows and move the watermarks."""
        cut = Cut([[] for _ in self.sources], [])
        self._open_more()
        while cut.count < max_rows:
            reader = self._next_reader(until)
            if reader is None:
                break
            self._take(reader, max_rows - cut.count, until, cut)
        cut.watermarks = self.move_watermarks()
        return cut

    def cut_of(self, takes: Sequence[tuple[SplitReader, int]]) -> Cut:
        """Take so many rows from each of these splits, fewer where there are fewer, and move the watermarks."""
        cut = Cut([[] for _ in self.sources], [])
        for reader, rows in takes:
            wanted = cut.count + rows
            while reader.ready and cut.count < wanted:
                self._take(reader, wanted - cut.count, MAX_TIME, cut)
        cut.watermarks = self.move_watermarks()
        return cut

    def _next_reader(self, until: int) -> SplitReader | None:
        candidates = self._candidates()
        if self.reading.order == "replay" and any(not reader.ready and reader.source.bounded for reader in candidates):
            return None  # its next row may belong before all others
        ready = [reader for reader in candidates if self._may_take(reader, until)]
        return min(ready, key=self._behind) if ready else None

    def _behind(self, reader: SplitReader) -> int:
        if self.reading.order == "replay":
            release = reader.next_release
            return MIN_TIME if release is None else release
        return self._split_watermark(reader)

    def _take(self, reader: SplitReader, most: int, until: int, cut: Cut) -> None:
        others = [other for other in self._candidates() if other is not reader]
        if others and self.reading.order == "replay":
            releases = [other.next_release for other in others]
            until = min([until, *(release for release in releases if release is not None)])
        elif others:
            behind = reader.rows_until(min(self._split_watermark(other) for other in others))
            most = min(most, max(IN_TURN, behind))
        number = next(i for i, feed in enumerate(self.sources) if reader in feed.open)
        feed = self.sources[number]
        taken = reader.take(most, until)
        cut.rows[number] += taken.rows
        cut.count += taken.count
        feed.consumed += taken.count
        feed.seen[id(reader)] = self.clock()
        cut.rejected += [(number, rejected) for rejected in taken.rejected]
        if reader.finished:
            self._open_more()

    # Watermarks

    def move_watermarks(self) -> list[int]:
        """The watermark of every source after what has been taken."""
        for feed in self.sources:
            if feed.unwanted:
                feed.watermark, feed.idle = MAX_TIME, False
                continue
            unfinished = [*feed.open, *feed.waiting]
            times = [SplitTime(self._split_watermark(each), self._is_idle(feed, each)) for each in unfinished]
            if feed.source.grows and all(reader.finished for reader in feed.open) and not feed.waiting:
                times = [self._between_splits(feed)]
            feed.watermark, feed.idle = source_watermark(times, feed.watermark)
        for feed, watermark in zip(
            self.sources, with_idle_sources([(feed.watermark, feed.idle) for feed in self.sources]), strict=True
        ):
            feed.watermark = watermark
        return [feed.watermark for feed in self.sources]

    def idled(self, watermarks: list[int]) -> bool:
        """Whether time alone has moved a watermark since: a split fell silent and no longer holds it back."""
        return self._may_idle and self.move_watermarks() != watermarks

    def _split_watermark(self, reader: SplitReader) -> int:
        if reader.started and reader.finished:
            return MAX_TIME
        if reader.source.time is None:
            return MIN_TIME
        if reader.carried is not None:
            return reader.carried
        if self._knows_rest(reader.source):
            return reader.rest_min_time
        delay = reader.source.out_of_order
        if reader.max_time == MIN_TIME:
            return reader.split.min_time
        return reader.max_time - (delay or 0)

    def _between_splits(self, feed: SourceFeed) -> SplitTime:
        """How far a source has come all of whose splits have been read, but which may have new ones."""
        greatest = max((reader.max_time for reader in feed.readers), default=MIN_TIME)
        last, timeout = max(feed.seen.values(), default=self.begin_time), feed.source.idle_timeout
        quiet = timeout is not None and self.clock() - last >= timeout
        return SplitTime(greatest if greatest == MIN_TIME else greatest - (feed.source.out_of_order or 0), quiet)

    def _knows_rest(self, source: Source) -> bool:
        """Whether watermarks come from what is known of the rest, not from the declared disorder."""
        return self.reading.known_watermark or (source.out_of_order is None and source.bounded)

    def _is_idle(self, feed: SourceFeed, reader: SplitReader) -> bool:
        if reader.idle:
            return True
        timeout = reader.source.idle_timeout
        if timeout is None or reader.ready or (reader.started and reader.finished):
            return False
        return self.clock() - feed.seen.get(id(reader), self.begin_time) >= timeout

    # Opening and closing splits

    def standing(self) -> list[dict[str, Any]]:
        """How far every source has come."""
        return [feed.standing() for feed in self.sources]

    def _discover(self, feed: SourceFeed) -> None:
        known = {reader.split.name for reader in feed.readers}
        for split in feed.source.splits():
            if split.name not in known:
                reader = SplitReader(
                    feed.source,
                    split,
                    feed.columns,
                    budget=max(self.reading.budget // OPEN_SPLITS, 4 << 20),
                    changed=self.changed,
                    paced=self.reading.order == "replay",
                    knows_rest=self._knows_rest(feed.source),
                )
                if split.name in feed.saved:
                    reader.resume(feed.saved.pop(split.name))
                feed.readers.append(reader)
                if not reader.started:
                    feed.waiting.append(reader)
        if self.reading.order != "sequence":
            feed.waiting = deque(sorted(feed.waiting, key=lambda reader: reader.split.min_time))

    def look_for_splits(self) -> None:
        """Ask sources that grow, now and then, whether they have new splits."""
        now = self.clock()
        if now - self._looked >= LOOK_FOR_SPLITS:
            self._looked = now
            for feed in self.sources:
                if not feed.source.bounded and not feed.unwanted:
                    self._discover(feed)
            self._open_more()

    def _open_more(self) -> None:
        """Open splits whose turn it is, and a few ahead of it."""
        if not any(feed.waiting for feed in self.sources):
            return
        active = self.active()
        least = min((self._split_watermark(reader) for reader in active), default=MAX_TIME)
        for feed in self.sources:
            while feed.waiting and self._is_due(feed, len(active), least):
                reader = feed.waiting.popleft()
                least = min(least, self._split_watermark(reader))
                reader.start()
                feed.open.append(reader)
                active.append(reader)

    def _is_due(self, feed: SourceFeed, active: int, least: int) -> bool:
        """Whether one more split of a source should be open where `active` are, `least` being their watermark."""
        if self.reading.order == "sequence":
            return active < OPEN_AHEAD
        bounded = feed.source.bounded
        if len(feed.open) >= OPEN_SPLITS and (bounded or feed.source.grows):
            return False
        if self.reading.order == "replay" or self.reading.all_at_once or not bounded:
            return True
        ahead = len(feed.open) < OPEN_AHEAD and all(reader.ready for reader in feed.open)
        return ahead or self._split_watermark(feed.waiting[0]) <= least

    def give_up(self, number: int) -> None:
        """Read nothing more from a source; for its readers this is the end of time."""
        feed = self.sources[number]
        feed.unwanted, feed.open = True, []
        feed.waiting.clear()
        for reader in feed.readers:
            reader.close()

    def close(self) -> None:
        """Stop all readers; returns when their threads have ended, or after some seconds if one does not listen."""
        for reader in self.readers:
            reader.close()
        for reader in self.readers:
            reader.join(5.0)
