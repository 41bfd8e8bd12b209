"""How far a population's drop ratios lie from the Gaussian curve, and from each other at equal accuracy.

If each proxy were gold with independent normal noise, a policy's drop ratio would be 1 + cos(pi A), A the accuracy on
two responses, for every n and every KL. Two numbers say how this fails: the departure, the mean over reward models of
the drop ratio less the curve; and the spread, the standard deviation of drop ratios about a smooth curve of accuracy (a
parabola, fitted). A part of the spread is the noise of so few prompts: it has a row of its own, and so has the spread
without it. The same is asked of Kim's gamma. Knows evaluations and rows only. Sources: arXiv 2410.05584, section 4;
policies/gaussian_rewards.py for the curve.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Metric
from rmkit.evaluation.population import BASE, GOLD, policies, policy_columns, row_of, together
from rmkit.intervals.correlations import NEW_MODELS_NEW_PROMPTS
from rmkit.intervals.means import FEWEST_PROMPTS, Interval
from rmkit.intervals.residual_spreads import residual_spread
from rmkit.policies.gaussian_rewards import drop_ratio_at
from rmkit.policies.stored_responses import normalised_drop_ratio

ACCURACY = Metric("accuracy")
FEWEST_MODELS = 20
DEGREE = 2  # of the curve of accuracy that the spread is taken about
FEWEST_TO_FIT = 5
METRICS = ("departure", "ndr_spread", "ndr_spread_noise", "ndr_spread_beyond_noise")


class Tables(NamedTuple):
    """What M models measured and lost, prompt by prompt."""

    accuracy_mp: np.ndarray  # (M, P)
    drop_mq: np.ndarray  # (M, Q) gold's policy less the model's
    gain_q: np.ndarray  # (Q,) gold's policy less the base

    def means(self, measured_bp: np.ndarray, answered_bq: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(B, M) accuracies and (B, M) drop ratios under weights of the prompts, whose rows sum to 1."""
        ratio_bm = answered_bq @ self.drop_mq.T / (answered_bq @ self.gain_q)[:, None]
        return measured_bp @ self.accuracy_mp.T, ratio_bm


def departure_rows(evaluations: Evaluations, *, n_resamples: int = 300, level: float = 0.95) -> pd.DataFrame:
    """Result rows of every policy, of the metrics that METRICS lists.

    Columns: fit, metric, the columns of `policy_columns`, value, reason, units (reward models), low, high, level,
    estimand, method, no_interval, split. The departure's interval resamples models and prompts, each on its own, and
    counts what is between them twice (Owen 2007): it is rather too long than too short. It takes models as independent,
    although those of one draw share their pairs. The spreads' are those of `residual_spread`.
    """
    rows = []
    for policy in policies(evaluations):
        found = _intervals(evaluations, policy, n_resamples, level)
        for metric, interval in found.items():
            row = row_of(interval, "") | {"metric": metric, **policy_columns(policy)}
            rows.append(row | {"fit": f"all reward models, {policy}", "split": "measuring and policy prompts"})
    return pd.DataFrame(rows).drop(columns="statistic")


def _intervals(evaluations: Evaluations, policy: Metric, n_resamples: int, level: float) -> dict[str, Interval]:
    if ACCURACY.name not in evaluations.values:
        lacking = _missing("accuracy is not among the measures", 0, level, len(METRICS))
        return dict(zip(METRICS, lacking, strict=True))
    accuracy_mp, earned_mq = together(evaluations, ACCURACY, policy)
    value_fp = evaluations.value_fp(policy).astype(np.float64)
    (gold_p,), (base_p,) = (value_fp[(evaluations.fits["fit"] == name).to_numpy()] for name in (GOLD, BASE))
    gold_q, base_q = gold_p[np.isfinite(base_p)], base_p[np.isfinite(base_p)]
    reason = normalised_drop_ratio(base_q, gold_q, base_q).reason
    if reason is None and len(accuracy_mp) < FEWEST_TO_FIT:
        reason = f"{len(accuracy_mp)} reward models are too few for a curve of accuracy"
    if reason:
        return dict(zip(METRICS, _missing(reason, len(accuracy_mp), level, len(METRICS)), strict=True))
    tables = Tables(accuracy_mp, gold_q - earned_mq, gold_q - base_q)
    rng = np.random.default_rng(0)
    departed = departure(tables, rng, n_resamples, level)
    noise = spread_noise(tables, rng, n_resamples, level)
    beyond = noise if np.isnan(noise.estimate) else spread(tables, noise.estimate**2, level)
    found = departed, spread(tables, 0.0, level), noise, beyond
    return dict(zip(METRICS, found, strict=True))


def departure(tables: Tables, rng: np.random.Generator, n_resamples: int, level: float) -> Interval:
    """The mean over models of NDR - (1 + cos(pi A)), 0 in a Gaussian world, for new models and new prompts."""
    method = f"percentile bootstrap over models and prompts, {n_resamples} resamples"
    estimate = float(_above_curve(*_once(tables)).mean())
    reason = _why_none(tables)
    if reason:
        return Interval(estimate, np.nan, np.nan, level, NEW_MODELS_NEW_PROMPTS, method, len(tables.drop_mq), reason)
    above_bm = _above_curve(*tables.means(*_resampled(tables, rng, n_resamples)))
    n_models = above_bm.shape[1]
    share_bm = rng.multinomial(n_models, np.full(n_models, 1 / n_models), size=n_resamples) / n_models
    low, high = np.quantile((share_bm * above_bm).sum(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high), level, NEW_MODELS_NEW_PROMPTS, method, n_models)


