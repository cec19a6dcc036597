"""Many records are parsed at once, and each of them is judged as if it stood alone."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playhead.sources.kafka_columns import KafkaColumns, record_format
from playhead.sources.timing import Declared


@dataclass(frozen=True)
class Record:
    """Stands in for the client's message."""

    number: int
    content: bytes | None

    def value(self):
        return self.content

    def key(self):
        return f"key {self.number}".encode()

    def offset(self):
        return self.number


def stream(*batches):
    sink = pa.BufferOutputStream()
    schema = batches[0].schema if batches else pa.schema([("n", pa.int64())])
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def of_numbers(*numbers):
    return pa.record_batch({"n": pa.array(numbers, pa.int64())})


JSON = [
    *(b'{"n": 1}', b'{"n": 2}', b'{"n": null}', b"{}", b' {"n": 3}\n', b'{\n"n":\n4\n}', b'{"n": 5}{"n": 6}'),
    *(b"", b" ", b"\n", b"[]", b"7", b"null", b'{"n": "x"}', b'{"n": 1', b'"n": 2}', b"{", b"}", b'{"n": 8}\n{"n": 9}'),
    *(b'{"m": {"n": 1}', b'{"m": "}', b'{", "n": 1}', b'{"n": 1}\x00'),
    *(b'{"m": "\xff", "n": 1}', b'{"m": "a\nb", "n": 1}'),
]  # fmt: skip
CSV = [b"1", b"2", b"", b"x", b'"3"', b"4\n5", b"6\n", b'"7', b'"8\n"', b"9,1", b'a"b,"c', b'""', b"\n", b"\xff"]
ARROW = [
    *(stream(of_numbers(1)), stream(of_numbers(2)), stream(of_numbers(3, 4)), stream(), stream(of_numbers())),
    *(stream(of_numbers(5), of_numbers(6, 7)), stream(of_numbers(8)) + stream(of_numbers(9)), b"", b"no stream"),
    *(stream(of_numbers(1))[:-8], stream(of_numbers(1))[:60], stream(pa.record_batch({"n": pa.array([1], pa.int8())}))),
    stream(pa.record_batch({"m": [1]})),
]


def outcome(format, records):
    """(rows as key and number, numbers of the records that are bad)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, _ = format.rows(records, ())
    rows = [(row["k"], row["n"]) for batch in found.batches for row in batch.to_pylist()]
    return rows, sorted(record.number for record, _ in found.bad)


@pytest.mark.parametrize(("name", "values"), {"json": JSON, "csv": CSV, "arrow": ARROW}.items())
@given(data=st.data())
def test_a_record_among_others_becomes_what_it_becomes_alone(name, values, data):
    columns = KafkaColumns({"k": "string", "n": "int64"}, name, key="k")
    format, _, _ = record_format(columns, Declared())
    chosen = data.draw(st.lists(st.sampled_from([*values[:3], *values]), max_size=12))
    records = [Record(number, value) for number, value in enumerate(chosen)]
    alone = [outcome(format, [record]) for record in records]
    rows, bad = [row for rows, _ in alone for row in rows], [number for _, some in alone for number in some]
    assert outcome(format, records) == (rows, bad)


def valid(text):
    """Python's own opinion of one value of JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("n"), int | None) else None


@pytest.mark.parametrize("value", JSON)
def test_a_value_of_json_is_good_if_python_reads_an_object_from_it(value):
    format, _, _ = record_format(KafkaColumns({"k": "string", "n": "int64"}, key="k"), Declared())
    rows, bad = outcome(format, [Record(0, value)])
    expected = valid(value)
    assert (rows, bad) == (([], [0]) if expected is None else ([("key 0", expected.get("n"))], []))
