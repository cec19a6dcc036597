"""Sessions where rows can be taken back: what is kept is an accumulator for every key and time at which there are rows.

A session is a run of such points and its result is merged from theirs, so it can fall apart when the rows of a point
are gone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from playhead.batch import Batch, Int64s
from playhead.kernels import multiset, slot_lists
from playhead.operators.grouping import Grouping
from playhead.state.growable import grown
from playhead.state.session_lists import Joined
from playhead.state.tables import named


@dataclass(frozen=True)
class Runs:
    """Points that make sessions."""

    points: Int64s
    """Slots of points, session by session, in order of time."""
    runs: Int64s
    """By point: the number of its session."""
    groups: Int64s
    """By session: the group that it is a part of."""
    firsts: Int64s
    lasts: Int64s
    keys: list[pa.Array]
    """By session: the key columns."""


class SessionPoints:
    """Accumulators by key and time, each point in the list of its session."""

    def __init__(self, grouping: Grouping, gap: int) -> None:
        self.grouping, self.gap = grouping, gap
        self.groups = grouping.groups(named("time", grouping.schema.names))
        self._group_of: Int64s = np.zeros(64, np.int64)
        self._links: Int64s = np.full((64, 3), -1, np.int64)
        self._ends: Int64s = np.full((64, 2), -1, np.int64)

    def regroup(self, batch: Batch, times: Int64s, groups: Int64s, joined: Joined) -> Runs:
        """Add rows, of which each is in one of `groups`; the sessions that now are where the joined ones were."""
        slots, new = self.groups.find_or_insert((times,), self.grouping.key_arrays(batch), batch.num_rows)
        self.groups.add(slots, batch.rows, batch.kernel_weights)
        self.groups.flags[slots] |= 2
        self._grow()
        self._group_of[slots] = groups
        old, sizes = self._members(joined.absorbed)
        slot_lists.unlink(old, self._ends, self._links)
        points = np.concatenate([old, new])
        found = np.concatenate([np.repeat(joined.absorbed_groups, sizes), self._group_of[new]])
        alive = self.groups.rows[points] > 0
        runs = self._runs(points[alive], found[alive])
        self.groups.forget(points[~alive])
        return runs

    def belong(self, points: Int64s, sessions: Int64s, capacity: int) -> None:
        """Put points into the lists of their sessions."""
        self._ends = grown(self._ends, capacity, -1)
        slot_lists.append(sessions, points, self._ends, self._links)

    def forget(self, sessions: Int64s) -> None:
        """Forget the points of sessions."""
        points, _ = self._members(sessions)
        slot_lists.unlink(points, self._ends, self._links)
        self.groups.forget(points)
        self.groups.keyed.compact()

    def load(self, table: pa.Table, groups: Int64s) -> Runs:
        """Add the points of a snapshot, of which each is in one of `groups`; the sessions that they make."""
        points = self.groups.load(table)
        self._grow()
        return self._runs(points, groups)

    @property
    def nbytes(self) -> int:
        return self.groups.nbytes + self._group_of.nbytes + self._links.nbytes + self._ends.nbytes

    def _runs(self, points: Int64s, groups: Int64s) -> Runs:
        times = self.groups.keyed.prefix(points, 0)
        order = np.lexsort((times, groups))
        points, groups, times = points[order], groups[order], times[order]
        begins = np.ones(len(points), bool)
        begins[1:] = (groups[1:] != groups[:-1]) | (times[1:] > times[:-1] + self.gap)
        ends = np.append(begins[1:], True) if len(points) else begins
        keys = self.groups.keyed.keys(points[begins])
        return Runs(points, np.cumsum(begins) - 1, groups[begins], times[begins], times[ends], keys)

    def _members(self, sessions: Int64s) -> tuple[Int64s, Int64s]:
        """The points of sessions, one after another, and how many each has."""
        self._ends = grown(self._ends, int(sessions.max(initial=-1)) + 1, -1)
        heads = self._ends[sessions, slot_lists.FIRST]
        offsets = np.empty(len(heads) + 1, np.int64)
        multiset.lengths(heads, self._links, offsets)
        points = np.empty(offsets[-1], np.int64)
        multiset.gather(heads, self._links, points)
        return points, np.diff(offsets)

    def _grow(self) -> None:
        capacity = self.groups.keyed.capacity
        self._group_of = grown(self._group_of, capacity)
        self._links = grown(self._links, capacity, -1)
