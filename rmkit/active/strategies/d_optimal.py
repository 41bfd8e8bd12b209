"""Greedy D-optimal choice of pairs: each pick is the one that adds most to what is known, earlier picks included.

Knows candidates only. The paper's released code (arXiv 2502.04354) scores all pairs once and takes the top, and
near-copies of one good pair then come together. Here each pick counts as known before the next is made: the greedy
maximum of log det M, which gains at least 1 - 1/e of what the best batch would (Nemhauser et al. 1978; the gain is
monotone and submodular).
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve

from rmkit.active.candidates import Candidates
from rmkit.measures.information import lower_root, p_variance

REFRESH = 64  # picks after which the inverse is computed anew; rank-one updates gather rounding
TIE = 1e-12  # gains this close, relatively, are equal: their sums were only taken in another order


@dataclass(frozen=True, kw_only=True)
class DOptimal:
    """The pairs that make the determinant of the information largest, one by one, labelled pairs counted as known."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        candidates.request(n_pairs)
        order_m = rng.permutation(len(candidates))  # the first of equals is then any of them
        weight_m = np.sqrt(p_variance(candidates.margin_sm.mean(axis=0)[order_m]))
        scaled_md = weight_m[:, None] * candidates.feature_md[order_m].astype(np.float64)
        return order_m[greedy(scaled_md, candidates.known_dd.astype(np.float64), n_pairs)].astype(np.int64)


def greedy(scaled_md: np.ndarray, known_dd: np.ndarray, n_pairs: int) -> np.ndarray:
    """(n_pairs,) positions in M, picked greedily; of equal gains the first. scaled_md: (M, D) sqrt(v_m) x_m, float64.

    With A = M^-1 the gain of a pair is log(1 + h_m), h_m = v_m x_m^T A x_m; a pick changes A by Sherman and Morrison's
    formula and every h_m by the same rank-one term, so that a pick costs one product of scaled_md with a vector.
    """
    picked = np.empty(n_pairs, dtype=np.int64)
    free_m = np.ones(len(scaled_md), dtype=bool)
    known_dd = known_dd.copy()
    for i in range(n_pairs):
        if i % REFRESH == 0:
            inverse_dd = cho_solve((lower_root(known_dd), True), np.eye(len(known_dd)))
            gain_m = ((scaled_md @ inverse_dd) * scaled_md).sum(axis=1)
        pick = first_largest(gain_m, free_m)
        picked[i], free_m[pick] = pick, False
        pair_d = scaled_md[pick]
        known_dd += np.outer(pair_d, pair_d)
        told_d = inverse_dd @ pair_d
        one_plus_gain = 1 + pair_d @ told_d
        inverse_dd -= np.outer(told_d, told_d) / one_plus_gain
        gain_m -= (scaled_md @ told_d) ** 2 / one_plus_gain
    return picked


def first_largest(gain_m: np.ndarray, free_m: np.ndarray) -> int:
    """The first free position whose gain is the largest but for rounding."""
    free = np.flatnonzero(free_m)
    most = max(gain_m[free].max(), 0.0)
    return int(free[np.argmax(gain_m[free] >= most * (1 - TIE))])
