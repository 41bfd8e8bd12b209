"""Correlation over ordered pairs of reward models, each once the golden one: intervals for new reward models.

F models give F (F - 1) pairs of a golden and a proxy. The pairs are dyads: two that share a model are not independent,
so that models are resampled or left out, and never pairs. A model that is drawn twice brings its pairs twice; a pair of
two copies of one model is none. Prompts and seeds stay as they are. Knows tables of numbers, golden by proxy.
Sources: arXiv 2410.05584, section 3 (ten models, each the golden one, 90 pairs); Snijders & Borgatti, Connections 1999
(bootstrap and jackknife over the nodes of a network); Aronow, Samii & Assenova, Political Analysis 2015 (dyads).
"""

from functools import partial
from typing import Literal

import numpy as np

from rmkit.errors import DataError, one_of
from rmkit.intervals.correlations import (
    CORRELATIONS,
    HIGHEST,
    NEW_MODELS_THESE_PROMPTS,
    PERFECT,
    Statistic,
    limits_of_difference,
)
from rmkit.intervals.means import Interval, check_request
from rmkit.intervals.weighted_correlations import weighted_correlation

FEWEST_NODES: dict[str, int] = {"kendall": 10, "spearman": 10, "pearson": 30}  # docs/log/interval-coverage.md

By = Literal["jackknife", "bootstrap"]


def dyad_correlation(
    measure_gp: np.ndarray,
    outcome_gp: np.ndarray,
    *,
    statistic: Statistic,
    within_golden: bool,
    rng: np.random.Generator,
    n_resamples: int = 2000,
    level: float = 0.95,
    by: By = "jackknife",
    estimand: str = NEW_MODELS_THESE_PROMPTS,
) -> Interval:
    """Correlation of a measure with an outcome over ordered pairs of F reward models, golden and proxy.

    measure_gp, outcome_gp: (F, F) finite but for the diagonal, which is not looked at: a row a golden, a column a
    proxy. Pooled over all F (F - 1) pairs, or, `within_golden`, the mean over goldens of the correlation over the F - 1
    proxies of each. Limits are symmetric in Fisher's z, with the error of leaving each model out (`by` jackknife) or of
    `n_resamples` draws of models by `rng` (bootstrap). `units` is F. Fewer than 10 models (30 by Pearson's), a
    constant side or a correlation of 1 have a reason and no interval. DataError for tables that do not fit together.
    """
    tables = _tables(measure_gp=measure_gp, outcome_gp=outcome_gp)
    method = _method(statistic, within_golden, by, n_resamples, level)
    estimate_c, error_cc, reason = _correlations(tables, statistic, within_golden, by, rng, n_resamples)
    estimate, n_models = float(estimate_c[0]), tables.shape[1]
    if reason:
        return Interval(estimate, np.nan, np.nan, level, estimand, method, n_models, reason)
    quantile, df = _quantile(statistic, n_models, level)
    half = quantile * np.sqrt(error_cc[0, 0])
    low, high = np.tanh(np.arctanh(estimate) + np.array([-half, half]))
    return Interval(estimate, float(low), float(high), level, estimand, method, n_models, None, df, on_z=True)


def dyad_correlation_difference(
    measure_gp: np.ndarray,
    first_outcome_gp: np.ndarray,
    second_outcome_gp: np.ndarray,
    *,
    statistic: Statistic,
    within_golden: bool,
    rng: np.random.Generator,
    n_resamples: int = 2000,
    level: float = 0.95,
    by: By = "jackknife",
    estimand: str = NEW_MODELS_THESE_PROMPTS,
) -> Interval:
    """correlation(measure, first outcome) minus correlation(measure, second outcome), each as `dyad_correlation`.

    All three are of the same models in the same order, and every draw of models is shared. To compare two measures
    against one outcome, hand the outcome over as `measure_gp`: a correlation has no sides.
    """
    tables = _tables(measure_gp=measure_gp, first_outcome_gp=first_outcome_gp, second_outcome_gp=second_outcome_gp)
    method = "difference of " + _method(statistic, within_golden, by, n_resamples, level)
    estimate_c, error_cc, reason = _correlations(tables, statistic, within_golden, by, rng, n_resamples)
    difference, n_models = float(estimate_c[0] - estimate_c[1]), tables.shape[1]
    if not reason and np.array_equal(tables[1], tables[2]):
        reason = "the two outcomes are the same for every pair of reward models: no variation is seen"
    if reason:
        return Interval(difference, np.nan, np.nan, level, estimand, method, n_models, reason)
    quantile, df = _quantile(statistic, n_models, level)
    low, high = limits_of_difference(estimate_c, error_cc, quantile)
    return Interval(difference, low, high, level, estimand, method, n_models, None, df)


