"""Are the answers of several engines to one query the same rows? Prints the first difference, or nothing.

    python tests/benchmarks/compare_answers.py tumbling build/answers/duckdb.arrow build/answers/polars.arrow ...

Whole numbers and times must be equal, floats within 1e-12 of their size. Order does not matter.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
from queries import QUERIES


def rows(query: str, path: str) -> pl.DataFrame:
    """An answer in a common form: the columns of the query, times as microseconds, sorted."""
    table = pl.read_ipc(path).select(QUERIES[query].answer)
    times = [pl.col(name).dt.epoch("us") for name, kind in table.schema.items() if isinstance(kind, pl.Datetime)]
    floats = [name for name, kind in table.schema.items() if kind.is_float()]
    return table.with_columns(times).sort([name for name in table.columns if name not in floats] + floats)


def difference(expected: pl.DataFrame, found: pl.DataFrame) -> str | None:
    """The first row in which they differ, in words."""
    if expected.schema != found.schema:
        return f"columns {dict(found.schema)} instead of {dict(expected.schema)}"
    if len(expected) != len(found):
        return f"{len(found):,} rows instead of {len(expected):,}"
    for name in expected.columns:
        one, two = expected[name], found[name]
        if one.null_count() or two.null_count():
            return f"{name} has nulls"
        wrong = (one - two).abs() > 1e-12 * one.abs() if one.dtype.is_float() else one != two
        if wrong.any():
            at = wrong.arg_true()[0]
            return f"row {at}: {found.row(at, named=True)} instead of {expected.row(at, named=True)}"
    return None


def main() -> None:
    query, first, *others = sys.argv[1:]
    expected = rows(query, first)
    for path in others:
        wrong = difference(expected, rows(query, path))
        if wrong:
            print(f"{Path(path).stem} differs from {Path(first).stem}: {wrong}")
            return


if __name__ == "__main__":
    main()
