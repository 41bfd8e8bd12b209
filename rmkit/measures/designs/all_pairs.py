"""D-optimal choice among all n (n - 1) / 2 pairs of n responses, without a list of their differences.

With V the symmetric n x n table of v_ij, 0 on the diagonal, and x_ij the difference of the rows i and j of F,

    sum_{i<j} v_ij x_ij x_ij^T = F^T (diag(V 1) - V) F,   x_ij^T A x_ij = G_ii + G_jj - 2 G_ij,   G = F A F^T    (1)

so that a table of numbers is all that grows with the pairs, and a pick costs a product of F with a vector and a pass
over it. v_ij = p (1 - p) of the margin between two rewards. Knows arrays only, in float64.
Source: the Laplacian of a weighted graph for (1); greedy choice as in d_optimal.py.
"""

import numpy as np

from rmkit.errors import DataError
from rmkit.measures.designs.d_optimal import REFRESH, TIE, inverse, require_finite, tell
from rmkit.measures.information import p_variance

BLOCK_VALUES = 2**22  # of a table that are worked on at once


def information_of_all(feature_nd: np.ndarray, reward_n: np.ndarray, prior: float = 0.0) -> np.ndarray:
    """(D, D) information of labels of all pairs, and a prior's precision; feature_nd: (n, D), reward_n: (n,)."""
    _check(feature_nd, reward_n)
    found_dd = prior * np.eye(feature_nd.shape[1])
    for rows in _row_blocks(len(reward_n)):
        variance_bn = p_variance(reward_n[rows, None] - reward_n)
        variance_bn[np.arange(len(variance_bn)), np.arange(len(reward_n))[rows]] = 0.0
        block_bd = variance_bn.sum(axis=1)[:, None] * feature_nd[rows] - variance_bn @ feature_nd
        found_dd += feature_nd[rows].T @ block_bd
    return (found_dd + found_dd.T) / 2


def greedy_all_pairs(
    feature_nd: np.ndarray,
    reward_n: np.ndarray,
    known_dd: np.ndarray,
    n_pairs: int,
    *,
    free_nn: np.ndarray | None = None,
) -> np.ndarray:
    """(n_pairs, 2) int64 rows i < j, picked one by one, each the largest v_ij x_ij^T M^-1 x_ij given those before.

    Of equal gains the first by i, then j. free_nn: (n, n) bool, which pairs i < j may be chosen; None: all. DataError
    for more pairs than there are.
    """
    _check(feature_nd, reward_n)
    if known_dd.shape != (feature_nd.shape[1],) * 2:
        raise DataError(f"known_dd has shape {known_dd.shape}; it must be {(feature_nd.shape[1],) * 2}")
    n = len(reward_n)
    may_nn = np.triu(np.ones((n, n), dtype=bool) if free_nn is None else np.asarray(free_nn, dtype=bool), k=1)
    if may_nn.shape != (n, n):
        raise DataError(f"free_nn has shape {may_nn.shape}; it must be ({n}, {n})")
    if not 0 <= n_pairs <= (there := int(may_nn.sum())):
        raise DataError(f"{n_pairs} pairs are to be chosen, and there are {there}; ask for fewer")
    feature_nd, known_dd = feature_nd.astype(np.float64), known_dd.astype(np.float64)
    picked_k2 = np.empty((n_pairs, 2), dtype=np.int64)
    gain_nn = np.empty((n, n))
    for k in range(n_pairs):
        if k % REFRESH == 0:
            inverse_dd = inverse(known_dd)
            _first_gains(feature_nd, reward_n, inverse_dd, may_nn, gain_nn)
        flat = gain_nn.ravel()
        most = max(float(flat.max()), 0.0)
        i, j = divmod(int(np.argmax(flat >= min(most * (1 - TIE), float(flat.max())))), n)
        picked_k2[k], may_nn[i, j], gain_nn[i, j] = (i, j), False, -np.inf
        pair_d = np.sqrt(p_variance(reward_n[i] - reward_n[j])) * (feature_nd[i] - feature_nd[j])
        told_d, one_plus_gain = tell(known_dd, inverse_dd, pair_d)
        along_n = feature_nd @ told_d
        for rows in _row_blocks(n):
            variance_bn = p_variance(reward_n[rows, None] - reward_n)
            gain_nn[rows] -= variance_bn * (along_n[rows, None] - along_n) ** 2 / one_plus_gain
    return picked_k2


def _first_gains(
    feature_nd: np.ndarray, reward_n: np.ndarray, inverse_dd: np.ndarray, may_nn: np.ndarray, gain_nn: np.ndarray
) -> None:
    """Fill the table with v_ij x_ij^T A x_ij, -inf where a pair may not be chosen."""
    whitened_nd = feature_nd @ np.linalg.cholesky(inverse_dd)
    with np.errstate(over="ignore"):  # told below
        own_n = (whitened_nd**2).sum(axis=1)
    require_finite(own_n)
    for rows in _row_blocks(len(reward_n)):
        gap_bn = np.maximum(own_n[rows, None] + own_n - 2 * (whitened_nd[rows] @ whitened_nd.T), 0.0)
        gap_bn *= p_variance(reward_n[rows, None] - reward_n)
        gain_nn[rows] = np.where(may_nn[rows], gap_bn, -np.inf)


def _row_blocks(n: int) -> list[slice]:
    at_once = max(1, BLOCK_VALUES // n)
    return [slice(start, start + at_once) for start in range(0, n, at_once)]


def _check(feature_nd: np.ndarray, reward_n: np.ndarray) -> None:
    if feature_nd.ndim != 2 or reward_n.shape != feature_nd.shape[:1]:
        shapes = f"{feature_nd.shape} and {reward_n.shape}"
        raise DataError(f"feature_nd and reward_n have the shapes {shapes}; they must be (n, D) and (n,)")
    for name, array in (("feature_nd", feature_nd), ("reward_n", reward_n)):
        if not np.isfinite(array).all():
            raise DataError(f"{name} has a number that is not finite; leave that response out")
