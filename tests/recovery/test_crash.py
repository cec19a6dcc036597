"""A query that is killed with SIGKILL at random moments, again and again, loses nothing and doubles nothing."""

from __future__ import annotations

import pytest

from playhead.testing.crash import crash


@pytest.mark.timeout(600)
def test_killed_at_random_moments_every_row_counts_once(request):
    result = crash(request.config.getoption("--crash-rounds"), seed=1)
    assert result.kills >= 8
    assert result.rows > 0
    assert (result.lost, result.doubled) == (0, 0)
