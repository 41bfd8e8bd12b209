"""Installed as `sitecustomize` in a small project: kills a process and the one above it at a named point, once.

At a lock, a manifest or a publication that is the job process and the runner, at a part the kernel and the job process.
Neither need be the other's parent: a fork server may have started them.

RMKIT_TEST_KILL names the point, RMKIT_TEST_KILL_ONCE a file that remembers that it happened.
"""

import fcntl
import json
import os
import signal
from pathlib import Path


def locks_a_job(file, how):
    number = file if isinstance(file, int) else file.fileno()
    return bool(how & fcntl.LOCK_EX) and Path(f"/proc/self/fd/{number}").readlink().name == "owner.json"


POINTS = {
    "lock": (fcntl, "flock", locks_a_job),
    "manifest": (os, "replace", lambda _, to: Path(to).name == "manifest.json"),
    "part": (os, "replace", lambda _, to: Path(to).name == "part-1.parquet"),
    "publication": (os, "rename", lambda _, to: Path(to).parent.name == "jobs"),
}


def install():
    when, _, what = os.environ["RMKIT_TEST_KILL"].partition(" ")
    module, function, matches = POINTS[what]
    act = getattr(module, function)

    def acted(first, second, **options):
        if not matches(first, second):
            return act(first, second, **options)
        if when == "before":
            die()
        result = act(first, second, **options)
        if when == "after":
            die()
        return result

    setattr(module, function, acted)


def die():
    try:
        Path(os.environ["RMKIT_TEST_KILL_ONCE"]).touch(exist_ok=False)
    except FileExistsError:
        return
    in_a_kernel = "part" in os.environ["RMKIT_TEST_KILL"]
    os.kill(job_process() if in_a_kernel else int(os.environ["RMKIT_TEST_RUNNER"]), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def job_process():
    return json.loads(Path(os.environ["RMKIT_JOB_FILE"]).with_name("owner.json").read_text(encoding="utf-8"))["pid"]


if "RMKIT_TEST_KILL" in os.environ:
    os.environ.setdefault("RMKIT_TEST_RUNNER", str(os.getpid()))  # the first process of all
    install()
