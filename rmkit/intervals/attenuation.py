"""What noise between policy seeds does to a correlation: reliability, the ceiling that it sets, and what lies beyond.

M reward models have an outcome in each of S policy seeds; its mean over seeds is what is correlated. The variance of
that mean between models is true spread plus the seeds' share, so the mean is only so reliable, and correlations of two
such means stay below the root of the product of their reliabilities, even if the true outcomes agree perfectly.
Dividing by that ceiling undoes it. Intervals leave out models, each with all of its seeds; prompts stay as they are.
Knows tables of numbers, models by seeds. Sources: Spearman, American Journal of Psychology 1904 (attenuation); Cronbach
1951 (alpha, the reliability of a mean of crossed measurements); Efron & Stein 1981 (jackknife); Greiner 1909 and
Pearson 1907 (ranks and Pearson's correlation under a normal law).
"""

from collections.abc import Callable

import numpy as np

from rmkit.errors import DataError, one_of
from rmkit.intervals.correlations import CORRELATIONS, HIGHEST, PERFECT, Statistic
from rmkit.intervals.means import Interval, check_request

NEW_MODELS_NEW_SEEDS = "new reward models, new policy seeds, these prompts"
FEWEST_MODELS = 15
FEWEST_MODELS_OF_TWO = 20  # of the ceiling, which two reliabilities make, and of a difference of two correlations
NO_CEILING = "reward models differ hardly more than policy seeds do: no reliability is seen, or not without one of them"


def reliability(value_ms: np.ndarray, *, level: float = 0.95, estimand: str = NEW_MODELS_NEW_SEEDS) -> Interval:
    """The share of the variance between M models' means over S seeds that is not seeds' noise: between 0 and 1.

    R = between / (between + within / S), from mean squares: 1 - MS_rest / MS_models. What a seed does to all models
    alike lowers no correlation and counts as nothing, so seeds may be shared by models or not. value_ms: (M, S) finite.
    An estimate below 0 counts as 0. Limits are symmetric in log(1 - R), cut at 0 and 1. Fewer than 15 models or 2
    seeds, or seeds that agree exactly, have a reason and no interval.
    """
    table_ms = _table(value_ms, "value_ms")
    check_request(level, 1)
    n_models, n_seeds = table_ms.shape
    method = f"1 - MS_rest / MS_models over {n_seeds} seeds, on log(1 - R), jackknife over models"
    found = float(reliability_of(table_ms))
    estimate = max(0.0, found)
    reason = _why_equal(found) or _why_few(n_models) or _why_no_noise(found, n_seeds)
    if reason:
        return Interval(estimate, np.nan, np.nan, level, estimand, method, n_models, reason)
    df = n_models - 2.0
    low, high = _limits(1 - found, 1 - reliability_of(table_ms[_others(n_models)]), np.log, np.exp, level, df)
    low, high = np.clip([1 - high, 1 - low], 0.0, 1.0)
    return Interval(estimate, float(low), float(high), level, estimand, method, n_models, None, df)


def correlation_ceiling(
    first_ms: np.ndarray, second_ms: np.ndarray, *, level: float = 0.95, estimand: str = NEW_MODELS_NEW_SEEDS
) -> Interval:
    """How high seeds' noise lets Pearson's correlation of two means over seeds come: the root of both reliabilities.

    first_ms, second_ms: (M, S) and (M, T), of the same models; a side of one column counts as free of noise. Limits as
    in `reliability`. Fewer than 20 models, or no noise on either side, have a reason and no interval.
    """
    first_ms, second_ms = _pair_of_tables(first_ms, second_ms)
    check_request(level, 1)
    n_models, others_mm = len(first_ms), _others(len(first_ms))
    method = "root of both reliabilities, on log(1 - ceiling), jackknife over models"
    estimate = float(_ceiling(first_ms, second_ms))
    without_one_m = _ceiling(first_ms[others_mm], second_ms[others_mm])
    n_seeds = max(first_ms.shape[1], second_ms.shape[1])
    reason = _why_equal(estimate) or _why_few(n_models, FEWEST_MODELS_OF_TWO) or _why_no_noise(estimate, n_seeds)
    if not reason and not without_one_m.min() > 0:
        reason = NO_CEILING
    if reason:
        return Interval(estimate, np.nan, np.nan, level, estimand, method, n_models, reason)
    df = n_models - 2.0
    low, high = _limits(1 - estimate, 1 - without_one_m, np.log, np.exp, level, df)
    low, high = np.clip([1 - high, 1 - low], 0.0, 1.0)
    return Interval(estimate, float(low), float(high), level, estimand, method, n_models, None, df)


