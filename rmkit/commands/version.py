"""`--version`: which rmkit this is: its version, the commit if it is a checkout, and the Python that runs it."""

import platform
import subprocess
from contextlib import suppress
from pathlib import Path

import rmkit


def version() -> str:
    """rmkit 0.1.0 (commit 1a2b3c4d5e, with changes), Python 3.11.9, /home/me/rmkit."""
    root = Path(rmkit.__file__).resolve().parents[1]
    commit = commit_of(root)
    return f"rmkit {rmkit.__version__}{commit and f' ({commit})'}, Python {platform.python_version()}, {root}"


def commit_of(root: Path) -> str:
    """`commit 1a2b3c4d5e`, `, with changes` where files of it differ; empty where the folder is no checkout of its own.

    A folder that only lies in somebody's repository, as site-packages may, is none.
    """
    if not (root / ".git").exists():
        return ""
    with suppress(OSError, subprocess.SubprocessError):
        asked = [
            "git",
            "-C",
            str(root),
            "--no-optional-locks",
            "describe",
            "--always",
            "--dirty",
            "--abbrev=10",
            "--exclude=*",
        ]
        said = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
        return f"commit {said.removesuffix('-dirty')}{', with changes' if said.endswith('-dirty') else ''}"
    return ""
