"""What a measure is worth to whoever chooses between these reward models by it, beside its correlations.

For every measure and policy: selection_regret, the recovered gain that is lost by taking the model that the measure
likes best in place of the best one; decision_accuracy, the share of pairs of models whose order by their policies the
measure gets right; mrr_of_best, 1 / the place that the measure gives to the model with the best policy. Knows
evaluations only. Sources: arXiv 2410.05584 for MRR over reward models, as measures/over_models.py reads it.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Metric
from rmkit.evaluation.population import BASE, GOLD, measures_of, policies, policy_columns, row_of, together
from rmkit.intervals.means import NEW_PROMPTS_THESE_FITS, Interval, why_too_few_prompts
from rmkit.measures.over_models import OVER_MODELS
from rmkit.policies.stored_responses import normalised_drop_ratio

METHOD = "standard error of {} bootstraps over prompts, limits within the range"


def choice_rows(evaluations: Evaluations, *, n_resamples: int = 300, level: float = 0.95) -> pd.DataFrame:
    """Result rows, one for each of OVER_MODELS (its metric), measure and policy.

    Columns: fit, metric, measure, the columns of `policy_columns`, value, reason, units (reward models), left_out, low,
    high, level, estimand, method, no_interval, split. Intervals are for new prompts of both halves and these models,
    whose order is as uncertain as the prompts leave it. Without a value, and with the reason, where optimising gold
    gains too little for a drop ratio, or fewer than two models have the policy.
    """
    rows = []
    for policy in policies(evaluations):
        gain, reason = _gain(evaluations, policy)
        for measure in measures_of(evaluations):
            metric_mp, outcome_mq = together(evaluations, Metric(measure), policy)
            left_out = len(evaluations.fits) - 2 - len(metric_mp)
            why = reason or ("fewer than two reward models have this policy" if len(metric_mp) < 2 else None)
            for metric, interval in _intervals(metric_mp, outcome_mq, gain, why, n_resamples, level):
                told = {"measure": measure, **policy_columns(policy), "metric": metric, "left_out": left_out}
                rows.append(row_of(interval, "") | told | {"fit": f"{measure} and {policy}"})
    return pd.DataFrame(rows).drop(columns="statistic").assign(split="measuring and policy prompts")


def _gain(evaluations: Evaluations, policy: Metric) -> tuple[float, str | None]:
    """What gold's own policy gains over the base, or why no drop ratio is defined."""
    value_fp = evaluations.value_fp(policy).astype(np.float64)
    (gold_p,), (base_p,) = (value_fp[(evaluations.fits["fit"] == name).to_numpy()] for name in (GOLD, BASE))
    has_p = np.isfinite(base_p)
    reason = normalised_drop_ratio(base_p[has_p], gold_p[has_p], base_p[has_p]).reason
    return float((gold_p - base_p)[has_p].mean()), reason


def _intervals(
    metric_mp: np.ndarray, outcome_mq: np.ndarray, gain: float, reason: str | None, n_resamples: int, level: float
) -> Iterator[tuple[str, Interval]]:
    """Each metric's value and interval; the outcome is gold, in units of what gold's own policy gains."""
    from scipy.stats import norm

    n_models, method = len(metric_mp), METHOD.format(n_resamples)
    if reason:
        for metric in OVER_MODELS:
            yield metric, Interval(np.nan, np.nan, np.nan, level, NEW_PROMPTS_THESE_FITS, method, n_models, reason)
        return
    rng = np.random.default_rng(0)
    metric_bm, outcome_bm = (_means(table, rng, n_resamples) for table in (metric_mp, outcome_mq / gain))
    too_few = why_too_few_prompts(min(metric_mp.shape[1], outcome_mq.shape[1]))
    for metric, function in OVER_MODELS.items():
        value, *value_b = function(metric_bm, outcome_bm)
        half = float(norm.ppf((1 + level) / 2) * np.std(value_b, ddof=1))
        why = too_few or ("the same in every resample of prompts" if not half > 0 else None)
        if np.isnan(value):
            why = "all policies earn the same: there is no better reward model"
        low, high = (np.nan, np.nan) if why else np.clip([value - half, value + half], 0, _most(metric))
        yield (
            metric,
            Interval(float(value), float(low), float(high), level, NEW_PROMPTS_THESE_FITS, method, n_models, why),
        )


def _means(value_mp: np.ndarray, rng: np.random.Generator, n_resamples: int) -> np.ndarray:
    """(1 + B, M) the models' means: on all prompts, and on prompts drawn with replacement, alike for all models."""
    n_prompts = value_mp.shape[1]
    share_bp = rng.multinomial(n_prompts, np.full(n_prompts, 1 / n_prompts), size=n_resamples) / n_prompts
    every: Any = value_mp.mean(axis=1)[None]
    return np.concatenate([every, share_bp @ value_mp.T])


def _most(metric: str) -> float:
    """The largest value that there can be: a bad choice may lose more than all of gold's gain."""
    return np.inf if metric == "selection_regret" else 1.0
