"""The state of a study's jobs, from the store and the locks alone: it can be told from any process at any time."""

import json
from typing import Any

from rmkit.study.planning.plan import PlannedJob
from rmkit.study.store import locks
from rmkit.study.store.store import Store

BLOCKED = "held up by a failed job"


def states_of(store: Store, jobs: list[PlannedJob]) -> dict[str, str]:
    """The state of each job, by plan id, upstream first: what waits for a failed job says so."""
    states: dict[str, str] = {}
    known: dict[str, str | None] = {}
    for job in jobs:
        above = {states[other.plan_id] for other in job.needs()}
        state = state_of(store, job, known)
        states[job.plan_id] = BLOCKED if state == "waiting" and above & {"failed", BLOCKED} else state
    return states


def state_of(store: Store, job: PlannedJob, known: dict[str, str | None] | None = None) -> str:
    """done, running, failed or waiting."""
    if store.done(job, known):
        return "done"
    holder = locks.holder(store, job.plan_id)
    if holder and holder.alive():
        return "running"
    return "failed" if failure_note(store, job) else "waiting"


def failure_note(store: Store, job: PlannedJob) -> dict[str, Any]:
    """How a job failed last time (`error`, `time`), or nothing."""
    try:
        return json.loads((store.root / "failed" / job.plan_id / "error.json").read_text())
    except (OSError, ValueError):
        return {}
