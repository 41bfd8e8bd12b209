"""How many labels one way of choosing them saves beside another: the loser's last score, reached earlier.

A learning curve is the score after each number of labels, for each seed on each prompt. More labels should not hurt, so
a seed's mean curve is made to rise by least squares (pooling neighbours), both curves alike; a running maximum would
credit a curve with its luckiest point. Between two numbers of labels it is a straight line. The curve that ends higher
reaches the other's last score with so many labels; the rest is what it saves, as a share of all:

    saved = 1 - needed / all where the first ends higher,  -(1 - needed / all), with the two swapped, where the second

Swapping the two turns the sign, so that ways which are alike save 0 on average, and no seed is left out because a curve
did not get there: `needed_share` tells that of the first. Knows arrays of numbers. Sources: arXiv 2502.04354 (labels to
a target); Barlow et al. 1972 (isotonic regression, its min-max formula); Shao & Wu 1989 (jackknife that leaves several
out, for what is not smooth).
"""

from collections.abc import Sequence

import numpy as np

from rmkit.errors import DataError
from rmkit.intervals.means import NEW_SEEDS_NEW_PROMPTS, Interval, why_too_few
from rmkit.intervals.populations import PROMPTS_DF, shared_by_seeds, shares_without_a_fifth
from rmkit.intervals.worlds import OverWorlds, WorldEffect, over_new_worlds, over_these_worlds

METHOD = "labels saved in each seed, t over seeds, jackknife over sets of prompts"
N_SETS = 200


def risen(curve_bc: np.ndarray) -> np.ndarray:
    """(..., C) the nearest curves in least squares that nowhere fall.

    At i it is the max over a <= i of the min over b >= i of the mean from a to b.
    """
    n_counts = curve_bc.shape[-1]
    sum_bc = np.concatenate([np.zeros((*curve_bc.shape[:-1], 1)), np.cumsum(curve_bc, axis=-1)], axis=-1)
    found_bc = np.full(curve_bc.shape, -np.inf)
    for a in range(n_counts):
        lengths = np.arange(1, n_counts - a + 1)
        mean_bc = (sum_bc[..., a + 1 :] - sum_bc[..., [a]]) / lengths  # from a to each b
        least_bc = np.minimum.accumulate(mean_bc[..., ::-1], axis=-1)[..., ::-1]
        found_bc[..., a:] = np.maximum(found_bc[..., a:], least_bc)
    return found_bc


def labels_to_reach(curve_bc: np.ndarray, count_c: np.ndarray, target_b: np.ndarray) -> np.ndarray:
    """(...,) how many labels a rising curve (..., C) needs to reach a target; inf where it does not get there.

    count_c: (C,) ascending. The first number where the curve is there already, else on the line between two.
    """
    there_bc = curve_bc >= target_b[..., None]
    place_b = there_bc.argmax(axis=-1)
    before_b = np.maximum(place_b - 1, 0)
    high_b, low_b = (np.take_along_axis(curve_bc, at[..., None], -1)[..., 0] for at in (place_b, before_b))
    share_b = np.divide(target_b - low_b, high_b - low_b, out=np.zeros(target_b.shape), where=high_b > low_b)
    reached_b = count_c[before_b] + share_b * (count_c[place_b] - count_c[before_b])
    return np.where(there_bc.any(axis=-1), reached_b, np.inf)


def needed_share(first_bc: np.ndarray, second_bc: np.ndarray, count_c: np.ndarray) -> np.ndarray:
    """(...,) the labels that the first curve needs to reach the second's last score, as a share of all; inf: more."""
    first_bc, second_bc = risen(first_bc), risen(second_bc)
    return labels_to_reach(first_bc, count_c, second_bc[..., -1]) / count_c[-1]


def saved_share(first_bc: np.ndarray, second_bc: np.ndarray, count_c: np.ndarray) -> np.ndarray:
    """(...,) in -1 to 1: the share of labels saved, above 0 where the first curve ends higher; 0 for equal curves."""
    ahead_b, behind_b = (
        np.where(np.isfinite(needed_b), 1 - needed_b, 0.0)  # which ends lower saves nothing
        for needed_b in (needed_share(first_bc, second_bc, count_c), needed_share(second_bc, first_bc, count_c))
    )
    both_b = risen(first_bc)[..., -1] == risen(second_bc)[..., -1]
    return np.where(both_b, 0.5, 1.0) * (ahead_b - behind_b)


