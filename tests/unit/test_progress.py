"""What a query shows of itself while it runs: a line of text, and a bar where somebody looks."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pyarrow as pa
import pytest

import playhead as ph
from playhead.runtime.progress import Progress

pytestmark = pytest.mark.usefixtures("no_thread_left")

AT = pa.timestamp("us", "America/New_York")
RATE = r"[\d,]+ rows/s"


def flights(rows: int = 3) -> ph.Frame:
    times = pa.array([1357034400_000_000 + number * 60_000_000 for number in range(rows)], AT)
    return ph.from_arrow(pa.table({"departed": times}), time="departed", out_of_order="0s")


def test_a_query_is_one_line():
    query = flights().replay(paused=True, name="delays")
    assert re.fullmatch(rf"<delays: paused, 0 rows, {RATE}, late 0, rejected 0>", repr(query))
    query.step(rows=1)
    words = rf"paused 0% at 01 Jan 2013 05:00:00, 1 row, {RATE}, late 0, rejected 0"
    assert re.fullmatch(words, str(query.progress))
    query.step(rows=1)
    assert re.fullmatch(rf"<paused 50% at 01 Jan 2013 05:01:00, 2 rows, {RATE}, .*>", repr(query.progress))
    query.speed = "max"
    query.play().wait(60)
    assert re.fullmatch(rf"<delays: finished 100% at 01 Jan 2013 05:02:00, 3 rows, {RATE}, .*>", repr(query))


def test_numbers_are_grouped_and_what_is_unknown_is_left_out():
    progress = Progress("running", 7, 1_234_567, 98_765.4, None, None, 1_000, 2, None)
    assert str(progress) == "running, 1,234,567 rows, 98,765 rows/s, late 1,000, rejected 2"


def test_a_query_has_a_name_of_its_own_unless_it_is_given_one():
    first, second = flights().start().wait(60), flights().start().wait(60)
    assert re.fullmatch(r"query \d+", first.name) and first.name != second.name


SCRIPT = """
import time
import pyarrow as pa, playhead as ph

def numbers():
    for number in range(30):
        time.sleep(0.03)
        yield {"n": number}

times = pa.array([number * 60_000_000 for number in range(100)], pa.timestamp("us", "UTC"))
ph.from_arrow(pa.table({"at": times}), time="at", out_of_order="0s").replay(duration="1s", name="delays").wait()
ph.from_iter(numbers, schema={"n": "int64"}).limit(30).start(name="numbers").wait()
"""


def test_a_terminal_gets_a_bar_with_the_playhead_and_the_numbers(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    process = subprocess.Popen([sys.executable, tmp_path / "script.py"], stderr=end, stdout=subprocess.DEVNULL)
    os.close(end)
    screen = b""
    while part := read_or_nothing(terminal):
        screen += part
    assert process.wait(60) == 0
    os.close(terminal)
    lines = [line.strip() for line in re.split(r"[\r\n]+", screen.decode())]
    assert any(
        re.fullmatch(rf"delays +\d+%\|█.*\| 01 Jan 1970 \d\d:\d\d - late 0 - rejected 0 - {RATE}", line)
        for line in lines
    )
    measured, counted = (
        next(line for line in reversed(lines) if line.startswith(name)) for name in ("delays", "numbers")
    )
    assert re.fullmatch(rf"delays 100%\|█+\| 01 Jan 1970 01:39 - late 0 - rejected 0 - {RATE}", measured)
    assert re.fullmatch(rf"numbers  30 rows - late 0 - rejected 0 - {RATE}", counted)
    assert not any(line.startswith("Traceback") for line in lines)


def read_or_nothing(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other side was closed
        return b""


def test_nothing_is_written_where_nobody_looks(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, tmp_path / "script.py"], capture_output=True, check=True, timeout=100)
    assert done.stderr == done.stdout == b""
