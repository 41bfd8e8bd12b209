"""Many correlations over the same reward models, replicated together, so that whatever is made of them has an interval.

A correlation is between what M models measure on P prompts and what their policies earn on Q others. It is computed
again without each model, on prompts drawn again, and with noise of each model's own; the same for all measures and
outcomes. A difference, a slope or a spread of several correlations is then computed in each replicate, and its error is
as in correlations.py: a jackknife over models, and what prompts do to many models at once (Owen 2007). For one
correlation the two agree up to the resampling. Knows tables of numbers, models by prompts. Sources: Fisher 1921 (z);
Efron & Stein, Annals of Statistics 1981 (jackknife); Owen, Annals of Applied Statistics 2007.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError
from rmkit.intervals.correlations import (
    DIFFERENCE,
    FEWEST_MODELS,
    HIGHEST,
    NEW_MODELS_NEW_PROMPTS,
    PERFECT,
    Statistic,
)
from rmkit.intervals.means import FEWEST_PROMPTS, Interval

ALIKE = 1e-12  # a spread of replicates below this is rounding
DIGITS = 12  # of means, after the point: shares that are equal stay equal, in whatever order they were added up


@dataclass(frozen=True, eq=False)
class PromptDraws:
    """How P prompts are drawn again, and how each of M models would fare on prompts of its own: B times."""

    share_bp: np.ndarray  # (B, P) each row sums to 1
    normal_mbp: np.ndarray  # (M, B, P) float32, standard normal

    @classmethod
    def of(cls, n_models: int, n_prompts: int, n_resamples: int, rng: np.random.Generator) -> "PromptDraws":
        share_bp = rng.multinomial(n_prompts, np.full(n_prompts, 1 / n_prompts), size=n_resamples) / n_prompts
        return cls(share_bp, rng.standard_normal((n_models, n_resamples, n_prompts), dtype=np.float32))

    def only(self, kept_m: np.ndarray) -> "PromptDraws":
        """Of these models alone."""
        return self if kept_m.all() else PromptDraws(self.share_bp, self.normal_mbp[kept_m])


@dataclass(frozen=True, eq=False)
class Means:
    """Means of M models in T tables: as they are, on prompts drawn again, and with noise of each model's own."""

    full_tm: np.ndarray  # (T, M)
    new_tbm: np.ndarray  # (T, B, M)
    own_tbm: np.ndarray  # (T, B, M)


def means(value_tmp: np.ndarray, draws: PromptDraws) -> Means:
    """Of T tables (T, M, P), NaN where a model has no value on a prompt: its mean is over those that it has."""
    has_tmp = np.isfinite(value_tmp)
    value_tmp, count_tm = np.where(has_tmp, value_tmp, 0.0), has_tmp.sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        full_tm = np.round(value_tmp.sum(axis=2) / count_tm, DIGITS)
        new_tbm = _on_new_prompts(draws.share_bp, value_tmp) / _on_new_prompts(draws.share_bp, has_tmp * 1.0)
        rest_tmp = np.where(has_tmp, value_tmp - full_tm[..., None], 0.0)
        shared_tp = rest_tmp.sum(axis=1) / np.maximum(has_tmp.sum(axis=1), 1)
        rest_tmp = np.where(has_tmp, rest_tmp - shared_tp[:, None], 0.0) / count_tm[..., None]
    noise_mbt = draws.normal_mbp @ rest_tmp.astype(np.float32).transpose(1, 2, 0)
    return Means(full_tm, new_tbm, full_tm[:, None] + noise_mbt.transpose(2, 1, 0))


def _on_new_prompts(share_bp: np.ndarray, value_tmp: np.ndarray) -> np.ndarray:
    """(T, B, M) sums under each resample's shares."""
    return np.matmul(share_bp, value_tmp.transpose(0, 2, 1))


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows (R, T, L) whose products, divided by both lengths (R, T), are correlations of T tables; R replicates."""

    row_rtl: np.ndarray  # float32
    length_rt: np.ndarray


@dataclass(frozen=True, eq=False)
class Forms:
    """What the correlations of T tables are made of, in each kind of replicate."""

    without_one: Rows  # R is M, of M - 1 models each
    new: Rows
    own: Rows


def forms(statistic: Statistic, of: Means) -> Forms:
    """Of T tables' means."""
    n_models = of.full_tm.shape[1]
    others_mm = np.array([np.delete(np.arange(n_models), m) for m in range(n_models)])
    each = of.full_tm[:, others_mm], of.new_tbm, of.own_tbm
    return Forms(*(centred_rows(statistic, value_trm) for value_trm in each))


def centred_rows(statistic: Statistic, value_trm: np.ndarray) -> Rows:
    """For Kendall's tau-b the signs of all pairs, for Spearman's and Pearson's centred ranks and values.

    The length of a row that is constant, or that lacks a value, is NaN.
    """
    from scipy.stats import rankdata

    value_rtm = np.ascontiguousarray(value_trm.transpose(1, 0, 2))
    if statistic == "kendall":
        first_c, second_c = np.triu_indices(value_rtm.shape[-1], 1)
        first, second = (np.take(value_rtm, at_c, axis=-1) for at_c in (first_c, second_c))
        row_rtl = ((first > second).view(np.int8) - (first < second).view(np.int8)).astype(np.float32)
    else:
        row_rtl = rankdata(value_rtm, axis=-1) if statistic == "spearman" else value_rtm
        row_rtl = (row_rtl - row_rtl.mean(axis=-1, keepdims=True)).astype(np.float32)
    length_rt = np.sqrt(np.einsum("rtl,rtl->rt", row_rtl, row_rtl, dtype=np.float64))
    undefined_rt = np.isnan(value_rtm).any(axis=-1) | (np.ptp(value_rtm, axis=-1) == 0)
    return Rows(row_rtl, np.where(undefined_rt, np.nan, length_rt))


