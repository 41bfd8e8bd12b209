"""The statements that a study is held to: one YAML file each, read and checked, with a digest that sees every change.

A rule says which statistic tests it, on which fits of which stage, above which threshold, which size would matter, and
what its interval is of. A misspelt stage, metric, column or parameter is found before any row exists, as far as
evaluated.py and the notebooks say what there will be. Knows text and numbers only, so that `rmkit check` answers at
once; verdicts.py judges.
"""

import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rmkit.artifacts.metric import Metric
from rmkit.errors import DataError, listed_twice, one_of, quoted
from rmkit.files.regular import why_unreadable
from rmkit.files.yaml_texts import read_yaml
from rmkit.findings.evaluated import ENDS, EVALUATED, LISTED_BY, Evaluated

SEEDS_AND_PROMPTS, PROMPTS, MODELS_AND_PROMPTS, SEEDS = (
    "new seeds, new prompts",
    "new prompts, these fits",
    "new reward models, new prompts",
    "new seeds, these prompts",
)
STATISTICS = {  # what a rule of each statistic must say, and which estimands its interval may have
    "difference": (("metric", "first", "second"), (SEEDS_AND_PROMPTS, PROMPTS)),
    "difference_of_differences": (("metric", "first", "second", "at", "against"), (SEEDS_AND_PROMPTS,)),
    "labels_saved": (("metric", "first", "second"), (SEEDS_AND_PROMPTS,)),
    "spread_ratio": (("metric", "first", "second"), (SEEDS,)),
    "correlation": (("measure", "policy"), (SEEDS_AND_PROMPTS, MODELS_AND_PROMPTS)),
    "correlation_difference": (("of", "first", "second"), (SEEDS_AND_PROMPTS, MODELS_AND_PROMPTS)),
    "recorded": (("row",), ()),  # whatever the row's own interval is of; SEEDS where jobs of several seeds have it
}
OPTIONAL = {  # what a rule of a statistic may say
    "recorded": ("turned",),  # the row's value with its sign turned
    "correlation": ("among",),  # over the fits that columns of theirs name, no others
    "correlation_difference": ("among",),
}
METRICS = {  # which of these name a metric
    "difference": ("metric",),
    "difference_of_differences": ("metric",),
    "labels_saved": ("metric",),
    "spread_ratio": ("metric",),
    "correlation": ("measure", "policy"),
    "correlation_difference": ("of", "first", "second"),
    "recorded": (),
}
GROUPS = {  # and which name fits, by columns of theirs or by parameters of their jobs
    "difference": ("first", "second"),
    "difference_of_differences": ("first", "second", "at", "against"),
    "labels_saved": ("first", "second"),
    "spread_ratio": ("first", "second"),
}
# Statistics whose jobs may differ in their world: they are then an effect over worlds.
OVER_WORLDS = {
    *((statistic, SEEDS_AND_PROMPTS) for statistic in ("difference", "difference_of_differences", "labels_saved")),
    ("spread_ratio", SEEDS),
}
TEXTS = ("statement", "source", "stage", "unit", "estimand")
ALWAYS = ("statement", "source", "stage", "statistic", "threshold", "matters", "unit", "estimand")


@dataclass(frozen=True)
class Rule:
    """One statement and how it is judged."""

    name: str
    statement: str
    source: str
    stage: str
    statistic: str
    threshold: float
    matters: float  # the smallest effect beyond the threshold that would matter, in `unit`
    unit: str
    estimand: str
    terms: Mapping[str, Any]  # what the statistic needs: metric, first, second, ...
    where: Mapping[str, Any] = field(default_factory=dict)  # parameters of the jobs that it is about

    def metrics(self) -> dict[str, Metric]:
        """The metrics that the statistic is of, by the key that names each."""
        return {key: metric_of(self.terms[key], f"{self.name}: {key}") for key in METRICS[self.statistic]}

    def groups(self) -> dict[str, Mapping[str, Any]]:
        """The fits that are compared, by the key that names them; none for a correlation, which has `among`.

        Of a difference of differences, `at` and `against` say what is added to both of the others.
        """
        return {key: self.terms[key] for key in GROUPS.get(self.statistic, ())}

    @property
    def among(self) -> Mapping[str, Any]:
        """The fits that a correlation is over, by columns of theirs; nothing where it is over all."""
        found: Mapping[str, Any] = self.terms.get("among", {})
        return found

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits of all that the rule says; comments and order do not count."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:8]


