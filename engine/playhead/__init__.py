"""Playhead: one event-time table for history and for a live stream."""

from __future__ import annotations

from playhead.frame import Column, Frame, concat
from playhead.io import *  # noqa: F403
from playhead.windows import hopping, session, tumbling

__version__ = "0.1.0"
