"""How many pairs a linear reward model has in the wrong order, by its own account, and how many after more labels.

A pair's margin is normal under a Laplace approximation, with mean mu and standard deviation s. The model orders the
pair by the sign of mu, which is wrong with probability

    P(wrong) = Phi(-|mu| / s)                                                         (1)

Labels of other pairs shrink s to s', whatever they say. The mean that they will leave is not known yet: before they
are given it is normal about mu, with variance d^2 = s^2 - s'^2. Over both, the model's later sign is wrong with
probability

    E P(wrong after) = 2 T(|mu| / s, s' / d),   T: Owen's function                    (2)

(two normal variables of correlation d / s whose means are in the ratio of their deviations; the bivariate normal
probability of different signs is then a single T). It equals (1) where labels tell nothing (d = 0), is 0 where they
tell all (s' = 0), and is never above (1).

Knows means and variances. Sources: Owen 1956 for T; the preposterior analysis of Raiffa & Schlaifer 1961; (2) is ours.
"""

import numpy as np
from scipy.special import ndtr, owens_t

from rmkit.errors import DataError


def chance_of_wrong_order(mean_m: np.ndarray, variance_m: np.ndarray) -> np.ndarray:
    """(M,) (1): 1/2 where the mean is 0, 0 where the variance is 0 and the mean is not. DataError as `_checked`."""
    mean_m, sd_m = _checked(mean_m, variance_m, variance_m)[:2]
    return np.where(mean_m == 0, 0.5, ndtr(-np.abs(_ratio(mean_m, sd_m))))


def expected_chance_after(mean_m: np.ndarray, variance_m: np.ndarray, later_m: np.ndarray) -> np.ndarray:
    """(M,) (2). later_m: (M,) the margins' variances after the labels, at most variance_m; DataError otherwise."""
    mean_m, sd_m, later_sd_m = _checked(mean_m, variance_m, later_m)
    told_m = np.sqrt(np.maximum(sd_m**2 - later_sd_m**2, 0))
    found_m = 2 * owens_t(np.abs(_ratio(mean_m, sd_m)), _ratio(later_sd_m, told_m))
    return np.where(told_m == 0, chance_of_wrong_order(mean_m, variance_m), found_m)


def _ratio(above_m: np.ndarray, below_m: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(above_m == 0, 0.0, above_m / below_m)


def _checked(mean_m: np.ndarray, variance_m: np.ndarray, later_m: np.ndarray) -> tuple[np.ndarray, ...]:
    """Means and standard deviations as float64, or DataError with the first row that cannot be."""
    mean_m, variance_m, later_m = (np.asarray(value, np.float64) for value in (mean_m, variance_m, later_m))
    if not mean_m.shape == variance_m.shape == later_m.shape:
        raise DataError(f"margins: {mean_m.shape}, {variance_m.shape} and {later_m.shape} differ; give one of each")
    slack_m = variance_m * (1 + 1e-9)  # rounding of two inverses
    wrong_m = ~(np.isfinite(mean_m) & np.isfinite(variance_m) & (later_m >= 0) & (later_m <= slack_m))
    if wrong_m.any():
        row = int(np.argmax(wrong_m))
        found = f"mean {mean_m[row]}, variance {variance_m[row]} and {later_m[row]} after the labels"
        raise DataError(f"margins, row {row}: {found}; variances are finite, not below 0, and do not grow")
    return mean_m, np.sqrt(variance_m), np.sqrt(np.minimum(later_m, variance_m))
