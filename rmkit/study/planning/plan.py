"""The plan of a study: every job, in an order in which each comes after what it needs, with its ids.

Reads notebooks, rmkit's source and data files; runs nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from rmkit.errors import ParamsError, check_each_once, cut, listed, one_of
from rmkit.stages.graph import STAGES, Source
from rmkit.study.planning import study_file
from rmkit.study.planning.keys import Codes, canonical, code_of, ingredients, name_of, named_above
from rmkit.study.planning.notebook import SEEDS, Declared, Notebook, check_look_cells, declared, read_notebook
from rmkit.study.planning.planned_job import KnownParameters, PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import Study

LEAST = {"n_folds": 2}  # of numbers that a stage fits by; else 1


def make_plan(project: Project, study: Study, *, needed_by: str | None = None) -> list[PlannedJob]:
    """All jobs of the study, upstream first. ParamsError or DataError for all that can be seen without running.

    needed_by: only the stages that this stage may take something from; what else the study holds is not looked at.
    """
    for stage in study.stages:
        one_of(stage, STAGES, f"{study.where}: stages")
    stages = in_order(study.stages)
    if needed_by:
        stages = [stage for stage in stages if stage in _above(needed_by)]
    schemas = {stage: schema_of(project, stage) for stage in stages}
    if not needed_by:
        study_file.check_names(study, schemas)
        study_file.check_axes(study, schemas)  # of some schemas alone it cannot be told: another may admit the value
    grids = {stage: study_file.grid(study, stage, schemas[stage]) for stage in stages}
    points = {stage: _different(settled(stage, given, schemas[stage]) for given in grids[stage]) for stage in stages}
    study_file.check_size(study, {stage: len(points[stage]) for stage in stages})
    jobs: list[PlannedJob] = []
    codes: Codes = {}
    for stage, (first, *others) in grids.items():
        varied = [name for name in first if any(point[name] != first[name] for point in others)]
        names = dict.fromkeys([*study.axes, *varied])
        for point in points[stage]:
            axes = tuple(name for name in names if name in point and STAGES[stage].counts(name, point))
            jobs.append(plan_job(project, stage, point, jobs, study.where, axes, codes))
    return jobs


def _different(points: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The points of a grid in their order, each once: equal ones are one job."""
    return list({canonical(point): point for point in points}.values())


def settled(stage: str, given: Mapping[str, Any], schema: Mapping[str, Declared]) -> dict[str, Any]:
    """The parameters of a job, those that do not count there at their defaults."""
    counts = STAGES[stage].counts
    return {name: value if counts(name, given) else schema[name].default for name, value in given.items()}


def schema_of(project: Project, stage: str) -> dict[str, Declared]:
    """The parameters that a stage's notebook declares; its `look` cells are checked on the way."""
    return dict(_schema(read_notebook(project.notebook(stage), project.shown(project.notebook(stage)))))


@lru_cache(maxsize=64)
def _schema(notebook: Notebook) -> dict[str, Declared]:
    check_look_cells(notebook)
    return declared(notebook)


def plan_job(
    project: Project,
    stage: str,
    parameters: Mapping[str, Any],
    jobs: list[PlannedJob],
    where: str,
    axes: tuple[str, ...] = (),
    codes: Codes | None = None,
) -> PlannedJob:
    """The job of a stage at one point, what it takes found among `jobs`: those with equal shared parameters.

    codes: what jobs that are planned together have in common; filled on the way.
    """
    parameters = KnownParameters(stage, parameters)
    for name in SEEDS:
        if not 0 <= parameters.get(name, 0) < 2**63:  # more is no whole number of a table of results
            raise ParamsError(f"{where}: {stage}: {name}: {parameters[name]}; a seed is 0 or more, and below 2**63")
    for name in STAGES[stage].fits:
        value, place = parameters[name], f"{where}: {stage}: {name}"
        if isinstance(value, list):
            check_each_once(value, place)
        elif value is not None and value < 1:
            raise ParamsError(f"{place} is {value}; give at least {LEAST.get(name, 1)}")
    sources = STAGES[stage].sources(parameters)
    inputs = {name: _upstream(stage, name, origins, parameters, jobs, where) for name, origins in sources.items()}
    unnamed = PlannedJob(stage, parameters, inputs, {}, "", axes, _gathered(stage, parameters, jobs, where))
    code = code_of(project, stage, parameters, named_above(unnamed), codes)
    unnamed = replace(unnamed, code=code)
    content = {name: job.plan_id for name, job in inputs.items()}
    content |= {job.plan_id: job.plan_id for job in unnamed.gathered}
    return replace(unnamed, plan_id=name_of(ingredients(unnamed, content)))


def _above(stage: str) -> set[str]:
    """The stages that a stage may take something from, directly or not."""
    direct = STAGES[stage].above()
    return direct.union(*(_above(other) for other in direct))


