"""Many strategies of 05_active_labeling at once: by family, as a ranking, the contest of two families, and why.

From stored rows and evaluations alone. Worlds, tasks and generators of a study are pooled as statements pool them
(findings/compared_jobs.py): worlds are the units, and settings are averaged within a world.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Metric
from rmkit.errors import DataError, ResultError
from rmkit.evaluation.contrasts import minus_strategy
from rmkit.evaluation.curves import interval_of, interval_row, stacked
from rmkit.figures.looks import look_of, metric_label, policy_label
from rmkit.figures.strategies import WHY_LABELS, contest_figure, family_curves_figure, strategy_rank_figure, why_figure
from rmkit.findings.claims import GAPS, INFORMATION
from rmkit.findings.compared_jobs import Job, by_world
from rmkit.findings.effects import effect, mean_over_settings, parts
from rmkit.findings.rules import SEEDS_AND_PROMPTS, Rule
from rmkit.intervals.means import Interval
from rmkit.intervals.spreads import spread_ratio, spread_ratio_over_worlds
from rmkit.intervals.worlds import FEWEST_WORLDS, of_table, over_these_worlds, over_worlds
from rmkit.report.exhibits.settings import Drawn, Results, all_told, headed, named, parameters_of
from rmkit.report.wording import join
from rmkit.study.planning.keys import canonical

STAGE, AGAINST, WITHIN = "05_active_labeling", "random", "within_prompt"
MANY = 8  # strategies, of which lines are no longer told apart in one panel
SETTINGS = ("task", "generator")
POOLED = ("seed", "world_seed", *SETTINGS, "strategies", "pools")
TOLD = ["pool", "strategy", "annotations"]


def many(evaluations: Evaluations) -> bool:
    """Whether one panel would have more lines than can be told apart."""
    return "strategy" in evaluations.fits and evaluations.fits["strategy"].nunique() > MANY


def active_families(results: Results) -> Iterator[Drawn]:
    """What each strategy gains over random choice with every label, a row of panels a few families."""
    for group, jobs in groups(results):
        metric = outcomes(jobs[0][1])[0]
        leads = leads_over(jobs, metric, by=TOLD)
        yield Drawn(
            named("active-families", group),
            headed("What does each strategy gain over random choice, by family?", group),
            "Each strategy minus random choice, on the same prompts with the same number of labels, by family. The "
            "thin blue line is D-optimal choice. Look for families that leave 0 together. Bars, at the most labels, "
            f"are {kind(leads)}.",
            family_curves_figure(leads, unit=outcome_name(metric)),
        )


def active_ranks(results: Results) -> Iterator[Drawn]:
    """All strategies by their mean lead over random choice."""
    for group, jobs in groups(results):
        for metric in outcomes(jobs[0][1]):
            leads = leads_over(jobs, metric, by=TOLD[:2])
            yield Drawn(
                named(file_name("active-ranks", metric), group),
                headed(f"Which strategies are ahead of random choice? {outcome_name(metric)}", group),
                "Each strategy minus random choice, a mean over all rounds, best first in each pool. Filled dots have "
                "an interval that leaves out 0. No correction for so many strategies: trust the statements. Intervals "
                f"are {kind(leads)}.",
                strategy_rank_figure(leads, unit=outcome_name(metric)),
            )


def active_spreads(results: Results) -> Iterator[Drawn]:
    """How much each strategy's results differ between seeds, beside those of random choice."""
    for group, jobs in groups(results):
        metric = outcomes(jobs[0][1])[0]
        ratios = spreads_over(jobs, metric)
        yield Drawn(
            named("active-spreads", group),
            headed("Which strategies are steadier than random choice?", group),
            f"The standard deviation over seeds of random choice, as a multiple of the strategy's own: "
            f"{outcome_name(metric)}, with the most labels, a mean over prompts. Further to the right is steadier. "
            f"Filled dots have an interval that leaves out 1. Intervals are {kind(ratios)}; long tails make them too "
            "short (docs/log/interval-coverage.md).",
            strategy_rank_figure(ratios, unit="spread of random choice\n/ own spread", ratio=True),
        )


