"""The contract's tests share their rows and queries: `contract_queries.py` stands beside them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
