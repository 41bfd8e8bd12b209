"""Where jobs are executed: `execute(jobs, engine) -> outcomes` is the only door.

Keys and statuses travel, data does not. Knows the store and the locks; not what a job computes, nor where.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.store import locks
from rmkit.study.store.store import Store

# Told (event, job, text); an event is "warning", "started", "watching", or an outcome's state.
Watch = Callable[[str, PlannedJob, str], None]


@dataclass(frozen=True)
class Outcome:
    """How a job ended: `done` (executed now), `found` (was finished), `failed`, `blocked` by a failed upstream, or
    `skipped`, not started because another failed.
    """

    state: str
    text: str = ""  # the sentence that explains a failure, or who else executed it
    seconds: float = 0.0


class Engine(Protocol):
    """Where the jobs of a run are executed: this machine (`local.Local`), or many."""

    @property
    def threads(self) -> int:
        """The threads that jobs side by side may use together."""

    def run(
        self, jobs: list[PlannedJob], *, project: Project, store: Store, study: str, watch: Watch
    ) -> dict[str, Outcome]:
        """Bring every job to an end, upstream first; {plan id: outcome}. The store is ready and has no dead locks."""


def execute(
    jobs: list[PlannedJob], engine: Engine, *, project: Project, store: Store, study: str, watch: Watch
) -> dict[str, Outcome]:
    """Bring every job to an end, upstream first, side by side where the engine has room: {plan id: outcome}.

    Finished jobs are found, damaged ones set aside and executed again (`watch` is told), and what dead owners left is
    ended first. A failed job blocks what needs it; all others go on.
    """
    store.prepare()
    for owner in locks.clear_away_the_dead(store):
        for job in jobs:
            if job.plan_id == owner.plan_id:
                watch("warning", job, f"process {owner.pid} died while executing it; what it left was ended")
    return engine.run(jobs, project=project, store=store, study=study, watch=watch)