def labels_saved(
    first_scp: np.ndarray,
    second_scp: np.ndarray,
    count_c: np.ndarray,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    estimand: str = NEW_SEEDS_NEW_PROMPTS,
) -> Interval:
    """The mean over S seeds of the share of labels saved, for new seeds and new prompts.

    first_scp, second_scp: (S, C, P) finite, scores after each of C numbers of labels on P prompts, paired. count_c:
    (C,) ascending above 0. Fewer than 5 seeds or 20 prompts, or the same saving in all seeds, have a reason instead.
    """
    from scipy.stats import t

    one = saving_of_world(first_scp, second_scp, count_c, rng=rng)
    n_seeds = len(first_scp)
    if one.reason:
        return Interval(one.estimate, np.nan, np.nan, level, estimand, METHOD, n_seeds, one.reason)
    half = float(t.ppf((1 + level) / 2, one.df) * np.sqrt(one.variance))
    return Interval(
        one.estimate, one.estimate - half, one.estimate + half, level, estimand, METHOD, n_seeds, None, one.df
    )


def labels_saved_over_worlds(
    worlds: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    new_worlds: bool = False,
) -> OverWorlds:
    """The mean over worlds of what `labels_saved` is in each; worlds: (first_scp, second_scp, count_c) of each.

    For new seeds and prompts in these worlds, or with `new_worlds` for new worlds, by Student's t over worlds.
    """
    effects = [saving_of_world(*world, rng=rng) for world in worlds]
    over = over_new_worlds if new_worlds else over_these_worlds
    return over(effects, level=level)


def saving_of_world(
    first_scp: np.ndarray, second_scp: np.ndarray, count_c: np.ndarray, *, rng: np.random.Generator
) -> WorldEffect:
    """One world's mean saving, the variance of its error and the degrees of freedom, or why there is none."""
    first_scp, second_scp, count_c = _checked(first_scp, second_scp, count_c)
    n_seeds, _, n_prompts = first_scp.shape
    saved_s = saved_share(first_scp.mean(axis=2), second_scp.mean(axis=2), count_c)
    mean = float(saved_s.mean())
    reason = why_too_few(n_seeds, n_prompts)
    if not reason and np.ptp(saved_s) == 0 and mean == 0:
        reason = "no seed saved any label: no variation is seen"
    if reason:
        return WorldEffect(mean, np.nan, np.nan, reason)
    if np.ptp(saved_s) == 0:
        return WorldEffect(mean, variance_of_unanimous(mean, n_seeds), n_seeds - 1.0)
    shares_bp = shares_without_a_fifth(rng, n_prompts, N_SETS)
    first_bsc, second_bsc = (np.einsum("scp,bp->bsc", table, shares_bp) for table in (first_scp, second_scp))
    of_seeds = float(saved_s.var(ddof=1) / n_seeds)
    of_prompts = shared_by_seeds(saved_share(first_bsc, second_bsc, count_c), n_prompts)
    variance = of_seeds + of_prompts
    spread = of_seeds**2 / (n_seeds - 1) + of_prompts**2 / PROMPTS_DF
    return WorldEffect(mean, variance, variance**2 / spread, None)  # Satterthwaite 1946


def variance_of_unanimous(saved: float, n_seeds: int) -> float:
    """What stands for the variance where all S seeds saved the same, as where the first labels are enough in each.

    Seeds of another kind may be as many as 1 - 0.025^(1/S) of all (Clopper & Pearson 1934) and save -1 at worst: half
    the width of a 95% interval is then that share times 1 + |saved|.
    """
    from scipy.stats import t

    unseen = 1 - 0.025 ** (1 / n_seeds)
    return float((unseen * (1 + abs(saved)) / t.ppf(0.975, n_seeds - 1)) ** 2)


def _checked(
    first_scp: np.ndarray, second_scp: np.ndarray, count_c: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The arrays as float64, or a DataError that names their shapes or the numbers of labels."""
    first_scp, second_scp, count_c = (np.asarray(a, dtype=np.float64) for a in (first_scp, second_scp, count_c))
    if first_scp.ndim != 3 or first_scp.shape != second_scp.shape or first_scp.shape[1:2] != count_c.shape:
        shapes = f"first_scp {first_scp.shape}, second_scp {second_scp.shape} and count_c {count_c.shape}"
        raise DataError(f"{shapes}: they must be (S, C, P), the same, and (C,)")
    if not (np.isfinite(first_scp).all() and np.isfinite(second_scp).all()):
        raise DataError(
            "first_scp and second_scp: every seed needs a score of every prompt after each number of labels"
        )
    if len(count_c) < 2 or (np.diff(count_c, prepend=0) <= 0).any():
        raise DataError(f"count_c: {count_c.tolist()}; a curve has two numbers of labels at least, ascending above 0")
    return first_scp, second_scp, count_c
