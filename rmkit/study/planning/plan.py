"""The plan of a study: every job, in an order in which each comes after what it needs, with its ids.

A job's *key* is the hash of all that can change its result, upstream artifacts by content; it exists once they do. Its
*plan id* is the same hash with upstream plan ids in their place; it exists at once. Reads notebooks, rmkit's source and
data files; runs nothing.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rmkit.errors import DataError, ParamsError, one_of
from rmkit.stages.graph import ARTIFACTS, STAGES, DataFile, holds
from rmkit.study.notebook_side.gathered import PER_PROMPT
from rmkit.study.planning import reached_code, study_file
from rmkit.study.planning.data_digest import data_digest
from rmkit.study.planning.notebook import Declared, check_look_cells, declared, read_notebook, result_trees
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import Study

FORMAT = 1  # of keys, manifests and job files
ALWAYS_REACHED = ["rmkit.seeding:generator"]  # reached through job.rng, which no import shows


@dataclass(frozen=True)
class PlannedJob:
    """One stage at one point of the grid."""

    stage: str
    parameters: Mapping[str, Any]  # complete and checked, `study` left out
    inputs: Mapping[str, "PlannedJob"]  # artifact -> the job that makes it
    code: Mapping[str, Any]  # the code and data part of the key: notebook cells, modules, data files
    plan_id: str
    axes: tuple[str, ...] = ()  # the parameters that tell the jobs of a stage apart
    gathered: tuple["PlannedJob", ...] = ()  # the jobs whose rows and evaluations it reads, in plan order

    @property
    def threads(self) -> int:
        return STAGES[self.stage].threads

    @property
    def fits(self) -> int:
        """How many reward models or policies the job fits."""
        stage = STAGES[self.stage]
        names = [name for name in stage.fits if stage.counts(name, self.parameters)]
        sizes = [len(value) if isinstance(value := self.parameters[name], list) else value for name in names]
        return math.prod(sizes) if names else 0

    def __str__(self) -> str:
        return " ".join([self.stage, *(f"{name}={self.parameters[name]}" for name in self.axes)])

    def needs(self) -> list["PlannedJob"]:
        """The jobs that must be done before this one: those that make its inputs, and those that it gathers."""
        return [*self.inputs.values(), *self.gathered]

    def upstream(self) -> list["PlannedJob"]:
        """Every job that this one needs, directly or not, each once and after what it needs itself."""
        found: dict[str, PlannedJob] = {}
        for job in self.needs():
            if job.plan_id not in found:
                found |= {other.plan_id: other for other in (*job.upstream(), job)}
        return list(found.values())

    def known_parameters(self) -> dict[str, Any]:
        """The parameters of all jobs that its inputs come from, and its own, which count where a name is shared.

        Not those of the jobs that it gathers: these differ in what tells them apart.
        """
        above = [job.known_parameters() for job in self.inputs.values()]
        return {name: value for known in (*above, self.parameters) for name, value in known.items()}


def canonical(value: Any) -> str:
    """The one JSON text of a value: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def ingredients(job: PlannedJob, content: Mapping[str, str]) -> dict[str, Any]:
    """All that goes into a job's key.

    content: the digest (or plan id) of each input, by artifact, and of each gathered job's results, by its plan id.
    """
    gathered = [
        {"stage": other.stage, "parameters": dict(other.parameters), "results": content[other.plan_id]}
        for other in job.gathered
    ]
    return {
        "format": FORMAT,
        "stage": job.stage,
        "parameters": dict(job.parameters),
        "inputs": {name: content[name] for name in job.inputs},
        **({"gathered": gathered} if gathered else {}),
        **job.code,
    }


def name_of(parts: Mapping[str, Any]) -> str:
    """The key (or plan id) that these ingredients make: the stage's name and 16 hexadecimal digits."""
    return f"{parts['stage']}-{reached_code.digest(canonical(parts))[:16]}"


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
    jobs: list[PlannedJob] = []
    for stage in stages:
        for point in _distinct_points(study, stage, schemas[stage]):
            axes = tuple(name for name in study.axes if name in point and STAGES[stage].counts(name, point))
            jobs.append(plan_job(project, stage, point, jobs, study.where, axes))
    return jobs