def correlation_of_seed_means(
    first_ms: np.ndarray,
    second_ms: np.ndarray,
    *,
    statistic: Statistic,
    corrected: bool,
    level: float = 0.95,
    estimand: str = NEW_MODELS_NEW_SEEDS,
) -> Interval:
    """Correlation over M models of two means over seeds, as it is or `corrected` for the noise of seeds.

    first_ms, second_ms: (M, S) and (M, T), of the same models: a measure and an outcome, or two optimisers' outcomes,
    to see whether these agree on which reward model is better. A side of one column counts as free of noise; the two
    sides' noise must be independent (policy seeds of their own). Corrected, Pearson's correlation is divided by the
    ceiling; Kendall's and Spearman's are turned into Pearson's by the relation that a normal law gives, and back. What
    comes out above 1 counts as 1. Limits are symmetric in Fisher's z of the correlation below its ceiling. Fewer than
    15 models, a constant mean, a perfect correlation or no reliability have a reason and no interval.
    """
    first_ms, second_ms = _pair_of_tables(first_ms, second_ms)
    check_request(level, 1)
    one_of(statistic, CORRELATIONS, "statistic", DataError)
    n_models, others_mm = len(first_ms), _others(len(first_ms))
    end = ", corrected for the noise of seeds" if corrected else ""
    method = f"{statistic} of means over seeds{end}, on Fisher's z, jackknife over models"
    ceiling = float(_ceiling(first_ms, second_ms)) if corrected else 1.0
    plain = float(CORRELATIONS[statistic](first_ms.mean(axis=1), second_ms.mean(axis=1)))
    to_pearson, back = LINKS[statistic] if corrected else (np.asarray, np.asarray)
    below = to_pearson(np.asarray(plain))
    estimate = float(back(np.clip(below / ceiling, -1, 1))) if ceiling > 0 else np.nan
    ceiling_m = _ceiling(first_ms[others_mm], second_ms[others_mm]) if corrected else np.ones(n_models)
    first_mm, second_mm = (value_ms.mean(axis=1)[others_mm] for value_ms in (first_ms, second_ms))
    plain_m = CORRELATIONS[statistic](first_mm, second_mm)
    reason = _why_undefined(plain, ceiling, n_models) or _why_few(n_models)
    if reason := reason or _why_no_variation(np.array([plain, *plain_m]), ceiling_m, n_models):
        return Interval(estimate, np.nan, np.nan, level, estimand, method, n_models, reason)
    without_one_m = to_pearson(plain_m) * ceiling / ceiling_m
    most = HIGHEST[statistic](n_models)
    df = n_models - 2.0 if statistic == "pearson" else None  # as `correlation_over_models`
    low, high = _limits(below, np.clip(without_one_m, -most, most), np.arctanh, np.tanh, level, df)
    low, high = back(np.clip(np.array([low, high]) / ceiling, -1, 1))
    return Interval(estimate, float(low), float(high), level, estimand, method, n_models, None, df, on_z=not corrected)


