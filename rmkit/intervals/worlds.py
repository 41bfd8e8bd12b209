"""The interval of a mean over worlds, each with seeds and prompts of its own: for new worlds, or for these alone.

For new worlds, worlds are the units: a world's mean over its seeds and prompts is one number, independent of the
others', and holds what its seeds and prompts add by chance. So Student's t over worlds needs no estimate of the parts.
What each world's own interval says of its error tells how much of the spread is between worlds. For new seeds and
prompts in these worlds, how worlds differ does not count: the error of the mean is that of W independent estimates,
each as sure as its own seeds and prompts make it. Knows arrays of numbers: not what a world is, nor what was measured.
Sources: Student 1908; Satterthwaite, Biometrics 1946; DerSimonian & Laird, Controlled Clinical Trials 1986 (tau).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rmkit.errors import DataError
from rmkit.intervals.means import Interval, t_over_seeds, variance_of_crossed_mean, why_no_table

NEW_WORLDS = "new worlds, new seeds, new prompts"
THESE_WORLDS = "new seeds, new prompts, these worlds"
FEWEST_WORLDS = 5  # with fewer an interval is wider than most effects, and an odd world makes it wrong


@dataclass(frozen=True)
class WorldEffect:
    """What one world's seeds and prompts say of an effect, or the reason why they say nothing of its error."""

    estimate: float
    variance: float  # of the estimate's error
    df: float  # degrees of freedom behind the variance
    reason: str | None = None  # why there is no variance, else None


@dataclass(frozen=True)
class OverWorlds:
    """An effect over W worlds: its interval, its effect in each, and how far worlds differ."""

    interval: Interval
    effect_w: np.ndarray  # (W,) float64, a world's mean over its seeds and prompts
    tau: float  # s.d. between worlds, what seeds and prompts add taken off; NaN where that is not known
    same_sign: float  # the share of worlds whose effect has the sign of the mean over worlds


def over_worlds(tables: Sequence[np.ndarray], *, level: float = 0.95, estimand: str = NEW_WORLDS) -> OverWorlds:
    """The mean over W worlds of what S seeds crossed with P prompts measured in each, for new worlds.

    tables: (S, P) a world, of any sizes, finite, or NaN where a seed did not evaluate a prompt: that prompt is left out
    of its world. For a paired difference hand over tables of differences. Every world counts alike, whatever its size.
    Fewer than 5 worlds, or equal effects, have a reason and no interval. DataError names a world without a number.
    """
    kept = [_complete(np.asarray(table, dtype=np.float64), world) for world, table in enumerate(tables)]
    if not kept:
        raise DataError("tables: there are none; give an (S, P) table for each world")
    effect_w = np.array([table_sp.mean() for table_sp in kept])
    interval = _t_over_worlds(effect_w, level, estimand)
    same_sign = float((np.sign(effect_w) == np.sign(effect_w.mean())).mean())
    return OverWorlds(interval, effect_w, _between(effect_w, kept), same_sign)


def of_table(table_sp: np.ndarray) -> WorldEffect:
    """The mean of a world's (S, P) table without NaN, for new seeds and prompts: two-way random effects."""
    mean = float(table_sp.mean())
    if reason := why_no_table(table_sp):
        return WorldEffect(mean, np.nan, np.nan, reason)
    return WorldEffect(mean, *variance_of_crossed_mean(table_sp))


