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

EIGHT_TOUCHED = np.uint64(int.from_bytes([TOUCHED] * 8, "little"))
"""The flag of eight slots that lie side by side."""


def touched_slots(flags: Bytes) -> Int64s:
    """The slots touched since the last snapshot, ascending. Looks at eight slots at once, as few are touched.

    Examples
    --------
    >>> touched_slots(np.array([0, TOUCHED, 0, 0, 0, 0, 0, 0, SAVED, TOUCHED | IN_EPOCH], np.uint8))
    array([1, 9])
    """
    eights = len(flags) // 8 * 8
    found = np.flatnonzero(flags[:eights].view(np.uint64) & EIGHT_TOUCHED)
    row, column = np.nonzero(flags[:eights].reshape(-1, 8)[found] & TOUCHED)
    rest = np.flatnonzero(flags[eights:] & TOUCHED) + eights
    return np.concatenate([found[row] * 8 + column, rest]).astype(np.int64, copy=False)


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
