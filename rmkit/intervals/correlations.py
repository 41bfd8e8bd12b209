"""Intervals of a correlation over reward models, and of the difference of two: for new models and new prompts.

Knows tables of numbers, models by prompts: not what they measure. What is estimated is the correlation, over the
population that the models are drawn from, of means as so many new prompts measure them: the means' noise lowers it, and
is not undone. Limits are symmetric in Fisher's z, where the error hardly depends on the correlation.
Sources: Fisher 1921 (z); Efron & Stein, Annals of Statistics 1981 (jackknife); Owen, Annals of Applied Statistics 2007
(what resampling both margins of a table counts too often); Kendall 1945 (tau-b).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rmkit.errors import DataError
from rmkit.intervals.means import FEWEST_PROMPTS, Interval, check_request

NEW_MODELS_NEW_PROMPTS = "new reward models, new prompts"
NEW_MODELS_THESE_PROMPTS = "new reward models, these prompts"
FEWEST_CLUSTERS = 10  # draws, say, that models share: with fewer, how they vary cannot be told
FEWEST_MODELS = 15  # from here on coverage was measured: docs/log/interval-coverage.md
PERFECT = 1 - 1e-12  # of a correlation: from here on Fisher's z is infinite for all that rounding can tell


Statistic = Literal["kendall", "spearman", "pearson"]
FEWEST_OF_DIFFERENCE: dict[str, int] = {"kendall": 20, "spearman": 20, "pearson": 30}
DIFFERENCE = ("a difference of correlations", 20)  # and whatever else several correlations make


@dataclass(frozen=True)
class Units:
    """What a jackknife leaves out one by one: models, or clusters of models that share a draw."""

    name: str
    estimand: str
    clusters: tuple[np.ndarray, ...] | None = None  # the positions of each cluster's models

    def without_one(
        self, correlation: Callable[[np.ndarray, np.ndarray], np.ndarray], mean_m: np.ndarray, mean_cm: np.ndarray
    ) -> np.ndarray:
        """(C, U) correlations of the metric's means with each outcome's, without each of U units."""
        everyone = np.arange(len(mean_m))
        if self.clusters is None:
            others_mm = np.array([np.delete(everyone, m) for m in everyone])
            return correlation(mean_m[others_mm], mean_cm[:, others_mm])
        others = [np.setdiff1d(everyone, cluster) for cluster in self.clusters]
        return np.stack([correlation(mean_m[other_m], mean_cm[:, other_m]) for other_m in others], axis=-1)


def correlation_over_models(
    metric_mp: np.ndarray,
    outcome_mq: np.ndarray,
    *,
    statistic: Statistic,
    rng: np.random.Generator,
    n_resamples: int = 1000,
    level: float = 0.95,
    estimand: str = NEW_MODELS_NEW_PROMPTS,
    cluster_m: np.ndarray | None = None,
) -> Interval:
    """Correlation over M reward models of two means: the metric's over P prompts, the outcome's over Q other prompts.

    metric_mp: (M, P). outcome_mq: (M, Q). The target is the correlation, over the population that the models are drawn
    from, of the means as P and Q new prompts measure them: the noise of so few prompts lowers it and is not undone.
    cluster_m: (M,) which models share a draw of pairs, if any do: they are not independent, and are left out together
    where there are 10 draws or more; with fewer the interval is of these draws, as estimand and method then say.
    Fewer than 15 models or 20 prompts, a constant mean or a correlation of 1 have a reason and no interval.
    """
    metric_mp, outcome_cmq = _tables_by_model(metric_mp=metric_mp, outcome_mq=outcome_mq)
    check_request(level, n_resamples)
    units = _units(cluster_m, len(metric_mp), estimand)
    method = f"{statistic} on Fisher's z, jackknife over {units.name}, {n_resamples} resamples of prompts"
    estimate_c, error_cc, reason = _correlations(metric_mp, outcome_cmq, statistic, rng, n_resamples, units)
    if reason:
        return Interval(float(estimate_c[0]), np.nan, np.nan, level, units.estimand, method, len(metric_mp), reason)
    quantile, df = _quantile(statistic, len(metric_mp), level, units)
    half = quantile * np.sqrt(error_cc[0, 0])
    low, high = np.tanh(np.arctanh(estimate_c[0]) + np.array([-half, half]))
    estimate, n_models = float(estimate_c[0]), len(metric_mp)
    return Interval(estimate, float(low), float(high), level, units.estimand, method, n_models, None, df, on_z=True)


def correlation_difference(
    metric_mp: np.ndarray,
    first_outcome_mq: np.ndarray,
    second_outcome_mq: np.ndarray,
    *,
    statistic: Statistic,
    rng: np.random.Generator,
    n_resamples: int = 1000,
    level: float = 0.95,
    estimand: str = NEW_MODELS_NEW_PROMPTS,
    cluster_m: np.ndarray | None = None,
) -> Interval:
    """correlation(metric, first outcome) minus correlation(metric, second outcome), each as `correlation_over_models`.

    Both outcomes are (M, Q) on the same Q prompts in the same order, and share every resample. To compare two metrics
    against one outcome, hand the outcome over as `metric_mp`: a correlation has no sides. Fewer than 20
    models have no interval, nor have fewer than 30 by Pearson's correlation.
    """
    metric_mp, outcome_cmq = _tables_by_model(
        metric_mp=metric_mp, first_outcome_mq=first_outcome_mq, second_outcome_mq=second_outcome_mq
    )
    check_request(level, n_resamples)
    units = _units(cluster_m, len(metric_mp), estimand)
    method = f"difference of {statistic} on Fisher's z, jackknife over {units.name}, {n_resamples} resamples of prompts"
    estimate_c, error_cc, reason = _correlations(metric_mp, outcome_cmq, statistic, rng, n_resamples, units)
    difference = float(estimate_c[0] - estimate_c[1])
    if reason:
        return Interval(difference, np.nan, np.nan, level, units.estimand, method, len(metric_mp), reason)
    quantile, df = _quantile(statistic, len(metric_mp), level, units)
    if df is not None and units.clusters is None:
        quantile *= np.sqrt(len(metric_mp) / df)  # for two correlations; 30 models would else be held 92.5% of the time
    low, high = limits_of_difference(estimate_c, error_cc, quantile)
    return Interval(difference, low, high, level, units.estimand, method, len(metric_mp), None, df)


def limits_of_difference(estimate_c: np.ndarray, error_cc: np.ndarray, quantile: float) -> tuple[float, float]:
    """Limits of the first of two correlations minus the second, so many standard errors of their z's away.

    estimate_c: (2,). error_cc: (2, 2) covariance of the errors of z. Both z's go where the difference changes most.
    """
    slope_c = (1 - estimate_c**2) * [1, -1]  # of the difference, by either z
    step_c = quantile * error_cc @ slope_c / np.sqrt(slope_c @ error_cc @ slope_c)  # the likeliest z so far away
    low, high = (first - second for first, second in np.tanh(np.arctanh(estimate_c) + np.stack([-step_c, step_c])))
    return float(low), float(high)


def _correlations(
    metric_mp: np.ndarray,
    outcome_cmq: np.ndarray,
    statistic: Statistic,
    rng: np.random.Generator,
    n_resamples: int,
    units: Units,
) -> tuple[np.ndarray, np.ndarray, str | None]:
    """(C,) correlations with the C outcomes, (C, C) covariance of their z's errors, or why that is NaN."""
    estimate_c = CORRELATIONS[statistic](metric_mp.mean(axis=1), outcome_cmq.mean(axis=2))
    if reason := _why_no_correlation(metric_mp, outcome_cmq, estimate_c, statistic):
        return estimate_c, np.full((len(estimate_c),) * 2, np.nan), reason
    return estimate_c, _error_of_z(metric_mp, outcome_cmq, statistic, rng, n_resamples, units), None


