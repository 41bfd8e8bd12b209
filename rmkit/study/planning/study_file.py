"""A study: one YAML file under `params/` that says which notebooks run, with which parameters, over which axes.

Holds only what differs from the notebooks' defaults. The notebooks' parameters cells are the schema; every error names
the file and the key. Knows nothing of the store.

    question: How well do reward models learn ...?
    parameters: {world: hh_rlhf}       # for every stage that declares the name
    axes: {seed: [0, 1, 2]}            # one job for every combination; a stage takes the axes that it declares, and of
                                       # these the values that its own `Literal` admits
    stages:                            # the notebooks that run
      00_human_preferences: {features: [ngrams, all-MiniLM-L6-v2]}   # several values where one is asked for: an axis
      09_human_preferences:            # what only this stage is given; several blocks are several grids
        - {features: ngrams, seed: 0..4}                             # a range, both ends in it
        - {features: all-MiniLM-L6-v2, seed: 0, annotations: [100, 1800]}
"""

import itertools
import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rmkit.errors import ParamsError, cut, did_you_mean, listed_twice, nearest, one_of, quoted
from rmkit.files.regular import why_unreadable
from rmkit.files.yaml_texts import NO_CHARACTER, parsed_yaml, read_yaml
from rmkit.study.planning.notebook import Declared
from rmkit.study.planning.parameter_types import Kind, any_of
from rmkit.study.planning.tree_digest import text_digest

KEYS = ("title", "question", "parameters", "axes", "stages")
Block = Mapping[str, Any]  # what a stage is given, by parameter
RANGE = re.compile(r"(\d{1,9})\.\.(\d{1,9})", re.ASCII)  # 5..24
MEANT = re.compile(r"(?=.*\d)[-+\d.eE\s]*\.\.[-+\d.eE\s]*", re.DOTALL)  # as 5 .. 24, -1..3 or 5..
LONGEST_RANGE = 1_000  # values
MOST_JOBS = 5_000  # of a study: what can be planned in seconds
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
    stages: Mapping[str, tuple[Block, ...]] = field(default_factory=dict)  # one grid a block
    set: tuple[str, ...] = ()  # what the command line changed, KEY=VALUE each

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def report_name(self) -> str:
        """The study's name, with what was changed: a trial must not replace the study's own report.

        A file's name has at most 255 bytes: of a long one the beginning and a digest.
        """
        changed = "".join(f"+{re.sub(r'[^A-Za-z0-9_.=,-]+', '_', text)}" for text in self.set)[:150]
        begun = self.name.encode()[:80].decode(errors="ignore")
        return (self.name if begun == self.name else f"{begun}-{text_digest(self.name)[:8]}") + changed

    @property
    def arguments(self) -> str:
        """How a command line names this study: params/tiny.yaml --set 'annotations=[100,200]'."""
        return " ".join([self.where.partition(" with ")[0], *(f"--set {shlex.quote(text)}" for text in self.set)])


