"""How hard Hypothesis tries: a little on every run, a lot with `--hypothesis-profile long`."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

SHARED = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", SHARED, max_examples=50)
settings.register_profile("long", SHARED, max_examples=5_000)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long the crash test goes on."""
    parser.addoption("--crash-rounds", type=int, default=8, help="how often the crash test kills its query")