def metric_of(value: Any, where: str) -> Metric:
    """The metric that a rule names, `accuracy` or `{best_of_n: 32}`, or DataError."""
    if isinstance(value, str):
        return Metric(value)
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, at),) = value.items()
        if isinstance(name, str) and isinstance(at, int | float) and not isinstance(at, bool) and 0 < at < math.inf:
            return Metric(name, at)
    raise DataError(
        f"{where}: {quoted(value)} is no metric; write accuracy, or {{best_of_n: 32}} for one that has an axis"
    )


def read_rules(folder: str | Path, shown: str | None = None) -> list[Rule]:
    """The rules of a folder's YAML files, by name; DataError names the file and the key."""
    folder, shown = Path(folder), shown or str(folder)
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise DataError(f"{shown}: holds no .yaml file; a folder of findings has one for each statement")
    return [read_rule(path, f"{shown}/{path.name}") for path in paths]


def read_rule(path: Path, shown: str) -> Rule:
    """One rule, checked."""
    try:
        content = read_yaml(path, shown, DataError)
    except OSError as fault:
        raise DataError(f"{shown}: {why_unreadable(fault)}; a finding is a small YAML file") from None
    if not isinstance(content, dict):
        raise DataError(f"{shown}: is no mapping; a finding needs {', '.join(ALWAYS)}")
    statistic = one_of(str(content.get("statistic")), STATISTICS, f"{shown}: statistic", DataError)
    terms, estimands = STATISTICS[statistic]
    optional = OPTIONAL.get(statistic, ())
    known = (*ALWAYS, *terms, *optional, "where")
    for key in content:
        one_of(key, known, shown, DataError)
    if missing := [key for key in (*ALWAYS, *terms) if content.get(key) is None]:
        raise DataError(f"{shown}: lacks {', '.join(missing)}; a rule of {statistic} must say it")
    for key in TEXTS:
        if not isinstance(content[key], str):
            raise DataError(f"{shown}: {key}: {quoted(content[key])} is not a text")
    if estimands:
        one_of(content["estimand"], estimands, f"{shown}: estimand of {statistic}", DataError)
    for key in ("threshold", "matters"):
        number = content[key]
        if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < math.inf:
            raise DataError(f"{shown}: {key}: {quoted(number)} is not a number")
    for key in GROUPS.get(statistic, ()):
        if not isinstance(content[key], dict) or not content[key]:
            raise DataError(f"{shown}: {key}: {quoted(content[key])} names no fits; write {{strategy: random}}")
        if statistic == "labels_saved" and "annotations" in content[key]:
            raise DataError(f"{shown}: {key}: annotations: labels_saved looks along all of them; leave them out")
    if "row" in terms and (not isinstance(content["row"], dict) or "metric" not in content["row"]):
        raise DataError(f"{shown}: row: {quoted(content['row'])} names no row; write {{metric: slope, ...}}")
    if not isinstance(content.get("turned", True), bool):
        raise DataError(f"{shown}: turned: {quoted(content['turned'])}; write true where less is what is claimed")
    if "among" in content and (not isinstance(content["among"], dict) or not content["among"]):
        raise DataError(f"{shown}: among: {quoted(content['among'])} names no fits; write {{error_shape: none}}")
    if statistic == "spread_ratio" and not content["threshold"] > 0:
        raise DataError(f"{shown}: threshold: {content['threshold']}; a ratio is above 0, and 1 where nothing differs")
    if not isinstance(content.get("where", {}), dict):
        raise DataError(
            f"{shown}: where: {quoted(content['where'])} is not the parameters of jobs, as {{world: grammar}}"
        )
    for name, wanted in content.get("where", {}).items():
        if isinstance(wanted, list) and (not wanted or listed_twice(list(map(str, wanted)))):
            raise DataError(f"{shown}: where: {name}: {quoted(wanted)}; list the values to average, each once")
    if not content["matters"] > 0:
        raise DataError(f"{shown}: matters: {content['matters']}; the smallest effect that would matter is above 0")
    for key in METRICS[statistic]:
        metric_of(content[key], f"{shown}: {key}")
    return Rule(
        name=path.stem,
        terms={key: content[key] for key in (*terms, *optional) if key in content},
        where=content.get("where", {}),
        **{key: content[key] for key in ALWAYS},
    )


