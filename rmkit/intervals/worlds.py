"""The interval of a mean over worlds, for new worlds: each with seeds and prompts of its own.

Worlds are the units: a world's mean over its seeds and prompts is one number, independent of the others', and holds
what its seeds and prompts add by chance. So Student's t over worlds needs no estimate of the parts. What each world's
own interval says of its error tells how much of the spread is between worlds. Knows arrays of numbers: not what a world
is, nor what was measured. Sources: Student 1908; DerSimonian & Laird, Controlled Clinical Trials 1986 (tau).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rmkit.errors import DataError
from rmkit.intervals.means import Interval, t_over_seeds, variance_of_crossed_mean

NEW_WORLDS = "new worlds, new seeds, new prompts"
FEWEST_WORLDS = 5  # with fewer an interval is wider than most effects, and an odd world makes it wrong


@dataclass(frozen=True)
class OverWorlds:
    """An effect over W worlds: its interval for new worlds, its effect in each, and how far worlds differ."""

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
    interval = replace(t_over_seeds(effect_w, level=level, estimand=estimand), method="t over worlds")
    reason = interval.reason and "all worlds gave the same number"
    if len(effect_w) < FEWEST_WORLDS:
        reason = f"{len(effect_w)} worlds are too few to see how worlds vary, which takes {FEWEST_WORLDS}"
    if reason:
        interval = replace(interval, low=np.nan, high=np.nan, reason=reason, df=None)
    same_sign = float((np.sign(effect_w) == np.sign(effect_w.mean())).mean())
    return OverWorlds(interval, effect_w, _between(effect_w, kept), same_sign)


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
