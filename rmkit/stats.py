"""Intervals: an estimate never travels without its uncertainty, and the uncertainty says what it is of.

Knows arrays of numbers by prompt, seed or reward model: no pairs, no text. `bootstrap_over_prompts` leaves the fitted
models as they are, so its interval is about new prompts and these fits. For cross-fitted accuracy a simulation of the
whole procedure (benchmarks/cross_fitting_coverage.py) found that a nominal 95% covers 93 to 94% of that, and as little
as 85% of what refitting on new annotations would give: never name it an interval of the latter. Folds share most of
their training data, so no interval is ever a t over folds (Bengio & Grandvalet, JMLR 2004). What every function here
covers is measured by benchmarks/interval_coverage.py; docs/log/interval-coverage.md has the table.
Sources: Efron & Tibshirani 1993, ch. 13 (percentile interval); Field & Welsh, JRSS-B 2007 (resampling clusters);
Satterthwaite 1946 (sums of variances); Owen, Annals of Applied Statistics 2007 (what resampling both margins of a table
counts too often); Fisher 1921 (z of a correlation); Zou, Psychological Methods 2007 (difference of correlations).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rmkit.errors import DataError

NEW_PROMPTS_THESE_FITS = "new prompts, these fits"
NEW_SEEDS_NEW_PROMPTS = "new seeds, new prompts"
NEW_MODELS_NEW_PROMPTS = "new reward models, new prompts"
FEWEST_PROMPTS = 20  # there a nominal 95% still covers 93%, with 10 prompts 91%, with 5 83% (simulated)
FEWEST_SEEDS = 3
FEWEST_MODELS = 15
PERFECT = 1 - 1e-12  # of a correlation: from here on Fisher's z is infinite for all that rounding can tell
BLOCK_BYTES = 32 * 2**20  # memory for resampling weights at any one time

Statistic = Literal["kendall", "spearman", "pearson"]


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval, or with the reason in words why there is none (low and high are then NaN)."""

    estimate: float
    low: float
    high: float
    level: float  # nominal coverage, e.g. 0.95
    estimand: str  # what the interval is of; series that differ in it are never drawn as one
    method: str
    units: int  # how many prompts, seeds or reward models it rests on
    reason: str | None = None  # why low and high are missing, else None
    df: float | None = None  # degrees of freedom, where its width comes from Student's t


def bootstrap_over_prompts(
    value_kp: np.ndarray,
    pairs_p: np.ndarray,
    *,
    rng: np.random.Generator,
    n_resamples: int = 2000,
    level: float = 0.95,
    estimand: str = NEW_PROMPTS_THESE_FITS,
) -> list[Interval]:
    """Percentile intervals for the pair-weighted mean of K series over P prompts: K of them, one for a plain (P,).

    value_kp: (K, P) or (P,), each prompt's mean over its pairs (and over seeds). pairs_p: (P,) above 0, pairs a prompt.
    The mean is sum(pairs * value) / sum(pairs); whole prompts are drawn with replacement, the same draws for every
    series. Where prompts are fewer than 20, or a series is the same number on every prompt, low and high are NaN and
    `reason` says so: a bootstrap would answer with an interval that is too short. DataError names a missing value.
    """
    value_kp, pairs_p = _checked(value_kp, pairs_p)
    _checked_request(level, n_resamples)
    n_prompts = len(pairs_p)
    estimate_k = value_kp @ pairs_p / pairs_p.sum()
    low_k = high_k = np.full(len(value_kp), np.nan)
    if n_prompts >= FEWEST_PROMPTS:
        mean_bk = resampled_means(value_kp, pairs_p, rng=rng, n_resamples=n_resamples)
        low_k, high_k = np.quantile(mean_bk, [(1 - level) / 2, (1 + level) / 2], axis=0)
    method = f"percentile bootstrap over prompts, {n_resamples} resamples"
    intervals = []
    for value_p, estimate, low, high in zip(value_kp, estimate_k, low_k, high_k, strict=True):
        if reason := _why_no_interval(value_p):
            low = high = np.nan
        intervals.append(Interval(float(estimate), float(low), float(high), level, estimand, method, n_prompts, reason))
    return intervals