def spread(tables: Tables, noise_variance: float, level: float) -> Interval:
    """The standard deviation of NDR about a parabola in accuracy, over models, without noise of this variance."""
    (accuracy_m,), (ratio_m,) = _once(tables)
    found = residual_spread(accuracy_m, ratio_m, noise_variance, fit="parabola", level=level)
    few = _few_prompts(min(tables.accuracy_mp.shape[1], tables.drop_mq.shape[1]))
    return replace(found, low=np.nan, high=np.nan, reason=few) if few else found


def gamma_spread_rows(turned: pd.DataFrame, measured: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Result rows, one a form (best_of_n, kl): metric gamma_spread, of reward models that have a gamma and an accuracy.

    The standard deviation of gamma about a parabola in accuracy, without the noise of prompts that gamma's own
    intervals tell. turned: rows of `pressure_curves.overoptimisation_rows`; measured: those of `population_rows`.
    """
    accuracy = measured[measured["metric"] == ACCURACY.name].set_index("fit")["value"]
    rows = []
    for form, of_form in turned[turned["metric"] == "gamma"].groupby("form", sort=False):
        known = of_form[np.isfinite(of_form["value"]) & of_form["fit"].isin(accuracy.index)]
        z = float(ndtri((1 + level) / 2))
        noise = float((((known["high"] - known["low"]) / (2 * z)) ** 2).mean())
        if len(known) < FEWEST_TO_FIT or not np.isfinite(noise):
            (found,) = _missing(f"{len(known)} reward models have a gamma with its interval", len(known), level, 1)
        else:
            accuracy_m, gamma_m = accuracy[known["fit"]].to_numpy(np.float64), known["value"].to_numpy(np.float64)
            found = residual_spread(accuracy_m, gamma_m, noise, fit="parabola", level=level)
        said = {"metric": "gamma_spread", "form": form, "fit": f"all reward models, gamma along {form}"}
        rows.append(row_of(found, "") | said | {"split": "measuring and policy prompts"})
    return pd.DataFrame(rows).drop(columns="statistic", errors="ignore")


def spread_noise(tables: Tables, rng: np.random.Generator, n_resamples: int, level: float) -> Interval:
    """The spread that the draw of prompts alone gives: the root mean square error of a model's residual."""
    n_models, method = len(tables.drop_mq), f"bootstrap over prompts, {n_resamples} resamples"
    reason = _why_none(tables)
    if reason:
        return Interval(np.nan, np.nan, np.nan, level, "", method, n_models, reason)
    residual_bm = _residuals(*tables.means(*_resampled(tables, rng, n_resamples)))
    noise = float(np.sqrt(residual_bm.var(axis=0, ddof=1).sum() / (n_models - DEGREE - 1)))
    told = "a size of noise, without an interval of its own"
    return Interval(noise, np.nan, np.nan, level, "", method, n_models, told)


def _once(tables: Tables) -> tuple[np.ndarray, np.ndarray]:
    """(1, M) accuracies and drop ratios on all prompts."""
    n_measured, n_answered = tables.accuracy_mp.shape[1], tables.drop_mq.shape[1]
    return tables.means(np.full((1, n_measured), 1 / n_measured), np.full((1, n_answered), 1 / n_answered))


def _resampled(tables: Tables, rng: np.random.Generator, n_resamples: int) -> tuple[np.ndarray, np.ndarray]:
    """(B, P) and (B, Q) shares of the prompts, drawn with replacement on either side."""
    sizes = tables.accuracy_mp.shape[1], tables.drop_mq.shape[1]
    measured_bp, answered_bq = (rng.multinomial(n, np.full(n, 1 / n), size=n_resamples) / n for n in sizes)
    return measured_bp, answered_bq


def _above_curve(accuracy_bm: np.ndarray, ratio_bm: np.ndarray) -> np.ndarray:
    return ratio_bm - drop_ratio_at(accuracy_bm)


def _residuals(accuracy_bm: np.ndarray, ratio_bm: np.ndarray) -> np.ndarray:
    """(B, M) drop ratios less the parabola in accuracy that is fitted to each row."""
    centred_bm = accuracy_bm - accuracy_bm.mean(axis=1, keepdims=True)
    unit_bm = centred_bm / np.abs(centred_bm).max(axis=1, keepdims=True).clip(min=1e-12)
    design_bmd = unit_bm[:, :, None] ** np.arange(DEGREE + 1)
    fitted_bm = (design_bmd @ (np.linalg.pinv(design_bmd) @ ratio_bm[:, :, None]))[..., 0]
    return ratio_bm - fitted_bm


def _why_none(tables: Tables) -> str | None:
    """Why so few models or prompts have no interval, or None."""
    n_models = len(tables.drop_mq)
    if n_models < FEWEST_MODELS:
        return f"{n_models} reward models are too few for an interval, which needs {FEWEST_MODELS}"
    return _few_prompts(min(tables.accuracy_mp.shape[1], tables.drop_mq.shape[1]))


def _few_prompts(n_prompts: int) -> str | None:
    if n_prompts < FEWEST_PROMPTS:
        return f"{n_prompts} prompts are too few for a bootstrap over prompts, which needs {FEWEST_PROMPTS}"
    return None


def _missing(reason: str, n_models: int, level: float, n: int) -> list[Interval]:
    return [Interval(np.nan, np.nan, np.nan, level, "", "", n_models, reason)] * n
