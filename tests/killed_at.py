"""Installed as `sitecustomize` in a small project: kills a process and its parent at a named point, once.

At a lock, a manifest or a publication that is the job process and the runner, at a part the kernel and the job process.

RMKIT_TEST_KILL names the point, RMKIT_TEST_KILL_ONCE a file that remembers that it happened.
"""

import os
import signal
from pathlib import Path

POINTS = {
    "lock": ("rename", lambda to: to.parent.name == "locks"),
    "manifest": ("replace", lambda to: to.name == "manifest.json"),
    "part": ("replace", lambda to: to.name == "part-1.parquet"),
    "publication": ("rename", lambda to: to.parent.name == "jobs"),
}


def install():
    when, _, what = os.environ["RMKIT_TEST_KILL"].partition(" ")
    function, matches = POINTS[what]
    move = getattr(os, function)

    def moved(source, target, **options):
        if not matches(Path(target)):
            return move(source, target, **options)
        if when == "before":
            die()
        result = move(source, target, **options)
        if when == "after":
            die()
        return result

    setattr(os, function, moved)


def die():
    try:
        Path(os.environ["RMKIT_TEST_KILL_ONCE"]).touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


if "RMKIT_TEST_KILL" in os.environ:
    install()
