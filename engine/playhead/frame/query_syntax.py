"""What pandas' query text has beyond Python: backticks, @ and loose & and |, turned into plain Python."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playhead.errors import PlanError

COLUMN, LOCAL = "__column_", "__local_"

_TOKEN = re.compile(
    r"""(?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|`(?P<column>[^`]*)`|@(?P<local>[A-Za-z_]\w*)|(?P<logic>[&|]+)|(?P<space>\s)""",
    re.DOTALL,
)
_LOGIC = {"&": " and ", "|": " or "}


@dataclass(frozen=True)
class Rewritten:
    """A query's text as Python code, and how to find a place of the code in the text."""

    text: str
    code: str
    names: tuple[str, ...]
    """The names in backticks, in order."""
    shifts: tuple[tuple[int, int, int], ...]
    """For each piece: where it starts in the code, where in the text, and whether it was rewritten (1) or kept (0)."""

    def pointing(self, message: str, place: int) -> str:
        """The message, and under it the text with a caret at a place of the code."""
        start, origin, rewritten = next(shift for shift in reversed(self.shifts) if shift[0] <= max(place, 0))
        caret = min(origin if rewritten else origin + place - start, len(self.text))
        shown = re.sub(r"\s", " ", self.text)
        return f"{message}\n    {shown}\n    {' ' * caret}^"


def rewrite(text: str) -> Rewritten:
    """The query as one line of Python: `` `a b` `` and `@x` as names, `&` and `|` as `and` and `or`.

    Examples
    --------
    >>> rewrite("`a b` > 1 & x == @y").code
    '__column_0 > 1  and  x == __local_y'
    """
    names: list[str] = []
    pieces, shifts, end = "", [(0, 0, 0)], 0
    for match in _TOKEN.finditer(text):
        pieces += text[end : match.start()]
        replaced = match[0]
        if match["column"] is not None:
            replaced = f"{COLUMN}{len(names)}"
            names.append(match["column"])
        elif match["local"]:
            replaced = LOCAL + match["local"]
        elif match["logic"]:
            replaced = _LOGIC.get(match["logic"], match["logic"])
        elif match["space"]:
            replaced = " "
        shifts += [(len(pieces), match.start(), 1), (len(pieces) + len(replaced), match.end(), 0)]
        pieces, end = pieces + replaced, match.end()
    code = pieces + text[end:]
    if "`" in text[end:]:
        raise PlanError(f"a backtick is not closed\n    {text}\n    {' ' * text.rindex('`')}^")
    lead = len(code) - len(code.lstrip())
    moved = tuple((max(start - lead, 0), origin, kind) for start, origin, kind in shifts)
    return Rewritten(text, code.strip(), tuple(names), moved if lead == 0 else ((0, lead, 0), *moved[1:]))
