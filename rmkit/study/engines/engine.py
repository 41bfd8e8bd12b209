"""Where jobs are executed: `execute(jobs, engine) -> outcomes` is the only door.

Keys and statuses travel, data does not. Knows the store and the locks; not what a job computes, nor where.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rmkit.machine.hardware import package_versions
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
    for job in jobs:
        key = store.key_of(job)
        if key and store.folder(key).exists() and (damage := store.damage(key)):
            place = project.shown(store.set_aside(key))
            watch("warning", job, f"damaged in the store: {damage}; moved to {place}, executing it again")
    warn_of_other_versions(store, jobs, watch)
    return engine.run(jobs, project=project, store=store, study=study, watch=watch)


def warn_of_other_versions(store: Store, jobs: list[PlannedJob], watch: Watch) -> None:
    """Tell `watch` once for each way in which finished jobs were made under other package versions than these."""
    now, told = package_versions(), set[str]()
    known: dict[str, str | None] = {}
    for job in jobs:
        key = store.key_of(job, known)
        if key and store.finished(key):
            then = store.manifest(key)["environment"]["packages"]
            other = [name for name in now if then.get(name, now[name]) != now[name]]  # one not there then made nothing
            changed = [f"{name} {then[name]}, now {now[name]}" for name in other]
            if changed and (text := ", ".join(changed)) not in told:
                told.add(text)
                watch("warning", job, f"was made, as others may have been, with {text}; its result is kept")