def active_contest(results: Results) -> Iterator[Drawn]:
    """The lead of the rules of ActiveUltraFeedback over those that look for information, by noise and outcome."""
    for group, jobs in groups(results, beside=("beta",), having=both_families):
        table = contest_table(jobs)
        if table.empty:
            continue
        whole = table[table["world"].isna()]
        there = set(jobs[0][1].fits["strategy"])
        families = [
            join([look_of(name, "strategy").label for name in names if name in there]) for names in (GAPS, INFORMATION)
        ]
        yield Drawn(
            named("active-contest", group),
            headed("ActiveUltraFeedback or information: which rules, by noise and outcome?", group),
            f"The mean of {families[0]} (ActiveUltraFeedback) minus that of {families[1]} (information), over all "
            "rounds, within prompts. Filled where the interval leaves out 0; small dots are worlds. A large gap is a "
            "clean label, and "
            f"a policy needs the top of the order alone. Intervals are {kind(whole)}.",
            contest_figure(table),
        )


def active_reasons(results: Results) -> Iterator[Drawn]:
    """How open each strategy's pairs are, against how many labels err and how much they inform."""
    if STAGE not in results.gathered:
        return
    rows = results.rows(STAGE)
    wanted = ("mean_p_variance", *WHY_LABELS)
    if not set(wanted) <= set(rows["metric"]):
        return
    rows = rows[rows["metric"].isin(wanted)]
    kept = [name for name in rows if name.startswith("param_") and name[6:] not in POOLED and rows[name].nunique() > 1]
    of_groups = [here for _, here in rows.groupby(kept, sort=False, dropna=False)] if kept else [rows]
    drawn = [here for here in of_groups if here["strategy"].nunique() > MANY]
    told_apart = all_told(STAGE, [parameters_of(here) for here in drawn], POOLED)
    for group, here in zip(told_apart, drawn, strict=True):
        means = here.groupby(["pool", "strategy", "metric"], sort=False)["value"].mean().unstack("metric")
        yield Drawn(
            named("active-reasons", group),
            headed("Why: how open, how often wrong, how informative are the chosen pairs?", group),
            "A number is a strategy, a mean over its batches and all seeds and worlds, without interval. To the right "
            "are pairs that the model is undecided about (1/4 is a coin), on which the annotator errs more. "
            "D-efficiency is what a batch informs, as a share of the best that the candidates allow.",
            why_figure(means.reset_index().reindex(columns=["pool", "strategy", *wanted])),
        )


def groups(
    results: Results, *, beside: Sequence[str] = (), having: Callable[[Evaluations], bool] = many
) -> Iterator[tuple[str, list[Job]]]:
    """The jobs of the stage that are drawn as one, with what tells them from the others; only jobs `having` it.

    Where some settings have more strategies than others, all strategies are drawn of those, and then, of all settings,
    the strategies that every one has. beside: parameters that are drawn beside each other; then all jobs are one.
    """
    if STAGE not in results.gathered:
        return
    found: dict[str, list[Job]] = {}
    for parameters, evaluations in results.evaluations(STAGE):
        if having(evaluations) and AGAINST in set(evaluations.fits["strategy"]):
            same = {name: value for name, value in parameters.items() if name not in (*POOLED, *beside)}
            found.setdefault(canonical(same), []).append((parameters, evaluations))
    told_apart = all_told(STAGE, [jobs[0][0] for jobs in found.values()], (*POOLED, *beside))
    for group, jobs in zip(told_apart, found.values(), strict=True):
        of_jobs = [frozenset(evaluations.fits["strategy"]) for _, evaluations in jobs]
        sets = sorted(set(of_jobs), key=len, reverse=True) if not beside else []
        for wanted in sets or [frozenset[str]()]:
            drawn = [job for job, strategies in zip(jobs, of_jobs, strict=True) if wanted <= strategies]
            several = f"{len(wanted)} strategies" if len(sets) > 1 else ""
            yield ", ".join(filter(None, [group, several])), drawn


def both_families(evaluations: Evaluations) -> bool:
    """Whether there are strategies of both families of the contest."""
    there = set(evaluations.fits["strategy"])
    return not (there.isdisjoint(GAPS) or there.isdisjoint(INFORMATION))


