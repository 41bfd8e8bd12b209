"""A study: one YAML file under `params/` that says which notebooks run, with which parameters, over which axes.

Holds only what differs from the notebooks' defaults. The notebooks' parameters cells are the schema; every error names
the file and the key. Knows nothing of the store.

    question: How well do reward models learn ...?
    parameters: {world: hh_rlhf}       # for every stage that declares the name
    axes: {seed: [0, 1, 2]}            # one job for every combination; a stage takes the axes that it declares
    stages:                            # the notebooks that run
      00_world:
      04_reward_models: {annotations: [100, 1800]}      # what only this stage is given
"""

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rmkit.errors import ParamsError, did_you_mean
from rmkit.study.notebook import Declared

KEYS = ("title", "question", "parameters", "axes", "stages")
STUDY = "study"  # the parameter that every notebook may declare: where upstream is looked for; not part of a key


@dataclass(frozen=True)
class Study:
    """One study file as it stands, not yet held against the notebooks."""

    name: str
    where: str  # the path as messages show it
    title: str = ""
    question: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    axes: Mapping[str, list[Any]] = field(default_factory=dict)
    stages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def load_study(path: Path, where: str | None = None) -> Study:
    """The study at `path`, its keys checked; ParamsError names the file and the key."""
    where = where or str(path)
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_loader(where))
    except FileNotFoundError:
        beside = sorted(file.name for file in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        listed = f"; {path.parent.name}/ holds {', '.join(beside)}" if beside else ""
        raise ParamsError(f"{where}: no such study file{listed}{did_you_mean(path.name, beside)}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        raise ParamsError(f"{where}:{line} not YAML: {getattr(error, 'problem', None) or error}") from None
    top = _mapping(document, where, "a study is a mapping with `stages`")
    for key in top:
        if key not in KEYS:
            raise ParamsError(
                f"{where}: {key}: not a key of a study, which are {', '.join(KEYS)}{did_you_mean(key, KEYS)}"
            )
    if not top.get("stages"):
        raise ParamsError(f"{where}: stages: missing; list the notebooks to run, as in `stages: {{00_world: }}`")
    stages = top["stages"]
    if isinstance(stages, list):
        stages = dict.fromkeys(stages)
    stages = _mapping(stages, f"{where}: stages", "list the notebooks to run, each with its parameters or nothing")
    axes = _mapping(top.get("axes") or {}, f"{where}: axes", "give a list of values to each axis")
    for name, values in axes.items():
        if not isinstance(values, list) or not values:
            raise ParamsError(f"{where}: axes.{name}: {values!r} is not a list of values; write [{values}]")
    return Study(
        name=path.stem,
        where=where,
        title=str(top.get("title") or path.stem),
        question=str(top.get("question") or ""),
        parameters=_mapping(top.get("parameters") or {}, f"{where}: parameters", "give each parameter its value"),
        axes=axes,
        stages={
            name: _mapping(given or {}, f"{where}: stages.{name}", "give each parameter its value")
            for name, given in stages.items()
        },
    )


def check_names(study: Study, schemas: Mapping[str, Mapping[str, Declared]]) -> None:
    """ParamsError for a key that no notebook of the study declares, with the nearest one that does."""
    everywhere = {name for schema in schemas.values() for name in schema} - {STUDY}
    for section, names in (("parameters", study.parameters), ("axes", study.axes)):
        for name in names:
            if name not in everywhere:
                remedy = did_you_mean(name, everywhere)
                raise ParamsError(f"{study.where}: {section}.{name}: no notebook of this study declares it{remedy}")
    for name in study.axes.keys() & study.parameters.keys():
        raise ParamsError(f"{study.where}: {name} stands under both `parameters` and `axes`; keep one")
    for stage, given in study.stages.items():
        for name in given:
            if name not in schemas[stage] or name == STUDY:
                options = set(schemas[stage]) - {STUDY}
                raise ParamsError(
                    f"{study.where}: stages.{stage}.{name}: notebooks/{stage}.ipynb declares no such parameter"
                    f"{did_you_mean(name, options)}"
                )


def grid(study: Study, stage: str, schema: Mapping[str, Declared]) -> list[dict[str, Any]]:
    """The parameters of each job of a stage, checked and complete, `study` left out; axes vary in the file's order."""
    given = study.stages[stage]
    base: dict[str, Any] = {}
    for name, declaration in schema.items():
        if name in given:
            base[name] = declaration.kind.conform(given[name], f"{study.where}: stages.{stage}.{name}")
        elif name in study.parameters:
            base[name] = declaration.kind.conform(study.parameters[name], f"{study.where}: parameters.{name}")
        elif name != STUDY:
            base[name] = declaration.default
    axes = {
        name: [
            schema[name].kind.conform(value, f"{study.where}: axes.{name}[{position}]")
            for position, value in enumerate(values)
        ]
        for name, values in study.axes.items()
        if name in schema and name not in given
    }
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    for position, point in enumerate(points):
        if point in points[:position]:
            raise ParamsError(f"{study.where}: axes: {point} stands twice; a job is run once")
    return [{name: point.get(name, value) for name, value in base.items()} for point in points]


def overridden(study: Study, assignments: list[str]) -> Study:
    """The study with each `KEY=VALUE` of the command line set in every stage that declares KEY; values are YAML."""
    parameters, axes = dict(study.parameters), dict(study.axes)
    stages = {stage: dict(given) for stage, given in study.stages.items()}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise ParamsError(f"--set {assignment}: write KEY=VALUE")
        parameters[name] = yaml.safe_load(text)
        axes.pop(name, None)
        for given in stages.values():
            given.pop(name, None)
    where = f"{study.where} with --set {' '.join(assignments)}" if assignments else study.where
    return Study(study.name, where, study.title, study.question, parameters, axes, stages)


def _mapping(value: Any, where: str, remedy: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ParamsError(f"{where}: {value!r} is not a mapping; {remedy}")
    return {str(key): item for key, item in value.items()}


def _loader(where: str) -> type[yaml.SafeLoader]:
    """PyYAML's safe loader, which here refuses a key that stands twice instead of keeping the last."""

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
            seen: set[str] = set()
            for key, _ in node.value:
                if key.value in seen:
                    raise ParamsError(f"{where}: line {key.start_mark.line + 1}: {key.value} stands twice; keep one")
                seen.add(str(key.value))
            return super().construct_mapping(node, deep)

    return Loader
