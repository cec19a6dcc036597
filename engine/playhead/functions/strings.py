"""What `.str` does to each string of a column, by Arrow's kernels; null stays null."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from playhead.expr import Function, Values
from playhead.functions.operands import STRING, convert, decoded, kind_of, null_like
from playhead.functions.patterns import plain

_STRING_VIEW = pa.lib.Type_STRING_VIEW


def text_of(values: Values) -> Values:
    """The strings themselves, out of a dictionary where they are in one.

    Raises
    ------
    TypeError
        If the values are no strings.
    """
    values = decoded(values)
    if kind_of(values) == "null":
        return convert(values, pa.string())
    if kind_of(values) != STRING:
        raise TypeError(f".str works on strings, not on {values.type}; .astype('string') first")
    return values.cast(pa.string()) if values.type.id == _STRING_VIEW else values


def _unary(name: str, kernel: Any) -> Function:
    def evaluate(values: Values, **options: Any) -> Values:
        return kernel(text_of(values), **options)

    evaluate.__name__ = evaluate.__qualname__ = name
    return Function(f"str.{name}", evaluate)


def _counting(name: str, kernel: Any) -> Function:
    def evaluate(values: Values, **options: Any) -> Values:
        return pc.cast(kernel(text_of(values), **options), pa.int64())

    evaluate.__name__ = evaluate.__qualname__ = name
    return Function(f"str.{name}", evaluate)


UNARY = {
    "lower": _unary("lower", pc.utf8_lower),
    "upper": _unary("upper", pc.utf8_upper),
    "title": _unary("title", pc.utf8_title),
    "capitalize": _unary("capitalize", pc.utf8_capitalize),
    "swapcase": _unary("swapcase", pc.utf8_swapcase),
    "isalpha": _unary("isalpha", pc.utf8_is_alpha),
    "isdigit": _unary("isdigit", pc.utf8_is_digit),
    "isnumeric": _unary("isnumeric", pc.utf8_is_numeric),
    "isdecimal": _unary("isdecimal", pc.utf8_is_decimal),
    "isalnum": _unary("isalnum", pc.utf8_is_alnum),
    "isspace": _unary("isspace", pc.utf8_is_space),
    "islower": _unary("islower", pc.utf8_is_lower),
    "isupper": _unary("isupper", pc.utf8_is_upper),
    "istitle": _unary("istitle", pc.utf8_is_title),
    "isascii": _unary("isascii", pc.string_is_ascii),
}
"""The functions without arguments, by pandas' names."""

STRIP_SPACE = {
    "strip": _unary("strip", pc.utf8_trim_whitespace),
    "lstrip": _unary("lstrip", pc.utf8_ltrim_whitespace),
    "rstrip": _unary("rstrip", pc.utf8_rtrim_whitespace),
}
STRIP = {
    "strip": _unary("strip", pc.utf8_trim),
    "lstrip": _unary("lstrip", pc.utf8_ltrim),
    "rstrip": _unary("rstrip", pc.utf8_rtrim),
}
PAD = {"left": _unary("pad", pc.utf8_lpad), "right": _unary("pad", pc.utf8_rpad)}
CONTAINS = _unary("contains", pc.match_substring)
CONTAINS_PATTERN = _unary("contains", pc.match_substring_regex)
STARTS_WITH = _unary("startswith", pc.starts_with)
ENDS_WITH = _unary("endswith", pc.ends_with)
REPLACE = _unary("replace", pc.replace_substring)
REPLACE_PATTERN = _unary("replace", pc.replace_substring_regex)
SLICE = _unary("slice", pc.utf8_slice_codeunits)
SLICE_REPLACE = _unary("slice_replace", pc.utf8_replace_slice)
NORMALIZE = _unary("normalize", pc.utf8_normalize)
COUNT = _counting("count", pc.count_substring_regex)


def length(values: Values) -> Values:
    """How many characters a string, or how many values a list has."""
    values = decoded(values)
    lengths = pc.list_value_length(values) if is_list(values) else pc.utf8_length(text_of(values))
    return pc.cast(lengths, pa.int64())


def is_list(values: Values) -> bool:
    """Whether the values are lists."""
    return bool(pa.types.is_list(values.type) or pa.types.is_large_list(values.type))


def center(values: Values, *, width: int, padding: str) -> Values:
    """Padded on both sides; the odd one goes where Python puts it."""
    values = text_of(values)
    missing = pc.subtract(pa.scalar(width, pa.int32()), pc.cast(pc.utf8_length(values), pa.int32()))
    left = pc.utf8_center(values, width=width, padding=padding, lean_left_on_odd_padding=True)
    right = pc.utf8_center(values, width=width, padding=padding, lean_left_on_odd_padding=False)
    odd = pc.equal(pc.bit_wise_and(missing, pa.scalar(1, pa.int32())), pa.scalar(1, pa.int32()))
    return right if width % 2 else pc.if_else(odd, left, right)


def fill_zeros(values: Values, *, width: int) -> Values:
    """Zeros in front, behind the sign if there is one."""
    values = text_of(values)
    padded = pc.utf8_lpad(values, width=width, padding="0")
    signed = pc.match_substring_regex(values, r"\A[+-]")
    return pc.if_else(signed, pc.replace_substring_regex(padded, r"\A(0*)([+-])", r"\2\1"), padded)


