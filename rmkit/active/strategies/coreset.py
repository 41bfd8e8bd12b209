"""A coreset of a logistic regression: pairs are drawn by how much they can matter to its loss.

Looks at features only. A pair's sensitivity is bounded by its distances to the centres of a k-means clustering
(Huggins, Campbell & Broderick 2016); pairs are drawn in proportion to it, without replacement. A pair has no order, so
x and -x are clustered alike, and distances are in units of their median, because the bound depends on the scale. The
released rule is coreset_published.py.
"""

from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import kmeans2
from scipy.spatial.distance import cdist

from rmkit.active.candidates import Candidates

N_CENTRES = 10
SMALLEST = 1e-130  # a number whose differences, down to its last bits, still have squares above 0


@dataclass(frozen=True, kw_only=True)
class Coreset:
    """Pairs drawn in proportion to their sensitivities, each once."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`; the first were drawn first."""
        candidates.request(n_pairs)
        feature_md = candidates.feature_md.astype(np.float64)
        sensitivity_m = sensitivities(np.concatenate([feature_md, -feature_md]), rng, radius=None)[: len(feature_md)]
        key_m = np.log(rng.random(len(feature_md))) / sensitivity_m  # the largest keys are a draw without replacement
        return np.argsort(-key_m, kind="stable")[:n_pairs].astype(np.int64)


def sensitivities(feature_md: np.ndarray, rng: np.random.Generator, *, radius: float | None) -> np.ndarray:
    """(M,) N / (1 + sum_c |C_c| exp(-R |x - c|) - exp(-R |x - c(x)|)) of N points in at most ten clusters.

    radius: R; None: 1 over the median distance of a point to its centre, so that the scale of features does not matter.
    """
    feature_md, exponent = _in_reach(feature_md)
    radius = None if radius is None else float(np.ldexp(radius, exponent))
    n_centres = min(N_CENTRES, len(np.unique(feature_md, axis=0)))
    centre_cd, place_m = kmeans2(feature_md, n_centres, iter=1, minit="++", rng=rng)
    distance_mc = cdist(feature_md, centre_cd)
    own_m = distance_mc[np.arange(len(feature_md)), place_m]
    if radius is None:
        radius = 1 / max(float(np.median(own_m)), 1e-300) if own_m.any() else 1.0
    size_c = np.bincount(place_m, minlength=len(centre_cd))
    others_m = np.exp(-radius * distance_mc) @ size_c - np.exp(-radius * own_m)
    found: np.ndarray = len(feature_md) / (1 + others_m)
    return found


def _in_reach(feature_md: np.ndarray) -> tuple[np.ndarray, int]:
    """The points over 2^e, and e: 0 but for points whose squared distances float64 could not hold.

    What is so small beside the largest number that the square of its differences would be 0 counts as 0: points that
    differ in nothing else are one.
    """
    largest = float(np.abs(feature_md).max(initial=0.0))
    exponent = int(np.frexp(largest)[1]) if largest < SMALLEST else 0
    scaled_md = np.ldexp(feature_md, -exponent)
    return np.where(np.abs(scaled_md) < SMALLEST * float(np.ldexp(largest, -exponent)), 0.0, scaled_md), exponent
