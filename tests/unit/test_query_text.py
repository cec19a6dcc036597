"""The text of `frame.query`: what it means, against pandas, and how it is told that it means nothing."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from playhead.errors import ColumnNotFoundError, PlanError
from playhead.expr import compile_expr
from playhead.frame.query_text import parse_query

FRAME = pd.DataFrame(
    {
        "delay": [5, 70, 61, -3],
        "carrier": ["AA", "UA", "A&A", "B6"],
        "tail num": ["N1", "N2", "N1", "X"],
        "price": [1.5, -2.5, 4.0, 0.0],
        "departed": pd.to_datetime(
            ["2013-01-01 05:00", "2013-07-01 23:30", "2013-11-03 00:00", "2014-01-01 12:00"]
        ).as_unit("us"),
    }
)
ROWS = pa.RecordBatch.from_pandas(FRAME, preserve_index=False)
CARRIERS, LIMIT = ["AA", "B6"], 60
VARIABLES = {"CARRIERS": CARRIERS, "LIMIT": LIMIT, "twice": lambda column: column * 2}


@pytest.mark.parametrize(
    "text",
    [
        "delay > 60",
        "delay > 60 and carrier == 'UA'",
        "delay > 60 & carrier == 'UA'",
        "delay > 60 | carrier == 'AA' & price < 0",
        "carrier == 'A&A' or carrier == \"a | b\"",
        "not delay > 60",
        "~(delay > 60)",
        "0 < delay <= 61",
        "0 < delay <= 61 != price",
        "60 < delay",
        "carrier in ['AA', 'UA']",
        "carrier not in ('AA', 'UA')",
        "carrier in @CARRIERS",
        "carrier == ['AA', 'UA']",
        "carrier != ['AA', 'UA']",
        "delay > @LIMIT",
        "delay > @LIMIT + 1",
        "`tail num` == 'N1'",
        "`tail num` == 'N1' and `tail num` != carrier",
        "delay * 2 + 1 > 100 - 2 ** 3",
        "delay % 2 == 1 and delay // 2 > 1",
        "-delay < -60",
        "delay / 2 > 30.25",
        "price.abs() > 2",
        "abs(price) > 2",
        "sqrt(abs(price)) > 1.5",
        "delay.isna() or delay.notna()",
        "delay.between(5, 61, inclusive='left')",
        "carrier.str.startswith('A')",
        "carrier.str.contains('&') == False",
        "carrier.str.len() > 2",
        "carrier.str[0] == 'A'",
        "departed.dt.hour >= 23",
        "departed.dt.year == 2013 and departed > '2013-06-01'",
        "@twice(delay) > 100",
        "(delay > 60) == True",
        "delay\n  > 60",
        "  delay > 60  ",
    ],
)
@pytest.mark.parametrize("seen", [ROWS])
def test_a_query_keeps_the_rows_that_pandas_keeps(text: str, seen: pa.RecordBatch) -> None:
    twice = VARIABLES["twice"]  # noqa: F841 - pandas finds it by name
    condition = compile_expr(parse_query(text, ROWS.schema.names, VARIABLES), ROWS.schema)(ROWS)
    expected = FRAME.query(text.strip().replace("\n", " "), engine="python")
    assert ROWS.filter(condition).to_pandas().equals(expected.reset_index(drop=True))


@pytest.mark.parametrize(
    ("text", "message", "caret"),
    [
        ("delay > > 3", "cannot be read", "> 3"),
        ("delay >", "cannot be read", ""),
        ("delay = 3", "cannot be read", None),
        ("(delay > 3", "was never closed", "(delay"),
        ("", "cannot be read", None),
        ("price > 1 and (lambda x: x)", "a query cannot contain a lambda", "lambda"),
        ("`tail num` == 'x' and [x for x in y]", "cannot contain a comprehension", "[x for"),
        ("delay if 1 else 2", r"use column.where\(condition, other\)", "delay"),
        ("price > 1 and delay << 2", "cannot contain the operator LShift", "delay <<"),
        ("carrier is None", r"use == or .isna\(\)", "None"),
        ("foo(delay) > 1", "no function 'foo'", "foo"),
        ("sqr(delay) > 1", "did you mean 'sqrt'", "sqr"),
        ("price > 1 and delay.isnaa()", "delay has no 'isnaa'; did you mean 'isna'", "delay.isnaa"),
        ("delay.__class__ == 1", "'__class__' is not for queries", "delay"),
        ("price > LIMIT", "the variable is written @LIMIT", "LIMIT"),
        ("price > @LIMITS", "no variable 'LIMITS' here, for @LIMITS; did you mean 'LIMIT'", "@LIMITS"),
        ("carrier in 'AA'", "isin takes a list of values", None),
        ("carrier in price", "not a column; use .str.contains", "price"),
        ("delay > `tail", "a backtick is not closed", "`tail"),
        ("carrier.str.upper(3) == 'A'", "takes 1 positional argument", "carrier.str"),
    ],
)
def test_what_cannot_be_asked_is_pointed_at(text: str, message: str, caret: str | None) -> None:
    with pytest.raises(PlanError, match=message) as info:
        parse_query(text, ROWS.schema.names, VARIABLES)
    shown, pointer = str(info.value).splitlines()[-2:]
    assert shown[4:] == text
    if caret is not None:
        assert text[pointer.index("^") - 4 :].startswith(caret)


@pytest.mark.parametrize("name", ["dela", "`tail nun`"])
def test_an_unknown_column_is_told_with_what_was_probably_meant(name: str) -> None:
    with pytest.raises(ColumnNotFoundError, match="did you mean '(delay|tail num)'"):
        parse_query(f"{name} > 1", ROWS.schema.names, {})


def test_text_is_needed() -> None:
    not_text: Any = 7
    with pytest.raises(PlanError, match="a query is text"):
        parse_query(not_text, ["a"], {})
