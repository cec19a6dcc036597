"""Playhead: one event-time table for history and for a live stream."""

from __future__ import annotations

__version__ = "0.1.0"
