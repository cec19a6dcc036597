"""Ctrl-C: everything ends soon, at an epoch's end; nothing half written and no thread is left."""

from __future__ import annotations

import _thread
import itertools
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import playhead as ph

pytestmark = pytest.mark.usefixtures("no_thread_left")


armed = threading.Event()
"""The next Ctrl-C is expected."""


def numbers_and_ctrl_c() -> Iterator[dict[str, int]]:
    """Numbers without end; once, when it is expected, the main thread is interrupted."""
    for number in itertools.count():
        if number % 5_000 == 4_999 and armed.is_set() and main_thread_is_busy():
            armed.clear()
            _thread.interrupt_main()
        yield {"n": number}


def main_thread_is_busy() -> bool:
    """Whether the main thread works on a query or waits for one."""
    frame, files = sys._current_frames()[threading.main_thread().ident or 0], []
    while frame is not None:
        files.append(frame.f_code.co_filename)
        frame = frame.f_back  # type: ignore[assignment]
    waits = files[0] == threading.__file__ and any("/playhead/" in file for file in files)
    return waits or any(file.endswith("runtime/run.py") for file in files)


def frames() -> tuple[ph.Frame, ph.Frame]:
    history = ph.from_iter(numbers_and_ctrl_c, bounded=True, schema={"n": "int64"})
    return history, ph.from_iter(numbers_and_ctrl_c, schema={"n": "int64"})


def interrupted(run: Callable[[], object]) -> None:
    """Run something that gets Ctrl-C while rows are coming."""
    with pytest.raises(KeyboardInterrupt):
        armed.set()
        run()
    assert not armed.is_set()


@pytest.mark.parametrize("parallelism", [1, 3])
def test_compute_ends(parallelism):
    history, _ = frames()
    interrupted(lambda: history.groupby("n").agg(k=ph.size()).compute(parallelism=parallelism))


def test_a_preview_of_an_endless_input_ends():
    _, live = frames()
    interrupted(lambda: live[live.n < 0].head())


@pytest.mark.parametrize("name", ["out.parquet", "out/"])
def test_to_parquet_leaves_nothing(name, tmp_path):
    history, _ = frames()
    interrupted(lambda: history.to_parquet(f"{tmp_path}/{name}"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("parallelism", [1, 3])
def test_wait_stops_the_query_at_the_end_of_an_epoch(parallelism):
    _, live = frames()
    query = live.agg(n=ph.size(), last=("n", "max")).start(parallelism=parallelism)
    interrupted(query.wait)
    (row,) = query.latest().to_dict("records")
    assert query.state == "stopped"
    assert row["n"] == row["last"] + 1 == query.progress.rows


def test_the_files_of_a_stopped_query_are_whole(tmp_path):
    _, live = frames()
    query = live.start(ph.to_parquet(tmp_path / "out"))
    interrupted(query.wait)
    (file,) = (tmp_path / "out").iterdir()
    assert pq.read_table(file)["n"].to_pylist() == list(range(query.progress.rows))


def test_a_step_can_be_left_and_the_query_goes_on_when_asked_to():
    _, live = frames()
    query = live[live.n < 0].start()
    interrupted(query.step)
    assert query.pause().state == "paused"
    assert query.play().state == "running"
    assert query.stop().state == "stopped"


# The same from outside: a process of its own and a real signal

CHILD = """
import faulthandler, threading, time
faulthandler.dump_traceback_later(90, exit=True)
import playhead as ph

def numbers():
    for number in range(10**9):
        if number == 5_000:
            print("running", flush=True)
        if number > 5_000:
            time.sleep(0.0005)
        yield {"n": number}

"""

CHILDREN = {
    "compute()": "ph.from_iter(numbers, bounded=True).agg(n=ph.size()).compute()",
    "wait()": "ph.from_iter(numbers).start(ph.to_parquet('out')).wait()",
    "neither": "query = ph.from_iter(numbers).start()\nwhile True:\n    time.sleep(0.01)",
}


@pytest.mark.parametrize("action", CHILDREN.values(), ids=list(CHILDREN))
def test_a_process_ends_with_keyboard_interrupt(action, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(CHILD + action)
    with subprocess.Popen(
        [sys.executable, script], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=100)
    assert errors.rstrip().endswith("KeyboardInterrupt"), errors
    assert process.returncode == -signal.SIGINT
    unfinished = [path for path in Path(tmp_path).rglob("*") if path.suffix == ".tmp"]
    assert unfinished == []