def _distinct_points(study: Study, stage: str, schema: Mapping[str, Declared]) -> list[dict[str, Any]]:
    """The stage's points of the grid, settled; those that are then alike are one job."""
    points: list[dict[str, Any]] = []
    for given in study_file.grid(study, stage, schema):
        point = settled(stage, given, schema)
        if point not in points:
            points.append(point)
    return points


def settled(stage: str, given: Mapping[str, Any], schema: Mapping[str, Declared]) -> dict[str, Any]:
    """The parameters of a job, those that do not count there at their defaults."""
    counts = STAGES[stage].counts
    return {name: value if counts(name, given) else schema[name].default for name, value in given.items()}


def schema_of(project: Project, stage: str) -> dict[str, Declared]:
    """The parameters that a stage's notebook declares; its `look` cells are checked on the way."""
    notebook = read_notebook(project.notebook(stage), project.shown(project.notebook(stage)))
    check_look_cells(notebook)
    return declared(notebook)


def plan_job(
    project: Project,
    stage: str,
    parameters: Mapping[str, Any],
    jobs: list[PlannedJob],
    where: str,
    axes: tuple[str, ...] = (),
) -> PlannedJob:
    """The job of a stage at one point, what it takes found among `jobs`: those with equal shared parameters."""
    for name in STAGES[stage].fits:
        _check_fits(parameters[name], f"{where}: {stage}: {name}")
    sources = STAGES[stage].sources(parameters)
    inputs = {name: _upstream(stage, name, origins, parameters, jobs, where) for name, origins in sources.items()}
    unnamed = PlannedJob(stage, parameters, inputs, {}, "", axes, _gathered(stage, parameters, jobs, where))
    unnamed = replace(unnamed, code=code_of(project, stage, parameters, named_above(unnamed)))
    content = {name: job.plan_id for name, job in inputs.items()} | {
        job.plan_id: job.plan_id for job in unnamed.gathered
    }
    return replace(unnamed, plan_id=name_of(ingredients(unnamed, content)))


def named_above(job: PlannedJob) -> list[str]:
    """The texts among the parameters of the jobs that a job needs: a head may be named there and loaded here."""
    return sorted({text for upstream in job.upstream() for text in _texts(upstream.parameters)})


def _check_fits(value: Any, where: str) -> None:
    """ParamsError unless a parameter that multiplies fits asks for at least one, and for none twice."""
    if isinstance(value, list):
        if not value:
            raise ParamsError(f"{where} is empty; give at least one value")
        if twice := [item for position, item in enumerate(value) if item in value[:position]]:
            raise ParamsError(f"{where}: {twice[0]!r} stands twice; a fit is made once")
    elif value < 1:
        raise ParamsError(f"{where} is {value}; give at least 1")


def _above(stage: str) -> set[str]:
    """The stages that a stage may take something from, directly or not."""
    direct = STAGES[stage].above()
    return direct.union(*(_above(other) for other in direct))


def in_order(stages: Mapping[str, Any]) -> list[str]:
    """The stages, each after those that it may take something from; ParamsError for a cycle."""
    ordered: list[str] = []

    def visit(stage: str, path: tuple[str, ...]) -> None:
        if stage in path:
            cycle = " → ".join([*path[path.index(stage) :], stage])
            raise ParamsError(f"rmkit/stages/graph.py: {cycle} is a cycle; an input must come from an earlier stage")
        if stage in ordered:
            return
        for origin in sorted(STAGES[stage].above() & stages.keys()):
            visit(origin, (*path, stage))
        ordered.append(stage)

    for stage in sorted(stages):
        visit(stage, ())
    return ordered


