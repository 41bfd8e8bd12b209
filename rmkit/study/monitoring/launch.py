"""Start a run that goes on when the tab, the kernel or the server that asked for it ends; stop one.

A run is `rmkit run` in a process and session of its own. Knows processes and run records; nothing of jobs.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import IO

from rmkit.errors import JobError, ParamsError
from rmkit.machine.processes import STAMP, this_host
from rmkit.study.monitoring.run_record import CARD, LOG, ROOM, RUN_VARIABLE, Run, new_id, read
from rmkit.study.planning.project import Project, find_project
from rmkit.study.store.disk import disk_faults
from rmkit.study.store.store import Store

SECONDS_BETWEEN_LOOKS = 0.1
OF_THE_CALLER = (
    *(STAMP, "RMKIT_JOB_FILE"),  # a job's own: a run is no part of one
    "RMKIT_STUDY",  # the study is named
    *("JPY_PARENT_PID", "JPY_SESSION_NAME", "MPLBACKEND"),  # a kernel's own
)


def start_run(study: str, *options: str, project: Project | None = None) -> Run | str:
    """Start `rmkit run STUDY OPTIONS` in a session of its own; returns when it has planned and written its card.

    If it ends before that, as one that finds nothing to retry does: the last line that it printed where it ended well,
    else a ParamsError or JobError with that line.
    """
    project = project or find_project()
    name = new_id()
    folder = Store(project.store).root / ROOM / name
    with disk_faults(folder):
        folder.mkdir(parents=True)
        with (folder / LOG).open("w", encoding="utf-8") as output:
            child = in_own_session(project, ["run", study, *options], output, **{RUN_VARIABLE: name})
    while child.poll() is None and not (folder / CARD).exists():
        time.sleep(SECONDS_BETWEEN_LOOKS)
    if run := read(folder):
        threading.Thread(target=child.wait, daemon=True).start()  # so that no zombie stays when it ends before us
        return run
    lines = (folder / LOG).read_text(errors="replace", encoding="utf-8").strip().splitlines()
    shutil.rmtree(folder, ignore_errors=True)
    if child.wait() == 0:
        return lines[-1] if lines else f"rmkit run {study} ended well and left no record"
    kind = ParamsError if child.returncode == ParamsError.exit_code else JobError
    raise kind(lines[-1] if lines else f"rmkit run {study} ended with {child.returncode} before it began")


def stop_run(run: Run) -> None:
    """Ask a run to end: its running jobs are ended, the finished ones kept. JobError if it runs on another host."""
    if run.host != this_host():
        raise JobError(f"process {run.pid} runs on {run.host.split()[0]}; stop it there")
    if run.alive():
        with suppress(ProcessLookupError):
            os.kill(run.pid, signal.SIGTERM)  # not SIGINT: a process started in the background may ignore that


def in_own_session(
    project: Project, arguments: list[str], output: IO[str], **variables: str
) -> subprocess.Popen[bytes]:
    """`rmkit ARGUMENTS` as a process that no signal to its caller's group reaches, and that takes no job for its own.

    Neither what its caller reads of a study nor where a notebook draws is for it. variables: what it reads of its own.
    """
    environment = {name: value for name, value in os.environ.items() if name not in OF_THE_CALLER} | variables
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "rmkit.cli", *arguments],
        cwd=project.root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
