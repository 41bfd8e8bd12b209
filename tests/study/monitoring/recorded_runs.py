"""Records of two jobs that were never run, and a run that takes its time: for the tests of what is seen of runs."""

import time

from rmkit.study.monitoring.run_record import RunRecord, events
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.study_file import Study
from rmkit.study.store.store import Store

FIRST = PlannedJob("00_grammar_world", {"seed": 0, "n_prompts": 3}, {}, {}, "00_grammar_world-aa", ("seed",))
SECOND = PlannedJob("04_reward_models", {"seed": 0}, {"bank": FIRST}, {}, "04_reward_models-bb", ("seed",))


def record(store, jobs=(FIRST, SECOND), name="mine"):
    from pathlib import Path

    return RunRecord(store, Study(Path(f"params/{name}.yaml"), f"params/{name}.yaml", title="Mine"), jobs, threads=2)


def end(run):
    """How a run says that it ended, or None."""
    told = events(run)
    return told[-1] if told and told[-1].event == "ended" else None


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)
    return found


def slow(project, seconds):
    """The project, whose sums count to twenty meanwhile."""
    project.edit(
        "notebooks/01_sums.ipynb",
        "time.sleep(sleep)",
        "step = job.progress('adding')\\nfor i in range(20):\\n    step(i, 20)\\n    time.sleep(sleep / 20)",
    )
    project.study(axes={"seed": [0, 1]}, stages={"00_numbers": None, "01_sums": {"sleep": seconds}})
    return project, Store(project.root / "runs")