def lead_over_another_seed(
    measure_m: np.ndarray,
    outcome_ms: np.ndarray,
    *,
    statistic: Statistic,
    level: float = 0.95,
    estimand: str = NEW_MODELS_NEW_SEEDS,
) -> Interval:
    """Does a measure go with an outcome better than one more policy seed does? The difference of two correlations.

    Each seed in turn is left out of the mean over seeds. The measure's correlation with the mean of the other seeds,
    minus that of the seed left out with it, is averaged over seeds: above 0 the measure says more than a second run
    would. measure_m: (M,). outcome_ms: (M, S), 2 seeds or more. Limits are symmetric, by a jackknife over models. Fewer
    than 20 models, or a constant side, have a reason and no interval.
    """
    table_ms, measure_m = _table(outcome_ms, "outcome_ms"), np.asarray(measure_m, dtype=np.float64)
    check_request(level, 1)
    one_of(statistic, CORRELATIONS, "statistic", DataError)
    n_models, n_seeds = table_ms.shape
    if measure_m.shape != (n_models,) or not np.isfinite(measure_m).all() or n_seeds < 2:
        raise DataError(
            f"measure_m {measure_m.shape} and outcome_ms {table_ms.shape}: they must be finite, (M,) and (M, S), with "
            "2 seeds or more"
        )
    method = f"difference of {statistic}, mean over {n_seeds} seeds, jackknife over models"
    estimate = float(_lead(measure_m, table_ms, statistic))
    without_one_m = _lead(measure_m[_others(n_models)], table_ms[_others(n_models)], statistic)
    reason = _why_undefined(estimate, 1.0, n_models) or _why_few(n_models, FEWEST_MODELS_OF_TWO)
    if reason := reason or (_same_for_all(n_models) if np.isnan(without_one_m).any() else None):
        return Interval(estimate, np.nan, np.nan, level, estimand, method, n_models, reason)
    df = n_models - 2.0
    low, high = _limits(estimate, without_one_m, np.asarray, np.asarray, level, df)
    if statistic != "kendall":  # as `correlation_difference`: two correlations are estimated
        wider = np.sqrt(n_models / df)
        low, high = estimate + wider * (low - estimate), estimate + wider * (high - estimate)
    return Interval(estimate, low, high, level, estimand, method, n_models, None, df)


