"""Files that are missing, broken or different from each other: what the user is told, and what goes on."""

from __future__ import annotations

import json
from threading import Event

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

import playhead.io as ph
from playhead.errors import ColumnNotFoundError, DataError, EventTimeError, PlanError, SourceError


def read(frame, columns=None):
    source = frame.node.source
    return [
        chunk
        for split in source.splits()
        for chunk in source.read(split, columns or source.schema.names, None, Event())
    ]


def rows_in(chunks):
    return [row for chunk in chunks for row in chunk.rows.to_pylist()]


def rejected_in(chunks):
    """(line number or row, reason) of everything that was rejected."""
    found = []
    for chunk in chunks:
        if chunk.rejected:
            places = [place.rpartition(":")[2] for place in chunk.rejected.position]
            found += zip(places, chunk.rejected.reason, strict=True)
    return found


@pytest.fixture
def folder(tmp_path):
    pq.write_table(pa.table({"n": [1, 2]}), tmp_path / "trades.parquet")
    (tmp_path / "trades.csv").write_text("n\n1\n2\n")
    (tmp_path / "trades.jsonl").write_text('{"n": 1}\n{"n": 2}\n')
    return tmp_path


READERS = {ph.read_parquet: "parquet", ph.read_csv: "csv", ph.read_json: "jsonl"}
every_reader = pytest.mark.parametrize(
    ("read_files", "ending"), READERS.items(), ids=lambda each: getattr(each, "__name__", "")
)


@every_reader
def test_a_missing_file_is_named_with_the_nearest_one_that_is_there(read_files, ending, folder):
    with pytest.raises(DataError, match=rf"no file or folder '.*trade\.{ending}'; did you mean 'trades\.{ending}'"):
        read_files(folder / f"trade.{ending}")


@every_reader
def test_a_missing_folder_is_named(read_files, ending, folder):
    with pytest.raises(DataError, match="the folder '.*nowhere' does not exist either"):
        read_files(folder / "nowhere" / f"trades.{ending}")


@every_reader
def test_a_glob_without_a_match_lists_what_is_there(read_files, ending, folder):
    with pytest.raises(DataError, match=r"no file matches '.*quotes\*'.*trades"):
        read_files(f"{folder}/quotes*")


@every_reader
def test_a_folder_without_such_files_says_so(read_files, ending, folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match=rf"no file that ends with .*\.{ending}.*notes\.txt"):
        read_files(other)


@every_reader
def test_hidden_and_unfinished_files_are_not_taken(read_files, ending, folder):
    for name in (f".hidden.{ending}", f"_temporary.{ending}", f"later.{ending}.tmp"):
        (folder / name).write_bytes(b"not yet")
    assert [row["n"] for row in rows_in(read(read_files(folder)))] == [1, 2]


@every_reader
def test_globs_go_into_folders_and_file_systems_and_addresses_are_understood(read_files, ending, folder):
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / f"z.{ending}").write_bytes((folder / f"trades.{ending}").read_bytes())
    for path in (
        f"{folder}/**/*.{ending}",
        [folder / f"trades.{ending}", folder / "deep"],
        f"file://{folder}/**/*.{ending}",
    ):
        assert len(rows_in(read(read_files(path)))) == 4, path
    inside = fs.SubTreeFileSystem(str(folder), fs.LocalFileSystem())
    assert len(rows_in(read(read_files("deep", filesystem=inside)))) == 2


@every_reader
def test_a_list_of_nothing_and_a_path_that_is_none_are_refused(read_files, ending, folder):
    with pytest.raises(PlanError, match="an empty list of paths"):
        read_files([])
    with pytest.raises(PlanError, match="a path is text"):
        read_files(17)


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"PAR1 something PAR1"])
def test_a_broken_parquet_file_is_named(damage, folder):
    (folder / "bad.parquet").write_bytes(damage)
    with pytest.raises(DataError, match=r"bad\.parquet is not a whole Parquet file"):
        ph.read_parquet(folder / "bad.parquet")


def test_a_parquet_file_that_was_cut_short_is_named(folder):
    whole = (folder / "trades.parquet").read_bytes()
    (folder / "bad.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"bad\.parquet is not a whole Parquet file"):
        ph.read_parquet(folder)


def test_parquet_that_goes_bad_after_the_frame_was_made_is_an_error_that_says_where(folder):
    frame = ph.read_parquet(folder / "trades.parquet")
    (folder / "trades.parquet").write_bytes(b"overwritten")
    with pytest.raises(SourceError, match=r"trades\.parquet cannot be read after row 0"):
        read(frame)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"n": pa.array([1], pa.int32())}, "has 'n' as int32, the first file as int64"),
        ({"m": pa.array([1])}, "has no column 'n'"),
        ({"n": pa.array([1]), "m": pa.array([1])}, r"has the columns \['m'\]"),
    ],
)
def test_parquet_files_that_differ_are_refused_with_file_and_column(other, words, folder):
    pq.write_table(pa.table(other), folder / "zz.parquet")
    with pytest.raises(DataError, match=rf"zz\.parquet {words}"):
        ph.read_parquet(folder)


