"""What measures of order expect where score and gold of a prompt's responses are bivariate normal: closed forms.

The score is gold and independent noise, r = g + z, or any two normal variables with correlation rho; responses are
independent draws. Everything follows from rho, and accuracy and rho are one number told twice. Knows numbers only.
Sources: Sheppard 1899 (two orthants); Kendall & Gibbons 1990, ch. 9 to 10, and Moran 1948 (rank correlations of normal
samples); arXiv 2410.05584, section 4.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from rmkit.errors import DataError


def correlation_with_noise(gold_sd: ArrayLike, noise_sd: ArrayLike) -> np.ndarray:
    """rho = sd(g) / sqrt(sd(g)^2 + sd(z)^2), the correlation of gold with gold and noise."""
    gold_sd, noise_sd = np.asarray(gold_sd, dtype=np.float64), np.asarray(noise_sd, dtype=np.float64)
    if not ((gold_sd > 0) & (noise_sd >= 0)).all():
        raise DataError(f"gold's sd {gold_sd} must be above 0 and the noise's {noise_sd} at least 0")
    return gold_sd / np.hypot(gold_sd, noise_sd)


def accuracy_at(rho: ArrayLike) -> np.ndarray:
    """A = 1/2 + arcsin(rho) / pi, the chance that two responses are in gold's order. rho: -1 to 1."""
    return 0.5 + np.arcsin(_correlation(rho)) / np.pi


def correlation_at(accuracy: ArrayLike) -> np.ndarray:
    """rho = -cos(pi A), the correlation at which a proxy has this accuracy, 0 to 1."""
    accuracy = np.asarray(accuracy, dtype=np.float64)
    if not ((accuracy >= 0) & (accuracy <= 1)).all():
        raise DataError(f"an accuracy of {accuracy}: it must lie between 0 and 1")
    return -np.cos(np.pi * accuracy)


def accuracy_at_gap(gap: ArrayLike, noise_sd: float) -> np.ndarray:
    """A(gap) = Phi(gap / (sqrt(2) sd(z))), for two responses whose gold differs by this much."""
    if not 0 < noise_sd < np.inf:
        raise DataError(f"a noise's sd of {noise_sd}: it must be above 0")
    return ndtr(np.asarray(gap, dtype=np.float64) / (np.sqrt(2) * noise_sd))


def kendall_at(rho: ArrayLike) -> np.ndarray:
    """tau = (2 / pi) arcsin(rho) = 2 A - 1, however many responses a prompt has."""
    return 2 / np.pi * np.arcsin(_correlation(rho))


def spearman_at(rho: ArrayLike, n_responses: int | None = None) -> np.ndarray:
    """The mean of Spearman's correlation over prompts with m responses each; None: with very many.

    (6 / (pi (m + 1))) [arcsin(rho) + (m - 2) arcsin(rho / 2)], which tends to (6 / pi) arcsin(rho / 2) (Moran 1948).
    """
    rho = _correlation(rho)
    if n_responses is None:
        return 6 / np.pi * np.arcsin(rho / 2)
    _check_responses(n_responses)
    return 6 / (np.pi * (n_responses + 1)) * (np.arcsin(rho) + (n_responses - 2) * np.arcsin(rho / 2))


def kendall_variance(rho: ArrayLike, n_responses: int) -> np.ndarray:
    """The variance over prompts of Kendall's tau from m responses each.

    2 / (m (m - 1)) {1 - (4 / pi^2) arcsin^2(rho) + 2 (m - 2) [1/9 - (4 / pi^2) arcsin^2(rho / 2)]}  (Kendall & Gibbons)

    The first term is that of one pair; the second is what two pairs that share a response have in common. Divide by the
    number of prompts, and add what prompts themselves differ by.
    """
    rho = _correlation(rho)
    _check_responses(n_responses)
    of_a_pair = 1 - 4 / np.pi**2 * np.arcsin(rho) ** 2
    shared = 1 / 9 - 4 / np.pi**2 * np.arcsin(rho / 2) ** 2
    return 2 / (n_responses * (n_responses - 1)) * (of_a_pair + 2 * (n_responses - 2) * shared)


def accuracy_variance(rho: ArrayLike, n_responses: int) -> np.ndarray:
    """The variance over prompts of the accuracy on all pairs of m responses: a quarter of `kendall_variance`."""
    return kendall_variance(rho, n_responses) / 4


def _correlation(rho: ArrayLike) -> np.ndarray:
    rho = np.asarray(rho, dtype=np.float64)
    if not ((rho >= -1) & (rho <= 1)).all():
        raise DataError(f"a correlation of {rho}: it must lie between -1 and 1")
    return rho


def _check_responses(n_responses: int) -> None:
    if n_responses < 2 or n_responses != int(n_responses):
        raise DataError(f"{n_responses} responses to a prompt: to be in order takes a whole number of at least 2")
