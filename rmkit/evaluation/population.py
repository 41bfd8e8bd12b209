"""A population of reward models on one test bank: what each one measures, and what the policies that it leads to earn.

Half of the prompts measure, the other half are what policies answer, so that a metric is held to prompts that it has
not seen. Knows rewards of F models on P x K responses with their gold; no head, no label. Sources: arXiv 2410.05584,
sections 2 and 3 (metrics at five responses to a prompt, regret and normalised drop ratio); policies/stored_responses.py
has the policies.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Axis, Metric
from rmkit.errors import DataError, ResultError
from rmkit.evaluation.interval_columns import interval_columns
from rmkit.intervals.correlations import Statistic, correlation_over_models
from rmkit.intervals.means import Interval
from rmkit.intervals.populations import correlation_over_populations
from rmkit.measures.registry import AGAINST_GOLD, Measure
from rmkit.policies.stored_responses import (
    UnreachableKL,
    best_of_n_policy,
    beta_at_kl,
    kl_optimum,
    normalised_drop_ratio,
    regret,
    value,
)

# Those of AGAINST_GOLD that notebook 06 takes unless it is told others.
NOTEBOOK_TAKES = ("one_pair", "accuracy", "kendall", "spearman", "pearson", "best_of_all")
MEASURES: Mapping[str, Measure] = {name: AGAINST_GOLD[name] for name in NOTEBOOK_TAKES}
STORED = {"best_of_n": "n", "kl": "nats"}  # policies over stored responses, and the axis of each: how far it goes
TRAINED = ("ppo", "rloo", "grpo")  # optimisers of a language model: along steps of training, and at equal KL
POLICIES = STORED | dict.fromkeys(TRAINED, "steps") | {f"{name}_at_kl": "nats" for name in TRAINED}
GOLD, BASE = "gold", "base"  # fits beside the population: the policy of gold itself, and no optimisation
EQUAL_SCORES = "its scores are too alike for a policy this far from the base"
NO_MODELS = "no reward model has this policy in every population"


def measured_by(
    measures: Mapping[str, Measure], score_fpk: np.ndarray, gold_pk: np.ndarray, n_responses: int
) -> dict[str, np.ndarray]:
    """(F, P) of every measure, by its name, on the first n of each prompt's K responses.

    Of MEASURES: one_pair says whether two responses are in order; accuracy is the share of all pairs of the n; kendall
    (tau-b), spearman and pearson are correlations with gold; best_of_all is gold of the one with the highest score.
    DataError for n not in 2..K, or for a measure that gives anything else than a number a model and prompt.
    """
    if not 2 <= n_responses <= gold_pk.shape[-1]:
        raise DataError(f"measuring on {n_responses} responses: it takes 2 to {gold_pk.shape[-1]}, as a prompt has")
    found = {}
    for name, measure in measures.items():
        found[name] = value_fp = np.asarray(measure(score_fpk[..., :n_responses], gold_pk[..., :n_responses]))
        if value_fp.shape != (wanted := score_fpk.shape[:-1]):
            raise DataError(f"measure {name}: gives shape {value_fp.shape}; it must be a number a prompt, {wanted}")
    return found


def policy_values(
    score_fpk: np.ndarray, gold_pk: np.ndarray, *, ns: Sequence[int], kls: Sequence[float]
) -> dict[str, np.ndarray]:
    """(F, P, N) expected gold over a prompt's K responses: best_of_n for each of N ns, kl for each of N mean KLs.

    The KL optimum of each score is taken at its own beta, the one at which the mean KL over prompts is as asked: all
    policies of a place are equally far from the base. NaN where a score's ties keep it from getting that far.
    """
    found = {
        "best_of_n": [value(best_of_n_policy(score_fpk, n), gold_pk) for n in ns],
        "kl": [np.stack([value_at_kl(score_pk, gold_pk, nats) for score_pk in score_fpk]) for nats in kls],
    }
    return {name: np.stack(values, axis=-1) for name, values in found.items() if values}


def value_at_kl(score_pk: np.ndarray, gold_pk: np.ndarray, nats: float) -> np.ndarray:
    """(P,) expected gold of the KL optimum at this mean KL, or NaN where it cannot be reached; else as `beta_at_kl`."""
    try:
        beta = beta_at_kl(score_pk, nats)
    except UnreachableKL:
        return np.full(len(gold_pk), np.nan)
    return value(kl_optimum(score_pk, beta), gold_pk)


def evaluate_population(
    fits: pd.DataFrame,
    score_fpk: np.ndarray,
    gold_pk: np.ndarray,
    prompt_id_p: np.ndarray,
    measuring_p: np.ndarray,
    *,
    n_responses: int,
    ns: Sequence[int],
    kls: Sequence[float],
    measures: Mapping[str, Measure] = MEASURES,
) -> Evaluations:
    """Measures on the prompts that measure, policy values on the others; NaN elsewhere.

    fits: F rows with fit, reward_model and whatever varied; two rows are added, GOLD and BASE. score_fpk: (F, P, K).
    measuring_p: (P,) bool. DataError for scores or gold that are not finite, if either half is empty, or if a measure
    bears the name of a policy.
    """
    if measuring_p.all() or not measuring_p.any():
        raise DataError(f"{measuring_p.sum()} of {len(measuring_p)} prompts measure; both halves need at least one")
    with_gold = np.concatenate([score_fpk, gold_pk[None]])
    measured = measured_by(measures, with_gold[:, measuring_p], gold_pk[measuring_p], n_responses)
    ns, kls = sorted(set(ns)), sorted(set(kls))
    earned = policy_values(with_gold[:, ~measuring_p], gold_pk[~measuring_p], ns=ns, kls=kls)
    if both := [name for name in measured if name in POLICIES]:
        raise DataError(f"measure {both[0]}: is a policy's name; give it another")
    base_p = gold_pk[~measuring_p].mean(axis=-1)
    values = {}
    for name, value_fq in measured.items():
        values[name] = np.full((len(fits) + 2, len(gold_pk)), np.nan, np.float32)
        values[name][:-1, measuring_p] = value_fq
    for name, value_fqn in earned.items():
        values[name] = np.full((len(fits) + 2, len(gold_pk), value_fqn.shape[-1]), np.nan, np.float32)
        values[name][:-1, ~measuring_p] = value_fqn
        values[name][-1, ~measuring_p] = base_p[:, None]
    places: Mapping[str, Sequence[float]] = {"best_of_n": ns, "kl": kls}
    axes = {name: Axis(POLICIES[name], tuple(places[name])) for name in earned}
    beside = pd.DataFrame({"fit": [GOLD, BASE], "reward_model": [GOLD, BASE]})
    ones_p = np.ones(len(gold_pk), np.float32)
    everyone = pd.concat([fits, beside], ignore_index=True)
    return Evaluations(everyone, prompt_id_p.astype(np.int64), ones_p, values, axes)


def scores_too_alike(fit: str, policy: Metric) -> str:
    """Why a fit has no policy over stored responses: EQUAL_SCORES."""
    return EQUAL_SCORES


def population_rows(
    evaluations: Evaluations, *, why_missing: Callable[[str, Metric], str] = scores_too_alike
) -> pd.DataFrame:
    """Result rows: every fit's measures, and for every policy its gold_reward, regret and ndr.

    Columns that say which policy: those of `policy_columns`. why_missing: the reason of a fit without this policy.
    """
    tables = []
    is_gold_f, is_base_f = (evaluations.fits["fit"].to_numpy() == name for name in (GOLD, BASE))
    for of in evaluations.metrics():
        value_fp = evaluations.value_fp(of)
        value_fq = value_fp[:, np.isfinite(value_fp).any(axis=0)].astype(np.float64)
        if of.name not in POLICIES:
            means = {"value": value_fq[~is_base_f].mean(axis=1), "units": value_fq.shape[1]}
            table = evaluations.fits[~is_base_f].assign(metric=of.name, policy="", n=np.nan, nats=np.nan, **means)
            table["reason"] = None
            tables.append(table.assign(split="measuring prompts"))
            continue
        gold_q, base_q = value_fq[is_gold_f][0], value_fq[is_base_f][0]
        valued_f = np.asarray(np.isfinite(value_fq).all(axis=1))
        drops = [normalised_drop_ratio(value_q, gold_q, base_q) for value_q in value_fq]
        columns = {
            "gold_reward": value_fq.mean(axis=1),
            "regret": regret(value_fq, gold_q).mean(axis=1),
            "ndr": np.array([drop.value for drop in drops]),
        }
        for metric, value_f in columns.items():
            reason = [
                None if np.isfinite(value) else drop.reason if valued else why_missing(fit, of)
                for fit, value, drop, valued in zip(evaluations.fits["fit"], value_f, drops, valued_f, strict=True)
            ]
            table = evaluations.fits.assign(metric=metric, **policy_columns(of), value=value_f, reason=reason)
            tables.append(table.assign(units=value_fq.shape[1], split="policy prompts"))
    return pd.concat(tables, ignore_index=True)


def measures_of(evaluations: Evaluations) -> list[str]:
    """The measures of a population's evaluations, in their order: all that is no policy."""
    return [name for name in evaluations.values if name not in POLICIES]


