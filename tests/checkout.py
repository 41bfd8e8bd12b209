"""A copy of what a user has after `git clone`, without a store, for tests that run the real notebooks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.small_project import REPOSITORY, copy_package


def checkout(folder: Path) -> Path:
    """A copy of what a user has, without a store."""
    copy_package(folder / "rmkit")
    for name in ("notebooks", "params", "data", "docs"):
        shutil.copytree(
            REPOSITORY / name,
            folder / name,
            ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.npy", "downloads"),
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


def papermill(project: Path, stage: str, folder: Path, *options: str, **more: str) -> Path:
    """A stage's notebook executed by plain papermill from another directory; the folder of its draft."""
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", str(project / f"notebooks/{stage}.ipynb")]
    execute([*command, "out.ipynb", *options], folder, project, **more)
    return newest_draft(project, stage)


def run_all(project: Path, stage: str, study: str) -> Path:
    """All cells of a stage's notebook in a kernel, as Run All in JupyterLab started with RMKIT_STUDY; its draft."""
    from jupyter_client.manager import start_new_kernel

    document = json.loads((project / f"notebooks/{stage}.ipynb").read_text(encoding="utf-8"))
    manager, client = start_new_kernel(
        kernel_name="python3", cwd=str(project / "notebooks"), env=environment(project, RMKIT_STUDY=study)
    )
    try:
        for cell in document["cells"]:
            if cell["cell_type"] == "code":
                reply = client.execute_interactive(
                    "".join(cell["source"]), timeout=120, output_hook=lambda message: None
                )
                assert reply["content"]["status"] == "ok", reply["content"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return newest_draft(project, stage)


def newest_draft(project: Path, stage: str) -> Path:
    return max((project / "runs/drafts").glob(f"{stage}-*"), key=lambda path: path.stat().st_mtime_ns)
