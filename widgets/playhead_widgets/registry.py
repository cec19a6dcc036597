"""Which panel a cell has made: running the cell again replaces it."""

from __future__ import annotations

import sys
import threading
from typing import Any, Protocol


class Closable(Protocol):
    """What can be replaced."""

    def close(self) -> None:
        """Stop and let go."""
        ...


_LOCK = threading.Lock()
_BY_NAME: dict[str, Closable] = {}
_BY_CELL: dict[str, tuple[Any, list[Closable]]] = {}
"""By cell: the execution that made the panels, and the panels."""


def make_room(name: str | None) -> None:
    """Close what is about to be replaced: the panel of that name, and those that this cell made when it ran before."""
    cell, execution = _here()
    with _LOCK:
        old = [_BY_NAME.pop(name)] if name in _BY_NAME else []
        if cell is not None and cell in _BY_CELL and _BY_CELL[cell][0] != execution:
            old += _BY_CELL.pop(cell)[1]
    for panel in dict.fromkeys(old):
        panel.close()


def remember(panel: Closable, name: str | None) -> None:
    """Know a panel by its name and by the cell that runs now."""
    cell, execution = _here()
    with _LOCK:
        if name is not None:
            _BY_NAME[name] = panel
        if cell is not None:
            _BY_CELL.setdefault(cell, (execution, []))[1].append(panel)


def _here() -> tuple[str | None, Any]:
    """The cell that runs now and which run of it this is; None outside of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or not hasattr(shell, "get_parent"):
        return None, None
    parent = shell.get_parent() or {}
    cell = (parent.get("metadata") or {}).get("cellId")
    return cell, (parent.get("header") or {}).get("msg_id")
