"""`column.str`: pandas' string methods."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from playhead.errors import PlanError
from playhead.expr import Function
from playhead.functions import strings
from playhead.functions.patterns import (
    from_start,
    inline_flags,
    named_groups,
    plain,
    replacement,
    require_pattern,
    whole,
)

if TYPE_CHECKING:
    from playhead.frame.column import Column

Pattern = str | re.Pattern[str]


class StringMethods:
    """What can be done to each string of a column, by pandas' names; null stays null.

    Examples
    --------
    >>> import playhead as ph
    >>> ph.col("carrier").str.upper().str.startswith("A")
    Column: str.startswith(str.upper(carrier), pattern='A')
    """

    __slots__ = ("_column",)

    def __init__(self, column: Column) -> None:
        self._column = column

    def _unary(self, name: str) -> Column:
        return self._column._of(strings.UNARY[name])

    def lower(self) -> Column:
        """In lower case."""
        return self._unary("lower")

    def upper(self) -> Column:
        """In upper case."""
        return self._unary("upper")

    def title(self) -> Column:
        """Every word with a capital."""
        return self._unary("title")

    def capitalize(self) -> Column:
        """The first character in upper case, the others in lower case."""
        return self._unary("capitalize")

    def swapcase(self) -> Column:
        """Upper case becomes lower case and the other way round."""
        return self._unary("swapcase")

    def isalpha(self) -> Column:
        """Whether there are letters only."""
        return self._unary("isalpha")

    def isdigit(self) -> Column:
        """Whether there are digits only."""
        return self._unary("isdigit")

    def isnumeric(self) -> Column:
        """Whether there are numeric characters only."""
        return self._unary("isnumeric")

    def isdecimal(self) -> Column:
        """Whether there are decimal digits only."""
        return self._unary("isdecimal")

    def isalnum(self) -> Column:
        """Whether there are letters and digits only."""
        return self._unary("isalnum")

    def isspace(self) -> Column:
        """Whether there is white space only."""
        return self._unary("isspace")

    def islower(self) -> Column:
        """Whether all letters are lower case."""
        return self._unary("islower")

    def isupper(self) -> Column:
        """Whether all letters are upper case."""
        return self._unary("isupper")

    def istitle(self) -> Column:
        """Whether every word has a capital."""
        return self._unary("istitle")

    def isascii(self) -> Column:
        """Whether there are ASCII characters only."""
        return self._unary("isascii")

    def len(self) -> Column:
        """How many characters, or how many values of a list."""
        return self._column._of(strings.LENGTH)

    def strip(self, to_strip: str | None = None) -> Column:
        """Without white space, or the characters `to_strip`, at both ends."""
        return self._strip("strip", to_strip)

    def lstrip(self, to_strip: str | None = None) -> Column:
        """Without white space, or the characters `to_strip`, in front."""
        return self._strip("lstrip", to_strip)

    def rstrip(self, to_strip: str | None = None) -> Column:
        """Without white space, or the characters `to_strip`, at the end."""
        return self._strip("rstrip", to_strip)

    def _strip(self, name: str, characters: str | None) -> Column:
        if characters is None:
            return self._column._of(strings.STRIP_SPACE[name])
        return self._column._of(strings.STRIP[name], characters=characters)

    def contains(self, pat: Pattern, case: bool = True, *, regex: bool = True, na: bool | None = None) -> Column:
        """Whether the pattern, or the text `pat` itself with `regex=False`, is in the string; `na` for null."""
        if regex and (isinstance(pat, re.Pattern) or plain(pat) != pat):
            found = self._match(require_pattern(pat), case)
        else:
            found = self._column._of(strings.CONTAINS, pattern=_text(pat), ignore_case=None if case else True)
        return _with_na(found, na)

    def match(self, pat: Pattern, case: bool = True, *, na: bool | None = None) -> Column:
        """Whether the string starts with the pattern."""
        return _with_na(self._match(from_start(require_pattern(pat)), case), na)

    def fullmatch(self, pat: Pattern, case: bool = True, *, na: bool | None = None) -> Column:
        """Whether the whole string is the pattern."""
        return _with_na(self._match(whole(require_pattern(pat)), case), na)

    def _match(self, pattern: str, case: bool) -> Column:
        return self._column._of(strings.CONTAINS_PATTERN, pattern=pattern, ignore_case=None if case else True)

    def startswith(self, pat: str | tuple[str, ...], na: bool | None = None) -> Column:
        """Whether the string starts with `pat`, or with one of several."""
        return _with_na(self._any_of(strings.STARTS_WITH, pat), na)

    def endswith(self, pat: str | tuple[str, ...], na: bool | None = None) -> Column:
        """Whether the string ends with `pat`, or with one of several."""
        return _with_na(self._any_of(strings.ENDS_WITH, pat), na)

    def _any_of(self, function: Function, pat: str | tuple[str, ...]) -> Column:
        first, *others = pat if isinstance(pat, tuple) and pat else (pat,)
        result = self._column._of(function, pattern=_text(first))
        for other in others:
            result = result | self._column._of(function, pattern=_text(other))
        return result

    def replace(self, pat: Pattern, repl: str, n: int = -1, case: bool | None = None, *, regex: bool = False) -> Column:
        """The string with `repl` for `pat`, the first `n` times (-1: always); groups as in `re.sub` if `regex`."""
        most = None if n < 0 else n
        if not isinstance(repl, str):
            raise PlanError("replace takes a string; for a function of each match use .apply")
        if not regex and not isinstance(pat, re.Pattern) and case is not False:
            return self._column._of(strings.REPLACE, pattern=_text(pat), replacement=repl, max_replacements=most)
        source = inline_flags(pat) if isinstance(pat, re.Pattern) else _text(pat) if regex else plain(_text(pat))
        ours = replacement(repl, source) if regex else repl.replace("\\", r"\\")
        pattern = require_pattern(source if case is not False else f"(?i){source}")
        return self._column._of(strings.REPLACE_PATTERN, pattern=pattern, replacement=ours, max_replacements=most)

    def removeprefix(self, prefix: str) -> Column:
        """Without `prefix` in front."""
        return self._column._of(strings.REPLACE_PATTERN, pattern=rf"\A{plain(prefix)}", replacement="")

    def removesuffix(self, suffix: str) -> Column:
        """Without `suffix` at the end."""
        return self._column._of(strings.REPLACE_PATTERN, pattern=rf"{plain(suffix)}\z", replacement="")

    def slice(self, start: int | None = None, stop: int | None = None, step: int | None = None) -> Column:
        """The characters `[start:stop:step]`."""
        step = 1 if step is None else step
        if step <= 0:
            raise PlanError(f"a step of {step} is not supported; it is a positive number")
        return self._column._of(strings.SLICE, start=start or 0, stop=stop, step=None if step == 1 else step)

    def slice_replace(self, start: int = 0, stop: int | None = None, repl: str = "") -> Column:
        """With `repl` for the characters `[start:stop]`."""
        stop = 2**31 - 1 if stop is None else stop
        return self._column._of(strings.SLICE_REPLACE, start=start, stop=stop, replacement=repl)

    def get(self, i: int) -> Column:
        """The character, or the value of a list, at place `i`; null where there is none."""
        return self._column._of(strings.ELEMENT, index=i)

    def __getitem__(self, key: Any) -> Column:
        if isinstance(key, slice):
            return self.slice(key.start, key.stop, key.step)
        return self.get(key)

    def split(self, pat: Pattern | None = None, n: int = -1, *, regex: bool | None = None) -> Column:
        """The parts between separators, as a list; `.str[i]` takes one of them."""
        is_pattern = isinstance(pat, re.Pattern) or bool(regex) or (regex is None and pat is not None and len(pat) > 1)
        return self._split(pat, n, is_pattern, reverse=False)

    def rsplit(self, pat: str | None = None, n: int = -1) -> Column:
        """The parts between separators, as a list; `n` counts from the end."""
        return self._split(pat, n, False, reverse=True)

    def _split(self, pat: Pattern | None, n: int, regex: bool, *, reverse: bool) -> Column:
        pattern = None if pat is None else require_pattern(pat) if regex else _text(pat)
        return self._column._of(
            strings.SPLIT, pattern=pattern, n=n if n > 0 else None, regex=regex or None, reverse=reverse or None
        )

    def join(self, sep: str) -> Column:
        """The strings of a list, joined."""
        return self._column._of(strings.JOIN, sep=sep)

    def find(self, sub: str, start: int = 0) -> Column:
        """The place of the first `sub` at or after `start`, or -1."""
        if start < 0:
            raise PlanError("find counts its start from the front")
        return self._column._of(strings.FIND, sub=_text(sub), start=start or None)

    def count(self, pat: Pattern) -> Column:
        """How often the pattern is in the string."""
        return self._column._of(strings.COUNT, pattern=require_pattern(pat))

    def pad(self, width: int, side: Literal["left", "right", "both"] = "left", fillchar: str = " ") -> Column:
        """At least `width` characters, filled up on one side or both."""
        if side not in ("left", "right", "both"):
            raise PlanError(f"side is 'left', 'right' or 'both', not {side!r}")
        function = strings.CENTER if side == "both" else strings.PAD[side]
        return self._column._of(function, width=width, padding=fillchar)

    def ljust(self, width: int, fillchar: str = " ") -> Column:
        """At least `width` characters, filled up at the end."""
        return self.pad(width, "right", fillchar)

    def rjust(self, width: int, fillchar: str = " ") -> Column:
        """At least `width` characters, filled up in front."""
        return self.pad(width, "left", fillchar)

    def center(self, width: int, fillchar: str = " ") -> Column:
        """At least `width` characters, filled up on both sides."""
        return self.pad(width, "both", fillchar)

    def zfill(self, width: int) -> Column:
        """Zeros in front, behind the sign, up to `width` characters."""
        return self._column._of(strings.FILL_ZEROS, width=width)

    def repeat(self, repeats: Any) -> Column:
        """The string so many times in a row; `repeats` may be a column."""
        return self._column._of(strings.REPEAT, repeats)

    def cat(self, others: Any, sep: str = "", na_rep: str | None = None) -> Column:
        """The string with those of other columns behind it; null where one is, unless `na_rep` stands for it."""
        columns = list(others) if isinstance(others, Iterable) and isinstance(others, list | tuple) else [others]
        return self._column._of(strings.CAT, *columns, sep=sep, na_rep=na_rep)

    def extract(self, pat: Pattern, *, expand: bool = True) -> Column:
        """What the groups of the pattern matched, as a struct (`.struct.field(name)`); a string if not `expand`."""
        pattern, names = named_groups(inline_flags(pat) if isinstance(pat, re.Pattern) else _text(pat))
        if not expand and len(names) > 1:
            raise PlanError(f"expand=False is for one group, and {pat!r} has {len(names)}")
        return self._column._of(strings.EXTRACT, pattern=require_pattern(pattern), names=names, one=not expand)

    def normalize(self, form: Literal["NFC", "NFKC", "NFD", "NFKD"]) -> Column:
        """In a normal form of Unicode."""
        return self._column._of(strings.NORMALIZE, form=form)


class StructMethods:
    """`column.struct`: the fields of a struct column."""

    __slots__ = ("_column",)

    def __init__(self, column: Column) -> None:
        self._column = column

    def field(self, name: str) -> Column:
        """The field called `name`."""
        return self._column._of(strings.STRUCT_FIELD, name=name)


def _with_na(found: Column, na: bool | None) -> Column:
    return found if na is None else found.fillna(na)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise PlanError(f"a string is needed, not {value!r}")
    return value
