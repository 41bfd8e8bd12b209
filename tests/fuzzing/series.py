"""A series of inputs, shared out among worker processes: each kind by its share, each worker with projects of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fuzzing.kinds import KINDS
from tests.fuzzing.trial import SECONDS
from tests.small_project import REPOSITORY, SmallProject


def counts(inputs: int, only: Sequence[str] = ()) -> dict[str, list[int]]:
    """The numbers of the inputs of each kind, from 0 on: at least `inputs` of all."""
    chosen = {kind: about.share for kind, about in KINDS.items() if not only or kind in only}
    whole = sum(chosen.values())
    return {kind: list(range(-(-inputs * share // whole))) for kind, share in chosen.items()}


def tried_by_workers(
    folder: Path,
    finished: SmallProject,
    numbers: Mapping[str, Sequence[int]],
    *,
    seed: int,
    workers: int = 2,
    seconds: float = SECONDS,
    watch: Callable[[dict], object] = lambda row: None,
) -> list[dict]:
    """The outcome of every input; RuntimeError if a worker ends before it has tried its own.

    finished: a small project whose study has run; it is copied. watch: is called with each outcome as it comes.
    """
    rows = []
    for small in (False, True):
        kinds = [kind for kind in numbers if KINDS[kind].small == small]
        tasks = [[(kind, list(numbers[kind][first::workers])) for kind in kinds] for first in range(workers)]
        tasks = [left for task in tasks if (left := [(kind, some) for kind, some in task if some])]
        with ThreadPoolExecutor(workers) as pool:
            started = [
                _worker(folder / f"{small}-{at}", finished, task, seed, seconds) for at, task in enumerate(tasks)
            ]
            for found in pool.map(_outcomes, started, tasks, [watch] * len(tasks)):
                rows += found
    return rows


def _outcomes(worker: subprocess.Popen, tasks: list, watch: Callable[[dict], object]) -> list[dict]:
    """What a worker prints, until it ends."""
    found = []
    with worker:
        for line in worker.stdout:
            found.append(json.loads(line))
            watch(found[-1])
    if worker.returncode or len(found) != sum(len(some) for _, some in tasks):
        raise RuntimeError(f"a worker ended with {worker.returncode} after {len(found)} inputs")
    return found


def _worker(folder: Path, finished: SmallProject, tasks: list, seed: int, seconds: float) -> subprocess.Popen:
    """A process that tries inputs in a project of its own: rmkit is imported from that project, or from the checkout."""
    folder.mkdir(parents=True)
    project = finished.copy(folder / "project")
    (project.root / "runs").rename(folder / "finished")
    home = project.root if KINDS[tasks[0][0]].small else REPOSITORY
    environment = project.environment(OMP_NUM_THREADS="1") | {"PYTHONPATH": f"{home}{os.pathsep}{REPOSITORY}"}
    arguments = (str(folder), json.dumps(tasks), str(seed), str(seconds))
    command = [sys.executable, "-P", "-m", "tests.fuzzing.worker", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
