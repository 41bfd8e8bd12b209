"""Which jobs of a plan a command line asks for: by stage, by parameter, by plan id, and those that failed last time.

Knows the plan and, for what failed, the store and the records of runs. What a job needs always comes with it.
"""

import re
from collections.abc import Sequence
from typing import Any

from rmkit.errors import ParamsError, cut, did_you_mean, listed, nearest, one_of, quoted
from rmkit.files.yaml_texts import parsed_yaml
from rmkit.study.monitoring.run_record import events, runs
from rmkit.study.planning.keys import canonical
from rmkit.study.planning.parameter_types import Kind, any_of
from rmkit.study.planning.plan import schema_of
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import STUDY, Study, several
from rmkit.study.store.store import Store

NUMBER = r"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
SPAN = re.compile(rf"{NUMBER}\.\.{NUMBER}", re.ASCII)  # 5..9, 0.5..2


def selected(
    project: Project,
    jobs: list[PlannedJob],
    *,
    only: str | None = None,
    until: str | None = None,
    select: Sequence[str] = (),
    plan_ids: Sequence[str] = (),
    study: str = "",
) -> list[PlannedJob]:
    """The jobs that are asked for, and those that they need, in plan order; ParamsError if there are none.

    study: how a command line names it, for what a message proposes.
    """
    stages = list(dict.fromkeys(job.stage for job in jobs))
    wanted = jobs
    ids = [job.plan_id for job in jobs]
    if unknown := [name for name in plan_ids if name not in ids]:
        status = f"`{f'rmkit status {study}'.strip()}`"
        known = f"no job of this study has this plan id; {status} says how its {len(jobs)} jobs stand"
        raise ParamsError(f"--job {cut(unknown[0])}: {known}{did_you_mean(unknown[0], ids)}")
    if only is not None:
        only = stage_named(only, stages, "--only")
        wanted = [job for job in wanted if job.stage == only]
    if until is not None:
        last = stages.index(stage_named(until, stages, "--until"))
        if only is not None and stages.index(only) > last:
            raise ParamsError(
                f"--until {stages[last]}: comes before --only {only}, so no job is left; give one of them"
            )
        wanted = [job for job in wanted if stages.index(job.stage) <= last]
    for assignment in select:
        wanted = _with_parameter(project, wanted, assignment)
    if plan_ids:
        if not (named := [job for job in wanted if job.plan_id in plan_ids]):
            left = f"is none of the {len(wanted)} jobs that the other options ask for; give it alone"
            raise ParamsError(f"--job {plan_ids[0]}: {left}")
        wanted = named
    return _with_what_they_need(jobs, wanted)


def left_out(store: Store, everything: list[PlannedJob], jobs: list[PlannedJob], study: str) -> str:
    """A sentence that names the stages that gather all jobs, where a part of a study leaves them out; else empty.

    study: how a command line names it. What is there already is not missed.
    """
    asked, known = {job.plan_id for job in jobs}, dict[str, str | None]()
    gathering = [job for job in everything if job.gathered and job.plan_id not in asked]
    if not (stages := list(dict.fromkeys(job.stage for job in gathering if not store.done(job, known)))):
        return ""
    whole = f"`{f'rmkit run {study}'.strip()}` makes {'it' if len(stages) == 1 else 'them'}"
    return f"{' and '.join(stages)}: left out of a part of the study, since all its jobs are gathered there; {whole}"


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


def stage_named(given: str, stages: Sequence[str], where: str) -> str:
    """The stage that is meant: by its name, its number (04, or 4), or a beginning that no other has.

    where: the option, or the command, that takes it. ParamsError lists the stages: those that fit, or all.
    """
    if given in stages:
        return given
    start = f"{int(given):02d}_" if given.isdecimal() and given.isascii() and len(given) < 3 else given
    found = [stage for stage in stages if start and stage.startswith(start)]
    if len(found) > 1:
        raise ParamsError(f"{where} {given}: several stages begin so: {', '.join(found)}; give more of the name")
    return found[0] if found else one_of(given, stages, where)


def _with_what_they_need(jobs: list[PlannedJob], wanted: list[PlannedJob]) -> list[PlannedJob]:
    needed = {needed.plan_id for job in wanted for needed in (job, *job.upstream())}
    return [job for job in jobs if job.plan_id in needed]


def _with_parameter(project: Project, jobs: list[PlannedJob], assignment: str) -> list[PlannedJob]:
    """The jobs whose parameter has a value that `KEY=VALUE` says, in the notebook's own type; never none.

    Several values are a list, or a range with both its ends. ParamsError lists the values that there are.
    """
    name, given, where = assigned(assignment)
    schemas = {stage: schema_of(project, stage) for stage in dict.fromkeys(job.stage for job in jobs)}
    declared = {key: None for schema in schemas.values() for key in schema if key != STUDY}
    if name not in declared:
        asked = "the stage that is asked for declares" if len(schemas) == 1 else "none of the stages declares"
        raise ParamsError(f"{where}: {asked}{' no' * (len(schemas) == 1)} {name}{nearest(name, declared)}")
    kinds = {stage: schema[name].kind for stage, schema in schemas.items() if name in schema}
    having = [job for job in jobs if name in job.parameters]
    numeric = any(kind.admits(0) for kind in kinds.values())
    if numeric and (ends := span(given, where)):
        found = [job for job in having if _lies_between(job.parameters[name], ends)]
    else:
        values = {stage: _admitted(kind, given, where) for stage, kind in kinds.items()}
        anywhere = any_of(list(kinds.values()))
        for value in _asked(anywhere, given, where):
            if not any(kind.admits(value) for kind in kinds.values()):
                anywhere.conform(value, where)  # which says what would be right
        found = [job for job in having if job.parameters[name] in values[job.stage]]
    if found:
        return found
    there = list(dict.fromkeys(canonical(job.parameters[name]) for job in having))
    raise ParamsError(f"{where}: no job that is asked for has it; {name} is {listed(there)} in this study")


def assigned(assignment: str, form: str = "KEY=VALUE") -> tuple[str, Any, str]:
    """The name and the value, read as YAML, of an assignment to --select, and how messages name it; ParamsError."""
    name, equals, text = assignment.partition("=")
    where = f"--select {cut(assignment)}"
    if not (name and equals and text):
        raise ParamsError(f"{where}: write {form}")
    given = parsed_yaml(text, where)
    if given == []:
        raise ParamsError(f"{where}: holds no value; give at least one")
    return name, given, where


def span(given: object, where: str) -> tuple[float, float] | None:
    """Both ends of a range of numbers, as 5..9 or 0.5..2; None for anything else; ParamsError if it runs backwards."""
    if not (isinstance(given, str) and (found := SPAN.fullmatch(given))):
        return None
    first, last = map(float, found.groups())
    if last < first:
        raise ParamsError(f"{where}: {quoted(given)} is not a range; write first..last, as 5..24 or 0.5..2")
    return first, last


def _lies_between(value: object, ends: tuple[float, float]) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and ends[0] <= value <= ends[1]


def _admitted(kind: Kind, given: Any, where: str) -> list[Any]:
    """The values that are asked for which a parameter of this kind may have, in its type."""
    return [kind.conform(value, where) for value in _asked(kind, given, where) if kind.admits(value)]


def _asked(kind: Kind, given: Any, where: str) -> list[Any]:
    """The values of a list or a range, where a parameter has a single one; else what is given."""
    asked = None if kind.of else several(given, where)
    return [given] if asked is None else asked
