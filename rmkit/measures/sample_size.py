"""How surely a test set tells an accuracy: what a budget buys by design, and the pairs that a difference takes.

Closed forms: for normal gold and proxy of one correlation within every prompt (bivariate_normal.py), and for two reward
models on the same pairs. Knows numbers alone. Sources: McNemar 1947; Connor, Biometrics 1987 (sample size of the paired
test).
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from rmkit.errors import DataError
from rmkit.measures.bivariate_normal import accuracy_variance

COSTS = {"comparison": lambda n_responses: n_responses * (n_responses - 1) / 2, "response": float}

FURTHEST_GAP = 30.0  # beyond it a pair is right whatever the model: it tells nothing
N_NODES = 200  # of Gauss and Hermite's quadrature


def variance_a_unit(correlation: float, n_responses: int, unit: str) -> float:
    """Budget times variance of the accuracy, paid a comparison or a response: the smaller, the better the design."""
    if unit not in COSTS:
        raise DataError(f"unit: {unit!r} is not one of {', '.join(COSTS)}")
    return COSTS[unit](n_responses) * float(accuracy_variance(correlation, n_responses))


def pairs_for_half_width(accuracy: float, half_width: float, *, level: float = 0.95) -> int:
    """How many independent pairs give one accuracy an interval of this half-width, by the normal law."""
    _chance(accuracy, "accuracy"), _chance(level, "level")
    if not 0 < half_width < 1:
        raise DataError(f"half_width: {half_width}; a share above 0 and below 1")
    return int(np.ceil(accuracy * (1 - accuracy) * (ndtri((1 + level) / 2) / half_width) ** 2))


def pairs_for_difference(difference: float, discordant: float, *, power: float = 0.8, level: float = 0.95) -> int:
    """How many pairs two reward models take until a difference in accuracy is seen with this power (McNemar).

    discordant: the share of pairs that exactly one of the two has right, at least the difference. DataError else.
    """
    if not 0 < abs(difference) <= discordant <= 1:
        raise DataError(
            f"a difference of {difference} with {discordant} of pairs told apart by one model alone: the difference is "
            "not 0 and at most that share, which is at most 1"
        )
    _chance(power, "power"), _chance(level, "level")
    alone, both = np.sqrt(discordant), np.sqrt(discordant - difference**2)
    return int(np.ceil(((ndtri((1 + level) / 2) * alone + ndtri(power) * both) / difference) ** 2))


def detectable_difference(n_pairs: float, discordant: float, *, power: float = 0.8, level: float = 0.95) -> float:
    """The smallest difference in accuracy that so many pairs show with this power: what `pairs_for_difference` inverts.

    NaN where not even the whole discordant share is seen.
    """
    from scipy.optimize import brentq

    if n_pairs < 1 or not 0 < discordant <= 1:
        raise DataError(f"{n_pairs} pairs, a discordant share of {discordant}: give at least 1, and above 0 to 1")
    _chance(power, "power"), _chance(level, "level")
    quantile, reach = ndtri((1 + level) / 2) * np.sqrt(discordant), ndtri(power)

    def missing(difference: float) -> float:
        return quantile + reach * np.sqrt(discordant - difference**2) - difference * np.sqrt(n_pairs)

    return float(brentq(missing, 0.0, discordant)) if missing(discordant) < 0 else float("nan")


def power_of_difference(difference: float, discordant: float, n_pairs: float, *, level: float = 0.95) -> float:
    """The chance that so many pairs show this difference, in its direction: McNemar's test by the normal law."""
    if not abs(difference) <= discordant <= 1 or not discordant > difference**2:
        raise DataError(f"a difference of {difference} and a discordant share of {discordant} do not go together")
    reach = abs(difference) * np.sqrt(n_pairs) - ndtri((1 + level) / 2) * np.sqrt(discordant)
    return float(ndtr(reach / np.sqrt(discordant - difference**2)))


def noise_cost(flip: float) -> float:
    """1 / (1 - 2 flip)^2: as many times the pairs are taken for the same de-noised interval if labels are flipped.

    The de-noised accuracy is (observed - flip) / (1 - 2 flip), so its error is 1 / (1 - 2 flip) times the observed one.
    Exact where half of the labels agree; elsewhere the observed share's own variance grows a little, too.
    """
    if not 0 <= flip < 0.5:
        raise DataError(f"flip: {flip}; from 0 to below 0.5, or labels say nothing")
    return 1 / (1 - 2 * flip) ** 2


def information_at_gap(gap: ArrayLike, flip: float = 0.0) -> np.ndarray:
    """Fisher's information of one labelled pair about the log of a model's noise: how well it tells models apart.

    gap: u, the two responses' difference in gold in units of sqrt(2) sd(z), so that a model with this noise has the
    pair right with chance Phi(u). A label is flipped with chance `flip`: p = (1 - 2 flip) Phi(u) + flip, and

        ((1 - 2 flip) u phi(u))^2 / (p (1 - p))
    """
    noise_cost(flip)  # refuses what is no flip
    gap = np.abs(np.asarray(gap, dtype=np.float64))
    kept = 1 - 2 * flip
    right, wrong = kept * ndtr(gap) + flip, kept * ndtr(-gap) + flip  # their sum is 1; no difference of near numbers
    slope = kept * gap * np.exp(-(gap**2) / 2) / np.sqrt(2 * np.pi)
    return np.where(gap > FURTHEST_GAP, 0.0, slope**2 / np.maximum(right * wrong, 1e-300))


def informative_gap(flip: float = 0.0) -> float:
    """The gap u that tells models apart best: the largest `information_at_gap`; its chance to be right is Phi(u)."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(lambda gap: -information_at_gap(gap, flip), bounds=(0.1, 5.0), method="bounded",
                            options={"xatol": 1e-9})  # fmt: skip
    return float(found.x)


def random_pair_information(correlation: float, flip: float = 0.0) -> float:
    """The mean `information_at_gap` of two random responses, where gold and score are normal with this correlation.

    Then u is normal with the standard deviation sd(g) / sd(z) = rho / sqrt(1 - rho^2). correlation: above 0, below 1.
    """
    if not 0 < correlation < 1:
        raise DataError(f"a correlation of {correlation}: it must be above 0 and below 1")
    node_n, weight_n = np.polynomial.hermite_e.hermegauss(N_NODES)
    gap_n = correlation / np.sqrt(1 - correlation**2) * node_n
    return float(information_at_gap(gap_n, flip) @ weight_n / weight_n.sum())


def _chance(value: float, name: str) -> float:
    if not 0 <= value <= 1:
        raise DataError(f"{name}: {value}; it lies between 0 and 1")
    return value