def test_csv_files_that_differ_are_refused_with_file_and_column(folder):
    (folder / "zz.csv").write_text("m\n1\n")
    with pytest.raises(DataError, match=r"zz\.csv has no column 'n'"):
        ph.read_csv(folder)
    (folder / "zz.csv").write_text("m,n\n1,3\n")
    with pytest.raises(DataError, match=r"zz\.csv has the columns \['m'\]"):
        ph.read_csv(folder)
    assert [row["n"] for row in rows_in(read(ph.read_csv(folder, columns=["n"])))] == [1, 2, 3]


def test_bad_csv_lines_are_rejected_with_the_right_line_and_the_rest_is_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(
        b"n,name\n"
        b"1,one\n"
        b"\n"
        b"two,2\n"  # 4
        b'3,"three\nlines\nhere"\n'
        b"4,four,5\n"  # 8
        b"5\n"  # 9
        b"6,\xff\xfe\n"  # 10
        b'7,5" pipe\n'
        b'8,"open\n'  # 12
        b"9,nine"
    )
    chunks = read(ph.read_csv(tmp_path / "a.csv", schema={"n": "int64", "name": "string"}))
    assert [row["n"] for row in rows_in(chunks)] == [1, 3, 7, 9]
    assert rejected_in(chunks) == [
        ("4", "column 'n': 'two' is no int64"),
        ("8", "3 cells where there are 2 columns"),
        ("9", "1 cells where there are 2 columns"),
        ("10", "column 'name': broken UTF-8"),
        ("12", "a quotation mark is not closed"),
    ]


