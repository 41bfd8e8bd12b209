"""The plan of a study: every job, in an order in which each comes after what it needs, with its ids.

A job's *key* is the hash of all that can change its result, upstream artifacts by content; it exists once they do. Its
*plan id* is the same hash with upstream plan ids in their place; it exists at once. Reads notebooks, rmkit's source and
data files; runs nothing.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmkit.errors import DataError, ParamsError, one_of
from rmkit.study import params, source
from rmkit.study.notebook import Declared, check_look_cells, declared, read_notebook, result_trees
from rmkit.study.params import Study
from rmkit.study.project import Project
from rmkit.study.stages import FORMATS, STAGES, Stage, holds

FORMAT = 1  # of keys, manifests and job files


@dataclass(frozen=True)
class PlannedJob:
    """One stage at one point of the grid."""

    stage: str
    parameters: Mapping[str, Any]  # complete and checked, `study` left out
    inputs: Mapping[str, "PlannedJob"]  # artifact -> the job that makes it
    code: Mapping[str, Any]  # the code and data part of the key: notebook cells, modules, data files
    plan_id: str
    axes: tuple[str, ...] = ()  # the parameters that tell the jobs of a stage apart

    @property
    def threads(self) -> int:
        return STAGES[self.stage].threads

    @property
    def fits(self) -> int:
        """How many reward models or policies the job fits."""
        names = STAGES[self.stage].fits
        sizes = [len(value) if isinstance(value := self.parameters[name], list) else value for name in names]
        return math.prod(sizes) if names else 0

    def __str__(self) -> str:
        return " ".join([self.stage, *(f"{name}={self.parameters[name]}" for name in self.axes)])

    def upstream(self) -> Iterator["PlannedJob"]:
        """Every job that this one needs, directly or not."""
        for job in self.inputs.values():
            yield from job.upstream()
            yield job


def canonical(value: Any) -> str:
    """The one JSON text of a value: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def ingredients(job: PlannedJob, inputs: Mapping[str, str]) -> dict[str, Any]:
    """All that goes into a job's key. inputs: artifact -> content digest (or plan id)."""
    return {
        "format": FORMAT,
        "stage": job.stage,
        "parameters": dict(job.parameters),
        "inputs": dict(inputs),
        **job.code,
    }


def name_of(parts: Mapping[str, Any]) -> str:
    """The key (or plan id) that these ingredients make: the stage's name and 16 hexadecimal digits."""
    return f"{parts['stage']}-{source.digest(canonical(parts))[:16]}"


def make_plan(project: Project, study: Study) -> list[PlannedJob]:
    """All jobs of the study, upstream first. ParamsError or DataError for all that can be seen without running."""
    for stage in study.stages:
        one_of(stage, STAGES, f"{study.where}: stages")
    schemas = {stage: schema_of(project, stage) for stage in study.stages}
    params.check_names(study, schemas)
    jobs: list[PlannedJob] = []
    for stage in in_order(study.stages):
        axes = tuple(name for name in study.axes if name in schemas[stage])
        jobs += [
            plan_job(project, stage, point, jobs, study.where, axes)
            for point in params.grid(study, stage, schemas[stage])
        ]
    return jobs


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
    """The job of a stage at one point, its inputs found among `jobs`: those with equal shared parameters."""
    spec = STAGES[stage]
    inputs = {name: _upstream(spec, stage, name, parameters, jobs, where) for name in spec.inputs}
    code = _code(project, stage, spec, parameters)
    draft = PlannedJob(stage, parameters, inputs, code, "", axes)
    plan_id = name_of(ingredients(draft, {name: job.plan_id for name, job in inputs.items()}))
    return PlannedJob(stage, parameters, inputs, code, plan_id, axes)


def in_order(stages: Mapping[str, Any]) -> list[str]:
    """The stages, each after those that it may take an input from; ParamsError for a cycle or an absent source."""
    ordered: list[str] = []

    def visit(stage: str, path: tuple[str, ...]) -> None:
        if stage in path:
            cycle = " → ".join([*path[path.index(stage) :], stage])
            raise ParamsError(f"rmkit/study/stages.py: {cycle} is a cycle; an input must come from an earlier stage")
        if stage in ordered:
            return
        for origin in (origin for origins in STAGES[stage].inputs.values() for origin in origins):
            if origin.stage in stages:
                visit(origin.stage, (*path, stage))
        ordered.append(stage)

    for stage in sorted(stages):
        visit(stage, ())
    return ordered


def _upstream(
    spec: Stage, stage: str, name: str, parameters: Mapping[str, Any], jobs: list[PlannedJob], where: str
) -> PlannedJob:
    """The one job that makes an input artifact, or a ParamsError that lists the candidates."""
    origins = [origin.stage for origin in spec.inputs[name] if holds(origin.when, parameters)]
    if len(origins) != 1:
        raise ParamsError(
            f"{where}: {stage} with {canonical(dict(parameters))} takes `{name}` from {origins or 'no stage'}"
        )
    made = [job for job in jobs if job.stage == origins[0]]
    if not made:
        raise ParamsError(f"{where}: {stage} takes `{name}` from {origins[0]}; add `{origins[0]}:` under `stages`")
    fitting = [job for job in made if all(parameters.get(key, value) == value for key, value in job.parameters.items())]
    if len(fitting) == 1:
        return fitting[0]
    shared = {key: parameters[key] for key in made[0].parameters if key in parameters}
    listed = "; ".join(canonical(dict(job.parameters)) for job in (fitting or made)[:5])
    raise ParamsError(
        f"{where}: {stage} takes `{name}` from the one job of {origins[0]} with {canonical(shared)}, and there are "
        f"{len(fitting)}; candidates: {listed}"
    )


def _code(project: Project, stage: str, spec: Stage, parameters: Mapping[str, Any]) -> dict[str, Any]:
    notebook = read_notebook(project.notebook(stage), project.shown(project.notebook(stage)))
    trees = result_trees(notebook)
    artifacts = [
        *spec.outputs.values(),
        *(STAGES[origins[0].stage].outputs[name] for name, origins in spec.inputs.items()),
    ]
    files = {
        parameters[file.parameter]: file_digest(project, stage, file.parameter, parameters[file.parameter])
        for file in spec.data
        if holds(file.when, parameters)
    }
    return {
        "notebook": [source.tree_digest(tree) for tree in trees],
        "modules": source.reached(trees, _texts(parameters), [FORMATS[name] for name in artifacts], project.package),
        "data": files,
    }


def data_files(job: PlannedJob) -> Iterator[tuple[str, str]]:
    """(path as given, checker) of each data file that a job declares."""
    for file in STAGES[job.stage].data:
        if holds(file.when, job.parameters):
            yield job.parameters[file.parameter], file.checker


def file_digest(project: Project, stage: str, parameter: str, given: str) -> str:
    """SHA-256 of a declared data file, or a DataError that says which parameter named it."""
    path = project.root / given
    try:
        return _file_digest(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise DataError(f"{given}: {error.strerror}; {stage} takes it as `{parameter}`, looked for at {path}") from None


_digests: dict[tuple[Path, int], str] = {}


def _file_digest(path: Path, mtime: int) -> str:
    if (path, mtime) not in _digests:
        with path.open("rb") as file:
            _digests[path, mtime] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[path, mtime]


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []
