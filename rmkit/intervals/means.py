"""Intervals of means: over prompts, over seeds, over seeds crossed with prompts.

Knows arrays of numbers by prompt and seed: no pairs, no model. `bootstrap_over_prompts` leaves the fitted models as
they are, so its interval is about new prompts and these fits. For cross-fitted accuracy a simulation of the whole
procedure (benchmarks/cross_fitting_coverage.py) found that a nominal 95% covers 93 to 94% of that, and as little as 85%
of what refitting on new annotations would give: never name it an interval of the latter. Folds share most of their
training data, so no interval is ever a t over folds (Bengio & Grandvalet, JMLR 2004).
Sources: Efron & Tibshirani 1993, ch. 13 (percentile interval); Field & Welsh, JRSS-B 2007 (resampling clusters);
Satterthwaite, Biometrics 1946 (degrees of freedom of a sum of variances).
"""

from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError

NEW_PROMPTS_THESE_FITS = "new prompts, these fits"
NEW_SEEDS_NEW_PROMPTS = "new seeds, new prompts"
FEWEST_PROMPTS = 20  # there a nominal 95% still covers 93%, with 10 prompts 91%, with 5 83% (simulated)
ROUNDING = 1e-12  # what sums of floats leave of equal numbers, beside 1
FEWEST_SEEDS = 5  # there over_seeds_and_prompts covers 94 to 97%; with 3 as little as 92% (simulated)
BLOCK_BYTES = 32 * 2**20  # memory for resampling weights at any one time


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
    on_z: bool = False  # whether low and high are symmetric about the estimate in Fisher's z, as a correlation's are
    on_log: bool = False  # whether they are on a logarithmic scale, as a ratio's are: nothing is 1 then, not 0


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
    check_request(level, n_resamples)
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


def check_request(level: float, n_resamples: int) -> None:
    if not 0 < level < 1 or n_resamples < 1:
        raise DataError(f"level {level} must lie between 0 and 1, n_resamples {n_resamples} must be at least 1")


def why_too_few_prompts(n_prompts: int) -> str | None:
    """Why so few prompts give no bootstrap over prompts, or None."""
    if n_prompts < FEWEST_PROMPTS:
        return f"{n_prompts} prompts are too few for a bootstrap over prompts, which needs {FEWEST_PROMPTS}"
    return None


def _why_no_interval(value_p: np.ndarray) -> str | None:
    if too_few := why_too_few_prompts(len(value_p)):
        return too_few
    if np.ptp(value_p) <= ROUNDING * max(1.0, float(np.abs(value_p).max())):
        return f"all {len(value_p)} prompts have the value {_plain(value_p[0])}: a bootstrap sees no variation"
    return None


def _plain(value: float) -> str:
    """A number in words: 0 where it is what sums of floats leave of 0."""
    return f"{value if abs(value) > ROUNDING else 0.0:.6g}"


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
    if reason is None and np.ptp(value_s) == 0:
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
    in any seed is left out; `units` is how many remain. Fewer than 5 seeds or 20 prompts, or equal numbers, have a
    reason instead of an interval.
    """
    from scipy.stats import t

    value_sp = np.asarray(value_sp, dtype=np.float64)
    if value_sp.ndim != 2 or not value_sp.size or np.isinf(value_sp).any():
        raise DataError(f"value_sp: {value_sp.shape}; it must be (S, P) numbers, finite or NaN, a row a seed")
    kept_sp = value_sp[:, ~np.isnan(value_sp).any(axis=0)]
    n_prompts = kept_sp.shape[1]
    method = "two-way random effects over seeds and prompts"
    mean = float(kept_sp.mean()) if n_prompts else np.nan
    if reason := why_no_table(kept_sp):
        return Interval(mean, np.nan, np.nan, level, estimand, method, n_prompts, reason)
    variance, df = variance_of_crossed_mean(kept_sp)
    half = float(t.ppf((1 + level) / 2, df) * np.sqrt(variance))
    return Interval(mean, mean - half, mean + half, level, estimand, method, n_prompts, None, df)


def why_too_few(n_seeds: int, n_prompts: int) -> str | None:
    """Why so many seeds and prompts have no interval for new ones, or None."""
    if n_seeds < FEWEST_SEEDS:
        return f"{n_seeds} seeds are too few to see how seeds vary, which takes {FEWEST_SEEDS}"
    if n_prompts < FEWEST_PROMPTS:
        return f"{n_prompts} prompts are too few to see how prompts vary, which takes {FEWEST_PROMPTS}"
    return None


def why_no_table(value_sp: np.ndarray) -> str | None:
    """Why an (S, P) table without NaN has no interval for new seeds and prompts, or None."""
    n_seeds, n_prompts = value_sp.shape
    if reason := why_too_few(n_seeds, n_prompts):
        return reason
    mean_p = value_sp.mean(axis=0)
    if np.ptp(mean_p) <= ROUNDING * max(1.0, float(np.abs(mean_p).max())):
        return f"all {n_prompts} prompts have the mean {_plain(mean_p[0])} over seeds: no variation is seen"
    return None


def variance_of_crossed_mean(value_sp: np.ndarray) -> tuple[float, float]:
    """Variance of the mean of a crossed table, (MS_prompt + MS_seed - MS_rest) / SP, and its degrees of freedom.

    Where MS_seed is below MS_rest no seed effect shows, and it counts as none, in the degrees of freedom too: those
    few of the seeds would else widen the interval of every table in which seeds do not matter.
    """
    n_seeds, n_prompts = value_sp.shape
    seed_s, prompt_p = (value_sp.mean(axis=axis) - value_sp.mean() for axis in (1, 0))
    rest_sp = value_sp - value_sp.mean() - seed_s[:, None] - prompt_p
    df_seed, df_prompt = n_seeds - 1, n_prompts - 1
    square_seed, square_prompt = n_prompts * (seed_s**2).sum() / df_seed, n_seeds * (prompt_p**2).sum() / df_prompt
    square_rest = (rest_sp**2).sum() / (df_seed * df_prompt)
    total, spread = square_prompt, square_prompt**2 / df_prompt
    if square_seed > square_rest:
        total, spread = total + square_seed - square_rest, spread + square_seed**2 / df_seed
    return float(total / value_sp.size), float(total**2 / spread)  # Satterthwaite 1946


def smallest_detectable(interval: Interval) -> float:
    """The smallest true difference for which four of five intervals as wide as this one exclude 0; NaN without one.

    Of a ratio, the smallest above 1 for which as many exclude 1.
    """
    if interval.on_log:
        width = float(np.log(interval.high / interval.low))
        return float(np.exp(detectable(width, level=interval.level, df=interval.df)))
    return detectable(interval.high - interval.low, level=interval.level, df=interval.df)


def detectable(width: float, *, level: float, df: float | None = None) -> float:
    """As `smallest_detectable`, of an interval of which only the width is known.

    t[(1 + level) / 2] + t[0.8] standard errors, at its degrees of freedom, or of the normal where it has none.
    """
    from scipy.stats import t

    df = np.inf if df is None else df
    quantile = t.ppf((1 + level) / 2, df)
    return float((quantile + t.ppf(0.8, df)) / quantile * width / 2)
