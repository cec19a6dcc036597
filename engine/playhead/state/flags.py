"""What is remembered of each slot in a byte of flags: whether it was touched, and whether a checkpoint has it."""

from __future__ import annotations

import numpy as np

from playhead.batch import Bytes, Int64s

IN_EPOCH = 1
"""Touched in this epoch, or since it was last shown."""
TOUCHED = 2
"""Touched since the last snapshot."""
SAVED = 8
"""Was there at the last snapshot, so that its removal has to be said."""


def touched_slots(flags: Bytes) -> Int64s:
    """The slots touched since the last snapshot, ascending; a byte a slot is looked at."""
    return np.flatnonzero(flags & TOUCHED).astype(np.int64, copy=False)


def snapshot_taken(flags: Bytes) -> None:
    """What was touched is saved; touched means since now.

    Examples
    --------
    >>> flags = np.array([0, TOUCHED, SAVED, TOUCHED | IN_EPOCH], np.uint8)
    >>> snapshot_taken(flags)
    >>> flags.tolist()
    [0, 8, 8, 9]
    """
    flags |= (flags & TOUCHED) << 2
    flags &= 0xFF - TOUCHED


def saved_ones(slots: Int64s, flags: Bytes) -> Int64s:
    """Those of `slots` that the last snapshot has."""
    saved: Int64s = slots[flags[slots] & SAVED != 0]
    return saved
