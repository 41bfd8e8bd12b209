"""What the studies under params/ refer to: the jobs of their plans, by plan id and by key.

A job whose inputs are not finished has no key yet: any stored job of its stage and parameters may turn out to be it.
Studies that lie elsewhere, and what a command line sets, are no files under params/: they refer to nothing here. Reads
plans and manifests; removes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rmkit.study.planning.keys import canonical
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import load_study
from rmkit.study.store.store import Store


@dataclass(frozen=True)
class References:
    """The planned jobs of all studies, with the keys that they came to or would come to now."""

    studies: tuple[str, ...] = ()
    jobs: Mapping[str, PlannedJob] = field(default_factory=dict)  # by plan id
    keys: frozenset[str] = frozenset()
    open: frozenset[tuple[str, str]] = frozenset()  # stage and parameters of jobs whose inputs are not finished

    def may_need(self, key: str, manifest: Mapping[str, Any]) -> bool:
        """Whether a finished job is one of theirs, or may turn out to be."""
        return key in self.keys or (manifest.get("stage"), canonical(manifest.get("parameters"))) in self.open

    def may_go_on_from(self, key: str) -> bool:
        """Whether parts of an unfinished job are one of theirs, or may turn out to be."""
        return key in self.keys or key.rpartition("-")[0] in {stage for stage, _ in self.open}


def references(project: Project, store: Store) -> References:
    """What every study under params/ refers to; ParamsError or DataError for one that cannot be planned."""
    paths = sorted(path for path in (project.root / "params").iterdir() if path.suffix in (".yaml", ".yml"))
    studies = [load_study(path, project.shown(path)) for path in paths]
    jobs = {job.plan_id: job for study in studies for job in make_plan(project, study)}
    known: dict[str, str | None] = {}
    keys = {key for job in jobs.values() for key in (store.key_of(job, known), store.noted(job.plan_id)) if key}
    unfinished = [job for job in jobs.values() if None in store.content(job, known).values()]
    names = tuple(study.name for study in studies)
    return References(
        names, jobs, frozenset(keys), frozenset((job.stage, canonical(dict(job.parameters))) for job in unfinished)
    )