def outcomes(evaluations: Evaluations) -> list[Metric]:
    """Spearman, Best-of-n at the largest n and the KL optimum nearest to 1 nat, of those evaluated; else accuracy."""
    if "spearman" not in evaluations.values:
        return [Metric("accuracy")]
    found = [Metric("spearman")]
    if "best_of_n" in evaluations.values:
        found.append(evaluations.metrics("best_of_n")[-1])
    if "kl" in evaluations.values:
        found.append(min(evaluations.metrics("kl"), key=lambda metric: abs(float(metric.at or 0) - 1)))
    return found


def outcome_name(metric: Metric) -> str:
    """What an outcome is called on an axis and in a heading."""
    if metric.name == "kl":
        return f"gold reward of the {policy_label(np.nan, float(metric.at or 0))}"
    return metric_label(metric.name, metric.at)


def file_name(exhibit: str, metric: Metric) -> str:
    """Of a figure of one outcome: active-ranks-best-of-32."""
    return f"{exhibit}-{metric}".replace("_", "-")


def leads_over(jobs: Sequence[Job], metric: Metric, *, by: Sequence[str]) -> pd.DataFrame:
    """A row for each combination of `by`, of pool, strategy and annotations: the lead over AGAINST with its interval.

    Without annotations in `by`, a mean over all but the fewest. Fits that a setting lacks are left out everywhere.
    """
    tables: dict[tuple[Any, ...], list[np.ndarray]] = {}
    worlds = pooled(jobs)
    for settings in worlds.values():
        of_settings = [leads_in(seeds, metric, by) for seeds in settings.values()]
        for key in of_settings[0]:
            if all(key in one for one in of_settings):
                tables.setdefault(key, []).append(mean_over_settings([one[key] for one in of_settings]))
    rows = []
    for key, of_worlds in tables.items():
        if len(of_worlds) == len(worlds):
            interval = over(of_worlds)
            rows.append(dict(zip(by, key, strict=True)) | interval_row(interval, min(map(len, of_worlds))))
    return pd.DataFrame(rows)


def leads_in(seeds: Sequence[Evaluations], metric: Metric, by: Sequence[str]) -> dict[tuple[Any, ...], np.ndarray]:
    """(S, P) the lead over AGAINST in one setting, by the values of `by`."""
    ahead = [minus_strategy(one, AGAINST) for one in seeds]
    value_sfp, fits = stacked(ahead, metric), ahead[0].fits
    later = fits if "annotations" in by else fits[fits["annotations"] > fits["annotations"].min()]
    return {key: value_sfp[:, here.index].mean(axis=1) for key, here in later.groupby(list(by), sort=False)}


def spreads_over(jobs: Sequence[Job], metric: Metric) -> pd.DataFrame:
    """A row for each pool and strategy: the spread over seeds of AGAINST, divided by its own, with the most labels."""
    sides: dict[tuple[Any, ...], list[tuple[np.ndarray, np.ndarray]]] = {}
    worlds = pooled(jobs)
    for settings in worlds.values():
        of_settings = [last_scores(seeds, metric) for seeds in settings.values()]
        for pool, name in of_settings[0]:
            here = (pool, name), (pool, AGAINST)
            if name != AGAINST and all(key in one for one in of_settings for key in here):
                own_s, theirs_s = (np.mean([one[key] for one in of_settings], axis=0) for key in here)
                sides.setdefault((pool, name), []).append((theirs_s, own_s))
    rows = []
    for (pool, name), of_worlds in sides.items():
        if len(of_worlds) == len(worlds):
            first_ws, second_ws = zip(*of_worlds, strict=True)
            if len(of_worlds) == 1:
                interval = spread_ratio(first_ws[0], second_ws[0])
            else:
                new_worlds = len(of_worlds) >= FEWEST_WORLDS
                interval = spread_ratio_over_worlds(first_ws, second_ws, new_worlds=new_worlds).interval
            rows.append({"pool": pool, "strategy": name} | interval_row(interval, min(len(one) for one in first_ws)))
    return pd.DataFrame(rows)


