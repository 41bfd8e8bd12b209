"""Which jobs of a plan a command line asks for: by stage, by parameter, by plan id, and those that failed last time.

Knows the plan and, for what failed, the store. What a job needs always comes with it.
"""

from collections.abc import Sequence

from rmkit.errors import ParamsError, one_of
from rmkit.study.params import STUDY, parsed_yaml
from rmkit.study.plan import PlannedJob, schema_of
from rmkit.study.project import Project
from rmkit.study.store import Store


def selected(
    project: Project,
    jobs: list[PlannedJob],
    *,
    only: str | None = None,
    until: str | None = None,
    select: Sequence[str] = (),
    plan_ids: Sequence[str] = (),
) -> list[PlannedJob]:
    """The jobs that are asked for, and those that they need, in plan order; ParamsError if there are none."""
    stages = list(dict.fromkeys(job.stage for job in jobs))
    wanted = jobs
    if only:
        wanted = [job for job in wanted if job.stage == one_of(only, stages, "--only")]
    if until:
        last = stages.index(one_of(until, stages, "--until"))
        wanted = [job for job in wanted if stages.index(job.stage) <= last]
    for assignment in select:
        wanted = _with_parameter(project, wanted, assignment)
    if plan_ids:
        wanted = [job for job in wanted if job.plan_id in plan_ids]
    if not wanted:
        raise ParamsError(f"no job of this study is asked for by --only, --until and --select; it has {len(jobs)}")
    return _with_what_they_need(jobs, wanted)


def failed_last_time(store: Store, jobs: list[PlannedJob]) -> list[PlannedJob]:
    """Of these jobs those that failed last time, what they need, and what they alone hold up; none if nothing failed.

    A job that also waits for others, which never started, stays out: it is not a failure that it waits for.
    """
    from rmkit.study.states import BLOCKED, states_of

    states = states_of(store, jobs)
    again = _with_what_they_need(jobs, [job for job in jobs if states[job.plan_id] == "failed"])
    ready = {job.plan_id for job in again} | {plan_id for plan_id, state in states.items() if state == "done"}
    for job in jobs:
        if states[job.plan_id] == BLOCKED and all(other.plan_id in ready for other in job.needs()):
            ready.add(job.plan_id)
            again.append(job)
    return _with_what_they_need(jobs, again)


def _with_what_they_need(jobs: list[PlannedJob], wanted: list[PlannedJob]) -> list[PlannedJob]:
    needed = {needed.plan_id for job in wanted for needed in (job, *job.upstream())}
    return [job for job in jobs if job.plan_id in needed]


def _with_parameter(project: Project, jobs: list[PlannedJob], assignment: str) -> list[PlannedJob]:
    """The jobs whose parameter has the value that `KEY=VALUE` says, in the notebook's own type."""
    name, _, text = assignment.partition("=")
    where = f"--select {assignment}"
    schemas = {stage: schema_of(project, stage) for stage in dict.fromkeys(job.stage for job in jobs)}
    one_of(name, sorted({key for schema in schemas.values() for key in schema} - {STUDY}), where)
    given = parsed_yaml(text, where)
    kinds = {stage: schema[name].kind for stage, schema in schemas.items() if name in schema}
    if not any(kind.admits(given) for kind in kinds.values()):
        next(iter(kinds.values())).conform(given, where)  # which says what would be right
    kinds = {stage: kind for stage, kind in kinds.items() if kind.admits(given)}
    return [
        job for job in jobs if job.stage in kinds and job.parameters[name] == kinds[job.stage].conform(given, where)
    ]
