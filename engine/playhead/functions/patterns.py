"""Regular expressions as Python writes them, as RE2 (which Arrow runs) reads them.

RE2 takes time in proportion to the text, so it has no look-around and no back-references in a pattern;
everything else that is common is the same.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from playhead.errors import PlanError

_REFERENCE = re.compile(r"\\g<(?P<name>\w+)>")
_GROUP = re.compile(r"\\.|\[(?:\\.|\^?\](?:\\.|[^\]\\])*|[^\]\\])*\]|\((?!\?)")


def require_pattern(pattern: Any) -> str:
    """The pattern itself if RE2 takes it, or the error that says why not."""
    if isinstance(pattern, re.Pattern):
        pattern = inline_flags(pattern)
    if not isinstance(pattern, str):
        raise PlanError(f"a pattern is a string, not {pattern!r}")
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        raise PlanError(
            f"the pattern {pattern!r} cannot be used: {error}; look-around and \\1 do not exist here"
        ) from error
    return pattern


def inline_flags(pattern: re.Pattern[str]) -> str:
    """A compiled pattern as text, its flags in front."""
    letters = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}
    known = sum(letters)
    if pattern.flags & ~(known | re.UNICODE):
        raise PlanError(
            f"of a compiled pattern's flags only IGNORECASE, MULTILINE and DOTALL are known here: {pattern!r}"
        )
    flags = "".join(letter for flag, letter in letters.items() if pattern.flags & flag)
    return f"(?{flags}){pattern.pattern}" if flags else pattern.pattern


def from_start(pattern: str) -> str:
    r"""The pattern at the start of the text only.

    Examples
    --------
    >>> from_start("a|b")
    '\\A(?:a|b)'
    """
    return rf"\A(?:{pattern})"


def whole(pattern: str) -> str:
    """The pattern over the whole text only."""
    return rf"\A(?:{pattern})\z"


def plain(text: str) -> str:
    """A pattern that stands for the text itself."""
    return re.escape(text)


def replacement(text: str, pattern: str) -> str:
    r"""Python's replacement text as RE2 writes it: `\g<1>` and `\g<name>` become `\1`."""
    numbers = re.compile(pattern).groupindex if _REFERENCE.search(text) else {}

    def number(match: re.Match[str]) -> str:
        name = match["name"]
        if not name.isdigit() and name not in numbers:
            raise PlanError(f"the pattern {pattern!r} has no group {name!r}")
        return f"\\{numbers.get(name, name)}"

    return _REFERENCE.sub(number, text)


def named_groups(pattern: str) -> tuple[str, tuple[str, ...]]:
    """The pattern with every group named, and the names: a group without one is called by its place, from 0.

    Examples
    --------
    >>> named_groups("([a-z])(?P<digit>[0-9])")
    ('(?P<g0>[a-z])(?P<digit>[0-9])', ('0', 'digit'))
    """
    compiled = re.compile(pattern)
    if not compiled.groups:
        raise PlanError(f"the pattern {pattern!r} has no group; put parentheses round what is to be extracted")
    names = {place - 1: name for name, place in compiled.groupindex.items()}
    free = iter([place for place in range(compiled.groups) if place not in names])
    named = _GROUP.sub(lambda match: f"(?P<g{next(free)}>" if match[0] == "(" else match[0], pattern)
    return named, tuple(names.get(place, str(place)) for place in range(compiled.groups))