def last_scores(seeds: Sequence[Evaluations], metric: Metric) -> dict[tuple[Any, ...], np.ndarray]:
    """(S,) the mean over prompts with the most labels in each seed of a setting, by pool and strategy."""
    value_sfp, fits = stacked(seeds, metric), seeds[0].fits.reset_index(drop=True)
    last = fits[fits["annotations"] == fits["annotations"].max()]
    kept_p = np.isfinite(value_sfp[:, last.index]).all(axis=(0, 1))
    return {
        key: value_sfp[:, here.index][..., kept_p].mean(axis=(1, 2)) for key, here in last.groupby(TOLD[:2], sort=False)
    }


def over(tables: Sequence[np.ndarray]) -> Interval:
    """The interval of a mean over worlds, or over the seeds and prompts of one."""
    if len(tables) == 1:
        return interval_of(tables[0])
    kept = [table_sp[:, np.isfinite(table_sp).all(axis=0)] for table_sp in tables]
    if len(kept) >= FEWEST_WORLDS:
        return over_worlds(kept).interval
    return over_these_worlds([of_table(table_sp) for table_sp in kept]).interval


def pooled(jobs: Sequence[Job]) -> Mapping[int, Mapping[str, list[Evaluations]]]:
    """The jobs by world and setting; of the first task and generator alone where these were not all combined."""
    try:
        return by_world(lead_rule(Metric("spearman"), where_all(jobs)), jobs)
    except (ResultError, DataError):
        first = {name: jobs[0][0][name] for name in SETTINGS if name in jobs[0][0]}
        return by_world(lead_rule(Metric("spearman"), first), jobs)


def where_all(jobs: Sequence[Job]) -> dict[str, Any]:
    """The tasks and generators of the jobs, to be averaged where there are several."""
    found = {}
    for name in SETTINGS:
        values = list(dict.fromkeys(parameters[name] for parameters, _ in jobs if name in parameters))
        if values:
            found[name] = values if len(values) > 1 else values[0]
    return found


def lead_rule(metric: Metric, where: Mapping[str, Any]) -> Rule:
    """The contest of the two families as a rule that nobody registered, for its effect alone."""
    sides = {
        side: {"strategy": list(names), "pool": WITHIN, "annotations": "beyond_fewest"}
        for side, names in (("first", GAPS), ("second", INFORMATION))
    }
    named_metric: Any = metric.name if metric.at is None else {metric.name: metric.at}
    terms = {"metric": named_metric, **sides}
    return Rule("", "", "", STAGE, "difference", 0.0, 1.0, "", SEEDS_AND_PROMPTS, terms, dict(where))


def contest_table(jobs: Sequence[Job]) -> pd.DataFrame:
    """A row for each outcome and beta, and one for each world: the lead of GAPS over INFORMATION.

    Of the tasks and generators that all levels of noise have. Nothing where a family is missing.
    """
    by_beta: dict[float, list[Job]] = {}
    for job in jobs:
        by_beta.setdefault(float(job[0].get("beta", np.nan)), []).append(job)
    have = [{tuple(parameters.get(name) for name in SETTINGS) for parameters, _ in of} for of in by_beta.values()]
    shared = set.intersection(*have)
    if not shared:
        return pd.DataFrame()
    rows: list[dict[str, Any]] = []
    for beta, of_beta in by_beta.items():
        here = [job for job in of_beta if tuple(job[0].get(name) for name in SETTINGS) in shared]
        for metric in outcomes(here[0][1]):
            rule = lead_rule(metric, where_all(here))
            try:
                interval = effect(rule, here)
            except (ResultError, DataError):
                continue
            place = {"outcome": outcome_name(metric), "beta": beta}
            rows.append(place | {"world": None} | interval_row(interval, len(here)))
            each = json.loads(parts(rule, here)["by_world"] or "{}")
            rows += [
                place | {"world": world, "mean": mean, "low": np.nan, "high": np.nan} for world, mean in each.items()
            ]
    return pd.DataFrame(rows)


def kind(table: pd.DataFrame) -> str:
    """What intervals are, in a few words."""
    with_interval = table[table["low"].notna()]
    if with_interval.empty:
        return f"missing ({join(sorted(set(table['reason'].dropna())))})"
    level = with_interval["level"].iloc[0]
    return f"{level:.0%} intervals for {join(list(dict.fromkeys(with_interval['estimand'])))}"