def _quantile(statistic: Statistic, n_models: int, level: float, units: Units) -> tuple[float, float | None]:
    """How many standard errors a limit is away, and the degrees of freedom behind that, if any."""
    from scipy.stats import norm, t

    if units.clusters is not None:
        df = len(units.clusters) - 1.0
        return float(t.ppf((1 + level) / 2, df)), df
    if statistic == "pearson":
        return float(t.ppf((1 + level) / 2, n_models - 2)), n_models - 2.0
    # a jackknife errs on the long side (Efron & Stein 1981), of ranks by as much as a t would add
    return float(norm.ppf((1 + level) / 2)), None


def _error_of_z(
    metric_mp: np.ndarray,
    outcome_cmq: np.ndarray,
    statistic: Statistic,
    rng: np.random.Generator,
    n_resamples: int,
    units: Units,
) -> np.ndarray:
    """Covariance (C, C) of the errors of z: a jackknife over models or clusters, plus what prompts do to many at once.

    The models' means already differ by each model's own noise on its prompts. Resampled prompts bring that noise again,
    beside what models share; so it is also drawn for each model alone, and taken off (Owen 2007).
    """
    correlation, mean_m, mean_cm = CORRELATIONS[statistic], metric_mp.mean(axis=1), outcome_cmq.mean(axis=2)
    n_models = len(mean_m)
    without_one_cu = units.without_one(correlation, mean_m, mean_cm)
    share_bp, share_bq = (
        rng.multinomial(n, np.full(n, 1 / n), size=n_resamples) / n for n in (metric_mp.shape[1], outcome_cmq.shape[2])
    )
    new_prompts_cb = correlation(share_bp @ metric_mp.T, share_bq @ outcome_cmq.transpose(0, 2, 1))
    own_bm = mean_m + own_noise(metric_mp[None], rng, n_resamples)[0]
    own_prompts_cb = correlation(own_bm, mean_cm[:, None] + own_noise(outcome_cmq, rng, n_resamples))

    most = HIGHEST[statistic](n_models)
    by_model_cc, by_prompt_cc, own_cc = (
        np.atleast_2d(np.cov(np.arctanh(np.clip(found, -most, most))))
        for found in (without_one_cu, new_prompts_cb, own_prompts_cb)
    )
    size_c, axis_cc = np.linalg.eigh(by_prompt_cc - own_cc)
    shared_cc = (axis_cc * np.maximum(size_c, 0)) @ axis_cc.T  # what resampling leaves below zero counts as none
    n_units = without_one_cu.shape[1]
    return by_model_cc * (n_units - 1) ** 2 / n_units + shared_cc


