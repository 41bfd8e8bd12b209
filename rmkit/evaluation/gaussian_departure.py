"""How far a population's drop ratios lie from the Gaussian curve, and from each other at equal accuracy.

If each proxy were gold with independent normal noise, a policy's drop ratio would be 1 + cos(pi A), A the accuracy on
two responses, for every n and every KL. Two numbers say how this fails: the departure, the mean over reward models of
the drop ratio less the curve; and the spread, the standard deviation of drop ratios about a smooth curve of accuracy (a
parabola, fitted). A part of the spread is the noise of so few prompts, which has a row of its own. Knows evaluations
only. Sources: arXiv 2410.05584, section 4; policies/gaussian_rewards.py for the curve.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Metric
from rmkit.evaluation.population import BASE, GOLD, policies, policy_columns, row_of, together
from rmkit.intervals.correlations import NEW_MODELS_NEW_PROMPTS
from rmkit.intervals.means import FEWEST_PROMPTS, Interval
from rmkit.policies.gaussian_rewards import drop_ratio_at
from rmkit.policies.stored_responses import normalised_drop_ratio

ACCURACY = Metric("accuracy")
FEWEST_MODELS = 20
DEGREE = 2  # of the curve of accuracy that the spread is taken about
NEW_MODELS_THESE_PROMPTS = "new reward models, these prompts"


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
    """Result rows of every policy: metrics departure, ndr_spread and ndr_spread_noise.

    Columns: fit, metric, the columns of `policy_columns`, value, reason, units (reward models), low, high, level,
    estimand, method, no_interval, split. The departure's interval resamples models and prompts, each on its own, and
    counts what is between them twice (Owen 2007): it is rather too long than too short. It takes models as independent,
    although those of one draw share their pairs. The spread's is a jackknife over models on a log scale.
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
        return _missing("accuracy is not among the measures", 0, level)
    accuracy_mp, earned_mq = together(evaluations, ACCURACY, policy)
    value_fp = evaluations.value_fp(policy).astype(np.float64)
    (gold_p,), (base_p,) = (value_fp[(evaluations.fits["fit"] == name).to_numpy()] for name in (GOLD, BASE))
    gold_q, base_q = gold_p[np.isfinite(base_p)], base_p[np.isfinite(base_p)]
    reason = normalised_drop_ratio(base_q, gold_q, base_q).reason
    if reason is None and len(accuracy_mp) < DEGREE + 2:
        reason = f"{len(accuracy_mp)} reward models are too few for a curve of accuracy"
    if reason:
        return _missing(reason, len(accuracy_mp), level)
    tables = Tables(accuracy_mp, gold_q - earned_mq, gold_q - base_q)
    rng = np.random.default_rng(0)
    return {
        "departure": departure(tables, rng, n_resamples, level),
        "ndr_spread": spread(tables, level),
        "ndr_spread_noise": spread_noise(tables, rng, n_resamples, level),
    }


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


def spread(tables: Tables, level: float) -> Interval:
    """The standard deviation of NDR about a parabola in accuracy, over models; the noise of prompts is in it."""
    from scipy.stats import t

    (accuracy_m,), (ratio_m,) = _once(tables)
    n_models, method = len(ratio_m), "residual standard deviation, jackknife over models on a log scale"
    estimate = _residual_sd(accuracy_m, ratio_m)
    reason = _why_none(tables) or ("all drop ratios lie on one parabola" if estimate < 1e-12 else None)
    if reason:
        return Interval(estimate, np.nan, np.nan, level, NEW_MODELS_THESE_PROMPTS, method, n_models, reason)
    without_m = np.log([_residual_sd(np.delete(accuracy_m, m), np.delete(ratio_m, m)) for m in range(n_models)])
    error = np.sqrt((n_models - 1) / n_models * ((without_m - without_m.mean()) ** 2).sum())
    df = n_models - DEGREE - 1.0
    half = float(t.ppf((1 + level) / 2, df)) * error
    low, high = estimate * np.exp([-half, half])
    return Interval(
        estimate, float(low), float(high), level, NEW_MODELS_THESE_PROMPTS, method, n_models, None, df, on_log=True
    )


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


def _residual_sd(accuracy_m: np.ndarray, ratio_m: np.ndarray) -> float:
    (residual_m,) = _residuals(accuracy_m[None], ratio_m[None])
    return float(np.sqrt((residual_m**2).sum() / (len(ratio_m) - DEGREE - 1)))


def _why_none(tables: Tables) -> str | None:
    """Why so few models or prompts have no interval, or None."""
    n_models, n_prompts = len(tables.drop_mq), min(tables.accuracy_mp.shape[1], tables.drop_mq.shape[1])
    if n_models < FEWEST_MODELS:
        return f"{n_models} reward models are too few for an interval, which needs {FEWEST_MODELS}"
    if n_prompts < FEWEST_PROMPTS:
        return f"{n_prompts} prompts are too few for a bootstrap over prompts, which needs {FEWEST_PROMPTS}"
    return None


def _missing(reason: str, n_models: int, level: float) -> dict[str, Any]:
    none = Interval(np.nan, np.nan, np.nan, level, "", "", n_models, reason)
    return dict.fromkeys(("departure", "ndr_spread", "ndr_spread_noise"), none)
