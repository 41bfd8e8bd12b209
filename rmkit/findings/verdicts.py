"""Findings: what a study was asked beforehand, and what its stored evaluations answer, each with interval and verdict.

A rule (rules.py) is registered by name and digest; one that was changed, or added, afterwards gives a verdict that says
so. Knows per-prompt evaluations and rules; fits nothing. The verdict follows from the interval:

    shown          the interval lies above the threshold
    contradicted   it lies below: the opposite is shown
    not shown      it holds the threshold, and no effect that would matter
    cannot tell    it holds both; the smallest difference that could have been seen is given
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import DataError, ParamsError, ResultError
from rmkit.evaluation.contrasts import contrast, over_prompts
from rmkit.evaluation.population import measures_of, together
from rmkit.findings.rules import SEEDS_AND_PROMPTS, Rule
from rmkit.intervals.correlations import Statistic, correlation_difference, correlation_over_models
from rmkit.intervals.means import FEWEST_SEEDS, NEW_PROMPTS_THESE_FITS, Interval, smallest_detectable

Jobs = Sequence[tuple[Mapping[str, Any], Evaluations]]  # the parameters of each job of a stage, and what it evaluated
RANK: Statistic = "kendall"


def judged(rules: Sequence[Rule], registered: Sequence[str], evaluations: Mapping[str, Jobs]) -> pd.DataFrame:
    """A result row for each rule: fit (its name), metric `effect`, value, low, high, verdict and all that explains it.

    registered: "name@digest" of each rule as it was before the rows were made. evaluations: by stage, those that the
    study has. A rule about another stage, or about fits that the study does not have, keeps its row with a reason.
    """
    before = names_and_digests(registered)
    rows = []
    for rule in rules:
        try:
            interval = effect(rule, matching(rule, evaluations))
        except (ResultError, DataError) as fault:
            nan = float("nan")
            interval = Interval(nan, nan, nan, 0.95, rule.estimand, "none", 0, str(fault))
        rows.append(row_of(rule, interval, before.get(rule.name)))
    gone = [name for name in before if name not in {rule.name for rule in rules}]
    return pd.DataFrame(rows + [row_of_missing(name, before[name]) for name in gone])


def names_and_digests(registered: Sequence[str]) -> dict[str, str]:
    """The digest of each registered rule, by its name; ParamsError for an entry of another form."""
    for position, entry in enumerate(registered):
        if not re.fullmatch(r"[^@]+@[0-9a-f]{8}", entry):
            raise ParamsError(f"registered[{position}]: {entry!r} is not a statement's name@digest, of eight digits")
    return dict(entry.split("@") for entry in registered)


def row_of_missing(name: str, digest: str) -> dict[str, Any]:
    """A row for a statement that was registered and is there no more: it does not vanish with its file."""
    nan = float("nan")
    gone = Rule(name, f"{name} (its file is gone)", "", "", "difference", 0.0, 1.0, "", SEEDS_AND_PROMPTS, {})
    reason = "this statement was registered, and docs/findings holds it no more"
    interval = Interval(nan, nan, nan, 0.95, gone.estimand, "none", 0, reason)
    return row_of(gone, interval, None) | {"digest": digest, "rule": "missing"}


def matching(rule: Rule, evaluations: Mapping[str, Jobs]) -> list[Evaluations]:
    """The evaluations of the jobs that a rule is about, or ResultError that says why there are none."""
    if rule.stage not in evaluations:
        raise ResultError(f"this study has no finished job of {rule.stage}")
    found = [
        (parameters, evaluated)
        for parameters, evaluated in evaluations[rule.stage]
        if all(parameters.get(name) == wanted for name, wanted in rule.where.items())
    ]
    if not found:
        raise ResultError(f"this study has no job of {rule.stage} with {dict(rule.where)}")
    settings = [{k: v for k, v in parameters.items() if k != "seed"} for parameters, _ in found]
    if any(other != settings[0] for other in settings[1:]):
        differ = sorted(k for k in settings[0] if len({json.dumps(one[k]) for one in settings}) > 1)
        raise ResultError(f"jobs of {rule.stage} differ in {', '.join(differ)}; the rule must say `where`")
    return [evaluated for _, evaluated in found]


def effect(rule: Rule, seeds: Sequence[Evaluations]) -> Interval:
    """The rule's statistic with its interval; ResultError if the fits that it speaks of are not there."""
    terms = rule.terms
    if rule.statistic == "difference":
        if rule.estimand == NEW_PROMPTS_THESE_FITS:
            return over_prompts(seeds, terms["metric"], terms["first"], terms["second"])
        if len(seeds) < FEWEST_SEEDS:
            raise ResultError(f"no verdict from {len(seeds)} seeds; it takes {FEWEST_SEEDS}")
        return contrast(seeds, terms["metric"], terms["first"], terms["second"])
    if len(seeds) > 1:
        raise ResultError(f"{len(seeds)} populations; a correlation is over the reward models of one")
    names = [name for key, name in terms.items() if key != "statistic"]
    if unknown := [name for name in names if name not in seeds[0].values]:
        raise ResultError(f"the population has no {', '.join(unknown)}; it has {', '.join(seeds[0].values)}")
    return correlation_effect(rule, seeds[0])


def correlation_effect(rule: Rule, population: Evaluations) -> Interval:
    """A rank correlation over reward models, or the difference of two."""
    rng = np.random.default_rng(0)
    one, *others = ("measure", "policy") if rule.statistic == "correlation" else ("of", "first", "second")
    measures = measures_of(population)
    is_measure = {key: rule.terms[key] in measures for key in (one, *others)}
    if any(is_measure[key] == is_measure[one] for key in others):
        raise ResultError(f"{rule.name}: a correlation is of a measure with a policy, which answer other prompts")
    if rule.statistic == "correlation":
        metric_mp, outcome_mq = together(population, rule.terms["measure"], rule.terms["policy"])
        return correlation_over_models(metric_mp, outcome_mq, statistic=RANK, rng=rng)
    common, first_mq, second_mq = together(population, *(rule.terms[key] for key in ("of", "first", "second")))
    return correlation_difference(common, first_mq, second_mq, statistic=RANK, rng=rng)


def row_of(rule: Rule, interval: Interval, registered: str | None) -> dict[str, Any]:
    """A result row: the effect, its interval, the verdict, and whether the rule is the one that was registered."""
    state = "as registered" if registered == rule.digest else "changed afterwards" if registered else "not registered"
    return {
        "fit": rule.name,
        "metric": "effect",
        "value": interval.estimate,
        "reason": interval.reason if np.isnan(interval.estimate) else None,
        "units": interval.units,
        "low": interval.low,
        "high": interval.high,
        "level": interval.level,
        "verdict": verdict(interval, rule),
        "detectable": float("nan") if interval.reason else smallest_detectable(interval),
        "no_interval": interval.reason or "",
        "statement": rule.statement,
        "unit": rule.unit,
        "threshold": float(rule.threshold),
        "matters": float(rule.matters),
        "estimand": interval.estimand,
        "method": interval.method,
        "source": rule.source,
        "digest": rule.digest,
        "rule": state,
    }


def verdict(interval: Interval, rule: Rule) -> str:
    """shown, contradicted, not shown or cannot tell, from the interval alone."""
    if interval.reason or np.isnan(interval.low):
        return "cannot tell"
    if interval.low > rule.threshold:
        return "shown"
    if interval.high < rule.threshold:
        return "contradicted"
    return "not shown" if interval.high < rule.threshold + rule.matters else "cannot tell"
