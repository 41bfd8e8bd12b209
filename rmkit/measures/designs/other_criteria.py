"""A-, V-, c- and E-optimal choice of k among M pairs, greedily, with the exact change that each pair makes.

With M and x_m as in d_optimal.py, A = M^-1 and h_m = v_m x_m^T A x_m, adding pair m changes

    A   tr A           by  -v_m |A x_m|^2 / (1 + h_m)             the mean variance of the weights
    V   tr(T A)        by  -v_m x_m^T A T A x_m / (1 + h_m)       the mean variance of the differences t, T = mean t t^T
    c   c^T A c        by  -v_m (c^T A x_m)^2 / (1 + h_m)         the variance of one difference
    E   min eigenvalue of M to the root of 1 + v_m sum_k (u_k^T x_m)^2 / (l_k - e) = 0 in [l_1, l_2]

A, V and c are one rule with T = I, T and c c^T (`greedy_linear`). None of them is submodular, so that gains of earlier
steps bound nothing: every pick looks at all pairs. Knows arrays only, in float64.
Sources: Pukelsheim 2006 (criteria); Golub 1973 (eigenvalues after a rank-one change, the secular equation).
"""

import numpy as np
from scipy.linalg import eigh

from rmkit.errors import DataError
from rmkit.measures.designs.d_optimal import (
    BLOCK_BYTES,
    REFRESH,
    begun,
    first_largest,
    inverse,
    quadratic,
    require_finite,
    tell,
    told_elsewhere,
)  # fmt: skip

SOLVED_AT_ONCE = 64  # pairs of a secular equation each
FAR = 1e60  # beyond this, or below its inverse, numbers are scaled: their products would leave float64
HALVINGS = 60  # of the interval that holds a root: as far as float64 goes
NEAR = 1e-9  # a pair is out that lies below the best by more than this, relatively: far more than rounding


def greedy_linear(scaled_md: np.ndarray, known_dd: np.ndarray, n_pairs: int, target_dd: np.ndarray) -> np.ndarray:
    """(n_pairs,) positions in M, each the pair that lowers tr(T A) most, given those before; of equals the first.

    target_dd: (D, D) T, symmetric and not negative. A pick costs two products of scaled_md with a vector. DataError for
    numbers so far apart that what a pair lowers is none.
    """
    picked, free_m, known_dd = begun(scaled_md, known_dd, n_pairs)
    if target_dd.shape != known_dd.shape:
        raise DataError(f"target_dd has shape {target_dd.shape}; it must be {known_dd.shape}")
    _pick_linear(*_in_reach(scaled_md, known_dd, target_dd), picked, free_m)
    return picked


@told_elsewhere
def _pick_linear(
    scaled_md: np.ndarray, known_dd: np.ndarray, target_dd: np.ndarray, picked: np.ndarray, free_m: np.ndarray
) -> None:
    """Fill `picked`, as `greedy_linear`; free_m and known_dd are changed, too."""
    for i in range(len(picked)):
        if i % REFRESH == 0:
            inverse_dd = inverse(known_dd)
            gain_m = quadratic(scaled_md, inverse_dd)
            seen_m = quadratic(scaled_md, inverse_dd @ target_dd @ inverse_dd)  # v x^T A T A x
        lowered_m = seen_m / (1 + gain_m)
        require_finite(lowered_m)
        pick = first_largest(lowered_m, free_m)
        picked[i], free_m[pick] = pick, False
        toward_d = inverse_dd @ (target_dd @ (inverse_dd @ scaled_md[pick]))
        told_d, one_plus_gain = tell(known_dd, inverse_dd, scaled_md[pick])
        along_m, through_m = scaled_md @ told_d, scaled_md @ toward_d
        own = float(told_d @ target_dd @ told_d)
        gain_m -= along_m**2 / one_plus_gain
        seen_m += (along_m * (own * along_m / one_plus_gain - 2 * through_m)) / one_plus_gain


