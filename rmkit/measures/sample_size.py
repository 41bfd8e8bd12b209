"""How surely a test set tells an accuracy: what a budget buys by design, and the pairs that a difference takes.

Closed forms: for normal gold and proxy of one correlation within every prompt (bivariate_normal.py), and for two reward
models on the same pairs. Knows numbers alone. Sources: McNemar 1947; Connor, Biometrics 1987 (sample size of the paired
test).
"""

import numpy as np
from scipy.special import ndtr, ndtri

from rmkit.errors import DataError
from rmkit.measures.bivariate_normal import accuracy_variance

COSTS = {"comparison": lambda n_responses: n_responses * (n_responses - 1) / 2, "response": float}


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


def _chance(value: float, name: str) -> float:
    if not 0 <= value <= 1:
        raise DataError(f"{name}: {value}; it lies between 0 and 1")
    return value
