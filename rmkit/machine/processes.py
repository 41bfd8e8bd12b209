"""Processes as the system knows them: which host is theirs, and the end of all that bear one stamp.

Processes of a job carry RMKIT_JOB=<execution> in their environment. Kernels start sessions of their own and survive the
end of a group; the stamp finds them. Knows pids; no job, no store.
"""

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import psutil

STAMP = "RMKIT_JOB"  # the variable of the environment that names the execution


def this_host() -> str:
    """This host's name, and on Linux its process namespace: a container may share the one and not the other."""
    with suppress(OSError):
        return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
    return socket.gethostname()


def end_processes(execution: str, group: int | None = None) -> int:
    """Kill the process group, and every process stamped with this execution.

    The calling process is spared. Repeats until a sweep finds none: a process may fork while it is looked for. Returns
    how many were killed.
    """
    killed = 0
    if group is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    for _sweep in range(20):
        if not (found := [process for process in psutil.process_iter() if stamp_of(process) == execution]):
            break
        killed += _kill(found)
    return killed


def stamp_of(process: psutil.Process) -> str | None:
    """The execution that a living process belongs to; None for this process, and where it cannot be read."""
    try:
        if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.environ().get(STAMP)
    except (psutil.Error, OSError):
        return None


def _kill(processes: list[psutil.Process]) -> int:
    for process in processes:
        try:
            process.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(processes, timeout=5)
    return len(processes)
