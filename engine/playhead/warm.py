"""Compiles the kernels that first queries need, so that nobody waits for a compiler; set-up calls it once.

`python -m playhead.warm`. numba keeps what it compiled in its cache beside the modules.
"""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

import playhead as ph
import playhead.kernels

ROWS = 2_000


def rows() -> ph.Frame:
    """A small table with a column of every kind that has kernels of its own, in disorder and with holes."""
    number = np.arange(ROWS)
    times = pa.array(number * 1_000_003 - (number % 7) * 2_000_000, pa.int64()).cast(pa.timestamp("us", "UTC"))
    hole = number % 11 == 0
    table = pa.table(
        {
            "time": times,
            "name": pa.array([f"name {each % 13}" for each in number]),
            "key": pa.array(number % 17, pa.int64()),
            "whole": pa.array(number * 31 % 101, pa.int64(), mask=hole),
            "real": pa.array(number * 0.37 % 5.0, pa.float64(), mask=hole),
            "flag": pa.array(number % 3 == 0),
        }
    )
    return ph.from_arrow(table, time="time", out_of_order="10s")


def hourly(frame: ph.Frame) -> ph.Frame:
    """The shape of most first queries: some groups, a window, counts, means and extremes."""
    return frame.groupby(["name", ph.tumbling("1min")]).agg(
        n=("key", "count"),
        mean=("whole", "mean"),
        worst=("whole", "max"),
        least=("real", "min"),
        share=("flag", "mean"),
    )


def _sums(frame: ph.Frame) -> ph.Frame:
    return frame.groupby(["key", ph.tumbling("1min")]).agg(
        rows=("key", "size"),
        total=("whole", "sum"),
        mean=("real", "mean"),
        amount=("real", "sum"),
        top=("real", "max"),
        low=("whole", "min"),
    )


def _ends(frame: ph.Frame) -> ph.Frame:
    return frame.groupby(["name", ph.tumbling("1min")]).agg(
        first=("real", "first"), last=("whole", "last"), spread=("real", "std"), wide=("whole", "std")
    )


def _hops(frame: ph.Frame) -> ph.Frame:
    return frame.groupby(["name", ph.hopping("1min", "10s")]).agg(
        n=("key", "count"), mean=("real", "mean"), top=("whole", "max")
    )


def _sessions(frame: ph.Frame) -> ph.Frame:
    return frame.groupby(["name", ph.session("2s")]).agg(n=("key", "count"), mean=("real", "mean"))


def _running(frame: ph.Frame) -> ph.Frame:
    return frame.groupby("name").agg(n=("key", "count"), total=("whole", "sum"), top=("real", "max"))


def _middles(frame: ph.Frame) -> ph.Frame:
    return frame.groupby("key").agg(middle=("real", "median"), names=("name", "nunique"), last_name=("name", "max"))


def _again(frame: ph.Frame) -> ph.Frame:
    """An aggregate of an aggregate: results are taken back from it."""
    return _running(frame).groupby("n").agg(names=("name", "count"), total=("total", "sum"), top=("top", "max"))


def _joined(frame: ph.Frame) -> ph.Frame:
    return frame.merge(frame.value_counts("name"), on="name")


def _as_of(frame: ph.Frame) -> ph.Frame:
    return frame.merge_asof(frame[["time", "name", "real"]], by="name")


QUERIES: tuple[Callable[[ph.Frame], ph.Frame], ...] = (
    *(hourly, _sums, _ends, _hops, _running, _middles, _again),
    *(_sessions, _joined, _as_of),
)


def warm(queries: Iterable[Callable[[ph.Frame], ph.Frame]] = QUERIES) -> None:
    """Run each of these over a few rows, as a batch and as a stream."""
    frame = rows()
    for query in queries:
        table = query(frame)
        table.to_arrow()
        table.start(max_rows=ROWS // 4, name="warm-up").wait()


def kernels() -> Iterator[Any]:
    """Every compiled function of `playhead.kernels`."""
    seen = set()
    for module in pkgutil.iter_modules(playhead.kernels.__path__, "playhead.kernels."):
        for value in vars(importlib.import_module(module.name)).values():
            if hasattr(value, "py_func") and hasattr(value, "signatures") and id(value) not in seen:
                seen.add(id(value))
                yield value


def main() -> None:
    """What `python -m playhead.warm` does."""
    begun = time.perf_counter()
    warm()
    compiled = sum(sum(kernel.stats.cache_misses.values()) for kernel in kernels())
    done = f"{compiled} compiled into numba's cache" if compiled else "all loaded from numba's cache"
    print(f"kernels: {done} in {time.perf_counter() - begun:.1f} s", flush=True)


if __name__ == "__main__":
    main()
