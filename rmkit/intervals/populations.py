"""Intervals of a correlation over the reward models of several populations, and of the difference of two.

Each seed makes a population of its own, all of one design and measured on the same prompts. A population gives one
correlation. These are the units, so that what the models of one seed share (their pairs, their labels) is allowed for.
Knows tables of numbers, models by prompts. Sources: Fisher 1921 (z); Satterthwaite, Biometrics 1946; Shao & Wu, Annals
of Statistics 1989 (a jackknife that leaves several out, for what is not smooth); Owen, Annals of Applied Statistics
2007 (both margins of a table vary).
"""

from collections.abc import Sequence

import numpy as np

from rmkit.errors import DataError
from rmkit.intervals.correlations import CORRELATIONS, HIGHEST, PERFECT, Statistic
from rmkit.intervals.means import FEWEST_PROMPTS, FEWEST_SEEDS, NEW_SEEDS_NEW_PROMPTS, Interval, check_request

FEWEST_MODELS = 30  # in each population: with 10, five of them were held 88.5% of the time
ALIKE = 1e-12  # correlations that differ by less are the same, for all that rounding can tell
LEFT_OUT = 5  # one prompt in so many is left out of each set
PROMPTS_DF = 10  # of the variance that prompts add: in simulations its estimate varies like one of so many degrees


def correlation_over_populations(
    metric_smp: Sequence[np.ndarray],
    outcome_smq: Sequence[np.ndarray],
    *,
    statistic: Statistic,
    rng: np.random.Generator,
    n_resamples: int = 1000,
    level: float = 0.95,
    estimand: str = NEW_SEEDS_NEW_PROMPTS,
) -> Interval:
    """Correlation over a population's reward models of two means, the metric's and the outcome's, for new seeds.

    metric_smp: S tables (M, P), outcome_smq: S tables (M, Q), a population each; M may differ between populations, the
    P and Q prompts are the same in all. The target is the mean, on Fisher's z, of the correlation that a new seed of
    this design gives on so many new prompts. Limits are on that scale, from what differs between populations and what
    prompts change in all of them alike. Fewer than 5 populations, 30 models in one of them or 20 prompts, a constant
    mean or a correlation of 1 have a reason and no interval. DataError for tables that do not fit together.
    """
    tables = _tables(metric_smp, [outcome_smq])
    check_request(level, n_resamples)
    method = f"{statistic} on Fisher's z in each population, t over seeds, jackknife over {n_resamples} sets of prompts"
    correlation_s = _correlations(tables, statistic)[:, 0]
    n_models = sum(len(one[0]) for one in tables)
    with np.errstate(divide="ignore"):
        z_s = np.arctanh(correlation_s)
    estimate = float(np.tanh(z_s.mean()))
    reason = _why_none(tables, correlation_s[:, None])
    if not reason and np.ptp(z_s) < ALIKE:
        reason = "the correlation is the same in every population: no variation is seen"
    if reason:
        return Interval(estimate, np.nan, np.nan, level, estimand, method, n_models, reason)
    without_some = _without_some(tables, statistic, rng, n_resamples)
    half, df = _half(z_s, [np.arctanh(correlation_bsc[..., 0]) for correlation_bsc in without_some], tables[0], level)
    low, high = np.tanh(z_s.mean() + np.array([-half, half]))
    return Interval(estimate, float(low), float(high), level, estimand, method, n_models, None, df, on_z=True)


def correlation_difference_over_populations(
    metric_smp: Sequence[np.ndarray],
    first_outcome_smq: Sequence[np.ndarray],
    second_outcome_smq: Sequence[np.ndarray],
    *,
    statistic: Statistic,
    rng: np.random.Generator,
    n_resamples: int = 1000,
    level: float = 0.95,
    estimand: str = NEW_SEEDS_NEW_PROMPTS,
) -> Interval:
    """correlation(metric, first outcome) minus correlation(metric, second outcome), as `correlation_over_populations`.

    Subtracted within each population, and as it stands: not on Fisher's z. Both outcomes are on the same Q prompts.
    """
    tables = _tables(metric_smp, [first_outcome_smq, second_outcome_smq])
    check_request(level, n_resamples)
    method = f"difference of {statistic} in each population, t over seeds, jackknife over {n_resamples} sets of prompts"
    correlation_sc = _correlations(tables, statistic)
    difference_s = correlation_sc[:, 0] - correlation_sc[:, 1]
    estimate, n_models = float(difference_s.mean()), sum(len(one[0]) for one in tables)
    reason = _why_none(tables, correlation_sc)
    if not reason and np.ptp(difference_s) < ALIKE:
        reason = "the difference of correlations is the same in every population: no variation is seen"
    if reason:
        return Interval(estimate, np.nan, np.nan, level, estimand, method, n_models, reason)
    without_some = _without_some(tables, statistic, rng, n_resamples)
    moved = [correlation_bsc[..., 0] - correlation_bsc[..., 1] for correlation_bsc in without_some]
    half, df = _half(difference_s, moved, tables[0], level)
    return Interval(estimate, estimate - half, estimate + half, level, estimand, method, n_models, None, df)


def correlations_in(
    metric_smp: Sequence[np.ndarray], *outcomes: Sequence[np.ndarray], statistic: Statistic
) -> np.ndarray:
    """(S, C) correlation of the metric's mean with that of each of C outcomes, in each of S populations.

    Tables and DataError as in `correlation_over_populations`; NaN where a mean is the same for all reward models.
    """
    return _correlations(_tables(metric_smp, outcomes), statistic)


