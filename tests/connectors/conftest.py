"""The tests of connectors share what stands beside them: `sink_cases.py` and `sink_runs.py`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