def paired_difference(
    first_kp: np.ndarray,
    second_kp: np.ndarray,
    pairs_p: np.ndarray,
    *,
    rng: np.random.Generator,
    n_resamples: int = 2000,
    level: float = 0.95,
    estimand: str = NEW_PROMPTS_THESE_FITS,
) -> list[Interval]:
    """Intervals for first minus second, series by series, as `bootstrap_over_prompts`: K of them.

    first_kp, second_kp: one shape, (K, P) or (P,), on the same prompts in the same order. Both are resampled together,
    so what makes a prompt hard for both of them cancels.
    """
    first_kp, second_kp = np.asarray(first_kp, dtype=np.float64), np.asarray(second_kp, dtype=np.float64)
    if first_kp.shape != second_kp.shape:
        raise DataError(f"first_kp {first_kp.shape} and second_kp {second_kp.shape} differ in shape")
    # the mean is linear in the values: the mean of the differences is the difference of the means, in every resample
    difference_kp = first_kp - second_kp
    return bootstrap_over_prompts(
        difference_kp, pairs_p, rng=rng, n_resamples=n_resamples, level=level, estimand=estimand
    )


def resampled_means(
    value_kp: np.ndarray, pairs_p: np.ndarray, *, rng: np.random.Generator, n_resamples: int
) -> np.ndarray:
    """Pair-weighted means over prompts drawn with replacement, (n_resamples, K); all series share each draw.

    Works in blocks of resamples so that memory stays bounded; the result depends on rng alone, not on the block.
    """
    n_prompts = len(pairs_p)
    column_pk = np.column_stack([(value_kp * pairs_p).T, pairs_p])
    block = max(1, BLOCK_BYTES // (16 * n_prompts))
    mean_blocks = []
    for start in range(0, n_resamples, block):
        size = min(block, n_resamples - start)
        drawn_bp = rng.integers(n_prompts, size=(size, n_prompts)) + n_prompts * np.arange(size)[:, None]
        times_bp = np.bincount(drawn_bp.ravel(), minlength=size * n_prompts).reshape(size, n_prompts)
        total_bk = times_bp.astype(np.float64) @ column_pk
        mean_blocks.append(total_bk[:, :-1] / total_bk[:, -1:])
    return np.concatenate(mean_blocks)


def _checked_request(level: float, n_resamples: int) -> None:
    if not 0 < level < 1 or n_resamples < 1:
        raise DataError(f"level {level} must lie between 0 and 1, n_resamples {n_resamples} must be at least 1")


def _why_no_interval(value_p: np.ndarray) -> str | None:
    if len(value_p) < FEWEST_PROMPTS:
        return f"{len(value_p)} prompts are too few for a bootstrap over prompts, which needs {FEWEST_PROMPTS}"
    if np.ptp(value_p) == 0:
        return f"all {len(value_p)} prompts have the value {value_p[0]:.6g}: a bootstrap sees no variation"
    return None


def _checked(value_kp: np.ndarray, pairs_p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The arrays as float64, values with two axes, or a DataError that names the series and the prompt."""
    value_kp = np.atleast_2d(np.asarray(value_kp, dtype=np.float64))
    pairs_p = np.asarray(pairs_p, dtype=np.float64)
    if value_kp.ndim != 2 or value_kp.shape[1:] != pairs_p.shape or value_kp.size == 0:
        raise DataError(f"value_kp {value_kp.shape} and pairs_p {pairs_p.shape} are not (K, P) and (P,), both above 0")
    if len(bad := np.argwhere(~np.isfinite(value_kp))):
        series, prompt = (int(axis) for axis in bad[0])
        raise DataError(
            f"value_kp[{series}, {prompt}] is {value_kp[series, prompt]}: "
            f"prompt {prompt} has no value in series {series} ({len(bad)} such values)"
        )
    if len(bad := np.argwhere(~(np.isfinite(pairs_p) & (pairs_p > 0)))):
        prompt = int(bad[0, 0])
        raise DataError(f"pairs_p[{prompt}] is {pairs_p[prompt]}; every prompt needs a number of pairs above 0")
    return value_kp, pairs_p


def t_over_seeds(value_s: np.ndarray, *, level: float = 0.95, estimand: str = NEW_SEEDS_NEW_PROMPTS) -> Interval:
    """The mean of S independent runs with Student's t interval, S - 1 degrees of freedom.

    value_s: (S,), one number a seed, each from a world, prompts and fits of its own; they must share none of these, or
    the interval is too short. Fewer than two seeds, or equal numbers, have no interval and a reason.
    """
    from scipy.stats import t

    value_s = np.asarray(value_s, dtype=np.float64)
    if value_s.ndim != 1 or not len(value_s) or not np.isfinite(value_s).all():
        raise DataError(f"value_s: {value_s.shape}; it must be (S,) finite numbers, one a seed")
    n_seeds, mean = len(value_s), float(value_s.mean())
    reason = None if n_seeds > 1 else "one seed has no spread"
    if reason is None and value_s.std() == 0:
        reason = "all seeds gave the same number"
    half = np.nan if reason else float(t.ppf((1 + level) / 2, n_seeds - 1) * value_s.std(ddof=1) / np.sqrt(n_seeds))
    df = None if reason else n_seeds - 1.0
    return Interval(mean, mean - half, mean + half, level, estimand, "t over seeds", n_seeds, reason, df)


def over_seeds_and_prompts(
    value_sp: np.ndarray, *, level: float = 0.95, estimand: str = NEW_SEEDS_NEW_PROMPTS
) -> Interval:
    """The mean of a table of S seeds crossed with P prompts, for new seeds and new prompts: two-way random effects.

    value_sp: (S, P), every seed (of annotation, labels, initialisation) on the same prompts. For a paired difference
    hand over the table of differences: what makes a seed or a prompt hard for both sides cancels. A prompt that is NaN
    in any seed is left out; `units` is how many remain. Fewer than 3 seeds or 20 prompts, or equal numbers, have a
    reason instead of an interval.
    """
    from scipy.stats import t

    value_sp = np.asarray(value_sp, dtype=np.float64)
    if value_sp.ndim != 2 or not value_sp.size or np.isinf(value_sp).any():
        raise DataError(f"value_sp: {value_sp.shape}; it must be (S, P) numbers, finite or NaN, a row a seed")
    kept_sp = value_sp[:, ~np.isnan(value_sp).any(axis=0)]
    n_seeds, n_prompts = kept_sp.shape
    method = f"two-way random effects, {n_seeds} seeds x {n_prompts} prompts"
    if left_out := value_sp.shape[1] - n_prompts:
        method += f", {left_out} prompts left out"
    mean = float(kept_sp.mean()) if n_prompts else np.nan
    if reason := _why_no_table(kept_sp):
        return Interval(mean, np.nan, np.nan, level, estimand, method, n_prompts, reason)
    variance, df = _variance_of_crossed_mean(kept_sp)
    half = float(t.ppf((1 + level) / 2, df) * np.sqrt(variance))
    return Interval(mean, mean - half, mean + half, level, estimand, method, n_prompts, None, df)


def _why_no_table(value_sp: np.ndarray) -> str | None:
    n_seeds, n_prompts = value_sp.shape
    if n_seeds < FEWEST_SEEDS:
        return f"{n_seeds} seeds are too few to see how seeds vary, which takes {FEWEST_SEEDS}"
    if n_prompts < FEWEST_PROMPTS:
        return f"{n_prompts} prompts are too few to see how prompts vary, which takes {FEWEST_PROMPTS}"
    if np.ptp(value_sp) == 0:
        return f"all {n_seeds} seeds and {n_prompts} prompts have the value {value_sp[0, 0]:.6g}: no variation is seen"
    return None


def _variance_of_crossed_mean(value_sp: np.ndarray) -> tuple[float, float]:
    """Variance of the mean of a crossed table, (MS_seed + MS_prompt - MS_rest) / SP, and its degrees of freedom."""
    n_seeds, n_prompts = value_sp.shape
    seed_s, prompt_p = (value_sp.mean(axis=axis) - value_sp.mean() for axis in (1, 0))
    rest_sp = value_sp - value_sp.mean() - seed_s[:, None] - prompt_p
    df_3 = np.array([n_seeds - 1, n_prompts - 1, (n_seeds - 1) * (n_prompts - 1)])
    square_3 = np.array([n_prompts * (seed_s**2).sum(), n_seeds * (prompt_p**2).sum(), (rest_sp**2).sum()]) / df_3
    total = max(square_3[0] + square_3[1] - square_3[2], square_3[:2].max())
    return total / value_sp.size, float(total**2 / (square_3**2 / df_3).sum())


def correlation_over_models(
    metric_mp: np.ndarray,
    outcome_mq: np.ndarray,
    *,
    statistic: Statistic,
    rng: np.random.Generator,
    n_resamples: int = 1000,
    level: float = 0.95,
    estimand: str = NEW_MODELS_NEW_PROMPTS,
) -> Interval:
    """Correlation over M reward models of two means: the metric's over P prompts, the outcome's over Q other prompts.

    metric_mp: (M, P). outcome_mq: (M, Q). The target is the correlation, over the population that the models are drawn
    from, of the means as P and Q new prompts measure them: the noise of so few prompts lowers it and is not undone.
    Fewer than 15 models or 20 prompts, a constant mean or a correlation of 1 have a reason and no interval.
    """
    metric_mp, outcome_cmq = _tables_by_model(metric_mp=metric_mp, outcome_mq=outcome_mq)
    _checked_request(level, n_resamples)
    method = f"{statistic} on Fisher's z, models and prompts resampled {n_resamples} times"
    (estimate,), limit_2c, reason, df = _correlations(metric_mp, outcome_cmq, statistic, rng, n_resamples, level)[:4]
    low, high = limit_2c[:, 0]
    return Interval(float(estimate), float(low), float(high), level, estimand, method, len(metric_mp), reason, df)


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
) -> Interval:
    """correlation(metric, first outcome) minus correlation(metric, second outcome), each as `correlation_over_models`.

    Both outcomes are (M, Q) on the same Q prompts in the same order, and share every resample. To compare two metrics
    against one outcome, hand the outcome over as `metric_mp`: a correlation has no sides.
    """
    metric_mp, outcome_cmq = _tables_by_model(
        metric_mp=metric_mp, first_outcome_mq=first_outcome_mq, second_outcome_mq=second_outcome_mq
    )
    _checked_request(level, n_resamples)
    method = f"difference of {statistic} on Fisher's z, models and prompts resampled {n_resamples} times"
    estimate_c, (low_c, high_c), reason, df, shared = _correlations(
        metric_mp, outcome_cmq, statistic, rng, n_resamples, level
    )
    difference = float(estimate_c[0] - estimate_c[1])
    below, above = estimate_c - low_c, high_c - estimate_c
    low = difference - float(np.sqrt(below[0] ** 2 + above[1] ** 2 - 2 * shared * below[0] * above[1]))  # Zou 2007
    high = difference + float(np.sqrt(above[0] ** 2 + below[1] ** 2 - 2 * shared * above[0] * below[1]))
    return Interval(difference, low, high, level, estimand, method, len(metric_mp), reason, df)


def _correlations(
    metric_mp: np.ndarray,
    outcome_cmq: np.ndarray,
    statistic: str,
    rng: np.random.Generator,
    n_resamples: int,
    level: float,
) -> tuple[np.ndarray, np.ndarray, str | None, float | None, float]:
    """(C,) correlations, (2, C) limits, why these are NaN, degrees of freedom, correlation of first and last error."""
    from scipy.stats import t

    correlation = CORRELATIONS[statistic]
    estimate_c = correlation(metric_mp.mean(axis=1), outcome_cmq.mean(axis=2))
    if reason := _why_no_correlation(metric_mp, outcome_cmq, estimate_c):
        return estimate_c, np.full((2, len(estimate_c)), np.nan), reason, None, np.nan
    error_cc = _error_of_z(metric_mp, outcome_cmq, correlation, rng, n_resamples)
    spread_c, df = np.sqrt(np.diag(error_cc)), len(metric_mp) - 2.0
    half_c = t.ppf((1 + level) / 2, df) * spread_c
    shared = float(np.clip(error_cc[0, -1] / (spread_c[0] * spread_c[-1]), -1, 1))
    return estimate_c, np.tanh(np.arctanh(estimate_c) + np.stack([-half_c, half_c])), None, df, shared


def _error_of_z(
    metric_mp: np.ndarray,
    outcome_cmq: np.ndarray,
    correlation: Callable[[np.ndarray, np.ndarray], np.ndarray],
    rng: np.random.Generator,
    n_resamples: int,
) -> np.ndarray:
    """Covariance (C, C) of the errors of z: models, plus what prompts do to many models at once.

    The means of a resample of models already differ by each model's own noise on its prompts. Resampling prompts brings
    that noise again beside what models share, so it is counted alone and taken off (Owen 2007).
    """
    mean_m, mean_cm = metric_mp.mean(axis=1), outcome_cmq.mean(axis=2)
    drawn_bm = rng.integers(len(mean_m), size=(n_resamples, len(mean_m)))
    by_model_cc = _covariance(correlation(mean_m[drawn_bm], mean_cm[:, drawn_bm]))
    share_bp, share_bq = (
        rng.multinomial(n, np.full(n, 1 / n), size=n_resamples) / n for n in (metric_mp.shape[1], outcome_cmq.shape[2])
    )
    by_prompt_cc = _covariance(correlation(share_bp @ metric_mp.T, share_bq @ outcome_cmq.transpose(0, 2, 1)))
    own_bm = mean_m + _own_noise(metric_mp[None], rng, n_resamples)[0]
    own_cbm = mean_cm[:, None] + _own_noise(outcome_cmq, rng, n_resamples)
    shared_cc = by_prompt_cc - _covariance(correlation(own_bm, own_cbm))
    unseen_c = np.diag(shared_cc) <= 0
    shared_cc[unseen_c] = shared_cc[:, unseen_c] = 0
    return by_model_cc + shared_cc


def _own_noise(value_cmp: np.ndarray, rng: np.random.Generator, n_resamples: int) -> np.ndarray:
    """Errors (C, B, M) of the models' means if each had prompts of its own; the C values of one model go together."""
    rest_cmp = value_cmp - value_cmp.mean(axis=2, keepdims=True)
    rest_mcp = (rest_cmp - rest_cmp.mean(axis=1, keepdims=True)).transpose(1, 0, 2) / value_cmp.shape[2]
    left_mcd, size_md, _ = np.linalg.svd(rest_mcp, full_matrices=False)
    return np.einsum("mcd,md,bmd->cbm", left_mcd, size_md, rng.normal(size=(n_resamples, *size_md.shape)))


def _covariance(correlation_cb: np.ndarray) -> np.ndarray:
    """Covariance (C, C) of Fisher's z over resamples, without those in which a side is constant."""
    z_cb = np.arctanh(np.clip(correlation_cb, -PERFECT, PERFECT))
    return np.atleast_2d(np.cov(z_cb[:, np.isfinite(z_cb).all(axis=0)]))


def _why_no_correlation(metric_mp: np.ndarray, outcome_cmq: np.ndarray, estimate_c: np.ndarray) -> str | None:
    n_models, n_prompts = len(metric_mp), min(metric_mp.shape[1], outcome_cmq.shape[2])
    if np.isnan(estimate_c).any():
        return f"a mean is the same for all {n_models} reward models: there is nothing to correlate"
    if n_models < FEWEST_MODELS:
        return f"{n_models} reward models are too few for a correlation over them, which takes {FEWEST_MODELS}"
    if n_prompts < FEWEST_PROMPTS:
        return f"{n_prompts} prompts are too few to see how prompts vary, which takes {FEWEST_PROMPTS}"
    if (np.abs(estimate_c) > PERFECT).any():
        return f"the {n_models} reward models correlate perfectly: a bootstrap sees no variation"
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


def smallest_detectable(interval: Interval) -> float:
    """The smallest true difference for which four of five intervals as wide as this one exclude 0; NaN without one.

    t[(1 + level) / 2] + t[0.8] standard errors, at its degrees of freedom, or of the normal where it has none.
    """
    from scipy.stats import t

    df = np.inf if interval.df is None else interval.df
    quantile = t.ppf((1 + interval.level) / 2, df)
    return float((quantile + t.ppf(0.8, df)) / quantile * (interval.high - interval.low) / 2)
