"""A binary min-heap of int64 in an array: cell 0 holds the number of items, the smallest item is in cell 1."""

from __future__ import annotations

import numba

from playhead.batch import Int64s


@numba.njit(cache=True, nogil=True)
def push(heap: Int64s, items: Int64s) -> None:
    """Add `items`, for which `heap` has room; O(log n) each, and constant for times that come in order."""
    size = heap[0]
    for item in items:
        size += 1
        child = size
        while child > 1 and heap[child >> 1] > item:
            heap[child] = heap[child >> 1]
            child >>= 1
        heap[child] = item
    heap[0] = size


@numba.njit(cache=True, nogil=True)
def count_until(heap: Int64s, limit: int, pending: Int64s) -> int:
    """How many items are at most `limit`, in time that depends on their number alone.

    `pending` is a scratch array of 64 cells: a walk down one branch leaves at most one sibling a level.
    """
    found, waiting = 0, 1
    pending[0] = 1
    while waiting > 0:
        waiting -= 1
        node = pending[waiting]
        while node <= heap[0] and heap[node] <= limit:
            found += 1
            pending[waiting] = 2 * node + 1
            waiting += 1
            node = 2 * node
    return found


@numba.njit(cache=True, nogil=True)
def pop(heap: Int64s, out: Int64s) -> None:
    """Move the `len(out)` smallest items to `out`, ascending; O(log n) each."""
    size = heap[0]
    for row in range(out.shape[0]):
        out[row] = heap[1]
        item = heap[size]
        size -= 1
        parent, child = 1, 2
        while child <= size:
            if child < size and heap[child + 1] < heap[child]:
                child += 1
            if heap[child] >= item:
                break
            heap[parent] = heap[child]
            parent, child = child, 2 * child
        heap[parent] = item
    heap[0] = size
