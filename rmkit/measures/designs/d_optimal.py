"""D-optimal choice of k among M pairs: once, greedily, lazily, by exchange; and how far from the best it can be.

A design is a set S of pairs, and its worth the log-determinant of the information that they add to what is known:

    M(S) = M_0 + sum_{m in S} v_m x_m x_m^T,   f(S) = log det M(S),   h_m = v_m x_m^T M^-1 x_m    (1)
    f(S + m) - f(S) = log(1 + h_m)                                                                (2)
    f(S - j + i) - f(S) = log((1 + h_i)(1 - h_j) + (sqrt(v_i v_j) x_i^T M^-1 x_j)^2),  j in S     (3)

All take `scaled_md`, the rows sqrt(v_m) x_m, and need M_0 positive definite. f - log det M_0 is monotone and
submodular: greedy choice gains at least 1 - 1/e of what the best design would (Nemhauser et al. 1978), and a gain that
was computed earlier bounds a later one, so that the lazy form may skip most of them (Minoux 1978). w -> log det of
M_0 + sum_m w_m v_m x_m x_m^T is concave on 0 <= w <= 1, sum w = k, which bounds every design (`certificate`).

Knows arrays only, in float64: in float32 the gains drift by 1e-3 after 500 picks. Sources: Fedorov 1972 (exchange);
Frank & Wolfe 1956; Chaloner & Verdinelli 1995; arXiv 2502.04354, whose released rule is `one_shot`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, eigh
from scipy.optimize import minimize_scalar

from rmkit.errors import DataError
from rmkit.measures.information import log_det, lower_root

REFRESH = 64  # picks after which the inverse is computed anew; rank-one updates gather rounding
TIE = 1e-12  # gains this close, relatively, are equal: their sums were only taken in another order
DRIFT = 1e-9  # by how much an earlier gain may lie below a later one for rounding alone
BLOCK_BYTES = 2**25  # of rows that are worked on at once
AT_ONCE = 256  # gains that the lazy form computes anew together
told_elsewhere = np.errstate(over="ignore", invalid="ignore")  # what is not finite is told where it is used next


def leverages(scaled_md: np.ndarray, information_dd: np.ndarray) -> np.ndarray:
    """(M,) h_m of (1), in blocks of rows: no array of M x D is made beside the given one."""
    return quadratic(scaled_md, inverse(information_dd))


def one_shot(scaled_md: np.ndarray, known_dd: np.ndarray) -> np.ndarray:
    """(M,) the gradient of f in the pairs' weights where the whole pool counts as labelled: the released rule's scores.

    It says which pairs one would miss most if all were labelled; the paper takes the largest.
    """
    check_design(scaled_md, known_dd, 0)
    total_dd = np.array(known_dd, dtype=np.float64)
    for rows in _blocks(scaled_md):
        total_dd += _gram(scaled_md[rows])
    return leverages(scaled_md, total_dd)


def greedy(scaled_md: np.ndarray, known_dd: np.ndarray, n_pairs: int) -> np.ndarray:
    """(n_pairs,) positions in M, picked one by one, each the largest h_m given those before; of equal gains the first.

    A pick changes M^-1 by Sherman and Morrison's formula, M^-1 - u u^T, and every h_m by -(u^T x_m)^2 v_m, so that it
    costs one product of scaled_md with a vector. The u of up to REFRESH picks are kept in place of a changed M^-1.
    """
    picked, free_m, known_dd = begun(scaled_md, known_dd, n_pairs)
    told_td = np.empty((REFRESH, len(known_dd)))
    for i in range(n_pairs):
        t = i % REFRESH
        if t == 0:
            fresh_md = scaled_md[picked[max(i - REFRESH, 0) : i]].astype(np.float64)
            known_dd += fresh_md.T @ fresh_md
            inverse_dd = inverse(known_dd)
            gain_m = quadratic(scaled_md, inverse_dd)
        pick = first_largest(gain_m, free_m)
        picked[i], free_m[pick] = pick, False
        pair_d = scaled_md[pick].astype(np.float64, copy=False)
        told_d = inverse_dd @ pair_d - (told_td[:t] @ pair_d) @ told_td[:t]
        told_td[t] = told_d / np.sqrt(_above_0(1 + pair_d @ told_d))
        gain_m -= (scaled_md @ told_td[t]) ** 2
    return picked


@told_elsewhere
def lazy_greedy(scaled_md: np.ndarray, known_dd: np.ndarray, n_pairs: int) -> tuple[np.ndarray, int]:
    """The choice of `greedy`, and how many gains were computed for it, of the M n_pairs that there are.

    Only gains are computed anew whose last value is at least the largest that is known to be current.
    """
    picked, _, known_dd = begun(scaled_md, known_dd, n_pairs)
    inverse_dd = inverse(known_dd)
    gain_m = quadratic(scaled_md, inverse_dd)
    computed, current_m = len(gain_m), np.ones(len(gain_m), dtype=bool)
    for i in range(n_pairs):
        if i % REFRESH == 0:
            inverse_dd = inverse(known_dd)
        while True:
            most = max(gain_m[current_m].max(initial=0.0), 0.0)
            maybe = np.flatnonzero(~current_m & (gain_m * (1 + DRIFT) >= most * (1 - TIE)) & (gain_m > -np.inf))
            if not len(maybe):
                break
            if len(maybe) > AT_ONCE:
                maybe = maybe[np.argpartition(-gain_m[maybe], AT_ONCE)[:AT_ONCE]]
            gain_m[maybe] = quadratic(scaled_md[maybe], inverse_dd)
            current_m[maybe] = True
            computed += len(maybe)
        if not current_m.any():  # rounding has taken all gains below 0: as for `greedy`, all pairs are as good
            current_m = gain_m > -np.inf
        pick = first_largest(gain_m, current_m)
        picked[i], gain_m[pick] = pick, -np.inf
        current_m[:] = False
        tell(known_dd, inverse_dd, scaled_md[pick])
    return picked, computed


@told_elsewhere
def exchange(
    scaled_md: np.ndarray, known_dd: np.ndarray, picked_k: np.ndarray, *, most_passes: int = 20, least: float = 1e-6
) -> np.ndarray:
    """(k,) a design at least as good: each pick in turn makes way for the pair that adds most in its place, by (3).

    Ends after a pass that gains less than `least` nats, or most_passes.
    """
    picked_k = np.array(picked_k, dtype=np.int64)
    check_picked(scaled_md, known_dd, picked_k)
    free_m = np.ones(len(scaled_md), dtype=bool)
    free_m[picked_k] = False
    total_dd = known_dd.astype(np.float64) + _gram(scaled_md[picked_k])
    for _ in range(most_passes if free_m.any() else 0):
        gained = 0.0
        inverse_dd = inverse(total_dd)
        gain_m = quadratic(scaled_md, inverse_dd)
        for at, out in enumerate(picked_k):
            along_m = scaled_md @ (inverse_dd @ scaled_md[out])
            ratio_m = (1 + gain_m) * (1 - gain_m[out]) + along_m**2
            if np.isnan(ratio_m).any():
                require_finite(ratio_m)
            into = int(np.argmax(np.where(free_m, ratio_m, -np.inf)))
            if not ratio_m[into] > 1 + TIE:
                continue
            gained += float(np.log(ratio_m[into]))
            for row, sign in ((into, 1.0), (out, -1.0)):
                told_d, one_plus_gain = tell(total_dd, inverse_dd, scaled_md[row], sign)
                gain_m -= sign * (scaled_md @ told_d) ** 2 / one_plus_gain
            picked_k[at], free_m[into], free_m[out] = into, False, True
            if at % REFRESH == REFRESH - 1:
                inverse_dd = inverse(total_dd)
                gain_m = quadratic(scaled_md, inverse_dd)
        if gained < least:
            break
    return picked_k


@dataclass(frozen=True)
class Certificate:
    """How good a design is, and how good any can be at most."""

    log_det: float  # f of the design
    upper: float  # no design of as many pairs has more
    n_dimensions: int

    @property
    def efficiency(self) -> float:
        """D-efficiency against a design that reached the bound: exp of the difference by dimension, at most 1."""
        return float(np.exp((self.log_det - self.upper) / self.n_dimensions))


@told_elsewhere
def certificate(scaled_md: np.ndarray, known_dd: np.ndarray, picked_k: np.ndarray, *, n_steps: int = 60) -> Certificate:
    """A bound on every design of k pairs, by n_steps of Frank and Wolfe from this one.

    Concave in the weights w, f is nowhere above its tangent: f(S) <= f(w) + sum of the k largest g - sum w g, where g
    are the leverages at w. Each step goes towards the k largest g, as far as f grows.
    """
    picked_k = np.asarray(picked_k, dtype=np.int64)
    check_picked(scaled_md, known_dd, picked_k)
    weight_m = np.zeros(len(scaled_md))
    weight_m[picked_k] = 1.0
    base_dd = known_dd.astype(np.float64)
    total_dd = base_dd + _gram(scaled_md[picked_k])
    own, upper = log_det(total_dd), np.inf
    for _ in range(max(n_steps, 1)):
        gain_m, value = leverages(scaled_md, total_dd), log_det(total_dd)
        best = np.argsort(-gain_m, kind="stable")[: len(picked_k)]
        upper = min(upper, value + float(gain_m[best].sum() - weight_m @ gain_m))
        target_dd = base_dd + _gram(scaled_md[best])
        step = _furthest(total_dd, target_dd)
        if step < 1e-9:
            break
        weight_m *= 1 - step
        weight_m[best] += step
        total_dd = (1 - step) * total_dd + step * target_dd
    return Certificate(own, max(upper, own), len(known_dd))


def first_largest(gain_m: np.ndarray, free_m: np.ndarray) -> int:
    """The first free position whose gain is the largest but for rounding."""
    free = np.flatnonzero(free_m)
    most = max(gain_m[free].max(), 0.0)
    return int(free[np.argmax(gain_m[free] >= most * (1 - TIE))])


def _furthest(total_dd: np.ndarray, target_dd: np.ndarray) -> float:
    """The share of the way from one information to the other at which the log-determinant is largest."""
    value_d = eigh(target_dd, total_dd, eigvals_only=True)
    found = minimize_scalar(lambda step: -np.log1p(step * (value_d - 1)).sum(), bounds=(0, 1), method="bounded")
    return float(found.x)


def tell(
    information_dd: np.ndarray, inverse_dd: np.ndarray, pair_d: np.ndarray, sign: float = 1.0
) -> tuple[np.ndarray, float]:
    """Add a pair (or take it away) in place; M^-1 x of before, and 1 + h, or 1 - h."""
    pair_d = pair_d.astype(np.float64, copy=False)
    information_dd += sign * np.outer(pair_d, pair_d)
    told_d = inverse_dd @ pair_d
    one_plus_gain = _above_0(1 + sign * float(pair_d @ told_d))
    inverse_dd -= sign * np.outer(told_d, told_d) / one_plus_gain
    return told_d, one_plus_gain


def inverse(information_dd: np.ndarray) -> np.ndarray:
    """(D, D) M^-1, or DataError unless M is positive definite."""
    found_dd: np.ndarray = cho_solve((lower_root(information_dd), True), np.eye(len(information_dd)))
    return found_dd


def _above_0(one_plus_gain: float) -> float:
    """The number itself; DataError where rounding has taken it to 0 or below, after which no gain would mean much."""
    if not one_plus_gain > 0:
        far = f"the information's numbers lie too far apart: 1 + gain came to {one_plus_gain:.3g}"
        raise DataError(f"{far}; give the prior a larger precision, or bring the features to one scale")
    return one_plus_gain


def _gram(row_kd: np.ndarray) -> np.ndarray:
    """(D, D) float64 sum of x x^T; what is not finite, or overflows, `lower_root` tells."""
    row_kd = row_kd.astype(np.float64, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        found_dd: np.ndarray = row_kd.T @ row_kd
    return found_dd


def quadratic(row_md: np.ndarray, matrix_dd: np.ndarray) -> np.ndarray:
    """(M,) x_m^T A x_m, block by block; DataError for a row whose numbers are not finite, or too large for that."""
    found_m = np.empty(len(row_md))
    with np.errstate(over="ignore", invalid="ignore"):  # told below
        for rows in _blocks(row_md):
            block_bd = row_md[rows].astype(np.float64, copy=False)
            found_m[rows] = ((block_bd @ matrix_dd) * block_bd).sum(axis=1)
    require_finite(found_m)
    return found_m


def require_finite(gain_m: np.ndarray) -> None:
    """DataError for a pair whose gain is none, since it would be picked, or passed over, without a word."""
    if not (finite_m := np.isfinite(gain_m)).all():
        row = int(np.argmin(finite_m))
        raise DataError(f"row {row}: its gain is {gain_m[row]}; features must be finite, and their squares, too")


def _blocks(row_md: np.ndarray) -> "list[slice]":
    at_once = max(1, BLOCK_BYTES // (8 * max(row_md.shape[1], 1)))
    return [slice(start, start + at_once) for start in range(0, len(row_md), at_once)]


def begun(scaled_md: np.ndarray, known_dd: np.ndarray, n_pairs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a greedy choice fills: (k,) picks, (M,) bool all free, and M_0 in float64, a copy. As `check_design`."""
    check_design(scaled_md, known_dd, n_pairs)
    return np.empty(n_pairs, dtype=np.int64), np.ones(len(scaled_md), dtype=bool), known_dd.astype(np.float64)


def check_design(scaled_md: np.ndarray, known_dd: np.ndarray, n_pairs: int) -> None:
    """DataError for shapes that do not fit, or more pairs than there are."""
    if scaled_md.ndim != 2 or known_dd.shape != (scaled_md.shape[1],) * 2:
        shapes = f"{scaled_md.shape} and {known_dd.shape}"
        raise DataError(f"scaled_md and known_dd have the shapes {shapes}; they must be (M, D) and (D, D)")
    if not 0 <= n_pairs <= len(scaled_md):
        raise DataError(f"{n_pairs} pairs are to be chosen, and there are {len(scaled_md)}; ask for fewer")


def check_picked(scaled_md: np.ndarray, known_dd: np.ndarray, picked_k: np.ndarray) -> None:
    """As `check_design`; DataError, too, for positions twice, or beyond the pairs."""
    check_design(scaled_md, known_dd, len(picked_k))
    if len(np.unique(picked_k)) < len(picked_k) or not ((picked_k >= 0) & (picked_k < len(scaled_md))).all():
        raise DataError(f"picked_k has positions twice, or beyond the {len(scaled_md)} pairs; give each pick once")
