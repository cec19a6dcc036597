"""The pandas-shaped frame."""

from __future__ import annotations

from playhead.frame.column import Column
from playhead.frame.frame import Frame, concat
from playhead.frame.groupby import GroupBy

__all__ = ["Column", "Frame", "GroupBy", "concat"]
