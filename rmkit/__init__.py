"""rmkit: a notebook-first research bench for reward models. A notebook needs one name from here: `open_job`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rmkit.study.notebook_side.open_job import OpenJob

__version__ = "0.1.0"

_on_windows = sys.platform == "win32"  # not in the `if`: mypy would leave out one side of it
if _on_windows:  # said here, before a module is imported that needs file locks, process groups or forks
    _sentence = "rmkit runs on Linux and macOS; on Windows use WSL"
    _command = Path((getattr(sys, "argv", None) or [""])[0]).stem
    if _command in ("rmkit", "-m"):  # "-m" while `python -m rmkit.cli` looks for its module
        print(_sentence, file=sys.stderr)
        sys.exit(2)
    raise ImportError(_sentence)


def open_job(stage: str, namespace: dict[str, Any]) -> "OpenJob":
    """Open the job that a notebook is: `job = rmkit.open_job("04_reward_models", globals())`, right after parameters.

    Checks the declared parameters in `namespace` and writes them back normalised; finds upstream artifacts or builds
    them. Raises ParamsError, DataError or StoreError, each one sentence. See rmkit.study.notebook_side.open_job.
    """
    from rmkit.study.notebook_side.open_job import open_job

    return open_job(stage, namespace)