def check_against_notebooks(
    folder: Path, shown: str, declared: Mapping[str, Mapping[str, Sequence[Any]]], texts: Mapping[str, frozenset[str]]
) -> None:
    """DataError if a rule names a stage, parameter, metric, column, head or strategy that nothing has.

    declared: by stage that evaluates, its notebook's parameters with the values that each may have, none if any. texts:
    by stage, every text in the notebook's code: what a notebook adds under a name of its own is known by it.
    """
    for rule in read_rules(folder, shown):
        where = f"{shown}/{rule.name}.yaml"
        parameters = declared[one_of(rule.stage, declared, f"{where}: stage", DataError)]
        for name, wanted in rule.where.items():
            choices = parameters[one_of(name, parameters, f"{where}: where", DataError)]
            check_values(wanted, choices, f"{where}: where: {name}")
        if rule.stage in EVALUATED:
            evaluated = EVALUATED[rule.stage]
            if rule.statistic == "recorded":
                check_row(rule, evaluated, where)
                continue
            own = texts[rule.stage] - {*parameters, *evaluated.numbers, *evaluated.names}
            check_metrics(rule, evaluated, own, where)
            for key, group in rule.groups().items():
                check_columns(group, evaluated, parameters, texts[rule.stage], f"{where}: {key}")
            for column in set(rule.among) - texts[rule.stage]:  # of fits, not of jobs
                one_of(column, ("fit", *evaluated.numbers, *evaluated.names), f"{where}: among", DataError)
            check_columns(rule.among, evaluated, parameters, texts[rule.stage], f"{where}: among")


def check_values(wanted: Any, choices: Sequence[Any], where: str) -> None:
    """DataError unless a parameter may have the value, or each of those listed; where there are no choices, any."""
    for value in wanted if isinstance(wanted, list) else [wanted]:
        if choices and value not in choices:
            one_of(str(value), list(map(str, choices)), where, DataError)


def check_metrics(rule: Rule, evaluated: Evaluated, own: Collection[str], where: str) -> None:
    """DataError unless a rule's metrics are its stage's, or a notebook's own, each at a place if it has an axis."""
    metrics = rule.metrics()
    for key, metric in metrics.items():
        if metric.name not in own:
            one_of(metric.name, evaluated.metrics, f"{where}: {key}", DataError)
        axis = evaluated.metrics.get(metric.name, "")
        if axis and metric.at is None:
            raise DataError(f"{where}: {key}: {metric.name} has a value for each {axis}; write {{{metric.name}: 2}}")
        if metric.at is not None and not axis:
            raise DataError(f"{where}: {key}: {metric.name} has no axis; write {metric.name} alone")
    one, *others = (metric.name in evaluated.policies for metric in metrics.values())
    if one in others:
        key = next(iter(metrics))
        raise DataError(f"{where}: {key}: a correlation is of a measure with a policy, which answer other prompts")


def check_row(rule: Rule, evaluated: Evaluated, where: str) -> None:
    """DataError unless a rule's row is of a metric that its stage records with an interval, told by its columns."""
    metric = str(rule.terms["row"]["metric"])
    columns = evaluated.recorded[one_of(metric, evaluated.recorded, f"{where}: row: metric", DataError)]
    for column in rule.terms["row"]:
        one_of(column, ("metric", *columns), f"{where}: row of {metric}", DataError)


def check_columns(
    group: Mapping[str, Any], evaluated: Evaluated, parameters: Mapping[str, Any], own: Collection[str], where: str
) -> None:
    """DataError unless a group of fits is told by columns that they have: numbers or ends, and names that are known.

    What is no column of fits may be a parameter of their jobs, with values that it may have.
    """
    for column, wanted in group.items():
        if column not in own:
            one_of(column, ("fit", *evaluated.numbers, *evaluated.names, *parameters), where, DataError)
            if column not in ("fit", *evaluated.numbers, *evaluated.names):
                check_values(wanted, parameters[column], f"{where}: {column}")
                continue
        listed_by = [name for by in LISTED_BY.get(column, ()) for name in parameters.get(by, ())]
        for value in wanted if isinstance(wanted, list) else [wanted]:
            if isinstance(value, list | dict):
                raise DataError(f"{where}: {column}: {quoted(value)} is no value of a column; write a name or a number")
            if column in evaluated.numbers and isinstance(value, str):
                one_of(value, ENDS, f"{where}: {column}", DataError)
            if column in evaluated.names and value not in own:
                one_of(value, [*evaluated.names[column], *listed_by], f"{where}: {column}", DataError)


def check(path: str | Path, shown: str | None = None) -> tuple[str, dict[str, int]]:
    """A sentence on what a folder of findings holds and its count, or the DataError that `read_rules` raises."""
    rules = read_rules(path, shown)
    return f"{shown or path}: {len(rules)} statements", {"findings": len(rules)}
