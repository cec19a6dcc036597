"""The benchmarks are run by `make bench`; as a test nothing here is collected."""

from __future__ import annotations

collect_ignore_glob = ["*.py"]
