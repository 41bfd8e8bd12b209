"""What a score puts first: where the best response comes, and how good those on top are.

Knows scores and gold rewards of K responses to each of P prompts; no text, no model. Functions take score_pk (..., P,
K) and gold_pk (P, K), or gold of the scores' shape, and give (..., P), more is better. Conventions and errors are those
of ranking.py: where all of a prompt's gold is equal, NaN; responses of equal score are in any order, equally likely,
and the value is its mean over these orders, exactly. Sources: arXiv 2410.05584, section 3 (MRR, NDCG, Bo5 as measures
of reward models); Jarvelin & Kekalainen 2002 (NDCG), McSherry & Najork 2008 (its mean over ties); RewardBench 2 (arXiv
2506.01937) for `top_accuracy`; arXiv 2504.14838 for the idea of `top_share`.
"""

from math import ceil

import numpy as np

from rmkit.errors import DataError
from rmkit.measures.arrays import average_ranks, blocks
from rmkit.measures.best_of_n import best_of_n, in_order_of_score
from rmkit.measures.ranking import checked, over


def reciprocal_rank(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """1 / the rank that the score gives to the best response by gold; of several best, to the one that it puts first.

    Its mean over prompts is the MRR.
    """
    score_pk, gold_pk = checked(score_pk, gold_pk)
    best_pk = gold_pk == gold_pk.max(axis=-1, keepdims=True)
    first_p1 = np.where(best_pk, score_pk, -np.inf).max(axis=-1, keepdims=True)
    tied_pk = score_pk == first_p1
    above_p, tied_p, best_p = (
        np.count_nonzero(of, axis=-1) for of in (score_pk > first_p1, tied_pk, tied_pk & best_pk)
    )
    found_p, none_yet_p = np.zeros(above_p.shape), np.ones(above_p.shape)
    for place in range(1, int(tied_p.max(initial=0)) + 1):  # among the tied, in a random order: the first that is best
        left_p = np.maximum(tied_p - place + 1, 1)
        now_p = np.minimum(best_p / left_p, 1.0)
        found_p += none_yet_p * now_p / (above_p + place)
        none_yet_p *= 1 - now_p
    return _where_gold_differs(gold_pk, found_p)


def ndcg(score_pk: np.ndarray, gold_pk: np.ndarray, *, gains: str = "ranks") -> np.ndarray:
    """Discounted cumulative gain of all K responses over that of gold's own order: 1 is gold's order.

    The i-th response counts 1 / log2(i + 1) of its gain. gains: "ranks", gold's rank from 0 to K - 1, equal gold at the
    mean rank; or "min_max", gold as a share of the way from the prompt's worst to its best. DataError for another.
    """
    score_pk, gold_pk = checked(score_pk, gold_pk)
    if gains == "ranks":
        gain_pk = average_ranks(gold_pk) - 1
    elif gains == "min_max":
        low_p1 = gold_pk.min(axis=-1, keepdims=True)
        gain_pk = over(gold_pk - low_p1, np.broadcast_to(np.ptp(gold_pk, axis=-1)[..., None], gold_pk.shape))
        gain_pk = np.nan_to_num(gain_pk)
    else:
        raise DataError(f"ndcg: gains={gains!r}; it must be 'ranks' or 'min_max'")
    discount_k = 1 / np.log2(np.arange(gold_pk.shape[-1], 0, -1) + 1.0)
    found_p, ideal_p = (weighted_by_rank(by_pk, gain_pk, discount_k) for by_pk in (score_pk, gold_pk))
    return _where_gold_differs(gold_pk, over(found_p, ideal_p))


def top_accuracy(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """Whether the response of the highest score is one of the highest gold; a score tied on top has a share.

    With one chosen and three rejected responses it is RewardBench 2's score of a prompt: 1/4 for a constant score.
    """
    score_pk, gold_pk = checked(score_pk, gold_pk)
    best_pk = (gold_pk == gold_pk.max(axis=-1, keepdims=True)).astype(np.float64)
    return _where_gold_differs(gold_pk, _of_the_top(score_pk, best_pk))


def top_win_rate(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """Of the responses of unequal gold to that of the highest score: the share that has less gold than it."""
    score_pk, gold_pk = checked(score_pk, gold_pk)
    below_pk, above_pk = below_and_above(gold_pk)
    return _of_the_top(score_pk, over(below_pk, below_pk + above_pk))


def normalised_best_of_n(score_pk: np.ndarray, gold_pk: np.ndarray, n: int | None = None) -> np.ndarray:
    """Which share of Best-of-n's gain by gold Best-of-n by the score has: (Bo_n - mean) / (gold's Bo_n - mean).

    n: 2 to K, drawn without replacement; None: all K, so that gold's Bo_n is the best response. 1: as good as gold; 0:
    no better than a response at random; it may be below 0. DataError for another n.
    """
    score_pk, gold_pk = checked(score_pk, gold_pk)
    n = gold_pk.shape[-1] if n is None else n
    if n == 1:
        raise DataError("best of 1: it gains nothing, so that there is no share of a gain; n must be at least 2")
    found_p, ideal_p = (best_of_n(by_pk, gold_pk, [n])[..., 0] for by_pk in (score_pk, gold_pk))
    return _share_of_gain(found_p, ideal_p, gold_pk)


def top_share(score_pk: np.ndarray, gold_pk: np.ndarray, *, share: float) -> np.ndarray:
    """Mean gold of the best `share` of responses by score, as a share of the gain of the best so many by gold.

    (top - mean) / (gold's top - mean), as `normalised_best_of_n`. share: of the K responses, rounded up; DataError
    unless it is above 0 and leaves one out.
    """
    score_pk, gold_pk = checked(score_pk, gold_pk)
    n_responses = gold_pk.shape[-1]
    if not 0 < share < 1 or (n_top := ceil(share * n_responses - 1e-9)) == n_responses:
        raise DataError(
            f"the best {share:g} of {n_responses} responses: the share must be above 0 and leave one or more out"
        )
    weight_k = (np.arange(n_responses) >= n_responses - n_top) / n_top
    found_p, ideal_p = (weighted_by_rank(by_pk, gold_pk, weight_k) for by_pk in (score_pk, gold_pk))
    return _share_of_gain(found_p, ideal_p, gold_pk)


def weighted_by_rank(score_pk: np.ndarray, value_pk: np.ndarray, weight_k: np.ndarray) -> np.ndarray:
    """(..., P) the sum of weight_k times the values in ascending order of the score; tied ones have their mean.

    score_pk and value_pk: of one shape (..., P, K), finite. weight_k: (K,).
    """
    score_rk, value_rk = (of.reshape(-1, of.shape[-1]) for of in (score_pk, value_pk))
    found_r = np.empty(len(score_rk))
    for rows in blocks(*score_rk.shape):
        found_r[rows] = in_order_of_score(score_rk[rows], value_rk, rows.start) @ weight_k
    return found_r.reshape(score_pk.shape[:-1])


def below_and_above(value_pk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(..., K) int64 each: how many values of a row are below this one, and how many above."""
    order_pk = np.argsort(value_pk, axis=-1)
    sorted_pk = np.take_along_axis(value_pk, order_pk, axis=-1)
    n_values = value_pk.shape[-1]
    changes_pk = sorted_pk[..., 1:] != sorted_pk[..., :-1]
    first_pk, last_pk = np.zeros(sorted_pk.shape, np.int64), np.full(sorted_pk.shape, n_values - 1)
    first_pk[..., 1:] = np.where(changes_pk, np.arange(1, n_values), 0)
    last_pk[..., :-1] = np.where(changes_pk, np.arange(n_values - 1), n_values - 1)
    first_pk = np.maximum.accumulate(first_pk, axis=-1)
    last_pk = np.minimum.accumulate(last_pk[..., ::-1], axis=-1)[..., ::-1]
    below_pk, above_pk = np.empty_like(first_pk), np.empty_like(last_pk)
    np.put_along_axis(below_pk, order_pk, first_pk, axis=-1)
    np.put_along_axis(above_pk, order_pk, n_values - 1 - last_pk, axis=-1)
    return below_pk, above_pk


def _of_the_top(score_pk: np.ndarray, value_pk: np.ndarray) -> np.ndarray:
    """(..., P) the mean value of the responses of the highest score."""
    top_pk = score_pk == score_pk.max(axis=-1, keepdims=True)
    return np.where(top_pk, value_pk, 0.0).sum(axis=-1) / np.count_nonzero(top_pk, axis=-1)


def _share_of_gain(found_p: np.ndarray, ideal_p: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    base_p = gold_pk.mean(axis=-1)
    return _where_gold_differs(gold_pk, over(found_p - base_p, ideal_p - base_p))


def _where_gold_differs(gold_pk: np.ndarray, value_p: np.ndarray) -> np.ndarray:
    """The values, NaN where all of a prompt's gold is equal."""
    return np.where(np.ptp(gold_pk, axis=-1) == 0, np.nan, value_p)
