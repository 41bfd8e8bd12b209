"""Best-of-n from K stored responses to each prompt, exactly and for every n at once: no subset is ever drawn.

Knows scores and gold rewards as arrays. Of K stored responses, n are drawn without replacement and the one with the
highest score is kept; its expected gold reward is a weighted mean of the gold rewards in ascending order of the score,

    sum_k w_k gold_(k),   w_k = C(k-1, n-1) / C(K, n),

an unbiased estimate of what n fresh samples would give. Sources: Nakano et al. 2021 (arXiv 2112.09332), appendix I;
arXiv 2411.04991, section 5; arXiv 2410.05584. Where n samples are drawn *with* replacement from a finite policy, see
policy.py: the two differ.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import xlogy

from rmkit.errors import DataError


def best_of_n(score_pk: np.ndarray, gold_pk: np.ndarray, ns: Sequence[int]) -> np.ndarray:
    """(..., P, N) expected gold reward of the best of n responses by score, for each of N values of n.

    score_pk: (..., P, K); gold_pk: (P, K) or the scores' shape. Responses of equal score are equally likely to be the
    best. DataError for other shapes, for values that are not finite, with the place of the first, or for n not in 1..K.
    """
    score_pk, gold_pk = finite(score_pk, "score"), finite(gold_pk, "gold reward")
    if score_pk.ndim < 2 or gold_pk.shape not in (score_pk.shape, score_pk.shape[-2:]):
        raise DataError(f"scores {score_pk.shape} and gold rewards {gold_pk.shape} differ; both must be (prompts, K)")
    weight_nk = rank_weights(score_pk.shape[-1], ns)
    order_pk = np.argsort(score_pk, axis=-1, kind="stable")
    gold_pk = np.take_along_axis(np.broadcast_to(gold_pk, score_pk.shape), order_pk, axis=-1)
    return tie_means(np.take_along_axis(score_pk, order_pk, axis=-1), gold_pk) @ weight_nk.T


def best_of_n_kl(score_pk: np.ndarray, ns: Sequence[int]) -> np.ndarray:
    """(..., P, N) KL divergence, in nats, of the response that is kept from a uniform draw of the K.

    It is log K where n = K and no score is tied, and tends to kl_bound(n) where K is large. score_pk: (..., P, K).
    """
    score_pk = np.sort(finite(score_pk, "score"), axis=-1)
    n_responses = score_pk.shape[-1]
    weight_nk = rank_weights(n_responses, ns)
    shape = (len(ns), *score_pk.shape)
    weight_npk = np.broadcast_to(weight_nk.reshape(len(ns), *(1,) * (score_pk.ndim - 1), n_responses), shape)
    chance_npk = tie_means(np.broadcast_to(score_pk, shape), weight_npk)
    return np.moveaxis(xlogy(chance_npk, n_responses * chance_npk).sum(axis=-1), 0, -1)


def kl_bound(ns: Sequence[int]) -> np.ndarray:
    """(N,) log n - (n-1)/n in nats: the KL divergence of Best-of-n from a policy that never says the same twice."""
    n = np.asarray(ns, dtype=np.float64)
    return np.log(n) - (n - 1) / n


def rank_weights(n_responses: int, ns: Sequence[int]) -> np.ndarray:
    """(N, K): the chance that the response of rank k, ascending, is the best of n out of K; no large binomials."""
    for n in ns:
        if not 1 <= n <= n_responses or n != int(n):
            raise DataError(f"best of {n}: n must be a whole number from 1 to {n_responses}, the responses to a prompt")
    n_n1 = np.asarray(ns, dtype=np.float64)[:, None]
    rank_k = np.arange(n_responses, 1, -1)  # w_(k-1) = w_k (k-n)/(k-1), from w_K = n/K
    falling_nk = np.cumprod(np.maximum(rank_k - n_n1, 0.0) / (rank_k - 1.0), axis=1)
    return (n_n1 / n_responses) * np.concatenate([np.ones_like(n_n1), falling_nk], axis=1)[:, ::-1]


def tie_means(sorted_k: np.ndarray, value_k: np.ndarray) -> np.ndarray:
    """The values, (..., K), each replaced by the mean over its block of equal sorted numbers."""
    starts = np.ones(sorted_k.shape, dtype=bool)
    starts[..., 1:] = sorted_k[..., 1:] != sorted_k[..., :-1]
    block_r = np.cumsum(starts.reshape(-1)) - 1
    mean_b = np.bincount(block_r, weights=value_k.reshape(-1)) / np.bincount(block_r)
    return mean_b[block_r].reshape(sorted_k.shape)


def finite(values: np.ndarray, name: str) -> np.ndarray:
    """The values as float64, or DataError with the first place that holds no finite number."""
    values = np.asarray(values, dtype=np.float64)
    if len(bad := np.argwhere(~np.isfinite(values))):
        place = ", ".join(map(str, bad[0]))
        raise DataError(f"the {name} at ({place}) is {values[tuple(bad[0])]}; it must be a finite number")
    return values