def reliability_of(value_ms: np.ndarray) -> np.ndarray:
    """(...,) reliability of (..., M, S), below 0 where chance has it so; 1 of one seed, NaN if all models are equal."""
    n_models, n_seeds = value_ms.shape[-2:]
    mean_m = value_ms.mean(axis=-1, keepdims=True)
    square_models = n_seeds * mean_m[..., 0].var(axis=-1, ddof=1)
    if n_seeds == 1:
        return np.where(square_models > 0, 1.0, np.nan)
    rest_ms = value_ms - mean_m
    rest_ms = rest_ms - rest_ms.mean(axis=-2, keepdims=True)
    square_rest = (rest_ms**2).sum(axis=(-2, -1)) / ((n_models - 1) * (n_seeds - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = 1 - square_rest / square_models
    return np.where(square_models > 0, found, np.nan)


def _ceiling(first_ms: np.ndarray, second_ms: np.ndarray) -> np.ndarray:
    """(...,) root of the product of both reliabilities, each 0 at least."""
    first, second = (np.maximum(0.0, reliability_of(value_ms)) for value_ms in (first_ms, second_ms))
    ceiling: np.ndarray = np.sqrt(first * second)
    return ceiling


def _lead(measure_m: np.ndarray, value_ms: np.ndarray, statistic: Statistic) -> np.ndarray:
    """As `lead_over_another_seed`, (...,) of (..., M) and (..., M, S)."""
    correlation, n_seeds = CORRELATIONS[statistic], value_ms.shape[-1]
    leads = []
    for s in range(n_seeds):
        others_m = np.delete(value_ms, s, axis=-1).mean(axis=-1)
        leads.append(correlation(measure_m, others_m) - correlation(value_ms[..., s], others_m))
    mean: np.ndarray = np.mean(leads, axis=0)
    return mean


def _limits(
    estimate: float | np.ndarray,
    without_one_m: np.ndarray,
    to: Callable[[np.ndarray], np.ndarray],
    back: Callable[[np.ndarray], np.ndarray],
    level: float,
    df: float | None,
) -> tuple[float, float]:
    """Limits symmetric on a scale, by a jackknife over models there; Student's t, or the normal without `df`."""
    from scipy.stats import t

    error = np.sqrt(to(without_one_m).var() * (len(without_one_m) - 1))
    half = t.ppf((1 + level) / 2, np.inf if df is None else df) * error
    middle = to(np.asarray(estimate))
    return float(back(middle - half)), float(back(middle + half))


def _others(n_models: int) -> np.ndarray:
    """(M, M - 1) the positions of all models but each."""
    return np.array([np.delete(np.arange(n_models), m) for m in range(n_models)])


def _why_few(n_models: int, fewest: int = FEWEST_MODELS) -> str | None:
    if n_models < fewest:
        return f"{n_models} reward models are too few to see how models vary, which takes {fewest}"
    return None


def _why_equal(estimate: float) -> str | None:
    if np.isnan(estimate):
        return "all reward models have the same mean over seeds: there is nothing to be reliable about"
    return None


def _why_no_noise(estimate: float, n_seeds: int) -> str | None:
    if n_seeds < 2:
        return "one policy seed does not show how seeds vary, which takes two"
    if estimate > PERFECT:
        return "policy seeds agree exactly: no noise is seen"
    return None


def _why_undefined(plain: float, ceiling: float, n_models: int) -> str | None:
    """Why there is no estimate: a constant side, or no reliability to divide by."""
    if np.isnan(plain):
        return _same_for_all(n_models)
    return None if ceiling > 0 else NO_CEILING


def _why_no_variation(plain: np.ndarray, ceiling_m: np.ndarray, n_models: int) -> str | None:
    """Why there is no interval. plain: the correlation and, as ceiling_m, those without one model each."""
    if np.isnan(plain).any():
        return _same_for_all(n_models)
    if abs(plain[0]) > PERFECT:
        return f"the {n_models} reward models correlate perfectly: no variation is seen"
    return None if (ceiling_m > 0).all() else NO_CEILING


def _same_for_all(n_models: int) -> str:
    return f"a side is the same for all of {n_models} reward models, or all but one: there is nothing to correlate"


def _table(value_ms: np.ndarray, name: str) -> np.ndarray:
    """The table as float64, or a DataError that names it, the model and the seed."""
    table_ms = np.asarray(value_ms, dtype=np.float64)
    if table_ms.ndim != 2 or table_ms.shape[0] < 3 or not table_ms.shape[1]:
        raise DataError(f"{name} {table_ms.shape}: it must be (models, seeds), 3 models or more")
    if len(bad := np.argwhere(~np.isfinite(table_ms))):
        model, seed = (int(axis) for axis in bad[0])
        raise DataError(f"{name}[{model}, {seed}] is {table_ms[model, seed]}; every model needs a value in every seed")
    return table_ms


def _pair_of_tables(first_ms: np.ndarray, second_ms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first_ms, second_ms = _table(first_ms, "first_ms"), _table(second_ms, "second_ms")
    if len(first_ms) != len(second_ms):
        raise DataError(f"first_ms {first_ms.shape} and second_ms {second_ms.shape}: they must have the same models")
    return first_ms, second_ms


Link = Callable[[np.ndarray], np.ndarray]

# To Pearson's correlation under a bivariate normal law, and back.
LINKS: dict[str, tuple[Link, Link]] = {
    "kendall": (lambda tau: np.sin(np.pi * tau / 2), lambda r: 2 / np.pi * np.arcsin(r)),
    "spearman": (lambda rho: 2 * np.sin(np.pi * rho / 6), lambda r: 6 / np.pi * np.arcsin(r / 2)),
    "pearson": (np.asarray, np.asarray),
}