def policies(evaluations: Evaluations) -> list[Metric]:
    """The policies of the evaluations, in the order of POLICIES and of their axes."""
    return evaluations.metrics(*(name for name in POLICIES if name in evaluations.values))


def policy_columns(policy: Metric) -> dict[str, str | float]:
    """The columns of result rows that say which policy: a name for people, and n or nats, the other one missing.

    Of a policy along steps of training both are missing, and it has a column `steps` besides.
    """
    at, axis = np.nan if policy.at is None else float(policy.at), POLICIES[policy.name]
    places = {name: at if axis == name else np.nan for name in STORED.values()}
    return {"policy": str(policy), **places, **({"steps": at} if axis == "steps" else {})}


def correlations(
    evaluations: Evaluations, *, statistic: Statistic = "kendall", resamples: int = 1000, level: float = 0.95
) -> pd.DataFrame:
    """Result rows on how well each measure orders the population as each policy does, with their intervals.

    A row a measure and policy: fit (both names), metric `correlation`, value, reason, units (models), measure, the
    columns of `policy_columns`, statistic, low, high, level, left_out (models that the policy is not defined for),
    estimand, method, and no_interval (why low and high are missing, else nothing).
    """

    def interval_of(metric_smp: list[np.ndarray], outcome_smq: list[np.ndarray]) -> Interval:
        rng = np.random.default_rng(0)
        return correlation_over_models(
            metric_smp[0], outcome_smq[0], statistic=statistic, rng=rng, n_resamples=resamples, level=level
        )

    return correlation_rows([evaluations], interval_of, statistic)


