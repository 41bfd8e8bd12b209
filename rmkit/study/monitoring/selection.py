"""Which jobs of a plan a command line asks for: by stage, by parameter, by plan id, and those that failed last time.

Knows the plan and, for what failed, the store and the records of runs. What a job needs always comes with it.
"""

from collections.abc import Sequence

from rmkit.errors import ParamsError, did_you_mean, one_of
from rmkit.files.yaml_texts import parsed_yaml
from rmkit.study.monitoring.run_record import events, runs
from rmkit.study.planning.plan import schema_of
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import STUDY, Study
from rmkit.study.store.store import Store


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
    ids = [job.plan_id for job in jobs]
    if unknown := [name for name in plan_ids if name not in ids]:
        known = f"no job of this study has this plan id; `rmkit status` says how its {len(jobs)} jobs stand"
        raise ParamsError(f"--job {unknown[0]}: {known}{did_you_mean(unknown[0], ids)}")
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
        raise ParamsError(
            f"no job of this study is asked for by --only, --until, --select and --job; it has {len(jobs)}"
        )
    return _with_what_they_need(jobs, wanted)


def failed_last_time(store: Store, study: Study, jobs: list[PlannedJob]) -> list[PlannedJob]:
    """Of these jobs those that failed last time, what they need, and what they alone hold up; none if nothing failed.

    A job failed if the last run of this study that brought a job of its name to an end saw it fail: its code may have
    been mended since. A job that also waits for others, which never started, stays out: it is not a failure that it
    waits for.
    """
    last: dict[tuple[str, str], str] = {}  # how each job ended, by stage and title
    for run in reversed(runs(store, study.name)):
        names = {job.plan_id: (job.stage, job.title) for job in run.jobs}
        if run.arguments == study.arguments:
            ended = [event for event in events(run) if event.event in ("done", "found", "failed")]
            last |= {names[event.plan_id]: event.event for event in ended if event.plan_id in names}
    known: dict[str, str | None] = {}
    done = {job.plan_id for job in jobs if store.done(job, known)}
    missing = [job for job in jobs if job.plan_id not in done]
    failed = [job for job in missing if last.get((job.stage, str(job))) == "failed"]
    again = _with_what_they_need(jobs, failed)
    held_up, ready = {job.plan_id for job in failed}, done | {job.plan_id for job in again}
    for job in missing:
        needs = {other.plan_id for other in job.needs()}
        if needs & held_up and needs <= ready:
            held_up.add(job.plan_id)
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
    values = {stage: kind.conform(given, where) for stage, kind in kinds.items() if kind.admits(given)}
    if not values:
        next(iter(kinds.values())).conform(given, where)  # which says what would be right
    return [job for job in jobs if job.stage in values and job.parameters[name] == values[job.stage]]
