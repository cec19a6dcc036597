"""JupyterLab and a browser for the tests of the widgets: real ones, one of each a session, cut off from the network."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ONLY_THIS_MACHINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--disable-dev-shm-usage", "--disable-quic", ONLY_THIS_MACHINE),
]
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells out of sight stay in the page
    "docmanager-extension/plugin": {"autosave": False},
}
SECONDS = 60
"""How long anything may take before it counts as not happening; nothing is timed by it."""


def end_with_this_process() -> None:
    """The server gets a signal when the tests are killed, so that none is left behind."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Lab:
    """A JupyterLab server over a folder, and a headless browser that sees nothing but it."""

    def __init__(self, folder: Path) -> None:
        from playwright.sync_api import sync_playwright

        self.folder, self.home = folder / "notebooks", folder / "home"
        self.folder.mkdir()
        for name, values in SETTINGS.items():
            file = self.home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.token = "playhead-tests"
        self.log = (folder / "lab.log").open("wb")
        self.server = subprocess.Popen(
            self._command(), env=self._environment(), stdout=self.log, stderr=self.log, start_new_session=True,
            preexec_fn=end_with_this_process,
        )  # fmt: skip
        self._wait_for_server(folder / "lab.log")
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.playwright = sync_playwright().start()
        self.browser = self.playwright.chromium.launch(executable_path=browser(), headless=True, args=FLAGS)

    def _environment(self) -> dict[str, str]:
        folders = {f"JUPYTER_{kind}_DIR": str(self.home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
        folders |= {f"JUPYTERLAB_{kind}_DIR": str(self.home / kind.lower()) for kind in ("SETTINGS", "WORKSPACES")}
        paths = os.pathsep.join([str(ROOT / "engine"), str(ROOT / "widgets"), os.environ.get("PYTHONPATH", "")])
        return {**os.environ, **folders, "IPYTHONDIR": str(self.home / "ipython"), "PYTHONPATH": paths}

    def _command(self) -> list[str]:
        options = {
            "ip": "127.0.0.1", "port": self.port, "ServerApp.port_retries": 0, "IdentityProvider.token": self.token,
            "ServerApp.root_dir": self.folder, "ServerApp.terminals_enabled": False,
            "LabApp.news_url": None, "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "LabApp.expose_app_in_browser": True, "LabApp.extension_manager": "readonly",
        }  # fmt: skip
        settings = [f"--{name}={value}" for name, value in options.items()]
        return [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *settings]

    def _wait_for_server(self, log: Path) -> None:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                urllib.request.urlopen(f"{self.base}/api/status?token={self.token}", timeout=2).close()
                return
            except OSError:
                if self.server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"JupyterLab did not start: {log.read_text()[-3000:]}") from None
                time.sleep(0.1)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def page(self, *, dark: bool = False) -> Any:
        """A new, empty page that notes its requests and errors."""
        context = self.browser.new_context(viewport={"width": 1280, "height": 1000}, reduced_motion="reduce")
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=self.base)
        page = context.new_page()
        page.set_default_timeout(SECONDS * 1000)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    def write(self, name: str, cells: list[str]) -> Path:
        """A notebook of these code cells."""
        import nbformat

        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.folder / name
        nbformat.write(notebook, path)
        return path

    def open(self, name: str, page: Any = None) -> Any:
        """A page with this notebook, its kernel ready."""
        page = page or self.page()
        page.goto(f"{self.base}/lab/tree/{name}?token={self.token}&reset", wait_until="domcontentloaded")
        page.wait_for_selector("#jupyterlab-splash", state="detached")
        page.wait_for_selector(".jp-NotebookPanel .jp-Notebook .jp-Cell")
        # The indicator says "idle" before there is a kernel, and what is run then is dropped; so ask for the kernel.
        page.evaluate(
            """async () => {
                const { context, sessionContext } = window.jupyterapp.shell.currentWidget;
                await context.ready; await sessionContext.ready; await sessionContext.session.kernel.info;
            }"""
        )
        return page

    def run_all(self, page: Any) -> None:
        """Run every cell and wait until all are done."""
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def run_cell(self, page: Any, number: int) -> None:
        """Run one cell and wait until it is done."""
        page.evaluate(
            """async number => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                notebook.activeCellIndex = number;
                await window.jupyterapp.commands.execute('notebook:run-cell');
            }""",
            number,
        )

    def close(self) -> None:
        for step in (lambda: self.browser.close(), lambda: self.playwright.stop()):
            with contextlib.suppress(Exception):
                step()
        self.server.send_signal(signal.SIGTERM)
        try:
            self.server.wait(15)
        except subprocess.TimeoutExpired:
            self.server.kill()
        self.log.close()


def browser() -> str | None:
    """Debian's browser where there is one; None: Playwright's own."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab and a browser."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()