def _in_reach(
    scaled_md: np.ndarray, known_dd: np.ndarray, target_dd: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same choice in numbers whose products float64 can hold: x / s, M / s^2 and T / t choose as x, M and T do.

    s and t are powers of 2, so that nothing is rounded; where the numbers are ordinary, these themselves.
    """
    size, target = (float(np.abs(matrix_dd).max(initial=0.0)) for matrix_dd in (known_dd, target_dd))
    if np.isfinite(size) and not 1 / FAR <= size <= FAR and size > 0:
        exponent = int(np.frexp(size)[1]) // 2
        with np.errstate(over="ignore"):  # told by quadratic
            scaled_md = np.ldexp(scaled_md.astype(np.float64), -exponent)
        known_dd = np.ldexp(known_dd, -2 * exponent)
    if np.isfinite(target) and not 1 / FAR <= target <= FAR and target > 0:
        target_dd = np.ldexp(target_dd, -int(np.frexp(target)[1]))
    return scaled_md, known_dd, target_dd


def smallest_eigenvalues(scaled_md: np.ndarray, information_dd: np.ndarray) -> np.ndarray:
    """(M,) the smallest eigenvalue of the information with each pair added, by bisection of the secular equation."""
    return _smallest(scaled_md, *eigh(information_dd))


def _smallest(scaled_md: np.ndarray, level_d: np.ndarray, vector_dd: np.ndarray) -> np.ndarray:
    """As `smallest_eigenvalues`, of the information with these eigenvalues, ascending, and eigenvectors."""
    if len(level_d) == 1:
        found: np.ndarray = level_d[0] + scaled_md[:, 0].astype(np.float64) ** 2
        return found
    found = np.empty(len(scaled_md))
    at_once = max(1, BLOCK_BYTES // (8 * scaled_md.shape[1]))
    for start in range(0, len(scaled_md), at_once):
        weight_bd, low_b, high_b = _around_roots(scaled_md[start : start + at_once], level_d, vector_dd)
        for _ in range(HALVINGS):
            low_b, high_b = _halved(weight_bd, level_d, low_b, high_b)
        found[start : start + at_once] = np.where(weight_bd[:, 0] > 0, (low_b + high_b) / 2, level_d[0])
    return found


def _around_roots(
    scaled_bd: np.ndarray, level_d: np.ndarray, vector_dd: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(B, D) squares of the pairs along the eigenvectors; (B,) and (B,) what their roots lie between.

    A root is not above the second eigenvalue, nor further up than the pair's whole length.
    """
    weight_bd = (scaled_bd.astype(np.float64) @ vector_dd) ** 2
    return weight_bd, np.full(len(weight_bd), level_d[0]), np.minimum(level_d[1], level_d[0] + weight_bd.sum(axis=1))


def _halved(
    weight_bd: np.ndarray, level_d: np.ndarray, low_b: np.ndarray, high_b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The half of each interval that holds the root."""
    middle_b = (low_b + high_b) / 2
    gap_bd = level_d - middle_b[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        term_bd = np.where(weight_bd > 0, weight_bd / gap_bd, 0.0)
    # left of the root the sum, which rises from -infinity at the smallest level, is below 0
    below_b = (1 + term_bd.sum(axis=1) < 0) | ((weight_bd[:, 0] > 0) & (gap_bd[:, 0] == 0))
    return np.where(below_b, middle_b, low_b), np.where(below_b, high_b, middle_b)


def _in_front(
    scaled_bd: np.ndarray, level_d: np.ndarray, vector_dd: np.ndarray, best: float
) -> tuple[np.ndarray, float]:
    """Positions in B that may raise the smallest eigenvalue most, and by how much one does at least.

    best: by how much another pair does. Intervals are halved until only one reaches the best that any begins with.
    """
    left = np.arange(len(scaled_bd))
    weight_bd, low_b, high_b = _around_roots(scaled_bd, level_d, vector_dd)
    for _ in range(HALVINGS):
        best = max(best, float(low_b.max()) - level_d[0])
        near = np.flatnonzero(high_b - level_d[0] >= best * (1 - NEAR))
        if len(near) < len(left):
            left, weight_bd, low_b, high_b = left[near], weight_bd[near], low_b[near], high_b[near]
        if len(left) <= 1:
            break
        low_b, high_b = _halved(weight_bd, level_d, low_b, high_b)
    return left, best


def greedy_e(scaled_md: np.ndarray, known_dd: np.ndarray, n_pairs: int) -> np.ndarray:
    """(n_pairs,) positions in M, each the pair that leaves the largest smallest eigenvalue; of equals the first.

    A pair raises it by (u_1^T x_m)^2 v_m at most, and not above the second: only pairs whose bound reaches the best so
    far are solved, and only as far as it takes to tell them apart. Where no pair raises it, as with two equal smallest
    eigenvalues, the one that adds most to their eigenvectors' directions is taken, so that a later pick can.
    """
    picked, free_m, known_dd = begun(scaled_md, known_dd, n_pairs)
    if not np.isfinite(known_dd).all():
        raise DataError("known_dd has a number that is not finite; give what the prior and the labels tell")
    with np.errstate(over="ignore", invalid="ignore"):  # told by require_finite
        require_finite(np.einsum("md,md->m", scaled_md, scaled_md, dtype=np.float64))
    for i in range(n_pairs):
        level_d, vector_dd = eigh(known_dd, driver="evd")  # the fastest for all vectors
        least = 1e-10 * max(level_d[0], 1e-300)
        solved = _may_be_best(scaled_md, level_d, vector_dd, free_m, least)
        gain_m = np.full(len(scaled_md), -np.inf)
        gain_m[solved] = _smallest(scaled_md[solved], level_d, vector_dd) - level_d[0]
        if gain_m.max() <= least:
            lowest = vector_dd[:, level_d <= level_d[0] * (1 + 1e-9)]
            gain_m = ((scaled_md @ lowest) ** 2).sum(axis=1)
        pick = first_largest(gain_m, free_m)
        picked[i], free_m[pick] = pick, False
        pair_d = scaled_md[pick].astype(np.float64, copy=False)
        known_dd += np.outer(pair_d, pair_d)
    return picked


def _may_be_best(
    scaled_md: np.ndarray, level_d: np.ndarray, vector_dd: np.ndarray, free_m: np.ndarray, least: float
) -> np.ndarray:
    """Free positions that may raise the smallest eigenvalue most, and by more than `least`."""
    bound_m = np.where(free_m, (scaled_md @ vector_dd[:, 0]) ** 2, -np.inf)
    if len(level_d) == 1:
        return np.flatnonzero(free_m)
    bound_m = np.minimum(bound_m, level_d[1] - level_d[0])
    found, best = [np.empty(0, dtype=np.int64)], least
    order = np.argsort(-bound_m, kind="stable")
    for tried in np.split(order, range(SOLVED_AT_ONCE, len(order), SOLVED_AT_ONCE)):
        tried = tried[bound_m[tried] >= best * (1 - NEAR)]
        if not len(tried):
            break
        left, best = _in_front(scaled_md[tried], level_d, vector_dd, best)
        found.append(tried[left])
    return np.concatenate(found)