def _upstream(
    stage: str, name: str, origins: list[str], parameters: Mapping[str, Any], jobs: list[PlannedJob], where: str
) -> PlannedJob:
    """The one job that makes an input artifact, or a ParamsError that lists the candidates."""
    start = f"{where}: {stage} takes `{name}` from"
    if len(origins) > 1:
        raise ParamsError(f"{start} {', '.join(origins)} with {canonical(dict(parameters))}, not one")
    made = [job for job in jobs if job.stage == origins[0]]
    if not made:
        raise ParamsError(f"{start} {origins[0]}; add `{origins[0]}:` under `stages`")
    fitting = [job for job in made if name in STAGES[job.stage].saved(job.parameters) and _agree(parameters, job)]
    if len(fitting) == 1:
        return fitting[0]
    shared = {key: parameters[key] for key in made[0].parameters if key in parameters}
    listed = "; ".join(canonical(dict(job.parameters)) for job in (fitting or made)[:5])
    which = f"the one job of {origins[0]} that saves it with {canonical(shared)}, and there are {len(fitting)}"
    raise ParamsError(f"{start} {which}; candidates: {listed}")


def _gathered(stage: str, parameters: Mapping[str, Any], jobs: list[PlannedJob], where: str) -> tuple[PlannedJob, ...]:
    """The jobs whose results a stage gathers, in plan order; ParamsError if it gathers and the study has none."""
    gathers = STAGES[stage].gathers
    made = [job for job in jobs if job.stage in gathers]
    fitting = tuple(job for job in made if _agree(parameters, job))
    if gathers and not fitting:
        start = f"{where}: {stage} gathers the results of {', '.join(gathers)}, and the study has"
        if not made:
            raise ParamsError(f"{start} none of them; add one under `stages`, as in `{gathers[0]}:`")
        shared = {key: parameters[key] for job in made for key in job.parameters if key in parameters}
        listed = "; ".join(canonical(dict(job.parameters)) for job in made[:5])
        raise ParamsError(f"{start} no job of theirs with {canonical(shared)}; candidates: {listed}")
    return fitting


def _agree(parameters: Mapping[str, Any], job: PlannedJob) -> bool:
    """Whether a job's parameters equal these where both have them."""
    return all(parameters.get(key, value) == value for key, value in job.parameters.items())


def code_of(project: Project, stage: str, parameters: Mapping[str, Any], named_above: list[str]) -> dict[str, Any]:
    """The code and data part of a job's key. named_above: texts among the parameters of the jobs that it needs."""
    spec = STAGES[stage]
    notebook = read_notebook(project.notebook(stage), project.shown(project.notebook(stage)))
    trees = result_trees(notebook)
    read = {name for gathered in spec.gathers for name in PER_PROMPT if name in STAGES[gathered].outputs}
    formats = [ARTIFACTS[name] for name in (*spec.saved(parameters), *spec.sources(parameters), *read)]
    files = {
        parameters[file.parameter]: file_digest(project, stage, file.parameter, parameters[file.parameter])
        for file in spec.data
        if holds(file.when, parameters) and not _names_nothing(project, file, parameters[file.parameter])
    }
    return {
        "notebook": [reached_code.tree_digest(tree) for tree in trees],
        "modules": reached_code.reached(
            trees, [*_texts(parameters), *named_above], formats + ALWAYS_REACHED, project.package
        ),
        "data": files,
    }


def data_files(job: PlannedJob) -> Iterator[tuple[str, str]]:
    """(path as given, checker) of each data file or folder that a job's key counts."""
    for file in STAGES[job.stage].data:
        if holds(file.when, job.parameters) and job.parameters[file.parameter] in job.code["data"]:
            yield job.parameters[file.parameter], file.checker


def file_digest(project: Project, stage: str, parameter: str, given: str) -> str:
    """SHA-256 of a declared data file or folder, or a DataError that says which parameter named it."""
    if not given:  # it would name the project itself
        raise DataError(f"{stage}: `{parameter}` is empty; name a file or a folder")
    path = project.root / given
    try:
        return data_digest(path)
    except OSError as error:
        raise DataError(f"{given}: {error.strerror}; {stage} takes it as `{parameter}`, looked for at {path}") from None


def _names_nothing(project: Project, file: DataFile, given: str | None) -> bool:
    """Whether a value that may also name something else, as a hub's model, names no file or folder of the project."""
    return file.if_present and not (given and (project.root / given).exists())


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []
