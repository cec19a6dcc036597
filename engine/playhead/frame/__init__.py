"""The pandas-shaped frame."""

from __future__ import annotations

from playhead.frame.column import Column
from playhead.frame.frame import Frame
from playhead.frame.groupby import GroupBy
from playhead.frame.joins import concat

__all__ = ["Column", "Frame", "GroupBy", "concat"]