def find(values: Values, *, sub: str, start: int = 0) -> Values:
    """The place of the first `sub` at or after `start`, in characters, or -1."""
    text = pc.utf8_slice_codeunits(text_of(values), start=start) if start else text_of(values)
    places = pc.cast(pc.find_substring(text, sub), pa.int64())
    if not isinstance(text, pa.Scalar) and pc.all(pc.string_is_ascii(text)).as_py() is False:
        places = _characters_before(text, sub)  # the kernel counts bytes
    if not start:
        return places
    found = pc.greater_equal(places, pa.scalar(0, pa.int64()))
    long_enough = pc.greater_equal(pc.utf8_length(text_of(values)), pa.scalar(start, pa.int32()))
    shifted = pc.if_else(found, pc.add(places, pa.scalar(start, pa.int64())), places)
    return pc.if_else(long_enough, shifted, pa.scalar(-1, pa.int64()))


def _characters_before(text: Values, sub: str) -> Values:
    head = pc.struct_field(pc.extract_regex(text, rf"(?s)\A(?P<head>.*?){plain(sub)}"), [0])
    places = pc.cast(pc.utf8_length(head), pa.int64())
    return pc.if_else(pc.is_valid(text), pc.fill_null(places, pa.scalar(-1, pa.int64())), null_like(places))


def repeat(values: Values, counts: Values) -> Values:
    """The string so many times in a row."""
    return pc.binary_repeat(text_of(values), counts)


def cat(*values: Values, sep: str, na_rep: str | None = None) -> Values:
    """The strings of several columns, joined; null where one is, unless `na_rep` stands for it."""
    texts = [text_of(value) for value in values]
    handling = {"null_handling": "emit_null"} if na_rep is None else _replacing(na_rep)
    common = pa.large_string() if any(text.type == pa.large_string() for text in texts) else pa.string()
    return pc.binary_join_element_wise(*[convert(text, common) for text in texts], pa.scalar(sep, common), **handling)


def _replacing(na_rep: str) -> dict[str, str]:
    return {"null_handling": "replace", "null_replacement": na_rep}


def split(
    values: Values, *, pattern: str | None = None, n: int = -1, regex: bool = False, reverse: bool = False
) -> Values:
    """The parts of a string between separators, as a list."""
    text = text_of(values)
    if pattern is None:
        trimmed = pc.utf8_trim_whitespace(text)
        parts = pc.utf8_split_whitespace(trimmed, max_splits=n, reverse=reverse)
        nothing = pa.scalar([], parts.type)
        return pc.if_else(pc.equal(trimmed, pa.scalar("", trimmed.type)), nothing, parts)
    kernel = pc.split_pattern_regex if regex else pc.split_pattern
    return kernel(text, pattern=pattern, max_splits=n, reverse=reverse)


def element(values: Values, *, index: int) -> Values:
    """The character, or the value of a list, at `index`, from the end if negative; null where there is none."""
    values = decoded(values)
    if is_list(values):
        return _list_element(values, index)
    text = text_of(values)
    stop = index + 1 if index != -1 else None
    character = pc.utf8_slice_codeunits(text, start=index, stop=stop)
    enough = index + 1 if index >= 0 else -index
    there = pc.greater_equal(pc.utf8_length(text), pa.scalar(enough, pa.int32()))
    return pc.if_else(there, character, null_like(character))


def _list_element(lists: Values, index: int) -> Values:
    if isinstance(lists, pa.Scalar):
        return _list_element(pa.array([lists.as_py()], lists.type), index)[0]
    lengths = convert(pc.list_value_length(lists), pa.int64())
    offset = pa.scalar(index, pa.int64())
    place = offset if index >= 0 else pc.add(lengths, offset)
    inside = pc.and_(pc.less(place, lengths), pc.greater_equal(place, pa.scalar(0, pa.int64())))
    starts = pc.cast(lists.offsets[: len(lists)], pa.int64())
    return lists.values.take(pc.if_else(inside, pc.add(starts, place), pa.scalar(None, pa.int64())))


def extract(values: Values, *, pattern: str, names: tuple[str, ...], one: bool) -> Values:
    """What the groups of a pattern matched, as a struct, or as a string if there is one; null without a match."""
    groups = pc.extract_regex(text_of(values), pattern)
    if one:
        return pc.struct_field(groups, [0])
    columns = [pc.struct_field(groups, [place]) for place in range(len(names))]
    return pc.make_struct(*columns, field_names=list(names))


def struct_field(values: Values, *, name: str) -> Values:
    """One field of a struct."""
    if not pa.types.is_struct(values.type):
        raise TypeError(f".struct works on structs, not on {values.type}")
    if values.type.get_field_index(name) < 0:
        raise TypeError(f"there is no field {name!r} in {[field.name for field in values.type]}")
    return pc.struct_field(values, name)


def join(values: Values, *, sep: str) -> Values:
    """The strings of a list, joined."""
    return pc.binary_join(values, sep)


LENGTH = Function("str.len", length)
CENTER = Function("str.center", center)
FILL_ZEROS = Function("str.zfill", fill_zeros)
FIND = Function("str.find", find)
REPEAT = Function("str.repeat", repeat)
CAT = Function("str.cat", cat)
SPLIT = Function("str.split", split)
ELEMENT = Function("str.get", element)
EXTRACT = Function("str.extract", extract)
JOIN = Function("str.join", join)
STRUCT_FIELD = Function("struct.field", struct_field)
