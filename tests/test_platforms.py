"""What rmkit says on a system where it does not run: one sentence, before anything is imported that is not there."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import environment

SENTENCE = "rmkit runs on Linux and macOS; on Windows use WSL"


@pytest.fixture
def on_windows(tmp_path):
    """Runs a command in which Python takes the system for Windows."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.platform = 'win32'", encoding="utf-8")

    def ended(*command):
        return subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=False)

    return ended


@pytest.mark.parametrize(
    "command",
    [[Path(sys.executable).with_name("rmkit"), "check"], [sys.executable, "-m", "rmkit.cli", "check"]],
    ids=["rmkit", "python -m rmkit.cli"],
)
def test_the_command_line_says_it_in_one_line(command, on_windows):
    ended = on_windows(*command)
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"{SENTENCE}\n")


@pytest.mark.parametrize("code", ["import rmkit", "from rmkit.artifacts.bank import ResponseBank"])
def test_an_import_in_a_notebook_raises_it(code, on_windows):
    ended = on_windows(sys.executable, "-c", code)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == f"ImportError: {SENTENCE}"
