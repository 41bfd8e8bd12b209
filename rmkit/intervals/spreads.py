"""The ratio of two standard deviations over seeds, paired: is one of two ways steadier than the other?

Each seed gives one number of either way, and the two may go together, since seeds share what they draw. Under a
bivariate normal law the interval is exact. It is that of the test of Pitman and Morgan: two variances are equal where
the sum and the difference of the standardised numbers do not correlate. With S seeds, sample correlation r, and l and L
the logarithms of the sample's ratio and of the true one,

    sinh(l - L) sqrt((S - 2) / (1 - r^2))   has Student's t law with S - 2 degrees of freedom.

Long tails make it too short, as any interval of a variance. Knows arrays of numbers. Sources: Pitman, Biometrika 1939;
Morgan, Biometrika 1939; Snedecor & Cochran, Statistical Methods, section 10.8 (its interval).
"""

from collections.abc import Sequence

import numpy as np

from rmkit.errors import DataError
from rmkit.intervals.means import FEWEST_SEEDS, Interval
from rmkit.intervals.worlds import OverWorlds, WorldEffect, over_new_worlds, over_these_worlds

NEW_SEEDS_THESE_PROMPTS = "new seeds, these prompts"
METHOD = "ratio of standard deviations, Pitman–Morgan"
ALIKE = 1 - 1e-12  # a correlation beyond which two ways differ by a factor alone


def spread_ratio(
    first_s: np.ndarray, second_s: np.ndarray, *, level: float = 0.95, estimand: str = NEW_SEEDS_THESE_PROMPTS
) -> Interval:
    """The first way's standard deviation over seeds as a multiple of the second's; limits are symmetric on a log scale.

    first_s, second_s: (S,) finite, one number a seed, paired. Fewer than 5 seeds, or numbers that do not vary or go
    together perfectly, have a reason and no interval.
    """
    from scipy.stats import t

    one = spread_of_world(first_s, second_s)
    ratio, n_seeds = float(np.exp(one.estimate)), len(first_s)
    if one.reason:
        return Interval(ratio, np.nan, np.nan, level, estimand, METHOD, n_seeds, one.reason, on_log=True)
    half = np.arcsinh(t.ppf((1 + level) / 2, one.df) * np.sqrt(one.variance))
    low, high = ratio * np.exp([-half, half])
    return Interval(ratio, float(low), float(high), level, estimand, METHOD, n_seeds, None, one.df, on_log=True)


def spread_ratio_over_worlds(
    first_ws: Sequence[np.ndarray],
    second_ws: Sequence[np.ndarray],
    *,
    level: float = 0.95,
    new_worlds: bool = False,
) -> OverWorlds:
    """The geometric mean of the ratios of W worlds, each with seeds of its own, as `spread_ratio` has it in each.

    For new seeds in these worlds, or with `new_worlds` for new worlds, by Student's t over worlds.
    """
    effects = [spread_of_world(first_s, second_s) for first_s, second_s in zip(first_ws, second_ws, strict=True)]
    if new_worlds:
        return over_new_worlds(effects, level=level, on_log=True)
    return over_these_worlds(effects, level=level, estimand=f"{NEW_SEEDS_THESE_PROMPTS}, these worlds", on_log=True)


def spread_of_world(first_s: np.ndarray, second_s: np.ndarray) -> WorldEffect:
    """The logarithm of one world's ratio, its error's variance and degrees of freedom, or why there is none."""
    first_s, second_s = (np.asarray(one_s, dtype=np.float64) for one_s in (first_s, second_s))
    if first_s.ndim != 1 or first_s.shape != second_s.shape or not np.isfinite([first_s, second_s]).all():
        shapes = f"first_s {first_s.shape} and second_s {second_s.shape}"
        raise DataError(f"{shapes}: they must be finite, one number a seed, of the same seeds")
    n_seeds = len(first_s)
    if n_seeds < 2 or not np.ptp(first_s) or not np.ptp(second_s):
        same = "all seeds gave the same number: no spread to compare"
        return WorldEffect(np.nan, np.nan, np.nan, "a spread needs two seeds" if n_seeds < 2 else same)
    estimate = float(np.log(first_s.std(ddof=1) / second_s.std(ddof=1)))
    correlation = float(np.corrcoef(first_s, second_s)[0, 1])
    reason: str | None = None
    if n_seeds < FEWEST_SEEDS:
        reason = f"{n_seeds} seeds are too few to see how seeds vary, which takes {FEWEST_SEEDS}"
    elif abs(correlation) > ALIKE:
        reason = "the two ways go together perfectly over seeds: no variation is seen"
    return WorldEffect(estimate, (1 - correlation**2) / max(n_seeds - 2, 1), n_seeds - 2.0, reason)