def _half(
    value_s: np.ndarray, without_some: Sequence[np.ndarray], tables: Sequence[np.ndarray], level: float
) -> tuple[float, float]:
    """Half the width of the interval of the mean over seeds, and its degrees of freedom.

    without_some: (B, S) the values without sets of the metric's prompts, and of the outcomes'. What leaving prompts out
    moves in two populations at once is what prompts add to the mean. The rest of what prompts do differs between
    populations, and is in the spread of these already.
    """
    from scipy.stats import t

    n_seeds = len(value_s)
    total = float(value_s.var(ddof=1) / n_seeds)
    spread = total**2 / (n_seeds - 1)
    for value_bs, table in zip(without_some, tables, strict=False):
        shared = shared_by_seeds(value_bs, table.shape[1])
        total, spread = total + shared, spread + shared**2 / PROMPTS_DF
    df = total**2 / spread  # Satterthwaite 1946
    return float(t.ppf((1 + level) / 2, df) * np.sqrt(total)), float(df)


def shared_by_seeds(value_bs: np.ndarray, n_prompts: int) -> float:
    """The variance that prompts add to a mean over seeds, by what leaving a fifth out moves in two seeds at once.

    value_bs: (B, S) each seed's value without each set of prompts.
    """
    left_out = n_prompts // LEFT_OUT
    covariance_ss = np.cov(value_bs.T) * (n_prompts - left_out) / left_out  # Shao & Wu 1989
    return max(0.0, float(covariance_ss[~np.eye(value_bs.shape[1], dtype=bool)].mean()))


def _correlations(tables: list[list[np.ndarray]], statistic: Statistic) -> np.ndarray:
    """(S, C) correlation of the metric's mean with each outcome's, in each population."""
    means = [[table.mean(axis=1) for table in one] for one in tables]
    return np.array([[CORRELATIONS[statistic](metric_m, other_m) for other_m in others] for metric_m, *others in means])


def _without_some(
    tables: list[list[np.ndarray]], statistic: Statistic, rng: np.random.Generator, n_resamples: int
) -> list[np.ndarray]:
    """(B, S, C) correlations without a fifth of the metric's prompts, and without a fifth of the outcomes'.

    All populations share each set. A bootstrap moves the means twice as far, and so blurs the order of the models; a
    single prompt moves them so little that ranks change by leaps.
    """
    share_bp, share_bq = (shares_without_a_fifth(rng, table.shape[1], n_resamples) for table in tables[0][:2])
    found: list[list[np.ndarray]] = [[], []]
    for metric_mp, *outcomes in tables:
        correlation, most = CORRELATIONS[statistic], HIGHEST[statistic](len(metric_mp))
        of_metric = [correlation(share_bp @ metric_mp.T, outcome_mq.mean(axis=1)) for outcome_mq in outcomes]
        of_outcomes = [correlation(metric_mp.mean(axis=1), share_bq @ outcome_mq.T) for outcome_mq in outcomes]
        for half, values in zip(found, (of_metric, of_outcomes), strict=True):
            half.append(np.clip(np.nan_to_num(np.stack(values, axis=-1)), -most, most))
    return [np.stack(half, axis=1) for half in found]


def shares_without_a_fifth(rng: np.random.Generator, n_prompts: int, n_resamples: int) -> np.ndarray:
    """(B, P) what each prompt counts in a mean without a fifth of them, drawn at random."""
    left_out = n_prompts // LEFT_OUT
    rank_bp = rng.random((n_resamples, n_prompts)).argsort(axis=1)
    share_bp: np.ndarray = (rank_bp >= left_out) / (n_prompts - left_out)
    return share_bp


def _why_none(tables: list[list[np.ndarray]], correlation_sc: np.ndarray) -> str | None:
    n_seeds, n_models = len(tables), min(len(one[0]) for one in tables)
    n_prompts = min(table.shape[1] for table in tables[0])
    if np.isnan(correlation_sc).any():
        return "a mean is the same for all reward models of a population: there is nothing to correlate"
    if n_seeds < FEWEST_SEEDS:
        return f"{n_seeds} populations are too few to see how seeds vary, which takes {FEWEST_SEEDS}"
    if n_models < FEWEST_MODELS:
        return f"{n_models} reward models are too few for a correlation over them, which takes {FEWEST_MODELS}"
    if n_prompts < FEWEST_PROMPTS:
        return f"{n_prompts} prompts are too few to see how prompts vary, which takes {FEWEST_PROMPTS}"
    if (np.abs(correlation_sc) > PERFECT).any():
        return "the reward models of a population correlate perfectly: no variation is seen"
    return None


def _tables(metric_smp: Sequence[np.ndarray], outcomes: Sequence[Sequence[np.ndarray]]) -> list[list[np.ndarray]]:
    """For each population its tables as float64, metric first, or a DataError that names population and table."""
    if not len(metric_smp) or any(len(outcome_smq) != len(metric_smp) for outcome_smq in outcomes):
        counts = ", ".join(str(len(one)) for one in (metric_smp, *outcomes))
        raise DataError(f"populations: {counts} tables; each quantity needs one table a population, and one at least")
    tables = [[np.asarray(table, dtype=np.float64) for table in one] for one in zip(metric_smp, *outcomes, strict=True)]
    for seed, one in enumerate(tables):
        for which, table in enumerate(one):
            wanted = (len(one[0]), tables[0][which].shape[-1]) if table.ndim == 2 else (0, 0)
            if not table.size or table.shape != wanted or (which > 1 and table.shape != one[1].shape):
                raise DataError(
                    f"population {seed}, table {which}: {table.shape}; it must be (models, prompts), models as in the "
                    "population's first table, prompts as in the other populations"
                )
            if not np.isfinite(table).all():
                raise DataError(f"population {seed}, table {which}: every model needs every prompt's value")
    return tables
