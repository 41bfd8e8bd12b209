"""Runs the smoke study under every other Python that rmkit supports and this machine has: `make test-pythons`.

Each Python has an environment of its own, as `.venv-3.12`, and works on a copy of the checkout with a store of its own.
Needs the standard library only. Not part of CI: an environment takes minutes and, with PyPI's torch, gigabytes.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.checkout import checkout, environment
from tests.small_project import REPOSITORY

VERSIONS = ("3.11", "3.12", "3.13", "3.14")


def main(pip_arguments: list[str]) -> int:
    """The exit code: 1 if the study failed under a Python. pip_arguments: what comes before the name of the project."""
    failed = 0
    for version in VERSIONS:
        if version == f"{sys.version_info.major}.{sys.version_info.minor}":
            continue  # the one that all other tests run under
        if not (python := python_of(version)):
            print(f"Python {version}: not found")
            continue
        began = time.monotonic()
        ended = install(version, python, pip_arguments)
        installed = time.monotonic()
        if ended.returncode == 0:
            ended = run_smoke_study(version)
        if ended.returncode:
            failed += 1
            print(ended.stdout[-3000:] + ended.stderr[-3000:])
        outcome = "failed" if ended.returncode else "passed"
        seconds = f"{installed - began:.0f} s to install, {time.monotonic() - installed:.0f} s to run"
        print(f"Python {version} ({python}): {outcome}; {seconds}")
    return int(failed > 0)


def python_of(version: str) -> str | None:
    """The command of a Python: on the path, or else the newest that pyenv has; None if there is none that starts."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = sorted(pyenv.glob(f"versions/{version}.*"), key=_patch_release, reverse=True)
    commands = [f"python{version}", *(str(folder / f"bin/python{version}") for folder in folders)]
    return next((command for command in commands if _starts(command, version)), None)


def _patch_release(folder: Path) -> int:
    """10 for the folder 3.12.10; -1 for another kind of name, as 3.14.0rc1."""
    last = folder.name.rpartition(".")[2]
    return int(last) if last.isdecimal() else -1


def _starts(command: str, version: str) -> bool:
    """Whether a command is that Python. pyenv puts one on the path for each version that it has, and most only fail."""
    try:
        said = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return said.returncode == 0 and said.stdout.startswith(f"Python {version}.")


def install(version: str, python: str, pip_arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Makes a Python's environment if need be, and brings it up to date."""
    folder = REPOSITORY / f".venv-{version}"
    own_python = folder / "bin/python"
    if not own_python.exists():  # so too if the Python that it was made from has gone
        print(f"making {folder.name} (some minutes)", flush=True)
        made = _ended([python, "-m", "venv", "--clear", str(folder)], REPOSITORY)
        if made.returncode:
            return made
    return _ended([str(own_python), "-m", "pip", *pip_arguments, "-e", ".[lm]"], REPOSITORY)


def run_smoke_study(version: str) -> subprocess.CompletedProcess[str]:
    """Runs the study, and its report, on a fresh copy of the checkout."""
    command = [str(REPOSITORY / f".venv-{version}/bin/python"), "-m", "rmkit.cli", "run", "params/smoke.yaml"]
    with tempfile.TemporaryDirectory(prefix="rmkit-") as folder:
        project = checkout(Path(folder) / "project")
        return _ended(command, project, environment(project))


def _ended(
    command: list[str], folder: Path, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
