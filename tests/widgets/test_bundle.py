"""The script that the widgets bring along is the one that its sources give, and its licences travel with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "widgets" / "playhead_widgets"
SOURCES, STATIC = PACKAGE / "js", PACKAGE / "static"


def run(*command: str, folder: Path = SOURCES) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def node() -> str:
    """Node with the packages that package.json names; not having it is a failure, not a reason to skip."""
    path, npm = shutil.which("node"), shutil.which("npm")
    assert path and npm, "the widgets' tests need node and npm: apt-get install nodejs npm"
    if not (SOURCES / "node_modules" / "uplot").exists():
        run(npm, "install", "--no-package-lock", "--no-audit", "--no-fund")
    return path


def test_the_committed_bundle_is_what_the_sources_give(node: str, tmp_path: Path) -> None:
    run(node, "build.mjs", str(tmp_path))
    built = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert built == {file.name: file.read_bytes() for file in STATIC.iterdir()}, "run: npm run build"


def test_the_bundle_names_no_address_that_it_could_load_from() -> None:
    text = (STATIC / "playhead.js").read_text() + (STATIC / "playhead.css").read_text()
    text = text.replace("http://www.w3.org/2000/svg", "")
    for word in ("http://", "https://", "fetch(", "XMLHttpRequest", "@import", "url("):
        assert word not in text


def test_the_scripts_do_what_their_own_tests_say(node: str) -> None:
    run(node, "node_modules/vitest/vitest.mjs", "run")


def test_the_licence_of_every_bundled_package_is_among_the_notices_that_the_wheel_holds(node: str) -> None:
    notices = (STATIC / "THIRD_PARTY_NOTICES").read_text()
    bundled = json.loads((SOURCES / "package.json").read_text())["dependencies"]
    assert bundled
    for name in bundled:
        licence = (SOURCES / "node_modules" / name / "LICENSE").read_text().strip()
        assert licence in notices, f"{name}: npm run build"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "widgets/playhead_widgets/static/THIRD_PARTY_NOTICES" in project["license-files"]