def load_study(path: Path, where: str | None = None) -> Study:
    """The study at `path`, its keys checked; ParamsError names the file and the key."""
    where = cut(where or str(path))
    if NO_CHARACTER.search(path.name):
        raise ParamsError(f"{where}: its name is no UTF-8 text; rename the file")
    try:
        found = read_yaml(path, where)
    except FileNotFoundError:
        beside = sorted(file.name for file in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        listed = f"; {path.parent.name}/ holds {', '.join(beside)}" if beside else ""
        raise ParamsError(f"{where}: no such study file{listed}{did_you_mean(path.name, beside)}") from None
    except OSError as error:
        raise ParamsError(f"{where}: {why_unreadable(error)}; a study is a small YAML file") from None
    top = _mapping(found, where, "a study is a mapping with `stages`")
    for key in top:
        one_of(key, KEYS, f"{where}: keys of a study")
    if not top.get("stages"):
        raise ParamsError(f"{where}: stages: missing; list the notebooks to run, as in `stages: {{01_sft: }}`")
    stages = _mapping(top["stages"], f"{where}: stages", "write each notebook's name and a colon, as in `01_sft:`")
    axes = _mapping(top.get("axes"), f"{where}: axes", "give a list of values to each axis")
    for name, values in axes.items():
        axis = f"{where}: axes.{name}"
        if not (given := several(values, axis)):
            raise ParamsError(f"{axis}: {quoted(values)} is not a list of values; give at least one, as in [0, 1]")
        axes[name] = given
    return Study(
        path=path,
        where=where,
        title=str(top.get("title") or path.stem),
        question=str(top.get("question") or ""),
        parameters=_mapping(top.get("parameters"), f"{where}: parameters", "give each parameter its value"),
        axes=axes,
        stages={
            name: tuple(
                _mapping(block, f"{where}: {block_name(name, position, blocks)}", "give each parameter its value")
                for position, block in enumerate(blocks)
            )
            for name, blocks in (
                (name, given if isinstance(given, list) and given else [given]) for name, given in stages.items()
            )
        },
    )


def block_name(stage: str, position: int, blocks: Sequence[object]) -> str:
    """How messages name a block of a stage: `stages.09_human_preferences[1]` where it has several, counted from 0."""
    return f"stages.{stage}" + (f"[{position}]" if len(blocks) > 1 else "")


def check_names(study: Study, schemas: Mapping[str, Mapping[str, Declared]]) -> None:
    """ParamsError for a key that no notebook of the study declares, with the nearest one that does."""
    everywhere = {name for schema in schemas.values() for name in schema} - {STUDY}
    for section, names in (("parameters", study.parameters), ("axes", study.axes)):
        for name in names:
            if name not in everywhere:
                remedy = f"no notebook of this study declares it{nearest(name, sorted(everywhere))}"
                given = next((text for text in study.set if text.partition("=")[0] == name), "")
                where = f"--set {cut(given)}" if given else f"{section}.{name}"
                raise ParamsError(f"{study.where.partition(' with ')[0]}: {where}: {remedy}")
    for name in study.axes.keys() & study.parameters.keys():
        raise ParamsError(f"{study.where}: {name} is listed under both `parameters` and `axes`; keep one")
    for stage, blocks in study.stages.items():
        options = set(schemas[stage]) - {STUDY}
        for position, name in ((position, name) for position, block in enumerate(blocks) for name in block):
            if name not in options:
                remedy = f"notebooks/{stage}.ipynb declares no such parameter{did_you_mean(name, options)}"
                raise ParamsError(f"{study.where}: {block_name(stage, position, blocks)}.{name}: {remedy}")


def check_axes(study: Study, schemas: Mapping[str, Mapping[str, Declared]]) -> None:
    """ParamsError for an axis value that no stage's `Literal` admits: no job would ever have it."""
    for name, values in study.axes.items():
        kinds = [schema[name].kind for schema in schemas.values() if name in schema]
        if all(kind.name == "Literal" for kind in kinds):
            for position, value in enumerate(values):
                any_of(kinds).conform(value, f"{study.where}: axes.{name}[{position}]")


def grid(study: Study, stage: str, schema: Mapping[str, Declared]) -> list[dict[str, Any]]:
    """The parameters of each job of a stage, checked and complete, `study` left out; block by block, each in its order.

    A stage has no job at an axis value that its own `Literal` does not admit: another stage of the study may. Two
    blocks may have a point in common. ParamsError for more points than a machine can plan.
    """
    blocks = study.stages[stage]
    names = [block_name(stage, position, blocks) for position in range(len(blocks))]
    values = [_block_values(study, stage, schema, *named) for named in zip(blocks, names, strict=True)]
    check_size(study, {stage: sum(math.prod(map(len, block.values())) for block in values)})
    return [dict(zip(block, point, strict=True)) for block in values for point in itertools.product(*block.values())]


def check_size(study: Study, jobs: Mapping[str, int]) -> None:
    """ParamsError for more jobs than can be planned in seconds. jobs: how many each stage has."""
    if (total := sum(jobs.values())) > MOST_JOBS:
        stage, most = max(jobs.items(), key=lambda item: item[1])
        has = f"{most:,} jobs" if len(jobs) == 1 else f"{most:,} of {total:,} jobs"
        remedy = f"a study has up to {MOST_JOBS:,}; lists and ranges multiply: give fewer, or make several studies"
        raise ParamsError(f"{study.where}: {stage} has {has}; {remedy}")


def _block_values(
    study: Study, stage: str, schema: Mapping[str, Declared], given: Block, block: str
) -> dict[str, list[Any]]:
    """What each parameter is in one block: its own values before the study's axes, these before the parameters."""
    values: dict[str, list[Any]] = {}
    for name, declaration in schema.items():
        kind = declaration.kind
        if name == STUDY:
            continue
        values[name] = [declaration.default]
        if name in study.parameters:
            values[name] = _values(study.parameters[name], kind, f"{study.where}: parameters.{name} for {stage}")
        if name in study.axes:
            admitted = [value for value in study.axes[name] if kind.name != "Literal" or kind.admits(value)]
            values[name] = _each(admitted, kind, f"{study.where}: axes.{name}")
        if name in given:
            values[name] = _values(given[name], kind, f"{study.where}: {block}.{name}")
        if not values[name]:
            raise ParamsError(
                f"{study.where}: axes.{name}: {stage} runs at none of {quoted(study.axes[name])}; its {name} is "
                f"{kind}; add one of these, or take the stage out"
            )
    return values


def _values(value: Any, kind: Kind, where: str) -> list[Any]:
    """The values of a parameter, checked: of a list or a range, where a single value is asked for, each of them."""
    given = None if kind.of else several(value, where)
    if given == []:
        raise ParamsError(f"{where}: holds no value; give at least one")
    return [kind.conform(value, where)] if given is None else _each(given, kind, where)


def _each(given: list[Any], kind: Kind, where: str) -> list[Any]:
    """Each value in the parameter's type; ParamsError for one that is listed twice, and for a range in the list."""
    for position, value in enumerate(given):
        if isinstance(value, str) and MEANT.fullmatch(value) and not kind.admits(value):
            remedy = "is a range inside a list; write one range alone, as 5..24, or every value"
            raise ParamsError(f"{where}[{position}]: {quoted(value)} {remedy}")
    values = [kind.conform(value, f"{where}[{position}]") for position, value in enumerate(given)]
    if twice := listed_twice([repr(value) for value in values]):  # 1 and True stay two
        raise ParamsError(f"{where}: {cut(twice[0])} is listed twice; a job is run once")
    return values


def several(value: Any, where: str) -> list[Any] | None:
    """The values of a list or of a range, as 5..24; nothing for anything else."""
    if not (isinstance(value, str) and MEANT.fullmatch(value)):
        return value if isinstance(value, list) else None
    first, last = map(int, found.groups()) if (found := RANGE.fullmatch(value)) else (1, 0)
    if last < first:
        raise ParamsError(f"{where}: {quoted(value)} is not a range; write first..last, as 5..24, from 0 on")
    if (number := last - first + 1) > LONGEST_RANGE:
        raise ParamsError(f"{where}: {quoted(value)} has {number:,} values; a range has at most {LONGEST_RANGE:,}")
    return list(range(first, last + 1))


def replaced_in_blocks(study: Study, assignments: list[str]) -> Iterator[str]:
    """A note for each parameter that --set replaces where the blocks of a stage differ in it: these become alike."""
    for name in dict.fromkeys(assignment.partition("=")[0] for assignment in assignments):
        for stage, blocks in study.stages.items():
            given = [block[name] for block in blocks if name in block]
            there = list(dict.fromkeys(quoted(value) for value in given if several(value, "") is None))
            if len(there) > 1:  # seeds as 0..4 and 0..2 tell no blocks apart
                takes = f"to run some of them alone, use --select {name}=…"
                yield f"--set {name} replaces {', '.join(there)} in the {len(blocks)} blocks of {stage}; {takes}"


def overridden(study: Study, assignments: list[str]) -> Study:
    """The study with each `KEY=VALUE` of the command line set in every stage that declares KEY; values are YAML."""
    if not assignments:
        return study
    parameters, axes = dict(study.parameters), dict(study.axes)
    taken = set()
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not (name and equals and text):
            raise ParamsError(f"--set {cut(assignment)}: write KEY=VALUE")
        value = parsed_yaml(text, f"--set {cut(assignment)}")
        values = several(value, f"--set {cut(assignment)}")
        if name in axes and values:
            axes[name] = values
        else:
            parameters[name] = value
            axes.pop(name, None)
        taken.add(name)
    stages = {
        stage: tuple({name: value for name, value in block.items() if name not in taken} for block in blocks)
        for stage, blocks in study.stages.items()
    }
    where = f"{study.where} with --set {cut(' '.join(assignments))}"
    return replace(study, where=where, parameters=parameters, axes=axes, stages=stages, set=tuple(assignments))


def _mapping(value: Any, where: str, remedy: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ParamsError(f"{where}: {quoted(value)} is not a mapping; {remedy}")
    return {str(key): item for key, item in value.items()}
