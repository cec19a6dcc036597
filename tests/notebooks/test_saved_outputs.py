"""Notebooks are committed as they were executed, show nothing of a machine, and a wrong saved output is found."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NBVAL = next(line for line in (ROOT / "Makefile").read_text().splitlines() if "--nbval " in line)
MACHINE = re.compile(r"/(home|root|tmp|work|Users|private|var)/|site-packages|ipykernel")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def load(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text())
    return notebook


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def shown(notebook: dict[str, Any]) -> Iterator[str]:
    """Every text that the notebook shows as an output."""
    for cell in code_cells(notebook):
        for output in cell["outputs"]:
            texts = [output.get("text", []), *(data for kind, data in output.get("data", {}).items() if "text" in kind)]
            yield from ("".join(text) for text in texts)


# What is committed


@each_notebook
def test_every_cell_was_executed_from_top_to_bottom_without_an_error(path: Path) -> None:
    cells = code_cells(load(path))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output["output_type"] for cell in cells for output in cell["outputs"]}
    assert kinds and "error" not in kinds


@each_notebook
def test_no_output_shows_a_path_of_a_machine_or_a_control_character(path: Path) -> None:
    texts = list(shown(load(path)))
    assert texts
    assert [text for text in texts if MACHINE.search(text) or CONTROL.search(text)] == []


@each_notebook
def test_no_widget_is_saved_that_could_not_be_shown_again(path: Path) -> None:
    notebook = load(path)
    assert "widgets" not in notebook["metadata"]
    assert "widget-view" not in path.read_text()


@each_notebook
def test_a_cell_is_left_out_of_the_comparison_only_for_a_clock_a_picture_or_a_machine(path: Path) -> None:
    """What depends on none of them is compared strictly: most cells that show something."""
    cells = [cell for cell in code_cells(load(path)) if cell["outputs"]]
    ignored = [cell for cell in cells if "NBVAL_IGNORE_OUTPUT" in "".join(cell["source"])]
    reasons = ("replay(", "q.", "plt.show", "read_system", "late")
    assert all(any(reason in "".join(cell["source"]) for reason in reasons) for cell in ignored)
    assert len(ignored) <= len(cells) / 2


# What the comparison finds


def first_cells(path: Path, until: str) -> dict[str, Any]:
    """The notebook up to the cell that holds this text."""
    notebook = load(path)
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    last = next(number for number, source in enumerate(sources) if until in source and "import" not in source)
    return {**notebook, "cells": notebook["cells"][: last + 1]}


def compare(notebook: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run nbval on it as `make test` does, in a folder like `notebooks`."""
    (folder / "notebooks").mkdir(parents=True)
    (folder / "datasets").symlink_to(ROOT / "datasets", target_is_directory=True)
    copy = folder / "notebooks" / "copy.ipynb"
    copy.write_text(json.dumps(notebook))
    options = [option for option in shlex.split(NBVAL) if option.startswith("--nbval") and "sanitize" not in option]
    sanitizer = ["--nbval-sanitize-with", str(ROOT / "tests" / "notebooks" / "sanitize.cfg")]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *options, *sanitizer, str(copy)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def test_a_saved_output_that_is_wrong_by_one_flight_is_found(tmp_path: Path) -> None:
    notebook = first_cells(NOTEBOOKS[0], "value_counts(")
    honest = compare(notebook, tmp_path / "honest")
    assert honest.returncode == 0, honest.stdout

    data = code_cells(notebook)[-1]["outputs"][0]["data"]
    right = "".join(data["text/plain"])
    number = re.search(r"\d{5}", right)
    assert number
    data["text/plain"] = right.replace(number[0], str(int(number[0]) + 1))
    broken = compare(notebook, tmp_path / "broken")
    assert broken.returncode == 1
    last = len(code_cells(notebook)) - 1  # nbval counts from 0
    assert f"::Cell {last} - " in broken.stdout
    assert f"1 failed, {last} passed" in broken.stdout
