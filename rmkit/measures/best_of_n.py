"""Best-of-n from K stored responses to each prompt, exactly and for every n at once: no subset is ever drawn.

Knows scores and gold rewards as arrays. Of K stored responses, n are drawn without replacement and the one with the
highest score is kept; its expected gold reward is a weighted mean of the gold rewards in ascending order of the score,

    sum_k w_k gold_(k),   w_k = C(k-1, n-1) / C(K, n),

an unbiased estimate of what n fresh samples would give. Sources: Nakano et al. 2021 (arXiv 2112.09332), appendix I;
arXiv 2411.04991, section 5; arXiv 2410.05584. Where n samples are drawn *with* replacement from a finite policy, see
policies/stored_responses.py: the two differ.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from rmkit.errors import DataError
from rmkit.measures.arrays import all_finite, ascending, average_ranks, blocks, tie_means

BLOCK_NS = 32  # values of n that share one product of matrices
NEGLIGIBLE = 2.0**-60  # weights that come to less together are below the rounding of the sum that they are left out of


def best_of_n(score_pk: np.ndarray, gold_pk: np.ndarray, ns: Sequence[int]) -> np.ndarray:
    """(..., P, N) expected gold reward of the best of n responses by score, for each of N values of n.

    score_pk: (..., P, K); gold_pk: (P, K) or the scores' shape. Responses of equal score are equally likely to be the
    best. DataError for other shapes, for values that are not finite, with the place of the first, or for n not in 1..K.
    """
    score_pk, gold_pk = all_finite(score_pk, "score"), all_finite(gold_pk, "gold reward")
    if score_pk.ndim < 2 or gold_pk.shape not in (score_pk.shape, score_pk.shape[-2:]):
        raise DataError(f"scores {score_pk.shape} and gold rewards {gold_pk.shape} differ; both must be (prompts, K)")
    n_responses = score_pk.shape[-1]
    order_n = np.argsort(np.asarray(ns), kind="stable")
    weights = banded(n_responses, tuple(np.asarray(ns)[order_n].tolist()))
    score_rk, gold_rk = score_pk.reshape(-1, n_responses), gold_pk.reshape(-1, n_responses)
    found_rn = np.empty((len(score_rk), len(ns)))
    for rows in blocks(len(score_rk), n_responses):
        ascending_rk = in_order_of_score(score_rk[rows], gold_rk, rows.start)
        for at, first_rank, weight_kb in weights:
            found_rn[rows, at] = ascending_rk[:, first_rank:] @ weight_kb
    if (np.diff(order_n) != 1).any():
        found_rn = found_rn[:, np.argsort(order_n)]
    return found_rn.reshape(*score_pk.shape[:-1], len(ns))


def quantile_of_pick(score_pk: np.ndarray, gold_pk: np.ndarray, ns: Sequence[int]) -> np.ndarray:
    """(..., P, N) expected quantile, among all K, of the gold reward of the best of n: 1/2 for a pick at random.

    A response's quantile is the share of the K whose gold is below its own, those of equal gold (itself too) counted
    half. Shapes and errors as in `best_of_n`.
    """
    gold_pk = all_finite(gold_pk, "gold reward")
    return best_of_n(score_pk, (average_ranks(gold_pk) - 0.5) / max(1, gold_pk.shape[-1]), ns)


def rank_weights(n_responses: int, ns: Sequence[int]) -> np.ndarray:
    """(N, K): the chance that the response of rank k, ascending, is the best of n out of K; no large binomials."""
    for n in ns:
        if not 1 <= n <= n_responses or n != int(n):
            raise DataError(f"best of {n}: n must be a whole number from 1 to {n_responses}, the responses to a prompt")
    n_n1 = np.asarray(ns, dtype=np.float64)[:, None]
    rank_k = np.arange(n_responses, 1.0, -1.0)  # from w_K = n/K downward: w_(k-1) = w_k (k-n)/(k-1)
    weight_nk = np.empty((len(n_n1), n_responses))
    weight_nk[:, :1] = n_n1 / n_responses
    np.maximum(rank_k - n_n1, 0.0, out=weight_nk[:, 1:])
    weight_nk[:, 1:] /= rank_k - 1.0
    return np.cumprod(weight_nk, axis=1, out=weight_nk)[:, ::-1]


@lru_cache(maxsize=8)
def banded(n_responses: int, ns: tuple[int, ...]) -> list[tuple[slice, int, np.ndarray]]:
    """Weights of ascending n in blocks: which of the N, the first rank that matters to them, (K - first, B) weights.

    The larger n, the fewer of the highest ranks carry all the weight; for all n up to 500, a quarter of the products.
    They are the same for every fit, so they are kept.
    """
    weight_nk, found = rank_weights(n_responses, ns), []
    for start in range(0, len(weight_nk), BLOCK_NS):
        at = slice(start, min(start + BLOCK_NS, len(weight_nk)))
        first_rank = int(np.searchsorted(np.cumsum(weight_nk[start]), NEGLIGIBLE))  # the smallest n reaches furthest
        found.append((at, first_rank, np.ascontiguousarray(weight_nk[at, first_rank:].T)))
    return found


def in_order_of_score(score_rk: np.ndarray, gold_pk: np.ndarray, start: int) -> np.ndarray:
    """Each row's gold in ascending order of its scores, float64; what is tied becomes its mean.

    Row r has the gold of prompt start + r, or, where fits share the P prompts' gold, of that number modulo P.
    """
    n_responses = score_rk.shape[1]
    gold_r = (start + np.arange(len(score_rk))[:, None]) % max(1, len(gold_pk)) * n_responses
    order_rk, close_r = ascending(score_rk)
    gold_rk = gold_pk.reshape(-1)[order_rk + gold_r].astype(np.float64, copy=False)
    if len(close_r):
        sorted_rk = np.take_along_axis(score_rk[close_r], order_rk[close_r], axis=-1)
        gold_rk[close_r] = tie_means(sorted_rk, gold_rk[close_r])
    return gold_rk