def over_these_worlds(
    effects: Sequence[WorldEffect], *, level: float = 0.95, estimand: str = THESE_WORLDS, on_log: bool = False
) -> OverWorlds:
    """The mean of W worlds' effects for new seeds and prompts in these worlds, which are independent of each other.

    Every world counts alike. on_log: effects are logarithms of ratios; what comes back are ratios, their geometric
    mean, and tau on the logarithmic scale. A world without a variance gives its reason and there is no interval.
    """
    from scipy.stats import t

    if not effects:
        raise DataError("effects: there are none; give one for each world")
    effect_w, variance_w, df_w = (
        np.array([getattr(one, part) for one in effects]) for part in ("estimate", "variance", "df")
    )
    reasons = [f"of world {world + 1}: {one.reason}" for world, one in enumerate(effects) if one.reason]
    mean, half, df = float(effect_w.mean()), np.nan, None
    if not reasons:
        variance = float(variance_w.sum() / len(effects) ** 2)
        df = float(variance_w.sum() ** 2 / (variance_w**2 / df_w).sum())  # Satterthwaite 1946
        half = float(t.ppf((1 + level) / 2, df) * np.sqrt(variance))
    method, reason = f"mean of {len(effects)} worlds, each with its own error", reasons[0] if reasons else None
    interval = Interval(mean, mean - half, mean + half, level, estimand, method, len(effects), reason, df)
    return _told(interval, effect_w, variance_w, on_log)


def over_new_worlds(
    effects: Sequence[WorldEffect], *, level: float = 0.95, estimand: str = NEW_WORLDS, on_log: bool = False
) -> OverWorlds:
    """As `over_these_worlds`, for new worlds: Student's t over 5 worlds or more, as `over_worlds` has it for tables."""
    effect_w, variance_w = (np.array([getattr(one, part) for one in effects]) for part in ("estimate", "variance"))
    return _told(_t_over_worlds(effect_w, level, estimand), effect_w, variance_w, on_log)


def _told(interval: Interval, effect_w: np.ndarray, variance_w: np.ndarray, on_log: bool) -> OverWorlds:
    """With W worlds' effects, and what they differ by beyond their own errors; ratios where these are logarithms."""
    tau = np.nan
    if len(effect_w) > 1 and np.isfinite(variance_w).all():
        tau = float(np.sqrt(max(0.0, effect_w.var(ddof=1) - variance_w.mean())))
    same_sign = float((np.sign(effect_w) == np.sign(interval.estimate)).mean())
    if on_log:
        low, high, estimate = (float(np.exp(end)) for end in (interval.low, interval.high, interval.estimate))
        interval, effect_w = replace(interval, estimate=estimate, low=low, high=high, on_log=True), np.exp(effect_w)
    return OverWorlds(interval, effect_w, tau, same_sign)


def _t_over_worlds(effect_w: np.ndarray, level: float, estimand: str) -> Interval:
    """Student's t over worlds, or the reason why there is none."""
    interval = replace(t_over_seeds(effect_w, level=level, estimand=estimand), method="t over worlds")
    reason = interval.reason and "all worlds gave the same number"
    if len(effect_w) < FEWEST_WORLDS:
        reason = f"{len(effect_w)} worlds are too few to see how worlds vary, which takes {FEWEST_WORLDS}"
    if reason:
        interval = replace(interval, low=np.nan, high=np.nan, reason=reason, df=None)
    return interval


def _complete(table_sp: np.ndarray, world: int) -> np.ndarray:
    """A world's prompts that all of its seeds evaluated, or a DataError that names the world."""
    if table_sp.ndim != 2 or np.isinf(table_sp).any():
        raise DataError(f"tables[{world}]: {table_sp.shape}; it must be (S, P) numbers, finite or NaN, a row a seed")
    kept_sp = table_sp[:, ~np.isnan(table_sp).any(axis=0)]
    if not kept_sp.size:
        raise DataError(f"tables[{world}]: no prompt has a value for every seed")
    return kept_sp


def _between(effect_w: np.ndarray, tables: Sequence[np.ndarray]) -> float:
    """The standard deviation between worlds, what their own seeds and prompts add taken off."""
    if len(effect_w) < 2 or any(min(table_sp.shape) < 2 for table_sp in tables):
        return float("nan")
    with np.errstate(invalid="ignore"):  # a world of equal numbers has an error of 0, at no degrees of freedom
        own = np.mean([variance_of_crossed_mean(table_sp)[0] for table_sp in tables])
    return float(np.sqrt(max(0.0, effect_w.var(ddof=1) - own)))