def own_noise(value_cmp: np.ndarray, rng: np.random.Generator, n_resamples: int) -> np.ndarray:
    """Errors (C, B, M) of the models' means if each had prompts of its own; the C values of one model go together."""
    rest_cmp = value_cmp - value_cmp.mean(axis=2, keepdims=True)
    rest_mcp = (rest_cmp - rest_cmp.mean(axis=1, keepdims=True)).transpose(1, 0, 2) / value_cmp.shape[2]
    left_mcd, size_md, _ = np.linalg.svd(rest_mcp, full_matrices=False)
    return np.einsum("mcd,md,bmd->cbm", left_mcd, size_md, rng.normal(size=(n_resamples, *size_md.shape)))


def _units(cluster_m: np.ndarray | None, n_models: int, estimand: str) -> Units:
    """What to leave out one by one: clusters if there are enough of them, else models, of these clusters alone."""
    if cluster_m is None:
        return Units("models", estimand)
    cluster_m = np.asarray(cluster_m)
    if cluster_m.shape != (n_models,):
        raise DataError(f"cluster_m {cluster_m.shape}: it must say of each of {n_models} models which cluster it is in")
    _, of_m = np.unique(cluster_m, return_inverse=True)
    n_clusters = int(of_m.max()) + 1
    if n_clusters < FEWEST_CLUSTERS:
        return Units(f"models, whose {n_clusters} draws stay as they are", f"{estimand}, these draws")
    return Units(
        f"{n_clusters} draws that models share",
        estimand,
        tuple(np.flatnonzero(of_m == one) for one in range(n_clusters)),
    )


def _why_no_correlation(
    metric_mp: np.ndarray, outcome_cmq: np.ndarray, estimate_c: np.ndarray, statistic: Statistic
) -> str | None:
    n_models, n_prompts = len(metric_mp), min(metric_mp.shape[1], outcome_cmq.shape[2])
    if np.isnan(estimate_c).any():
        return f"a mean is the same for all {n_models} reward models: there is nothing to correlate"
    what, fewest = "a correlation", FEWEST_MODELS
    if len(outcome_cmq) > 1:
        what, fewest = f"a difference of {statistic}'s correlations", FEWEST_OF_DIFFERENCE[statistic]
    if n_models < fewest:
        return f"{n_models} reward models are too few for {what} over them, which takes {fewest}"
    if n_prompts < FEWEST_PROMPTS:
        return f"{n_prompts} prompts are too few to see how prompts vary, which takes {FEWEST_PROMPTS}"
    if (np.abs(estimate_c) > PERFECT).any():
        return f"the {n_models} reward models correlate perfectly: no variation is seen"
    if len(outcome_cmq) > 1 and not np.ptp(outcome_cmq.mean(axis=2), axis=0).any():
        return f"the two outcomes have the same means for all {n_models} reward models: no variation is seen"
    return None