def test_bad_json_lines_are_rejected_with_the_right_line_and_the_rest_is_read(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(
        b'{"n": 1}\n'
        b"\n"
        b"nonsense\n"  # 3
        b'{"n": "two"}\n'  # 4
        b'{"n": 3, "name": "\xff"}\n'  # 5
        b"[4]\n"  # 6
        b'{"n": 5.5}\n'  # 7
        b'{"n": 6\n'  # 8
        b'{"n": 7}\n'
        b'{"name": "without n"}\n'
        b'{"n": 99999999999999999999}'  # 11
    )
    chunks = read(ph.read_json(tmp_path / "a.jsonl", schema={"n": "int64", "name": "string"}))
    assert [row["n"] for row in rows_in(chunks)] == [1, 7, None]
    assert [place for place, _ in rejected_in(chunks)] == ["3", "4", "5", "6", "7", "8", "11"]
    assert all(reason for _, reason in rejected_in(chunks))


@pytest.mark.parametrize(("read_files", "ending"), [(ph.read_csv, "csv"), (ph.read_json, "jsonl")])
def test_a_bad_line_stops_reading_with_file_line_and_reason_if_the_user_wants_it(read_files, ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    path.write_text({"csv": "n\n1\nx\n", "jsonl": '{"n": 1}\n\n{"n": "x"}\n'}[ending])
    with pytest.raises(DataError, match=rf"a\.{ending}:3: .*the input was"):
        read(read_files(path, schema={"n": "int64"}, on_error="raise"))


def test_lines_are_rejected_whatever_columns_a_query_reads(tmp_path):
    (tmp_path / "a.csv").write_text("n,m\n1,1\nx,2\n3,x\n")
    frame = ph.read_csv(tmp_path / "a.csv", schema={"n": "int64", "m": "int64"})
    for columns in (["n"], ["m"], ["n", "m"]):
        assert len(rows_in(read(frame, columns))) == 1
        assert len(rejected_in(read(frame, columns))) == 2


def test_many_bad_lines_over_many_blocks_keep_their_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("playhead.sources.text_blocks.BLOCK", 200)
    lines = ["n,text"] + [f'{i if i % 3 else "x"},"a\nb"' for i in range(100)]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    chunks = read(ph.read_csv(tmp_path / "a.csv", schema={"n": "int64", "text": "string"}))
    assert [row["n"] for row in rows_in(chunks)] == [i for i in range(100) if i % 3]
    assert [int(place) for place, _ in rejected_in(chunks)] == [2 + 2 * i for i in range(100) if i % 3 == 0]


def test_a_file_without_any_line_needs_a_schema(tmp_path):
    for read_files, ending in ((ph.read_csv, "csv"), (ph.read_json, "jsonl")):
        path = tmp_path / f"empty.{ending}"
        path.write_text("")
        with pytest.raises(DataError, match="is empty, so that its columns are unknown; pass schema="):
            read_files(path)
        assert rows_in(read(read_files(path, schema={"n": "int64"}))) == []


def test_two_columns_of_one_name_are_refused_by_name(tmp_path):
    (tmp_path / "a.csv").write_text("n,m,n\n1,2,3\n")
    with pytest.raises(PlanError, match=r"a\.csv: duplicate column names \['n'\]"):
        ph.read_csv(tmp_path / "a.csv")
    with pytest.raises(PlanError, match=r"duplicate column names \['n'\]"):
        ph.from_arrow(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["n", "n"]))
    with pytest.raises(PlanError, match=r"duplicate column names \['n'\]"):
        ph.from_pandas(pd.DataFrame([[1, 2]], columns=["n", "n"]))


def test_other_encodings_are_named_and_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    (tmp_path / "a.csv").write_bytes("n\n1\n".encode("utf-16"))
    with pytest.raises(DataError, match="is UTF-16"):
        ph.read_csv(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfn\r\n1\r\n")
    assert rows_in(read(ph.read_csv(tmp_path / "a.csv"))) == [{"n": 1}]


def test_a_json_field_outside_of_the_schema_is_warned_of_once_and_by_name(tmp_path):
    lines = [json.dumps({"n": i, **({"extra": 1} if i > 2 else {})}) for i in range(6)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    frame = ph.read_json(tmp_path / "a.jsonl", columns=["n"])
    assert len(rows_in(read(frame))) == 6
    source = ph.read_json(tmp_path / "a.jsonl", schema={"n": "int64"}).node.source
    object.__setattr__(source.format, "schema", pa.schema([("n", pa.int64())]))
    source.timing = ph.read_json(tmp_path / "a.jsonl", columns=["n"]).node.source.timing
    with pytest.warns(UserWarning, match="'extra'") as warnings:
        list(source.read(source.splits()[0], ["n"], None, Event()))
    assert len(warnings) == 1


def test_types_that_a_format_does_not_have_are_refused_when_the_frame_is_made(tmp_path):
    (tmp_path / "a.csv").write_text("n\n1\n")
    with pytest.raises(PlanError, match="asks for a type that the format does not have"):
        ph.read_csv(tmp_path / "a.csv", schema={"n": "float16"})
    with pytest.raises(ColumnNotFoundError, match="did you mean 'n'"):
        ph.read_csv(tmp_path / "a.csv", schema={"nn": "int64"})


def test_nested_columns_and_all_kinds_of_values_pass_through_parquet(tmp_path):
    nested = pa.table(
        {
            "list": pa.array([[1, 2], None]),
            "struct": pa.array([{"a": 1}, {"a": None}]),
            "decimal": pa.array([None, 1]).cast(pa.decimal128(21, 2)),
            "category": pa.array(["x", None]).dictionary_encode(),
            "time": pa.array([0, 1], pa.time64("us")),
            "duration": pa.array([0, None], pa.duration("us")),
            "binary": pa.array([b"\xff", None]),
            "day": pa.array([-1, 0], pa.date32()),
        }
    )
    pq.write_table(nested, tmp_path / "a.parquet")
    frame = ph.read_parquet(tmp_path / "a.parquet", time="day", tz="America/New_York")
    assert [row["struct"] for row in rows_in(read(frame))] == [{"a": 1}, {"a": None}]
    assert [row["day"].isoformat() for row in rows_in(read(frame))] == [
        "1969-12-31T00:00:00-05:00",
        "1970-01-01T00:00:00-05:00",
    ]


def test_nanoseconds_are_rejected_in_files_and_refused_in_memory(tmp_path):
    times = pa.array([1_000, 1_001, 2_000], pa.timestamp("ns"))
    pq.write_table(pa.table({"at": times}), tmp_path / "a.parquet")
    chunks = read(ph.read_parquet(tmp_path / "a.parquet", time="at"))
    assert len(rows_in(chunks)) == 2
    assert [place for place, _ in rejected_in(chunks)] == ["row 1"]
    assert "nanoseconds that do not fit" in rejected_in(chunks)[0][1]
    with pytest.raises(EventTimeError, match=r"\.dt\.floor\('us'\)"):
        ph.from_pandas(pa.table({"at": times}).to_pandas(), time="at")


def test_a_file_that_is_named_twice_is_refused(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    with pytest.raises(PlanError, match="is named twice"):
        ph.read_parquet([tmp_path / "a.parquet", str(tmp_path / "a.parquet")])


def test_a_choice_of_columns_includes_those_that_are_spoken_of(tmp_path):
    pq.write_table(pa.table({"at": pa.array([0], pa.timestamp("us")), "a": [1]}), tmp_path / "a.parquet")
    for options, words in [
        ({"time": "at"}, "columns= must include the event time 'at'"),
        ({"arrival": "at"}, "columns= must include the arrival 'at'"),
        ({"sequence": ["a", "at"]}, "columns= must include the sequence 'at'"),
    ]:
        with pytest.raises(PlanError, match=words):
            ph.read_parquet(tmp_path / "a.parquet", columns=["a"], **options)


def test_what_is_listed_beside_a_missing_file_is_of_its_kind_first_and_never_hidden(tmp_path):
    for name in [".hidden.parquet", "a.txt", "b.txt", "zzz.parquet"]:
        (tmp_path / name).write_text("")
    with pytest.raises(DataError, match=r"there is zzz\.parquet, a\.txt, b\.txt$"):
        ph.read_parquet(tmp_path / "quite-another-name.parquet")
    with pytest.raises(DataError, match=r"did you mean 'zzz\.parquet'"):
        ph.read_parquet(tmp_path / "zzy.parquet")