@dataclass(frozen=True, eq=False)
class Replicated:
    """A number (or an array of them) and what it is in each replicate, replicates on the last axis."""

    full: np.ndarray  # (...)
    without_one: np.ndarray  # (..., M)
    new: np.ndarray  # (..., B)
    own: np.ndarray  # (..., B)


def correlated(measures: Forms, outcomes: Forms) -> list[np.ndarray]:
    """Correlations of T measures with O outcomes of the same models: (O, T, M) without each, (O, T, B) new, and own."""
    found = []
    for part in ("without_one", "new", "own"):
        of_measures, of_outcomes = getattr(measures, part), getattr(outcomes, part)
        product_rot = of_outcomes.row_rtl @ of_measures.row_rtl.transpose(0, 2, 1)
        length_rot = of_outcomes.length_rt[:, :, None] * of_measures.length_rt[:, None]
        found.append((product_rot / length_rot).transpose(1, 2, 0))
    return found


def combined(function: Callable[[np.ndarray], np.ndarray], of: Sequence[Replicated]) -> Replicated:
    """What a function makes of k numbers, (k, R) to (R,), in each replicate. DataError for another shape."""

    def value(parts: list[np.ndarray]) -> np.ndarray:
        found = np.asarray(function(np.stack(parts)))
        if found.shape != parts[0].shape:
            raise DataError(f"a function of {len(parts)} correlations gives shape {found.shape}; it must give one each")
        return found

    full = value([np.atleast_1d(one.full) for one in of])[0]
    return Replicated(full, *(value([getattr(one, part) for one in of]) for part in ("without_one", "new", "own")))


def correlation_interval(
    of: Replicated, statistic: Statistic, *, n_prompts: int, level: float = 0.95, intervals: int = 1
) -> Interval:
    """Of one correlation, symmetric in Fisher's z; for new models and new prompts.

    n_prompts: the fewer of the two halves. intervals: how many are to hold at once, by Bonferroni's share of the level.
    Fewer than 15 models or 20 prompts, a correlation that is undefined or perfect have a reason and no interval.
    """
    from scipy.stats import norm, t

    estimate, n_models = float(of.full), len(of.without_one)
    resamples = len(of.new)
    method = f"{statistic} on Fisher's z, jackknife over models, {resamples} resamples of prompts"
    perfect = "the reward models correlate perfectly: no variation is seen" if abs(estimate) > PERFECT else None
    if reason := _why_none(estimate, n_models, n_prompts) or perfect:
        return Interval(estimate, np.nan, np.nan, level, NEW_MODELS_NEW_PROMPTS, method, n_models, reason)
    most = HIGHEST[statistic](n_models)
    z = [np.arctanh(np.clip(part, -most, most)) for part in (of.without_one, of.new, of.own)]
    curve, df = (t(n_models - 2), n_models - 2.0) if statistic == "pearson" else (norm, None)
    half = curve.ppf(1 - (1 - level) / 2 / intervals) * np.sqrt(_variance(*z))
    low, high = np.tanh(np.arctanh(estimate) + np.array([-half, half]))
    ends = float(low), float(high)
    return Interval(estimate, *ends, level, NEW_MODELS_NEW_PROMPTS, method, n_models, None, df, on_z=True)


def value_interval(of: Replicated, *, n_prompts: int, level: float = 0.95, intervals: int = 1) -> Interval:
    """Of a difference, a slope or a spread of correlations: symmetric, by Student's t with M - 2 degrees of freedom.

    Fewer than 20 models or 20 prompts have a reason and no interval; a value that no replicate changes has none either.
    """
    from scipy.stats import t

    estimate, n_models = float(of.full), len(of.without_one)
    method = f"jackknife over models, {len(of.new)} resamples of prompts"
    reason, variance = _why_none(estimate, n_models, n_prompts, *DIFFERENCE), 0.0
    if reason is None and not (variance := _variance(of.without_one, of.new, of.own)) > ALIKE**2:
        reason = f"without any one of {n_models} reward models the value is the same: no variation is seen"
    if reason:
        return Interval(estimate, np.nan, np.nan, level, NEW_MODELS_NEW_PROMPTS, method, n_models, reason)
    half = float(t.ppf(1 - (1 - level) / 2 / intervals, n_models - 2) * np.sqrt(variance))
    ends = estimate - half, estimate + half
    return Interval(estimate, *ends, level, NEW_MODELS_NEW_PROMPTS, method, n_models, None, n_models - 2.0)


def _variance(without_one_m: np.ndarray, new_b: np.ndarray, own_b: np.ndarray) -> float:
    """The jackknife's, plus what prompts do to many models at once; below zero that counts as none."""
    shared = np.nanvar(new_b, ddof=1) - np.nanvar(own_b, ddof=1)
    return float(np.nanvar(without_one_m) * (len(without_one_m) - 1) + max(0.0, float(shared)))


def _why_none(
    estimate: float, n_models: int, n_prompts: int, what: str = "a correlation", fewest: int = FEWEST_MODELS
) -> str | None:
    if not np.isfinite(estimate):
        return f"a mean is the same for all {n_models} reward models: there is nothing to correlate"
    if n_models < fewest:
        return f"{n_models} reward models are too few for {what} over them, which takes {fewest}"
    if n_prompts < FEWEST_PROMPTS:
        return f"{n_prompts} prompts are too few to see how prompts vary, which takes {FEWEST_PROMPTS}"
    return None