def correlations_over_seeds(
    populations: Sequence[Evaluations], *, statistic: Statistic = "kendall", resamples: int = 200
) -> pd.DataFrame:
    """As `correlations`, of several populations that differ in their seed alone: intervals for new seeds, new prompts.

    One population is as in `correlations`. ResultError for populations that do not measure on the same prompts.
    """
    if len(populations) == 1:
        return correlations(populations[0], statistic=statistic)

    def interval_of(metric_smp: list[np.ndarray], outcome_smq: list[np.ndarray]) -> Interval:
        rng = np.random.default_rng(0)
        return correlation_over_populations(
            metric_smp, outcome_smq, statistic=statistic, rng=rng, n_resamples=resamples
        )

    return correlation_rows(populations, interval_of, statistic)


def correlation_rows(
    populations: Sequence[Evaluations],
    interval_of: Callable[[list[np.ndarray], list[np.ndarray]], Interval],
    statistic: Statistic,
) -> pd.DataFrame:
    """The rows of `correlations`: `interval_of` the tables of each measure and policy in the populations."""
    rows = []
    for measure in measures_of(populations[0]):
        for policy in policies(populations[0]):
            metric_smp, outcome_smq = tables_of(populations, Metric(measure), policy)
            if all(map(len, metric_smp)):
                found = row_of(interval_of(metric_smp, outcome_smq), statistic)
            else:
                found = row_of(Interval(np.nan, np.nan, np.nan, np.nan, "", "", 0, NO_MODELS), statistic)
            left_out = sum(len(one.fits) - 2 for one in populations) - sum(map(len, metric_smp))
            rows.append({"measure": measure, **policy_columns(policy), "left_out": left_out} | found)
    table = pd.DataFrame(rows)
    if (of_none := table["units"] == 0).any() and not of_none.all():
        said = ["level", "estimand", "method"]  # as of the others
        table.loc[of_none, said] = table.loc[~of_none, said].iloc[0].to_list()
    return table.assign(fit=table["measure"] + " and " + table["policy"], split="measuring and policy prompts")


def row_of(interval: Interval, statistic: str) -> dict[str, Any]:
    """The columns of a result row that an interval fills."""
    return {"metric": "correlation", "statistic": statistic, **interval_columns(interval)}


def answered_by(evaluations: Evaluations, metric: Metric) -> list[int]:
    """The prompts that a measure or policy has a value of, by their ids: those of its half."""
    has_p = np.isfinite(evaluations.value_fp(metric)).any(axis=0)
    return [int(prompt) for prompt in evaluations.prompt_id_p[has_p]]


def tables_of(populations: Sequence[Evaluations], *which: Metric) -> list[list[np.ndarray]]:
    """For each measure or policy its table, models by prompts as in `together`, in each population.

    ResultError for populations that do not have it on the same prompts.
    """
    for metric in which:
        first, *others = (answered_by(one, metric) for one in populations)
        if any(other != first for other in others):
            raise ResultError(f"populations do not have {metric} on the same prompts")
    return [list(tables) for tables in zip(*(together(one, *which) for one in populations), strict=True)]


def together(evaluations: Evaluations, *which: Metric) -> list[np.ndarray]:
    """For each measure or policy (M, prompts), of the M models that have them all; neither GOLD nor BASE.

    Prompts are those of its own half on which all of that half are defined: two measures stay paired. A measure of
    AGAINST_GOLD of which less is better has its sign turned round, so that a high correlation is always a good measure.
    """
    member_f = ~evaluations.fits["fit"].isin([GOLD, BASE]).to_numpy()
    value = {one: sign_of(one.name) * evaluations.value_fp(one)[member_f].astype(np.float64) for one in which}
    defined = {one: np.isfinite(value_mp).any(axis=0) for one, value_mp in value.items()}
    half = {one: one.name in POLICIES for one in which}
    kept = {one: np.logical_and.reduce([defined[o] for o in which if half[o] == half[one]]) for one in which}
    whole_m = np.logical_and.reduce([np.isfinite(value[one][:, kept[one]]).all(axis=1) for one in which])
    whole_m &= all(kept_p.any() for kept_p in kept.values())  # of what nobody has, no model has all
    return [value[one][whole_m][:, kept[one]] for one in which]


def sign_of(name: str) -> float:
    """-1 for a measure of AGAINST_GOLD of which less is better, 1 for all others, policies and one's own."""
    return 1.0 if name not in AGAINST_GOLD or AGAINST_GOLD[name].more_is_better else -1.0
