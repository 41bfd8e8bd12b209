"""What the studies under params/ refer to: the jobs of their plans, by plan id and by key.

A job whose inputs are not finished has no key yet: what it may come to is told from all of its ingredients but those.
Studies that lie elsewhere, and what a command line sets, are no files under params/: they refer to nothing here. Reads
plans and manifests; removes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rmkit.study.planning.keys import canonical, ingredients
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import Study, load_study
from rmkit.study.store.store import Store

Content = Mapping[str, str | None]  # the digest of each input of a job, None where it is not finished


@dataclass(frozen=True)
class References:
    """The planned jobs of all studies, with the keys that they came to or would come to now."""

    studies: tuple[Study, ...]
    jobs: tuple[PlannedJob, ...]  # each plan id once
    keys: frozenset[str]
    open: tuple[tuple[PlannedJob, Content], ...]  # jobs whose key hangs on inputs that are not finished

    @cached_property
    def plan_ids(self) -> frozenset[str]:
        return frozenset(job.plan_id for job in self.jobs)

    @cached_property
    def open_stages(self) -> frozenset[str]:
        return frozenset(job.stage for job, _ in self.open)

    def refer_to(self, key: str, made: Mapping[str, Any]) -> bool:
        """Whether a finished job is one of theirs, or may turn out to be. made: the ingredients that it was made of."""
        return key in self.keys or any(_could_be(job, content, made) for job, content in self.open)

    def nearest(self, stage: str, parameters: Mapping[str, Any]) -> PlannedJob | None:
        """The planned job of a stage whose parameters differ least from these; the first of several."""
        jobs = [job for job in self.jobs if job.stage == stage]
        return min(jobs, key=lambda job: len(differing(parameters, job.parameters)), default=None)


def references(project: Project, store: Store) -> References:
    """What every study under params/ refers to; ParamsError or DataError for one that cannot be planned."""
    paths = sorted(path for path in (project.root / "params").iterdir() if path.suffix in (".yaml", ".yml"))
    studies = tuple(load_study(path, project.shown(path)) for path in paths)
    jobs = {job.plan_id: job for study in studies for job in make_plan(project, study)}
    keys: set[str] = set()
    unfinished: list[tuple[PlannedJob, Content]] = []
    known: dict[str, str | None] = {}
    for job in jobs.values():
        keys |= {key for key in (store.key_of(job, known), store.noted(job.plan_id)) if key}
        content = store.content(job, known)
        if None in content.values():
            unfinished.append((job, content))
    return References(studies, tuple(jobs.values()), frozenset(keys), tuple(unfinished))


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The parameters that two jobs do not share."""
    return [name for name in sorted(one.keys() | other.keys()) if one.get(name, ...) != other.get(name, ...)]


def _could_be(job: PlannedJob, content: Content, made: Mapping[str, Any]) -> bool:
    """Whether a finished job may be a planned one, once the inputs are made that are not: all else must be the same."""
    if made.get("stage") != job.stage or made.get("parameters") != dict(job.parameters):
        return False
    then = dict(made.get("inputs", {}))
    results = [gathered.get("results") for gathered in made.get("gathered", [])]
    then |= {other.plan_id: result for other, result in zip(job.gathered, results, strict=False)}
    assumed = {name: digest or str(then.get(name)) for name, digest in content.items()}
    return canonical(ingredients(job, assumed)) == canonical(dict(made))