def correlations_of_dyads(
    tables: np.ndarray, weight_bf: np.ndarray, *, statistic: Statistic, within_golden: bool
) -> np.ndarray:
    """(B, C) correlation of the first of 1 + C tables (F, F) with each other one, a model counting weight_bf times.

    Within goldens: the mean over those whose own correlation is defined. The diagonal counts nothing.
    """
    measure_gp, *outcomes = tables
    off_gp = ~np.eye(len(measure_gp), dtype=bool)
    if not within_golden:
        weight_be = (weight_bf[:, :, None] * weight_bf[:, None, :])[:, off_gp]
        return np.stack(
            [weighted_correlation(measure_gp[off_gp], one[off_gp], weight_be, statistic) for one in outcomes], axis=-1
        )
    found_gbc = np.array(
        [
            [
                weighted_correlation(measure_gp[g, off_p], one[g, off_p], weight_bf[:, off_p], statistic)
                for one in outcomes
            ]
            for g, off_p in enumerate(off_gp)
        ]
    ).transpose(0, 2, 1)
    weight_gbc = np.where(np.isnan(found_gbc), 0.0, weight_bf.T[:, :, None])
    with np.errstate(invalid="ignore"):
        mean_bc: np.ndarray = (np.nan_to_num(found_gbc) * weight_gbc).sum(axis=0) / weight_gbc.sum(axis=0)
    return mean_bc


def _correlations(
    tables: np.ndarray, statistic: Statistic, within_golden: bool, by: By, rng: np.random.Generator, n_resamples: int
) -> tuple[np.ndarray, np.ndarray, str | None]:
    """(C,) correlations with the C outcomes, (C, C) covariance of their z's errors, or why that is NaN."""
    n_models = tables.shape[1]
    with_models = partial(correlations_of_dyads, tables, statistic=statistic, within_golden=within_golden)
    estimate_c = with_models(np.ones((1, n_models)))[0]
    if reason := _why_none(n_models, estimate_c, FEWEST_NODES[statistic]):
        return estimate_c, np.full((len(estimate_c),) * 2, np.nan), reason
    most = HIGHEST[statistic](n_models)
    if by == "jackknife":
        found_bc = with_models(1.0 - np.eye(n_models))
        scale = (n_models - 1) ** 2 / n_models
    else:
        drawn_bf = rng.multinomial(n_models, np.full(n_models, 1 / n_models), size=n_resamples)
        found_bc = with_models(drawn_bf)
        found_bc, scale = found_bc[~np.isnan(found_bc).any(axis=1)], 1.0
    z_bc = np.arctanh(np.clip(found_bc, -most, most))
    return estimate_c, np.atleast_2d(np.cov(z_bc.T)) * scale, None


def _why_none(n_models: int, estimate_c: np.ndarray, fewest: int) -> str | None:
    if np.isnan(estimate_c).any():
        return f"a side is the same for all pairs of {n_models} reward models: there is nothing to correlate"
    if n_models < fewest:
        return (
            f"{n_models} reward models are too few for a correlation over their pairs, which takes {fewest}: "
            f"{n_models * (n_models - 1)} pairs are still {n_models} models"
        )
    if (np.abs(estimate_c) > PERFECT).any():
        return f"the pairs of {n_models} reward models correlate perfectly: no variation is seen"
    return None


def _quantile(statistic: Statistic, n_models: int, level: float) -> tuple[float, float]:
    """How many standard errors a limit is away, and the degrees of freedom behind that."""
    from scipy.stats import t

    df = n_models - 2.0
    wider = np.sqrt(n_models / df) if statistic == "pearson" else 1.0  # few models, far off, make it; else 92%
    return float(wider * t.ppf((1 + level) / 2, df)), df


def _method(statistic: str, within_golden: bool, by: str, n_resamples: int, level: float) -> str:
    """What the interval says of how it came to be, of a request that has been checked."""
    check_request(level, n_resamples)
    one_of(statistic, CORRELATIONS, "statistic", DataError)
    one_of(by, ("jackknife", "bootstrap"), "by", DataError)
    which = "within golden, mean over goldens" if within_golden else "pooled over ordered pairs"
    how = "jackknife over models" if by == "jackknife" else f"{n_resamples} draws of models"
    return f"{statistic} {which}, on Fisher's z, {how}"


def _tables(**named: np.ndarray) -> np.ndarray:
    """All tables stacked as float64 with a diagonal of 0, or a DataError that names table, golden and proxy."""
    tables = {name: np.array(table, dtype=np.float64) for name, table in named.items()}
    shape = next(iter(tables.values())).shape
    for name, table in tables.items():
        if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 3 or table.shape != shape:
            raise DataError(f"{name} {table.shape}: it must be (F, F), golden by proxy, of the same 3 models or more")
        np.fill_diagonal(table, 0.0)
        if len(bad := np.argwhere(~np.isfinite(table))):
            golden, proxy = (int(axis) for axis in bad[0])
            raise DataError(
                f"{name}[{golden}, {proxy}] is {table[golden, proxy]}; every pair of two models needs a value, "
                "so leave out a model that lacks one"
            )
    return np.stack(list(tables.values()))
