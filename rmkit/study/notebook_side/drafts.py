"""What a live notebook needs that `rmkit run` would have given it: its sizes from a study, and the jobs upstream."""

import os
import shlex
from collections.abc import Mapping
from typing import Any

from rmkit.errors import ParamsError, quoted
from rmkit.stages.graph import STAGES
from rmkit.study.monitoring.words import in_lines
from rmkit.study.planning.keys import canonical
from rmkit.study.planning.notebook import Declared
from rmkit.study.planning.plan import make_plan, plan_job, schema_of
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project, study_path
from rmkit.study.planning.study_file import STUDY, Study, grid, load_study, overridden

STUDY_VARIABLE = "RMKIT_STUDY"


def study_sizes(
    project: Project, stage: str, schema: Mapping[str, Declared], values: Mapping[str, Any]
) -> dict[str, Any]:
    """With RMKIT_STUDY set, the parameters that still have their defaults take that study's first values."""
    name = os.environ.get(STUDY_VARIABLE)
    if not name or values[STUDY] != schema[STUDY].default:
        return dict(values)
    path = study_path(project, name)
    study = load_study(path, project.shown(path))
    point = grid(study, stage, schema)[0] if stage in study.stages else {}
    taken = {key: point[key] for key, value in values.items() if value == schema[key].default and key in point}
    changed = [f"{key} = {quoted(value)}" for key, value in taken.items() if value != values[key]]
    whole = ", ".join(setting.replace(" ", "\u00a0") for setting in changed)  # no line breaks within a setting
    sets = whole or "study and leaves all other parameters as they are"
    print(in_lines(f"{stage}: {STUDY_VARIABLE}={name} sets {sets}").replace("\u00a0", " "))
    return {**values, **taken, STUDY: name}


def plan_draft(project: Project, study: Study, stage: str, parameters: Mapping[str, Any]) -> tuple[Study, PlannedJob]:
    """The draft's job, and the study that its upstream belongs to: the study itself, or a trial of it.

    A notebook may be given what the study has at no point of its grid: then upstream is that of the study with these
    parameters set, as by `rmkit run STUDY --set KEY=VALUE`. ParamsError if there is none in that either.
    """
    try:
        return study, plan_job(project, stage, parameters, make_plan(project, study, needed_by=stage), study.where)
    except ParamsError:
        setting = [f"{name}={canonical(value)}" for name, value in _not_in(project, study, stage, parameters).items()]
        if not setting:
            raise
    trial = overridden(study, setting)
    job = plan_job(project, stage, parameters, make_plan(project, trial, needed_by=stage), trial.where)
    given = " ".join(f"--set {shlex.quote(text)}" for text in setting)
    trial_of = f"its inputs come from a trial: rmkit run {study.arguments} {given}"
    print(in_lines(f"{stage}: study {study.name} has no {' and '.join(setting)}; {trial_of}"))
    return trial, job


def _not_in(project: Project, study: Study, stage: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Of a draft's parameters those that the nearest job of a stage that it needs something from does not have."""
    missing: dict[str, Any] = {}
    todo, seen = [stage], {stage}
    while todo:
        sources = STAGES[todo.pop()].sources(parameters).values()
        for origin in [origin for origins in sources for origin in origins]:
            if origin.stage in seen or origin.at:  # what comes from elsewhere in the grid is not at the draft's values
                continue
            seen.add(origin.stage)
            todo.append(origin.stage)
            if origin.stage in study.stages:
                schema = schema_of(project, origin.stage)
                own = {name: parameters[name] for name in schema.keys() & parameters.keys()}
                points = grid(study, origin.stage, schema)
                unlike = [{name: value for name, value in own.items() if point[name] != value} for point in points]
                missing |= sorted(unlike, key=len)[0]
    return dict(sorted(missing.items()))
