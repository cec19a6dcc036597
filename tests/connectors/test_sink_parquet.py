"""What is special about Parquet: files, folders, and who reads them."""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

import playhead.io as ph
from playhead.batch import Batch
from playhead.errors import SinkError
from playhead.runtime.delivery import Delivery
from playhead.sinks.parquet import write_parquet
from playhead.sinks.sink import SinkContext

SCHEMA = pa.schema([("key", pa.string()), ("n", pa.int64())])


def batch(rows, weights=None):
    columns = list(zip(*rows, strict=True)) or [[], []]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
    return Batch(pa.RecordBatch.from_arrays(arrays, schema=SCHEMA), None if weights is None else np.array(weights))


def context(mode="append"):
    return SinkContext(SCHEMA, mode, None, "a query")


def written(sink, *epochs, failed=False, mode="append"):
    """Give a sink some epochs, without checkpoints."""
    delivery = Delivery([sink], context(mode))
    delivery.open()
    for number, changes in enumerate(epochs, 1):
        delivery.deliver(number, [changes], 0)
    delivery.close(failed=failed)


def test_without_checkpoints_there_is_one_file_at_the_end(tmp_path):
    sink = ph.to_parquet(tmp_path / "out")
    sink.open(context())
    sink.write(1, batch([("a", 1)]), 0)
    assert os.listdir(tmp_path / "out") == []
    sink.close(failed=True)
    assert os.listdir(tmp_path) == ["out"]
    written(sink, batch([("a", 1)]), batch([("b", 1)]))
    assert os.listdir(tmp_path / "out") == ["part-000000000002-00000.parquet"]
    assert os.listdir(tmp_path) == ["out"]


def test_without_checkpoints_a_file_is_seen_when_it_has_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr("playhead.sinks.parquet_files.ROW_GROUP", 2)
    sink = ph.to_parquet(tmp_path / "out", target_bytes=100)
    sink.open(context())
    for epoch in range(4):
        sink.write(epoch, batch([("a", epoch), ("b", epoch)]), 0)
        assert len(os.listdir(tmp_path / "out")) == epoch + 1
    sink.close(failed=True)
    names = [f"part-00000000000{epoch}-0000{epoch}.parquet" for epoch in range(4)]
    assert sorted(os.listdir(tmp_path / "out")) == names
    assert pq.read_table(tmp_path / "out").column("n").to_pylist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_parquet_refuses_a_folder_with_something_in_it_and_a_file(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SinkError, match=r"is not empty: it has notes\.txt"):
        ph.to_parquet(tmp_path).open(context())
    with pytest.raises(SinkError, match="is a file"):
        ph.to_parquet(tmp_path / "notes.txt").open(context())


class ForbiddenHandler(fs.FSSpecHandler):
    def __init__(self):
        pass

    def __getattribute__(self, name):
        if name in ("open_output_stream", "create_dir"):
            return self.refuse
        return super().__getattribute__(name)

    def refuse(self, *arguments, **options):
        raise PermissionError(13, "Permission denied")

    def get_file_info(self, paths):
        return [fs.FileInfo(path, fs.FileType.NotFound) for path in paths]

    def get_type_name(self):
        return "forbidden"


def test_parquet_refuses_a_folder_that_it_may_not_write_to_before_anything_runs():
    sink = ph.to_parquet("/out", filesystem=fs.PyFileSystem(ForbiddenHandler()))
    with pytest.raises(SinkError, match="cannot make the folder '/out'.*Permission denied"):
        sink.open(context())
    sink.close(failed=True)


def test_parquet_cannot_take_rows_back(tmp_path):
    sink = ph.to_parquet(tmp_path)
    sink.open(context())
    with pytest.raises(SinkError, match="epoch 4 takes rows back"):
        sink.write(4, batch([("a", 1)], [-1]), 0)
    sink.close(failed=True)
    assert os.listdir(tmp_path) == []


BATCHES = [batch([("a", 1)]).rows, batch([("b", 2)]).rows]


def broken():
    yield BATCHES[0]
    raise KeyboardInterrupt


@pytest.mark.parametrize("path", ["table.parquet", "folder/"])
def test_a_table_is_written_whole_or_not_at_all(path, tmp_path):
    target = f"{tmp_path}/{path}"
    with pytest.raises(KeyboardInterrupt):
        write_parquet(target, broken(), SCHEMA)
    assert [name for _, _, names in os.walk(tmp_path) for name in names] == []
    assert write_parquet(target, iter(BATCHES), SCHEMA) == 2
    assert pq.read_table(target).to_pylist() == [{"key": "a", "n": 1}, {"key": "b", "n": 2}]
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []


def test_a_table_that_is_there_is_replaced_only_by_a_whole_one(tmp_path):
    target = tmp_path / "table.parquet"
    write_parquet(target, BATCHES[:1], SCHEMA)
    with pytest.raises(KeyboardInterrupt):
        write_parquet(target, broken(), SCHEMA)
    assert pq.read_table(target).num_rows == 1
    write_parquet(target, BATCHES, SCHEMA)
    assert pq.read_table(target).num_rows == 2
    with pytest.raises(SinkError, match="cannot write to"):
        write_parquet(tmp_path / "no" / "folder" / "table.parquet", BATCHES, SCHEMA)
