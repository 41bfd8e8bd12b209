"""Start a run that goes on when the tab, the kernel or the server that asked for it ends; stop one.

A run is `rmkit run` in a process and session of its own. Knows processes and run records; nothing of jobs.
"""

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import IO

from rmkit.errors import JobError, ParamsError
from rmkit.machine.processes import STAMP, this_host
from rmkit.study.monitoring.run_record import Run, runs
from rmkit.study.planning.project import Project, find_project
from rmkit.study.store.disk import disk_faults
from rmkit.study.store.store import Store

SECONDS_BETWEEN_LOOKS = 0.1
WRONG_REQUEST = 2  # the exit code of `rmkit run` when nothing could be run
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
    store = Store(project.store)
    room = store.root / "runs"
    log = room / f"starting-{secrets.token_hex(4)}.log"
    with disk_faults(room):
        room.mkdir(parents=True, exist_ok=True)
        with log.open("w") as output:
            asked = time.time()
            child = in_own_session(project, ["run", study, *options], output)
    run = _card_of(store, child, asked)
    if run is None:
        lines = log.read_text(errors="replace").strip().splitlines()
        log.unlink(missing_ok=True)
        if child.returncode == 0:
            return lines[-1] if lines else f"rmkit run {study} ended well and left no record"
        kind = ParamsError if child.returncode == WRONG_REQUEST else JobError
        raise kind(lines[-1] if lines else f"rmkit run {study} ended with {child.returncode} before it began")
    with suppress(OSError):
        log.replace(run.log)  # the run goes on writing into it
    threading.Thread(target=child.wait, daemon=True).start()  # so that no zombie stays when it ends before us
    return run


def stop_run(run: Run) -> None:
    """Ask a run to end: its running jobs are ended, the finished ones kept. JobError if it runs on another host."""
    if run.host != this_host():
        raise JobError(f"process {run.pid} runs on {run.host.split()[0]}; stop it there")
    if run.alive():
        with suppress(ProcessLookupError):
            os.kill(run.pid, signal.SIGTERM)  # not SIGINT: a process started in the background may ignore that


def in_own_session(project: Project, arguments: list[str], output: IO[str]) -> subprocess.Popen[bytes]:
    """`rmkit ARGUMENTS` as a process that no signal to its caller's group reaches, and that takes no job for its own.

    Neither what its caller reads of a study nor where a notebook draws is for it.
    """
    environment = {name: value for name, value in os.environ.items() if name not in OF_THE_CALLER}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "rmkit.cli", *arguments],
        cwd=project.root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _card_of(store: Store, child: subprocess.Popen[bytes], asked: float) -> Run | None:
    """The run that a child process is, once its card is there; None if it ends without one."""
    while True:
        ended = child.poll() is not None  # asked first: a quick run may write its card and end between two looks
        for run in runs(store):
            if run.pid == child.pid and run.since >= asked:
                return run
        if ended:
            return None
        time.sleep(SECONDS_BETWEEN_LOOKS)
