"""Trials: what a command line set, and studies that lie elsewhere, as the records of runs know them.

A run's record is kept for the last runs only; what was tried before then is not known as a trial any more.
"""

import time
from collections.abc import Iterator, Mapping

from rmkit.machine.quantities import size_text
from rmkit.study.housekeeping.sizes import last_written, sizes_of
from rmkit.study.monitoring.run_record import Run, runs
from rmkit.study.monitoring.words import counted
from rmkit.study.store.store import Store


def tried_jobs(store: Store) -> dict[str, str]:
    """The jobs of trials by plan id: the command that asked for each last."""
    tried = [run for run in reversed(runs(store)) if _tries(run)]
    return {job.plan_id: f"rmkit run {run.arguments}" for run in tried for job in run.jobs}


def trials_in_words(store: Store, trials: Mapping[str, str], *, goes: bool) -> Iterator[str]:
    """The finished jobs of trials, a line for each command that made some, the newest first.

    trials: commands by key. goes: whether they are removed with the rest.
    """
    if not trials:
        return
    paths = {key: store.folder(key) for key in trials}
    sizes = sizes_of(list(paths.values()))
    what = "are removed too" if goes else "stay; --trials removes them too"
    held = f"{counted(len(paths), 'finished job')}, {size_text(sum(sizes.values()))}"
    yield f"trials that you asked for: {held}; they {what}"
    lines = []
    for command in set(trials.values()):
        own = [path for key, path in paths.items() if trials[key] == command]
        made = max(map(last_written, own))
        size, day = size_text(sum(sizes[path] for path in own)), time.strftime("%Y-%m-%d %H:%M", time.localtime(made))
        lines.append((made, f"  {command}: {counted(len(own), 'job')}, {size}, of {day}"))
    yield from (line for _, line in sorted(lines, reverse=True))


def _tries(run: Run) -> bool:
    """Whether a run was asked for something that no file under params/ says."""
    return " --set " in run.arguments or not run.arguments.startswith("params/")
