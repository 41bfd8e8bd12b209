"""JupyterLab in a browser, as a reader has it: a server on a checkout, a page, notebooks that run.

Knows the server's and the page's ways only: not what a notebook is about. Every wait is for a state that the page's own
objects tell (JupyterLab is started so that it shows them as `window.jupyterapp`), and has an end.
"""

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
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import environment

TOKEN = "rmkit-browser-tests"
VIEWPORT = {"width": 1400, "height": 1000}
SCREENSHOTS = os.environ.get("RMKIT_SCREENSHOTS", "")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing pops up over a notebook, and cells out of sight are drawn too, so that one picture shows them all.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "notebook-extension/tracker": {"windowingMode": "none", "scrollPastEnd": False, "autoStartDefaultKernel": True},
}
OURS = """() => {
    window.rmkitRan = {};
    window.rmkitPanel = path => {
        for (const panel of window.jupyterapp.shell.widgets("main"))
            if (panel.context && panel.context.path === path) return panel;
    };
    const drawn = canvas => canvas.width && canvas.height
        && canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(value => value);
    window.rmkitDrawn = panel => [...panel.node.querySelectorAll(".jupyter-matplotlib-canvas-div")]
        .every(figure => [...figure.querySelectorAll("canvas")].some(drawn));
}"""


def browser_path() -> str | None:
    """Where Chromium lies, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def what_is_missing() -> str:
    """What it takes to run these tests and is not here, in one line; empty if nothing is."""
    lacking = [] if browser_path() else ["Chromium (apt-get install chromium)"]
    lacking += [f"{name} (pip install {name})" for name in ("jupyterlab", "playwright") if find_spec(name) is None]
    return f"no browser tests without {' and '.join(lacking)}" if lacking else ""


NEEDS_BROWSER = pytest.mark.skipif(bool(what_is_missing()), reason=what_is_missing() or "nothing is missing")


@dataclass
class Lab:
    """A JupyterLab server on a folder of checkouts, with settings of its own; `with Lab.on(root, home, package) as lab`."""

    root: Path  # notebooks are named from here
    home: Path  # its settings, its notes and its log
    port: int
    process: subprocess.Popen

    @classmethod
    @contextmanager
    def on(cls, root: Path, home: Path, package: Path, **variables: str) -> "Iterator[Lab]":
        """A server that answers; ended with its kernels at the end. package: the checkout whose rmkit kernels import."""
        lab = cls.start(root, home, package, **variables)
        try:
            yield lab
        finally:
            lab.stop()

    @classmethod
    def start(cls, root: Path, home: Path, package: Path, **variables: str) -> "Lab":
        for name, settings in SETTINGS.items():
            file = home / f"settings/@jupyterlab/{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(settings), encoding="utf-8")
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--expose-app-in-browser", "--allow-root"]
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}"]
        command += [f"--IdentityProvider.token={TOKEN}", "--LanguageServerManager.autodetect=False"]
        with (home / "server.log").open("a") as log:
            own = cls.environment(package, home, **variables)
            process = subprocess.Popen(command, cwd=root, env=own, stdout=log, stderr=log)
        lab = cls(root, home, port, process)
        try:
            lab._wait_until_it_answers()
        except BaseException:
            lab.stop()
            raise
        return lab

    @staticmethod
    def environment(package: Path, home: Path, **variables: str) -> dict[str, str]:
        """What a server of ours finds in its environment: settings and notes of its own, as a reader has it otherwise."""
        folders = {"CONFIG": "config", "DATA": "data", "RUNTIME": "runtime"}
        private = {f"JUPYTER_{name}_DIR": str(home / folder) for name, folder in folders.items()}
        private |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "IPYTHONDIR": str(home / "ipython")}
        private |= {"JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"), "OMP_NUM_THREADS": "1"}
        inherited = environment(package, **private, **variables)
        return {name: value for name, value in inherited.items() if name != "PYTHONWARNINGS"}  # as a reader has it

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}?token={TOKEN}"

    def _wait_until_it_answers(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.address("api/status"), timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"JupyterLab does not answer; its log ends\n{self.log()[-3000:]}")

    def log(self) -> str:
        return (self.home / "server.log").read_text(encoding="utf-8")

    def stop(self) -> None:
        """End the server, which ends its kernels."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def open(self, page: Any, notebook: str) -> "OpenNotebook":
        """Open a notebook, named from the server's root, in the page, which shows this JupyterLab from then on."""
        if not page.url.startswith(f"http://127.0.0.1:{self.port}/"):
            page.goto(self.address("lab"))
            page.wait_for_function("window.jupyterapp !== undefined", timeout=60_000)
            page.evaluate("window.jupyterapp.restored.then(() => { window.rmkitRestored = true; })")
            page.wait_for_function("window.rmkitRestored", timeout=60_000)
            page.evaluate(OURS)
        opened = OpenNotebook(page, notebook)
        opened.open()
        return opened


