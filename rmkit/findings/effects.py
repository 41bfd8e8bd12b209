"""The effect that a statement speaks of, from a study's per-prompt evaluations, with its interval.

Knows rules and evaluations; says no verdict. Jobs that differ in their seed alone are one effect. Where they differ in
their world too, worlds are the units of a difference, and the interval is for new worlds.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import DataError, ResultError
from rmkit.evaluation.contrasts import contrast, differences, over_prompts
from rmkit.evaluation.population import POLICIES, tables_of
from rmkit.findings.rules import SEEDS_AND_PROMPTS, Rule
from rmkit.intervals.correlations import Statistic, correlation_difference, correlation_over_models
from rmkit.intervals.means import FEWEST_SEEDS, NEW_PROMPTS_THESE_FITS, Interval
from rmkit.intervals.populations import (
    correlation_difference_over_populations,
    correlation_over_populations,
    correlations_in,
)
from rmkit.intervals.worlds import OverWorlds, over_worlds

Job = tuple[Mapping[str, Any], Evaluations]  # a job's parameters, and what it evaluated
RANK: Statistic = "kendall"
WORLD = "world_seed"


def effect(rule: Rule, jobs: Sequence[Job]) -> Interval:
    """The rule's statistic with its interval; ResultError if the fits that it speaks of are not there."""
    worlds = by_world(rule, jobs)
    if len(worlds) > 1:
        return over_worlds_of(rule, worlds).interval
    (seeds,) = worlds.values()
    return effect_in_a_world(rule, seeds)


def over_worlds_of(rule: Rule, worlds: Mapping[int, Sequence[Evaluations]]) -> OverWorlds:
    """The rule's difference over worlds, each with seeds and prompts of its own."""
    return over_worlds([difference_sp(rule, seeds) for seeds in worlds.values()])


def difference_sp(rule: Rule, seeds: Sequence[Evaluations]) -> np.ndarray:
    """(S, P) the rule's difference in each seed, on the prompts that all seeds have a value of."""
    value_sp = differences(seeds, rule.metrics()["metric"], *rule.groups().values())
    kept_sp: np.ndarray = value_sp[:, np.isfinite(value_sp).all(axis=0)]
    return kept_sp


def by_world(rule: Rule, jobs: Sequence[Job]) -> dict[int, list[Evaluations]]:
    """The evaluations of the jobs that a rule is about, by their world; ResultError that says why there are none.

    Jobs may differ in their seed. Those that a difference for new seeds is about may differ in their world as well.
    """
    if not jobs:
        raise ResultError(f"this study has no finished job of {rule.stage}")
    if not (found := about(rule, jobs)):
        raise ResultError(f"this study has no job of {rule.stage} with {dict(rule.where)}")
    free = {"seed", WORLD} if rule.statistic == "difference" and rule.estimand == SEEDS_AND_PROMPTS else {"seed"}
    settings = [{k: v for k, v in parameters.items() if k not in free} for parameters, _ in found]
    if any(other != settings[0] for other in settings[1:]):
        differ = sorted(k for k in settings[0] if len({json.dumps(one[k]) for one in settings}) > 1)
        raise ResultError(f"jobs of {rule.stage} differ in {', '.join(differ)}; the rule must say `where`")
    worlds: dict[int, list[Evaluations]] = {}
    for parameters, evaluated in found:
        worlds.setdefault(parameters.get(WORLD, 0) if WORLD in free else 0, []).append(evaluated)
    return worlds


def about(rule: Rule, jobs: Sequence[Job]) -> list[Job]:
    """The jobs of a rule's stage that have the parameters which it names."""
    return [job for job in jobs if all(job[0].get(name) == wanted for name, wanted in rule.where.items())]


def effect_in_a_world(rule: Rule, seeds: Sequence[Evaluations]) -> Interval:
    """As `effect`, from the seeds of one world."""
    metrics = rule.metrics()
    if rule.statistic == "difference":
        first, second = rule.groups().values()
        if rule.estimand == NEW_PROMPTS_THESE_FITS:
            return over_prompts(seeds, metrics["metric"], first, second)
        if len(seeds) < FEWEST_SEEDS:
            raise ResultError(f"no verdict from {len(seeds)} seeds; it takes {FEWEST_SEEDS}")
        return contrast(seeds, metrics["metric"], first, second)
    rng, tables = np.random.default_rng(0), tables_of_rule(rule, seeds)
    single = rule.statistic == "correlation"
    if rule.estimand == SEEDS_AND_PROMPTS:
        if len(seeds) < FEWEST_SEEDS:
            raise ResultError(f"no verdict from {len(seeds)} seeds; it takes {FEWEST_SEEDS}")
        over_seeds = correlation_over_populations if single else correlation_difference_over_populations
        return over_seeds(*tables, statistic=RANK, rng=rng)
    if len(seeds) > 1:
        raise ResultError(f"{len(seeds)} populations; for {rule.estimand} a correlation is over the models of one")
    over_models = correlation_over_models if single else correlation_difference
    return over_models(*(table[0] for table in tables), statistic=RANK, rng=rng)


def tables_of_rule(rule: Rule, seeds: Sequence[Evaluations]) -> list[list[np.ndarray]]:
    """For each metric of a correlation its table, models by prompts, in each seed's population; else ResultError."""
    metrics = rule.metrics().values()
    one, *others = (metric.name in POLICIES for metric in metrics)
    if one in others:
        raise ResultError(f"{rule.name}: a correlation is of a measure with a policy, which answer other prompts")
    return tables_of(seeds, *metrics)


def parts(rule: Rule, jobs: Sequence[Job]) -> dict[str, Any]:
    """Columns on what an effect is made of: by_seed or by_world, as JSON; tau and same_sign over worlds.

    by_seed: the effect in each seed, in the order of the jobs. A few seeds of a skewed law are held less often than
    their interval says, so a reader should see them. by_world: the effect in each world, by its seed. Nothing where
    there is no such part; the row says why.
    """
    nothing = {"by_seed": "", "by_world": "", "tau": float("nan"), "same_sign": float("nan")}
    try:
        worlds = by_world(rule, jobs)
        if len(worlds) > 1:
            found = over_worlds_of(rule, worlds)
            effects = dict(zip(worlds, found.effect_w, strict=True))
            return nothing | {"by_world": as_json(effects), "tau": found.tau, "same_sign": found.same_sign}
        (seeds,) = worlds.values()
        return nothing | {"by_seed": as_json(effect_s(rule, seeds))}
    except (ResultError, DataError):
        return nothing


def effect_s(rule: Rule, seeds: Sequence[Evaluations]) -> np.ndarray:
    """(S,) the effect in each seed by itself; none for what is no mean over seeds."""
    if rule.statistic == "difference":
        kept_sp = difference_sp(rule, seeds)
        return kept_sp.mean(axis=1) if kept_sp.size else np.array([])
    if rule.estimand != SEEDS_AND_PROMPTS:
        return np.array([])
    first_s, *second_s = correlations_in(*tables_of_rule(rule, seeds), statistic=RANK).T
    return np.asarray(first_s - sum(second_s))


def as_json(effects: Mapping[int, float] | np.ndarray) -> str:
    """Effects with six places, or nothing if there is none or one is undefined."""
    values = [*effects.values()] if isinstance(effects, Mapping) else effects
    if not len(values) or not np.isfinite(values).all():
        return ""
    rounded = [round(float(value), 6) for value in values]
    return json.dumps(dict(zip(effects, rounded, strict=True)) if isinstance(effects, Mapping) else rounded)
