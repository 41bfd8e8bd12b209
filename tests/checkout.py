"""A copy of what a user has after `git clone`, without a store, for tests that run the real notebooks."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.small_project import REPOSITORY


def checkout(folder: Path) -> Path:
    """A copy of what a user has, without a store."""
    for name in ("rmkit", "notebooks", "params", "data", "docs"):
        shutil.copytree(
            REPOSITORY / name,
            folder / name,
            ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.npy"),
        )
    return folder


def environment(project: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RMKIT")}
    return {**kept, "PYTHONPATH": str(project), "PYTHONWARNINGS": "default", **more}


def execute(command: list[str], cwd: Path, project: Path, **more: str) -> str:
    cwd.mkdir(exist_ok=True)
    ended = subprocess.run(
        command, cwd=cwd, env=environment(project, **more), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return ended.stdout
