"""The effect that a statement speaks of, from a study's per-prompt evaluations, with its interval.

Knows rules and evaluations; says no verdict. compared_jobs.py says which jobs count together. Where they differ in
their world, worlds are the units of an effect: from five on its interval is for new worlds, below for new seeds and
prompts in these.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import DataError, ResultError
from rmkit.evaluation.contrasts import differences, group_means, in_group, over_prompts
from rmkit.evaluation.curves import interval_of, stacked
from rmkit.evaluation.population import POLICIES, tables_of
from rmkit.findings.compared_jobs import Job, Setting, by_world
from rmkit.findings.rules import SEEDS_AND_PROMPTS, Rule
from rmkit.intervals.correlations import Statistic, correlation_difference, correlation_over_models
from rmkit.intervals.label_savings import labels_saved, labels_saved_over_worlds, needed_share, saved_share
from rmkit.intervals.means import FEWEST_SEEDS, NEW_PROMPTS_THESE_FITS, Interval
from rmkit.intervals.populations import (
    correlation_difference_over_populations,
    correlation_over_populations,
    correlations_in,
)
from rmkit.intervals.spreads import spread_ratio, spread_ratio_over_worlds
from rmkit.intervals.worlds import FEWEST_WORLDS, OverWorlds, of_table, over_these_worlds, over_worlds

RANK: Statistic = "kendall"
DIFFERENCES = ("difference", "difference_of_differences")
Settings = Mapping[str, Setting]  # of one world, by what `where` lists
Curves = tuple[np.ndarray, np.ndarray, np.ndarray]  # (S, C, P) of either group, and (C,) numbers of labels


def effect(rule: Rule, jobs: Sequence[Job]) -> Interval:
    """The rule's statistic with its interval; ResultError if the fits that it speaks of are not there."""
    worlds = by_world(rule, jobs)
    if len(worlds) > 1:
        return over_worlds_of(rule, worlds).interval
    (settings,) = worlds.values()
    return effect_in_a_world(rule, settings)


def over_worlds_of(rule: Rule, worlds: Mapping[int, Settings]) -> OverWorlds:
    """The rule's effect over worlds, each with seeds and prompts of its own."""
    new_worlds = len(worlds) >= FEWEST_WORLDS
    if rule.statistic == "labels_saved":
        curves = [curves_of(rule, settings) for settings in worlds.values()]
        return labels_saved_over_worlds(curves, rng=np.random.default_rng(0), new_worlds=new_worlds)
    if rule.statistic == "spread_ratio":
        sides = [spreads_of(rule, settings) for settings in worlds.values()]
        return spread_ratio_over_worlds(*zip(*sides, strict=True), new_worlds=new_worlds)
    tables = [difference_sp(rule, settings) for settings in worlds.values()]
    if new_worlds:
        return over_worlds(tables)
    if empty := [world for world, table_sp in zip(worlds, tables, strict=True) if not table_sp.size]:
        raise ResultError(f"world {empty[0]}: no prompt has a value for every seed")
    return over_these_worlds([of_table(table_sp) for table_sp in tables])


def difference_sp(rule: Rule, settings: Settings) -> np.ndarray:
    """(S, P) the rule's difference in each seed, on the prompts that all seeds have a value of."""
    value_sp = every_difference_sp(rule, settings)
    kept_sp: np.ndarray = value_sp[:, np.isfinite(value_sp).all(axis=0)]
    return kept_sp


def every_difference_sp(rule: Rule, settings: Settings) -> np.ndarray:
    """(S, P) the rule's difference in each seed on each prompt, NaN where it has no value; a mean over settings."""
    of_settings = []
    for seeds in settings.values():
        metric = rule.metrics()["metric"]
        if rule.statistic == "difference":
            of_settings.append(differences(seeds, metric, *rule.groups().values()))
            continue
        first, second, at, against = rule.groups().values()
        here_sp, there_sp = (differences(seeds, metric, {**first, **one}, {**second, **one}) for one in (at, against))
        of_settings.append(here_sp - there_sp)
    return mean_over_settings(of_settings)


