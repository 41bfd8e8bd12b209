"""How much a set of labelled pairs can tell about a linear reward: Fisher information, leverage, log det.

Knows features x_m of what is labelled and the variances v_m of the labels; no label, since the information of a
logistic model does not depend on it. For Bradley and Terry's x_m is the difference of a pair's features and p_m the
chance that the first is preferred; where a label counts w_m times, so does its variance:

    M = prior I + sum_m v_m x_m x_m^T,   v_m = w_m p_m (1 - p_m)    (1)
    log det(M + v x x^T) - log det M = log(1 + v x^T M^-1 x)        (2)

M is also the curvature of the penalised loss, sum_m w_m * -log sigmoid(w . x_m) + prior/2 |w|^2, at any weights w.

Sources: Chaloner & Verdinelli 1995 (Bayesian design); the matrix determinant lemma for (2); arXiv 2502.04354, whose
released rule differentiates log det M in the pairs' weights, which gives the leverage v_m x_m^T M^-1 x_m.
"""

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from scipy.special import expit

from rmkit.errors import DataError


def p_variance(margin: np.ndarray) -> np.ndarray:
    """p (1 - p) of a label at p = sigmoid(margin): 1/4 where the model is undecided, 0 where it is sure. Any shape."""
    return expit(margin) * expit(-np.asarray(margin))


def information(feature_md: np.ndarray, variance_m: np.ndarray, prior: float) -> np.ndarray:
    """(D, D) float64: M of (1). feature_md: (M, D), M may be 0; variance_m: (M,) at least 0; prior: 0 for none."""
    if not 0 <= prior < np.inf:
        raise DataError(f"prior: is {prior}; a precision must not be below 0")
    feature_md, variance_m = np.asarray(feature_md, dtype=np.float64), np.asarray(variance_m, dtype=np.float64)
    if variance_m.shape != feature_md.shape[:1] or not ((variance_m >= 0) & (variance_m < np.inf)).all():
        raise DataError(
            f"variance_m: has shape {variance_m.shape}; it must be {feature_md.shape[:1]} numbers, 0 or more"
        )
    found_dd = (feature_md * variance_m[:, None]).T @ feature_md
    found_dd[np.diag_indices_from(found_dd)] += prior
    return found_dd


def leverage(feature_md: np.ndarray, variance_m: np.ndarray, information_dd: np.ndarray) -> np.ndarray:
    """(M,) v_m x_m^T M^-1 x_m: how fast log det M grows with a pair's weight, and (2) how much its label adds."""
    return np.asarray(variance_m, dtype=np.float64) * squared_lengths(feature_md, information_dd)


def log_det(information_dd: np.ndarray) -> float:
    """log det M; DataError unless M is positive definite."""
    return float(2 * np.log(np.diagonal(lower_root(information_dd))).sum())


def squared_lengths(feature_md: np.ndarray, information_dd: np.ndarray) -> np.ndarray:
    """(M,) x_m^T M^-1 x_m, as |L^-1 x_m|^2 with M = L L^T."""
    root_dd = lower_root(information_dd)
    return (solve_triangular(root_dd, np.asarray(feature_md, dtype=np.float64).T, lower=True) ** 2).sum(axis=0)


def lower_root(information_dd: np.ndarray) -> np.ndarray:
    """(D, D) lower triangular L with M = L L^T, or DataError."""
    try:
        return cholesky(np.asarray(information_dd, dtype=np.float64), lower=True)
    except (LinAlgError, ValueError) as error:
        raise DataError(f"information_dd: is not positive definite ({error}); give the prior a precision") from None
