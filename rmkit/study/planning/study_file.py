"""A study: one YAML file under `params/` that says which notebooks run, with which parameters, over which axes.

Holds only what differs from the notebooks' defaults. The notebooks' parameters cells are the schema; every error names
the file and the key. Knows nothing of the store.

    question: How well do reward models learn ...?
    parameters: {world: hh_rlhf}       # for every stage that declares the name
    axes: {seed: [0, 1, 2]}            # one job for every combination; a stage takes the axes that it declares, and of
                                       # these the values that its own `Literal` admits
    stages:                            # the notebooks that run
      00_human_preferences:
      09_human_preferences: {annotations: [100, 1800]}      # what only this stage is given
"""

import itertools
import re
import shlex
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from rmkit.errors import ParamsError, did_you_mean, one_of
from rmkit.study.planning.notebook import Declared
from rmkit.study.planning.parameter_types import Kind

KEYS = ("title", "question", "parameters", "axes", "stages")
STUDY = "study"  # the parameter that every notebook may declare: where upstream is looked for; not part of a key


@dataclass(frozen=True)
class Study:
    """One study file as it stands, not yet held against the notebooks."""

    path: Path
    where: str  # the path as messages show it
    title: str = ""
    question: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    axes: Mapping[str, list[Any]] = field(default_factory=dict)
    stages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    set: tuple[str, ...] = ()  # what the command line changed, KEY=VALUE each

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def report_name(self) -> str:
        """The study's name, with what was changed: a trial must not replace the study's own report."""
        return self.name + "".join(f"+{re.sub(r'[^A-Za-z0-9_.=,-]+', '_', text)}" for text in self.set)[:150]

    @property
    def arguments(self) -> str:
        """How a command line names this study: params/tiny.yaml --set 'annotations=[100,200]'."""
        return " ".join([self.where.partition(" with ")[0], *(f"--set {shlex.quote(text)}" for text in self.set)])


def load_study(path: Path, where: str | None = None) -> Study:
    """The study at `path`, its keys checked; ParamsError names the file and the key."""
    where = where or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        beside = sorted(file.name for file in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        listed = f"; {path.parent.name}/ holds {', '.join(beside)}" if beside else ""
        raise ParamsError(f"{where}: no such study file{listed}{did_you_mean(path.name, beside)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"{where}: cannot be read as a study file ({error})") from None
    top = _mapping(parsed_yaml(text, where), where, "a study is a mapping with `stages`")
    for key in top:
        one_of(key, KEYS, f"{where}: keys of a study")
    if not top.get("stages"):
        raise ParamsError(f"{where}: stages: missing; list the notebooks to run, as in `stages: {{01_sft: }}`")
    stages = _mapping(top["stages"], f"{where}: stages", "write each notebook's name and a colon, as in `01_sft:`")
    axes = _mapping(top.get("axes"), f"{where}: axes", "give a list of values to each axis")
    for name, values in axes.items():
        if not isinstance(values, list) or not values:
            raise ParamsError(
                f"{where}: axes.{name}: {values!r} is not a list of values; give at least one, as in [0, 1]"
            )
    return Study(
        path=path,
        where=where,
        title=str(top.get("title") or path.stem),
        question=str(top.get("question") or ""),
        parameters=_mapping(top.get("parameters"), f"{where}: parameters", "give each parameter its value"),
        axes=axes,
        stages={
            name: _mapping(given, f"{where}: stages.{name}", "give each parameter its value")
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


def check_axes(study: Study, schemas: Mapping[str, Mapping[str, Declared]]) -> None:
    """ParamsError for an axis value that no stage's `Literal` admits: no job would ever have it."""
    for name, values in study.axes.items():
        kinds = [schema[name].kind for schema in schemas.values() if name in schema]
        if all(kind.name == "Literal" for kind in kinds):
            choices = {repr(choice): choice for kind in kinds for choice in kind.choices}  # 1 and True stay two
            anywhere = Kind("Literal", tuple(choices.values()), optional=any(kind.optional for kind in kinds))
            for position, value in enumerate(values):
                anywhere.conform(value, f"{study.where}: axes.{name}[{position}]")


def grid(study: Study, stage: str, schema: Mapping[str, Declared]) -> list[dict[str, Any]]:
    """The parameters of each job of a stage, checked and complete, `study` left out; axes vary in the file's order.

    A stage has no job at an axis value that its own `Literal` does not admit: another stage of the study may.
    """
    given = study.stages[stage]
    base: dict[str, Any] = {}
    axes: dict[str, list[Any]] = {}
    for name, declaration in schema.items():
        kind, conform = declaration.kind, declaration.kind.conform
        if name == STUDY:
            continue
        base[name] = declaration.default
        if name in study.parameters:
            base[name] = conform(study.parameters[name], f"{study.where}: parameters.{name} for {stage}")
        if name in study.axes:
            where = f"{study.where}: axes.{name}"
            axes[name] = [
                conform(value, f"{where}[{position}]")
                for position, value in enumerate(study.axes[name])
                if kind.name != "Literal" or kind.admits(value)
            ]
        if name in given:
            base[name] = conform(given[name], f"{study.where}: stages.{stage}.{name}")
            axes.pop(name, None)
    for name, values in axes.items():
        if not values:
            raise ParamsError(
                f"{study.where}: axes.{name}: {stage} runs at none of {study.axes[name]}; its {name} is "
                f"{schema[name].kind}; add one of these, or take the stage out"
            )
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    for position, point in enumerate(points):
        if point in points[:position]:
            raise ParamsError(f"{study.where}: axes: {point} is listed twice; a job is run once")
    return [{name: point.get(name, value) for name, value in base.items()} for point in points]


def overridden(study: Study, assignments: list[str]) -> Study:
    """The study with each `KEY=VALUE` of the command line set in every stage that declares KEY; values are YAML."""
    if not assignments:
        return study
    parameters, axes = dict(study.parameters), dict(study.axes)
    stages = {stage: dict(given) for stage, given in study.stages.items()}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not (name and equals and text):
            raise ParamsError(f"--set {assignment}: write KEY=VALUE")
        value = parsed_yaml(text, f"--set {assignment}")
        if name in axes and isinstance(value, list):
            axes[name] = value
        else:
            parameters[name] = value
            axes.pop(name, None)
        for given in stages.values():
            given.pop(name, None)
    where = f"{study.where} with --set {' '.join(assignments)}"
    return replace(study, where=where, parameters=parameters, axes=axes, stages=stages, set=tuple(assignments))


def parsed_yaml(text: str, where: str) -> Any:
    """A YAML text's value, or a ParamsError of one line."""
    try:
        return yaml.load(text, Loader=_loader(where))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}:" if mark else ""
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise ParamsError(f"{where}:{line} not YAML: {problem}") from None


def _mapping(value: Any, where: str, remedy: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ParamsError(f"{where}: {value!r} is not a mapping; {remedy}")
    return {str(key): item for key, item in value.items()}


def _loader(where: str) -> type[yaml.SafeLoader]:
    """PyYAML's safe loader, which here refuses a key that is listed twice instead of keeping the last."""

    class Loader(yaml.SafeLoader):
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
            seen: set[str] = set()
            for key, _ in node.value:
                line = f"{where}: line {key.start_mark.line + 1}"
                if not isinstance(key, yaml.ScalarNode):
                    raise ParamsError(f"{line}: a key must be a name")
                if key.value in seen:
                    raise ParamsError(f"{line}: {key.value} is listed twice; keep one")
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    return Loader