def mean_over_settings(tables: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of one table a setting, seeds and prompts in their order; ResultError where their numbers differ.

    Settings of a world share seeds, and may share prompts. What they share stays in the mean, seed by seed and prompt
    by prompt, so that its interval allows for it; what they do not share is paired at random, and changes nothing.
    """
    if len(tables) == 1:
        return tables[0]
    if len({table.shape for table in tables}) > 1:
        shapes = " and ".join(str(table.shape) for table in tables)
        raise ResultError(f"settings that are averaged have other numbers of seeds or prompts: {shapes}")
    return np.mean(tables, axis=0)


def sides_of(rule: Rule, settings: Settings) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each setting (S, P) the mean of either group of fits in each seed."""
    metric, (first, second) = rule.metrics()["metric"], rule.groups().values()
    return [(group_means(seeds, metric, first), group_means(seeds, metric, second)) for seeds in settings.values()]


def spreads_of(rule: Rule, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """(S,) either group's mean over prompts, and over settings, in each seed."""
    first, second = zip(*sides_of(rule, settings), strict=True)
    first_sp, second_sp = mean_over_settings(first), mean_over_settings(second)
    kept_p = np.isfinite(first_sp + second_sp).all(axis=0)
    if not kept_p.any():
        raise ResultError("no prompt has a value for every seed")
    return first_sp[:, kept_p].mean(axis=1), second_sp[:, kept_p].mean(axis=1)


def curves_of(rule: Rule, settings: Settings) -> Curves:
    """Either group's mean score after each number of labels, by seed and prompt, and these numbers."""
    metric, found = rule.metrics()["metric"], []
    for seeds in settings.values():
        value_sfp, fits = stacked(seeds, metric), seeds[0].fits
        sides, counts = [], []
        for group in rule.groups().values():
            here_f = in_group(fits, group)
            count_f = fits["annotations"].to_numpy(dtype=np.float64)
            counts.append(np.unique(count_f[here_f]))
            sides.append(
                np.stack([value_sfp[:, here_f & (count_f == count)].mean(axis=1) for count in counts[-1]], axis=1)
            )
        if not np.array_equal(counts[0], counts[1]):
            raise ResultError("the two groups have other numbers of labels; a saving is of two curves on the same ones")
        found.append((*sides, counts[0]))
    if any(not np.array_equal(one[2], found[0][2]) for one in found):
        raise ResultError("settings that are averaged have other numbers of labels")
    first_scp, second_scp = (mean_over_settings([one[side] for one in found]) for side in (0, 1))
    kept_p = np.isfinite(first_scp + second_scp).all(axis=(0, 1))
    if not kept_p.any():
        raise ResultError("no prompt has a value for every seed")
    return first_scp[..., kept_p], second_scp[..., kept_p], found[0][2]


def effect_in_a_world(rule: Rule, settings: Settings) -> Interval:
    """As `effect`, from the settings of one world."""
    rng, n_seeds = np.random.default_rng(0), len(next(iter(settings.values())))
    if rule.statistic in DIFFERENCES and rule.estimand == NEW_PROMPTS_THESE_FITS:
        seeds = only(settings, rule)
        return over_prompts(seeds, rule.metrics()["metric"], *rule.groups().values())
    if rule.statistic not in ("correlation", "correlation_difference"):
        if n_seeds < FEWEST_SEEDS:
            raise ResultError(f"no verdict from {n_seeds} seeds; it takes {FEWEST_SEEDS}")
        if rule.statistic == "labels_saved":
            return labels_saved(*curves_of(rule, settings), rng=rng)
        if rule.statistic == "spread_ratio":
            return spread_ratio(*spreads_of(rule, settings))
        return interval_of(every_difference_sp(rule, settings))
    tables, single = tables_of_settings(rule, settings), rule.statistic == "correlation"
    if rule.estimand == SEEDS_AND_PROMPTS:
        if n_seeds < FEWEST_SEEDS:
            raise ResultError(f"no verdict from {n_seeds} seeds; it takes {FEWEST_SEEDS}")
        over_seeds = correlation_over_populations if single else correlation_difference_over_populations
        return over_seeds(*tables, statistic=RANK, rng=rng)
    if n_seeds > 1:
        raise ResultError(f"{n_seeds} populations; for {rule.estimand} a correlation is over the models of one")
    over_models = correlation_over_models if single else correlation_difference
    return over_models(*(table[0] for table in tables), statistic=RANK, rng=rng)


def only(settings: Settings, rule: Rule) -> Setting:
    """The one setting of a statistic that is not averaged over several."""
    if len(settings) > 1:
        raise ResultError(f"a {rule.statistic} for {rule.estimand} is of one setting; `where` lists {len(settings)}")
    (seeds,) = settings.values()
    return seeds


def tables_of_settings(rule: Rule, settings: Settings) -> list[list[np.ndarray]]:
    """As `tables_of_rule`, a mean over settings: of a policy that was trained from several random seeds, say."""
    of_each = [tables_of_rule(rule, seeds) for seeds in settings.values()]
    return [
        [mean_over_settings(tables) for tables in zip(*by_setting_s, strict=True)]
        for by_setting_s in zip(*of_each, strict=True)
    ]


def tables_of_rule(rule: Rule, seeds: Sequence[Evaluations]) -> list[list[np.ndarray]]:
    """For each metric of a correlation its table, models by prompts, in each seed's population; else ResultError."""
    metrics = rule.metrics().values()
    one, *others = (metric.name in POLICIES for metric in metrics)
    if one in others:
        raise ResultError(f"{rule.name}: a correlation is of a measure with a policy, which answer other prompts")
    if rule.among:
        seeds = [one.keep(in_group(one.fits, rule.among)) for one in seeds]
    return tables_of(seeds, *metrics)


def parts(rule: Rule, jobs: Sequence[Job]) -> dict[str, Any]:
    """Columns on what an effect is made of, as JSON: by_seed, by_world, by_setting; tau and same_sign over worlds.

    by_seed: the effect in each seed, in the order of the jobs. A few seeds of a skewed law are held less often than
    their interval says, so a reader should see them. by_world: the effect in each world, by its seed. by_setting: that
    in each setting, where `where` lists several. not_reached: in how many seeds the first curve did not reach the
    second's last score, where labels are saved. Nothing where there is no such part; the row says why.
    """
    nothing: dict[str, Any] = {"by_seed": "", "by_world": "", "by_setting": ""}
    nothing |= dict.fromkeys(("tau", "same_sign", "not_reached"), float("nan"))
    try:
        worlds = by_world(rule, jobs)
        found = nothing | {"by_setting": by_setting(rule, worlds)}
        if rule.statistic == "labels_saved":
            found["not_reached"] = float(sum(not_reached(rule, settings) for settings in worlds.values()))
        if len(worlds) > 1:
            over = over_worlds_of(rule, worlds)
            effects = dict(zip(worlds, over.effect_w, strict=True))
            return found | {"by_world": as_json(effects), "tau": over.tau, "same_sign": over.same_sign}
        (settings,) = worlds.values()
        return found | {"by_seed": as_json(effect_s(rule, settings))}
    except (ResultError, DataError):
        return nothing


def by_setting(rule: Rule, worlds: Mapping[int, Settings]) -> str:
    """The effect in each setting, by its world and name, as JSON; nothing where each world has one."""
    effects = {}
    for world, settings in worlds.items():
        for name, seeds in settings.items() if len(settings) > 1 else ():
            effects[f"{world} {name}" if len(worlds) > 1 else name] = effect_of_setting(rule, {name: seeds})
    return as_json(effects)


def effect_of_setting(rule: Rule, settings: Settings) -> float:
    """The effect in one setting, without an interval."""
    if rule.statistic == "spread_ratio":
        first_s, second_s = spreads_of(rule, settings)
        return float(first_s.std() / second_s.std()) if second_s.std() else float("nan")
    effect_s_ = effect_s(rule, settings)
    return float(effect_s_.mean()) if len(effect_s_) else float("nan")


def not_reached(rule: Rule, settings: Settings) -> int:
    """In how many seeds the first curve needs more than all labels for the second's last score."""
    first_scp, second_scp, count_c = curves_of(rule, settings)
    return int(np.isinf(needed_share(first_scp.mean(axis=2), second_scp.mean(axis=2), count_c)).sum())


def effect_s(rule: Rule, settings: Settings) -> np.ndarray:
    """(S,) the effect in each seed by itself; none for what is no mean over seeds."""
    if rule.statistic in DIFFERENCES:
        kept_sp = difference_sp(rule, settings)
        return kept_sp.mean(axis=1) if kept_sp.size else np.array([])
    if rule.statistic == "labels_saved":
        first_scp, second_scp, count_c = curves_of(rule, settings)
        return saved_share(first_scp.mean(axis=2), second_scp.mean(axis=2), count_c)
    if rule.statistic == "spread_ratio" or rule.estimand != SEEDS_AND_PROMPTS:
        return np.array([])
    first_s, *second_s = correlations_in(*tables_of_settings(rule, settings), statistic=RANK).T
    return np.asarray(first_s - sum(second_s))


def as_json(effects: Mapping[Any, float] | np.ndarray) -> str:
    """Effects with six places, or nothing if there is none or one is undefined."""
    values = [*effects.values()] if isinstance(effects, Mapping) else effects
    if not len(values) or not np.isfinite(values).all():
        return ""
    rounded = [round(float(value), 6) for value in values]
    return json.dumps(dict(zip(effects, rounded, strict=True)) if isinstance(effects, Mapping) else rounded)