@dataclass
class OpenNotebook:
    """A notebook in a tab of JupyterLab."""

    page: Any
    path: str
    seconds: float = field(default=0.0, init=False)  # that the last run took

    def _ask(self, expression: str, **given: Any) -> Any:
        """What an expression of JavaScript gives; `panel` is this notebook's panel there."""
        code = f"given => {{ const panel = window.rmkitPanel(given.path); return {expression}; }}"
        return self.page.evaluate(code, {"path": self.path, **given})

    def _wait(self, expression: str, what: str, seconds: float, **given: Any) -> None:
        from playwright.sync_api import TimeoutError as TooLong

        code = f"given => {{ const panel = window.rmkitPanel(given.path); return {expression}; }}"
        try:
            self.page.wait_for_function(code, arg={"path": self.path, **given}, timeout=1000 * seconds)
        except TooLong:
            self.fail(f"{what} did not happen in {seconds:.0f} s")

    def open(self) -> None:
        self.page.evaluate(
            "path => { window.jupyterapp.commands.execute('docmanager:open', {path, factory: 'Notebook'}); }", self.path
        )
        self.wait_until_open()

    def wait_until_open(self) -> None:
        """Until the tab is there with a kernel at rest."""
        self._wait("panel && panel.context.isReady && panel.isVisible", "opening", 30)
        self._wait("panel.sessionContext.session?.kernel?.status === 'idle'", "a kernel that is idle", 60)

    def run_all(self, seconds: float = 120, *, errors: bool = False) -> None:
        """Run > Run All Cells, until every cell has run; AssertionError with the traceback if one raised."""
        self._run("notebook:run-all-cells", seconds, errors=errors)

    def run_above(self, cell: int, seconds: float = 120) -> None:
        """Run the cells above this one and the cell itself."""
        self._ask("panel.content.activeCellIndex = given.cell + 1", cell=cell)
        self._run("notebook:run-all-above", seconds)

    def _run(self, command: str, seconds: float, *, errors: bool = False) -> None:
        started = time.monotonic()
        self.page.evaluate(
            """([path, command]) => {
                const app = window.jupyterapp;
                app.shell.activateById(window.rmkitPanel(path).id);
                window.rmkitRan[path] = false;
                app.commands.execute(command).then(() => { window.rmkitRan[path] = true; });
            }""",
            [self.path, command],
        )
        self._wait("window.rmkitRan[given.path]", f"the end of {command}", seconds)
        self._wait("panel.sessionContext.session.kernel.status === 'idle'", "a kernel that is idle", 30)
        self.seconds = time.monotonic() - started
        if not errors and (raised := self.errors()):
            self.fail("\n\n".join(f"cell {cell}: {text}" for cell, text in raised.items()))

    def cells(self) -> list[dict[str, Any]]:
        """The cells with their outputs, as the notebook's file would hold them."""
        return self._ask("panel.content.model.toJSON().cells")

    def unexecuted(self) -> list[int]:
        """The code cells that have not run."""
        return [
            number
            for number, cell in enumerate(self.cells())
            if cell["cell_type"] == "code" and "".join(cell["source"]).strip() and not cell["execution_count"]
        ]

    def errors(self) -> dict[int, str]:
        """The traceback of each cell that raised."""
        outputs = [(number, output) for number, cell in enumerate(self.cells()) for output in cell.get("outputs", ())]
        return {
            number: "\n".join(output["traceback"]) for number, output in outputs if output["output_type"] == "error"
        }

    def text(self, cell: int | None = None) -> str:
        """What a cell's outputs (default: all cells') say on the page."""
        cells = self._ask("panel.content.widgets.map(cell => cell.outputArea ? cell.outputArea.node.innerText : '')")
        return "\n".join(cells) if cell is None else cells[cell]

    def node(self, cell: int) -> Any:
        """The cell's element, to look for others in."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").nth(cell)

    def cell_that_says(self, source: str) -> int:
        """The number of the one cell whose source holds a text."""
        (number,) = [number for number, cell in enumerate(self.cells()) if source in "".join(cell["source"])]
        return number

    def wait_until_it_says(self, text: str, seconds: float = 60) -> None:
        """Until a cell's outputs show a text."""
        self._wait("panel.content.node.innerText.includes(given.text)", f"saying {text!r}", seconds, text=text)

    def wait_until_drawn(self, seconds: float = 30) -> None:
        """Until every live figure has something on its canvas."""
        self._wait("window.rmkitDrawn(panel)", "a drawn figure", seconds)

    def screenshot(self, path: str | Path) -> None:
        """A picture of the whole notebook, however long."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        before = self.page.viewport_size
        scrolled = "panel.content.node.querySelector('.jp-WindowedPanel-outer')"
        hidden = self._ask(f"(outer => outer.scrollHeight - outer.clientHeight)({scrolled})")
        height = min(before["height"] + hidden + 10, 30_000)
        self.page.set_viewport_size({"width": before["width"], "height": height})
        self._ask(f"{scrolled}.scrollTop = 0")
        self.wait_until_drawn()
        self._wait("[...panel.node.querySelectorAll('img')].every(img => img.complete)", "the last picture", 10)
        self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)").screenshot(path=path)
        self.page.set_viewport_size(before)

    def close(self) -> None:
        """Close the tab and end its kernel, keeping nothing."""
        ended = "panel.sessionContext.shutdown()"  # awaited: a tab opened meanwhile would get the kernel that ends
        self._ask(f"{ended}.then(() => {{ panel.context.model.dirty = false; panel.close(); }})")
        self._wait("!panel", "closing", 20)

    def fail(self, sentence: str) -> None:
        """AssertionError with where the notebook's picture lies."""
        picture = Path(SCREENSHOTS or "/tmp") / f"failed-{Path(self.path).stem}.png"
        try:
            self.screenshot(picture)
        except Exception as error:  # whatever hinders the picture, the sentence counts
            picture = Path(f"(no picture: {type(error).__name__})")
        raise AssertionError(f"{self.path}: {sentence}\nthe page: {picture}")
