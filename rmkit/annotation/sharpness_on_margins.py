"""How sharp each annotator is where margins of rewards are known: the slope of Bradley-Terry labels, shrunk.

    P(annotator a prefers the first of a pair) = sigmoid(s_a margin),  s_a ~ Normal(mean, spread^2)

The posterior is exact up to grids: given mean and spread annotators are independent, so each one's likelihood is put on
one grid of s, and mean and spread are summed over. mean ~ Normal(0, 3^2) and spread ~ Rayleigh(1), in units of
1 / root mean square margin, as in `annotator_sharpness`, whose result this has too.

**What can be known.** s and the scale of the margins only as a product: with margins of a fitted, cross-fitted model, s
compares annotators with each other, and a model with large errors makes all of them look dull. Margins that were fitted
on the same labels make all of them look sharp. Signs are known, so a dissenter is seen even alone.

Knows judgements and margins: no truth, no model. Source: Bradley & Terry 1952, with a random effect of the annotator.
"""

from collections.abc import Iterator

import numpy as np
from scipy.special import expit, log_expit

from rmkit.annotation.annotator_sharpness import MEAN_SCALE, SPREAD_SCALE, SPREADS_G, Sharpness
from rmkit.annotation.judgements import Judgements
from rmkit.errors import DataError
from rmkit.intervals.means import check_request

STEPS_OF_ERROR, MOST_STEPS = 2.0, 601  # grid points to the smallest standard error, and at most in all
REACH = 6.0  # standard errors of each annotator that the grid reaches
BLOCK = 2_000_000  # numbers in memory at any one time


def sharpness_on_margins(judgements: Judgements, margin_m: np.ndarray, *, level: float = 0.95) -> Sharpness:
    """The posterior of A annotators as one crowd. margin_m: (M,) first minus second; s is per unit of margin.

    `accuracy_a` is how often they side with the sign of the margin on the pairs that all annotators judged, by the
    posterior; `first_m` is the chance that an annotator with the crowd's mean sharpness prefers the first. DataError
    for a tie, or a margin that is not finite; and if all margins are 0, since they order nothing.
    """
    check_request(level, 1)
    if len(ties := np.flatnonzero(judgements.label_j == 0.5)):
        raise DataError(f"label_j[{ties[0]}] is a tie, which has no side; leave ties out with .decided()")
    margin_m = np.asarray(margin_m, dtype=np.float64)
    if margin_m.shape != (judgements.n_pairs,):
        raise DataError(f"margin_m: shape {margin_m.shape}; it must be ({judgements.n_pairs},), one number a pair")
    if len(bad := np.flatnonzero(~np.isfinite(margin_m))):
        raise DataError(f"margin_m[{bad[0]}] is {margin_m[bad[0]]}; it must be a finite number")
    size_j = np.abs(margin_m[judgements.pair_j])
    largest = float(size_j.max())
    if largest == 0:
        raise DataError("every margin of a judged pair is 0: such margins order nothing")
    unit = largest * float(np.sqrt(np.mean((size_j / largest) ** 2)))
    along_j = (2 * judgements.label_j - 1) * margin_m[judgements.pair_j] / unit
    grid_g = _grid(along_j, judgements)
    likelihood_ag = _likelihoods(along_j, judgements, grid_g)
    posterior_ag, mean_g, spread_h = _summed(likelihood_ag, grid_g)
    ends = ((1 - level) / 2, (1 + level) / 2)
    low_a, high_a = (np.array([_quantile(grid_g, chance_g, end) for chance_g in posterior_ag]) for end in ends)
    agrees_g = np.array([expit(s * size_j / unit).mean() for s in grid_g])
    mean_3 = [float(mean_g @ grid_g), *(_quantile(grid_g, mean_g, end) for end in ends)]
    spread_3 = [float(spread_h @ SPREADS_G), *(_quantile(SPREADS_G, spread_h, end) for end in ends)]
    return Sharpness(
        sharpness_a=posterior_ag @ grid_g / unit,
        low_a=low_a / unit,
        high_a=high_a / unit,
        accuracy_a=posterior_ag @ agrees_g,
        judged_a=np.bincount(judgements.annotator_j),
        mean_c3=np.array([mean_3]) / unit,
        spread_c3=np.array([spread_3]) / unit,
        first_m=expit(mean_3[0] * margin_m / unit),
        level=level,
    )


