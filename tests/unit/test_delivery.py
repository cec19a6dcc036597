"""When sinks prepare and commit: by checkpoints if there are any, else after every epoch or once at a good end."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pytest

from playhead.batch import Batch
from playhead.errors import SinkError
from playhead.runtime.delivery import Delivery
from playhead.sinks.sink import Prepared, ProvisionalSink, SinkContext, TransactionalSink

SCHEMA = pa.schema([("n", pa.int64())])
LOG: list[tuple[object, ...]] = []


@pytest.fixture(autouse=True)
def empty_log():
    LOG.clear()


@dataclass
class Plain:
    name: str
    modes: tuple[str, ...] = ("append",)
    guarantee: str = "writes everything down"
    fails_at: str = ""

    def log(self, what, *more):
        LOG.append((self.name, what, *more))
        if what == self.fails_at:
            raise OSError("no space left")

    def open(self, context):
        self.log("open")

    def write(self, epoch, changes, watermark):
        self.log("write", epoch)

    def close(self, *, failed):
        self.log("close", "failed" if failed else "well")


@dataclass
class Provisional(Plain):
    def rolled_back(self, epoch):
        self.log("rolled back", epoch)


@dataclass
class Transactional(Plain):
    eager: bool = field(default=False, kw_only=True)

    def prepare(self, epoch):
        self.log("prepare", epoch)
        return Prepared({"of": self.name, "epoch": epoch})

    def commit(self, epoch, prepared):
        assert prepared.details["of"] == self.name
        self.log("commit", epoch)

    def recover(self, epoch, prepared):
        self.log("recover", epoch, prepared and prepared.details["epoch"])


def delivery(*sinks, checkpointed=False, attempt=0):
    made = Delivery(sinks, SinkContext(SCHEMA, "append", None, "q", attempt, checkpointed))
    made.open()
    LOG.clear()
    return made


def deliver(made, *epochs):
    for epoch in epochs:
        made.deliver(epoch, [Batch(pa.RecordBatch.from_pydict({"n": [epoch]}, schema=SCHEMA))], 0)


def test_the_kinds_of_sinks_are_told_apart_by_their_methods():
    assert not isinstance(Plain("p"), ProvisionalSink | TransactionalSink)
    assert isinstance(Provisional("v"), ProvisionalSink)
    assert isinstance(Transactional("t"), TransactionalSink)


def test_without_checkpoints_eager_sinks_commit_each_epoch_and_the_others_at_a_good_end():
    made = delivery(Plain("p"), Transactional("t"), Transactional("e", eager=True))
    deliver(made, 1, 4)
    assert [
        *[("p", "write", 1), ("t", "write", 1), ("e", "write", 1), ("e", "prepare", 1), ("e", "commit", 1)],
        *[("p", "write", 4), ("t", "write", 4), ("e", "write", 4), ("e", "prepare", 4), ("e", "commit", 4)],
    ] == LOG
    LOG.clear()
    made.close(failed=False)
    assert LOG == [
        ("t", "prepare", 4), ("t", "commit", 4), ("p", "close", "well"), ("t", "close", "well"), ("e", "close", "well"),
    ]  # fmt: skip


def test_an_epoch_that_changes_nothing_commits_nothing():
    made = delivery(Transactional("e", eager=True))
    assert not made.deliver(1, [], 0)
    assert LOG == []


def test_no_sink_commits_before_all_have_prepared():
    made = delivery(Transactional("a", eager=True), Transactional("b", eager=True, fails_at="prepare"))
    with pytest.raises(SinkError, match="Transactional could not prepare at epoch 1: no space left"):
        deliver(made, 1)
    assert [what for _, what, *_ in LOG] == ["write", "write", "prepare", "prepare"]
    made.close(failed=True)
    assert LOG[-2:] == [("a", "close", "failed"), ("b", "close", "failed")]


def test_a_sink_that_cannot_prepare_at_the_end_lets_none_commit():
    made = delivery(Transactional("a"), Transactional("b", fails_at="prepare"))
    deliver(made, 1)
    with pytest.raises(SinkError, match="could not prepare"):
        made.close(failed=False)
    assert ("a", "commit", 1) not in LOG
    assert LOG[-2:] == [("a", "close", "failed"), ("b", "close", "failed")]


def test_after_a_failure_nothing_is_prepared():
    made = delivery(Transactional("t"))
    deliver(made, 1)
    made.close(failed=True)
    assert LOG == [("t", "write", 1), ("t", "close", "failed")]


def test_closing_twice_or_before_opening_commits_nothing_again():
    made = Delivery([Transactional("t")], SinkContext(SCHEMA, "append", None, "q"))
    made.close(failed=False)
    assert LOG == []
    made.open()
    made.close(failed=False)
    made.close(failed=False)
    assert LOG == [("t", "open"), ("t", "prepare", 0), ("t", "commit", 0), ("t", "close", "well")]


def test_with_checkpoints_nothing_is_prepared_or_committed_but_by_them():
    made = delivery(Plain("p"), Transactional("t"), Transactional("e", eager=True), checkpointed=True)
    deliver(made, 1, 2)
    assert {what for _, what, *_ in LOG} == {"write"}
    LOG.clear()
    prepared = made.prepare(2)
    assert [each and each.details for each in prepared] == [None, {"of": "t", "epoch": 2}, {"of": "e", "epoch": 2}]
    made.commit(2, prepared)
    made.close(failed=False)
    assert LOG == [
        ("t", "prepare", 2), ("e", "prepare", 2), ("t", "commit", 2), ("e", "commit", 2),
        ("p", "close", "well"), ("t", "close", "well"), ("e", "close", "well"),
    ]  # fmt: skip


def test_recovery_hands_each_sink_its_own_and_tells_those_that_show_early():
    sinks = [Provisional("v"), Transactional("t"), Transactional("new")]
    made = delivery(*sinks, checkpointed=True, attempt=2)
    made.recover(7, [None, Prepared({"of": "t", "epoch": 7}), None])
    assert LOG == [("v", "rolled back", 7), ("t", "recover", 7, 7), ("new", "recover", 7, None)]
    made = delivery(*sinks, checkpointed=True, attempt=1)
    made.recover(0, [])
    assert LOG == [("t", "recover", 0, None), ("new", "recover", 0, None)]


@pytest.mark.parametrize("what", ["write", "commit", "recover"])
def test_a_sink_that_fails_is_named_with_the_epoch(what):
    made = delivery(Transactional("t", fails_at=what), checkpointed=True)
    with pytest.raises(SinkError, match=r"Transactional .*at epoch 3: no space left"):
        made.recover(3, [])
        deliver(made, 3)
        made.commit(3, made.prepare(3))