def in_order(stages: Mapping[str, Any]) -> list[str]:
    """The stages, each after those that it may take something from; ParamsError for a cycle."""
    ordered: list[str] = []
    while waiting := sorted(set(stages) - set(ordered)):
        ready = [stage for stage in waiting if not STAGES[stage].above() & set(waiting)]
        if not ready:
            text = f"{', '.join(waiting)} wait for each other; an input must come from an earlier stage"
            raise ParamsError(f"rmkit/stages/graph.py: {text}")
        ordered.append(ready[0])
    return ordered


def _upstream(
    stage: str, name: str, origins: list[Source], parameters: Mapping[str, Any], jobs: list[PlannedJob], where: str
) -> PlannedJob:
    """The one job that makes an input artifact, or a ParamsError that lists the candidates."""
    start = f"{where}: {stage} takes `{name}` from"
    if len(origins) > 1:
        fit = ", ".join(origin.stage for origin in origins)
        raise ParamsError(f"{start} one stage, and {fit} fit {canonical(dict(parameters))}")
    (origin,) = origins
    artifact, asked = origin.artifact or name, {**parameters, **origin.at}
    if named := [f"`{artifact}`"] * (artifact != name) + [f"{key} {canonical(at)}" for key, at in origin.at.items()]:
        start = f"{where}: {stage} takes `{name}` ({', '.join(named)}) from"
    made = [job for job in jobs if job.stage == origin.stage]
    if not made:
        raise ParamsError(f"{start} {origin.stage}; add `{origin.stage}:` under `stages`")
    if made_of := STAGES[origin.stage].made_of.get(artifact):
        return _maker_of(made, made_of, start)
    made = [job for job in made if artifact in STAGES[job.stage].saved(job.parameters)]
    fitting = [job for job in made if _agree(asked, job)]
    if len(fitting) == 1:
        return fitting[0]
    apart = f"they differ in {_apart(asked, fitting or made)}; make these agree" if made else "none saves it"
    raise ParamsError(f"{start} one job of {origin.stage}, and {len(fitting)} fit; {apart}")


def _apart(parameters: Mapping[str, Any], jobs: list[PlannedJob]) -> str:
    """The parameters of these jobs of which none is as it is here; if there is no such, those in which jobs differ."""
    names = dict.fromkeys(name for job in jobs for name in job.parameters)
    there = {name: list(dict.fromkeys(canonical(job.parameters.get(name)) for job in jobs)) for name in names}
    here = {name: canonical(parameters[name]) for name in names if name in parameters}
    differ = [name for name in here if here[name] not in there[name]] or [name for name in names if there[name][1:]]
    said = {name: _values_of(job.parameters.get(name) for job in jobs) for name in differ}
    return "; ".join(
        f"{name}: {said[name]}" + f" there, {cut(here.get(name, ''))} here" * (name in here) for name in differ
    )


def _maker_of(made: list[PlannedJob], made_of: tuple[str, ...], start: str) -> PlannedJob:
    """The first of the jobs that make an artifact, if all make the same one; ParamsError names what they differ in."""
    first = made[0]
    for name in made_of:
        if any(job.parameters[name] != first.parameters[name] for job in made):
            values = _values_of(job.parameters[name] for job in made)
            raise ParamsError(f"{start} {first.stage}, whose jobs differ in {name}: {values}; give it one")
    return first


def _gathered(stage: str, parameters: Mapping[str, Any], jobs: list[PlannedJob], where: str) -> tuple[PlannedJob, ...]:
    """The jobs whose results a stage gathers, in plan order; ParamsError if the study has none that it must gather."""
    gathers = STAGES[stage].gathers
    made = [job for job in jobs if job.stage in gathers]
    fitting = tuple(job for job in jobs if job.stage in STAGES[stage].all_gathered and _agree(parameters, job))
    if gathers and not any(job.stage in gathers for job in fitting):
        start = f"{where}: {stage} gathers the results of {', '.join(gathers)}, and the study has"
        if not made:
            raise ParamsError(f"{start} none of them; add one under `stages`, as in `{gathers[0]}:`")
        raise ParamsError(f"{start} no job that fits: they differ in {_apart(parameters, made)}; make these agree")
    return fitting


def _agree(parameters: Mapping[str, Any], job: PlannedJob) -> bool:
    """Whether a job's parameters equal these where both have them. Seeds first: among many jobs they differ most."""
    given = job.parameters
    if any(name in given and parameters.get(name, given[name]) != given[name] for name in SEEDS):
        return False
    return all(parameters.get(key, value) == value for key, value in given.items())


def _values_of(values: Iterable[Any]) -> str:
    """Parameters' values for a message, each once."""
    return listed(list(dict.fromkeys(map(canonical, values))))