def _tables_by_model(*, metric_mp: np.ndarray, **outcomes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """metric_mp as float64 and the outcomes stacked (C, M, Q), or a DataError that names table, model and prompt."""
    tables = {name: np.asarray(table, dtype=np.float64) for name, table in {"metric_mp": metric_mp, **outcomes}.items()}
    metric_mp, *outcome_mq = tables.values()
    for name, table in tables.items():
        if table.ndim != 2 or not table.size or len(table) != len(metric_mp):
            raise DataError(
                f"{name} {table.shape}: it must be (models, prompts), models as in metric_mp {metric_mp.shape}"
            )
        if len(bad := np.argwhere(~np.isfinite(table))):
            model, prompt = (int(axis) for axis in bad[0])
            raise DataError(
                f"{name}[{model}, {prompt}] is {table[model, prompt]}; every model needs every prompt's value"
            )
    if len({table.shape for table in outcome_mq}) > 1:
        shapes = " and ".join(f"{name} {tables[name].shape}" for name in outcomes)
        raise DataError(f"{shapes} differ in shape: outcomes are on the same prompts")
    return metric_mp, np.stack(outcome_mq)


def pearson_rows(first_bm: np.ndarray, second_bm: np.ndarray) -> np.ndarray:
    """Pearson's correlation over the last axis, leading axes broadcast; NaN where a row is constant."""
    with np.errstate(invalid="ignore"):
        first_bm, second_bm = (_standardised(value) for value in (first_bm, second_bm))
        return (first_bm * second_bm).sum(axis=-1)


def spearman_rows(first_bm: np.ndarray, second_bm: np.ndarray) -> np.ndarray:
    """Spearman's correlation over the last axis, ties at their average rank, as `pearson_rows`."""
    from scipy.stats import rankdata

    return pearson_rows(rankdata(first_bm, axis=-1), rankdata(second_bm, axis=-1))


def kendall_rows(first_bm: np.ndarray, second_bm: np.ndarray) -> np.ndarray:
    """Kendall's tau-b over the last axis, as `pearson_rows`."""
    first_bm, second_bm = np.broadcast_arrays(first_bm, second_bm)
    n_models = first_bm.shape[-1]
    tau = np.empty(first_bm.shape[:-1])
    tau_b, block = tau.reshape(-1), max(1, 2**18 // n_models**2)  # what fits the cache is fastest
    first_bm, second_bm = first_bm.reshape(-1, n_models), second_bm.reshape(-1, n_models)
    for start in range(0, len(tau_b), block):
        rows = slice(start, start + block)
        first_bmm, second_bmm = (value[rows, :, None] > value[rows, None, :] for value in (first_bm, second_bm))
        agreeing, opposed, first_untied, second_untied = (
            np.count_nonzero(pairs, axis=(1, 2))
            for pairs in (first_bmm & second_bmm, first_bmm & second_bmm.transpose(0, 2, 1), first_bmm, second_bmm)
        )
        with np.errstate(invalid="ignore"):
            tau_b[rows] = (agreeing - opposed) / np.sqrt(first_untied * second_untied)
    return tau


def _standardised(value_bm: np.ndarray) -> np.ndarray:
    """Rows of mean 0 and length 1; NaN where a row is constant, whatever rounding leaves of it."""
    centred_bm = value_bm - value_bm.mean(axis=-1, keepdims=True)
    length_b = np.where(np.ptp(value_bm, axis=-1) == 0, np.nan, np.linalg.norm(centred_bm, axis=-1))
    return centred_bm / length_b[..., None]


CORRELATIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "kendall": kendall_rows,
    "spearman": spearman_rows,
    "pearson": pearson_rows,
}

# how high a resample may come: half a swap of neighbours from perfect order, where Fisher's z would be infinite
HIGHEST: dict[str, Callable[[int], float]] = {
    "kendall": lambda n_models: 1 - 2 / (n_models * (n_models - 1)),
    "spearman": lambda n_models: 1 - 6 / (n_models * (n_models**2 - 1)),
    "pearson": lambda n_models: PERFECT,
}
