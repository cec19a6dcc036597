"""Checkpoints on an object store: an emulator of S3, started for these tests; real S3 was not available to them."""

from __future__ import annotations

import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs
from recovery_runs import check, run_until

import playhead as ph
from playhead.checkpoint.ownership import Ownership
from playhead.checkpoint.store import FileStore
from playhead.errors import FencedError


@pytest.fixture(scope="module")
def store():
    """A file system of Arrow's on an emulated S3, with the bucket `bucket`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _, port = server.get_host_and_port()
    filesystem = fs.S3FileSystem(
        access_key="a", secret_key="b", endpoint_override=f"127.0.0.1:{port}", scheme="http", allow_bucket_creation=True
    )
    filesystem.create_dir("bucket")
    yield filesystem
    server.stop()


def test_a_query_resumes_from_an_object_store(counts, rows, store):
    place = {"checkpoint": "bucket/c", "checkpoint_filesystem": store, "name": "q"}
    run_until(counts, [ph.to_memory()], 10, **place)
    savepoint = run_until(counts, [ph.to_memory()], 10, parallelism=2, **place).savepoint("kept")
    check(counts.start(**place).wait().latest(), rows)
    assert savepoint.endswith("bucket/c/q/savepoints/kept")


def test_an_owner_who_was_overtaken_stops_at_its_next_checkpoint(store):
    first = Ownership(FileStore(store, "bucket/owned"), "q")
    first.require()
    second = Ownership(FileStore(store, "bucket/owned"), "q")
    with pytest.raises(FencedError, match="taken over by attempt 2"):
        first.require()
    second.require()
