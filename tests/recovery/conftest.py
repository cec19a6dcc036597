"""A small history out of order, and the same query over it in every test of recovery."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from playhead.testing.crash import query_of, write_input

sys.path.insert(0, str(Path(__file__).parent))  # for recovery_runs


@pytest.fixture(scope="session")
def history(tmp_path_factory):
    """A folder with the folder `input` in it."""
    folder = tmp_path_factory.mktemp("history")
    write_input(folder / "input", 7)
    return folder


@pytest.fixture
def counts(history):
    """Rows, totals and last values by key and half a minute."""
    return query_of(history)


@pytest.fixture(scope="session")
def rows(history):
    """All rows of the history, as pandas."""
    return pq.read_table(history / "input").to_pandas()
