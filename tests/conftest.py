"""How hard Hypothesis tries: a little on every run, a lot with `--hypothesis-profile long`."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

SHARED = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("default", SHARED, max_examples=50)
settings.register_profile("long", SHARED, max_examples=5_000)
settings.load_profile("default")