def _grid(along_j: np.ndarray, judgements: Judgements) -> np.ndarray:
    """(G,) values of s that hold what any annotator may be: those that a wide normal prior leaves, and the mean's."""
    annotator_j, n_annotators = judgements.annotator_j, judgements.n_annotators
    s_a, precision = np.zeros(n_annotators), MEAN_SCALE**-2
    for _ in range(30):
        chance_j = expit(s_a[annotator_j] * along_j)
        slope_a = np.bincount(annotator_j, weights=along_j * (1 - chance_j)) - precision * s_a
        curvature_a = np.bincount(annotator_j, weights=along_j**2 * chance_j * (1 - chance_j)) + precision
        s_a = s_a + np.clip(slope_a / curvature_a, -1.0, 1.0)
    error_a = 1 / np.sqrt(curvature_a)
    beyond = 3 * SPREAD_SCALE / np.sqrt(n_annotators)  # the mean of a few may lie far from all of them
    low, high = float((s_a - REACH * error_a).min()) - beyond, float((s_a + REACH * error_a).max()) + beyond
    n_steps = int(np.clip((high - low) / error_a.min() * STEPS_OF_ERROR, 121, MOST_STEPS))
    return np.linspace(low, high, n_steps)


def _likelihoods(along_j: np.ndarray, judgements: Judgements, grid_g: np.ndarray) -> np.ndarray:
    """(A, G): each annotator's likelihood on the grid, 1 at its largest."""
    order_j = np.argsort(judgements.annotator_j, kind="stable")
    log_ag = np.zeros((judgements.n_annotators, len(grid_g)))
    step = max(1, BLOCK // len(grid_g))
    for start in range(0, len(order_j), step):
        some_j = order_j[start : start + step]
        who_a, first_a = np.unique(judgements.annotator_j[some_j], return_index=True)
        log_ag[who_a] += np.add.reduceat(log_expit(np.outer(along_j[some_j], grid_g)), first_a, axis=0)
    return np.exp(log_ag - log_ag.max(axis=1, keepdims=True))


def _summed(likelihood_ag: np.ndarray, grid_g: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(A, G) posteriors of s, (G,) of the mean on the same grid, (H,) of the spread; each adds up to 1."""
    log_hm = np.empty((len(SPREADS_G), len(grid_g)))
    for h, (_, evidence_am) in enumerate(_by_spread(likelihood_ag, grid_g)):
        log_hm[h] = np.log(evidence_am).sum(axis=0) - (grid_g / MEAN_SCALE) ** 2 / 2
    # Rayleigh, and the widths of a grid that is even in logarithms
    log_hm += (2 * np.log(SPREADS_G) - (SPREADS_G / SPREAD_SCALE) ** 2 / 2)[:, None]
    weight_hm = np.exp(log_hm - log_hm.max())
    weight_hm /= weight_hm.sum()
    posterior_ag = np.zeros_like(likelihood_ag)
    for weight_m, (normal_mg, evidence_am) in zip(weight_hm, _by_spread(likelihood_ag, grid_g), strict=True):
        posterior_ag += likelihood_ag * ((weight_m / evidence_am) @ normal_mg)
    return posterior_ag / posterior_ag.sum(axis=1, keepdims=True), weight_hm.sum(axis=0), weight_hm.sum(axis=1)


def _by_spread(likelihood_ag: np.ndarray, grid_g: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each spread: (G, G) normal weights of s, a row a mean, and (A, G) the evidence of each mean."""
    apart_mg, step = np.abs(grid_g - grid_g[:, None]), grid_g[1] - grid_g[0]
    for spread in SPREADS_G:
        # over an endless grid the weights add up to 1, so that what lies beyond this one is lost and not pushed in
        reached = step * np.arange(int(10 * spread / step) + 1)
        whole = 2 * np.exp(-((reached / spread) ** 2) / 2).sum() - 1
        normal_mg = np.exp(-((apart_mg / spread) ** 2) / 2) / whole
        yield normal_mg, np.maximum(likelihood_ag @ normal_mg.T, np.finfo(np.float64).tiny)


def _quantile(value_g: np.ndarray, chance_g: np.ndarray, end: float) -> float:
    """Where the chances up to a value, half of its own included, reach `end`."""
    return float(np.interp(end, np.cumsum(chance_g) - chance_g / 2, value_g))
