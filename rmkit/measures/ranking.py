"""How well a score orders each prompt's responses as gold does: share of pairs in order, and rank correlations.

Knows scores and gold rewards of K responses to each of P prompts; no text, no model. Functions take score_pk (..., P,
K) and gold_pk (P, K), or gold of the scores' shape, and give (..., P); those named `within_prompt_` take responses with
their prompts' ids, so that prompts may have unequal numbers of them.

Score and gold are no equals, and one convention follows for ties, here and wherever a score is held against gold. Pairs
of equal gold have no order and count for nothing; where all of a prompt's gold is equal there is nothing to order: NaN,
for every score alike. A tied score is read as a coin's toss, what ties broken at random give on average: half a pair in
an accuracy, so that a score that is the same for all of a prompt's responses has accuracy 1/2 and correlation 0. Were
it NaN, a fit that tells nothing apart would be measured on the prompts alone on which it does better. (A correlation
over reward models, in intervals/correlations.py, has no such sides: of a constant it is NaN.)

DataError for other shapes and for values that are not finite, with the place of the first. Sources: Kendall 1945
(tau-b); Spearman 1904, ties with average ranks; arXiv 2410.05584, section 3, for their use.
"""

from collections.abc import Iterator

import numpy as np

from rmkit.errors import DataError
from rmkit.measures.arrays import average_ranks, blocks, finite


def order_accuracy(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """The share of a prompt's pairs of unequal gold that the score orders as gold does; a tied score counts half."""
    score_pk, gold_pk = checked(score_pk, gold_pk)
    agreeing_p, _, unequal_p = pair_signs(score_pk, gold_pk)
    return 0.5 + 0.5 * over(agreeing_p, unequal_p)


def kendall(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """Kendall's tau-b; without ties it is twice `order_accuracy` minus 1."""
    score_pk, gold_pk = checked(score_pk, gold_pk)
    agreeing_p, untied_p, unequal_p = pair_signs(score_pk, gold_pk)
    tied = (untied_p == 0) & (unequal_p > 0)
    return np.where(tied, 0.0, over(agreeing_p, np.sqrt(untied_p * unequal_p)))


def spearman(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """Spearman's correlation, tied values at their average rank."""
    score_pk, gold_pk = checked(score_pk, gold_pk)
    return correlation(average_ranks(score_pk), average_ranks(gold_pk))


def pearson(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """Pearson's correlation."""
    return correlation(*checked(score_pk, gold_pk))


def correlation(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """Pearson's correlation over the last axis; 0 where the score is constant, NaN where gold is."""
    score_pk, gold_pk = (values - values.mean(axis=-1, keepdims=True) for values in (score_pk, gold_pk))
    spread_p = np.sqrt((score_pk**2).sum(axis=-1) * (gold_pk**2).sum(axis=-1))
    found_p = over((score_pk * gold_pk).sum(axis=-1), spread_p)
    return np.where(np.ptp(gold_pk, axis=-1) == 0, np.nan, np.where(np.ptp(score_pk, axis=-1) == 0, 0.0, found_p))


def pair_signs(score_pk: np.ndarray, gold_pk: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Over each prompt's pairs: agreeing minus disagreeing, those of unequal score, those of unequal gold; (..., P).

    Without looking at pairs one by one (Knight 1966): sorted by gold, those that disagree are the inversions of the
    score, and those that are tied are counted by value.
    """
    shape, n_responses = score_pk.shape[:-1], score_pk.shape[-1]
    flat_score, flat_gold = (values.reshape(-1, n_responses) for values in (score_pk, gold_pk))
    agreeing, untied, unequal = (np.empty(len(flat_score), dtype=np.int64) for _ in range(3))
    n_pairs = n_responses * (n_responses - 1) // 2
    for rows in blocks(len(flat_score), n_responses):
        level_k, gold_level_k = dense_ranks(flat_score[rows]), dense_ranks(flat_gold[rows])
        both_k = np.sort(gold_level_k * n_responses + level_k, axis=-1)  # by gold, equal gold by score: no inversions
        untied[rows] = n_pairs - tied_pairs(np.sort(level_k, axis=-1))
        unequal[rows] = n_pairs - tied_pairs(both_k // n_responses)
        disagreeing = inversions(both_k % n_responses)
        agreeing[rows] = unequal[rows] + untied[rows] - n_pairs + tied_pairs(both_k) - 2 * disagreeing
    return agreeing.reshape(shape), untied.reshape(shape), unequal.reshape(shape)


def dense_ranks(value_rk: np.ndarray) -> np.ndarray:
    """(R, K) int64 from 0 to below K in each row's order; equal values have one rank, not always the next."""
    order_rk = np.argsort(value_rk, axis=-1)
    sorted_rk = np.take_along_axis(value_rk, order_rk, axis=-1)
    starts_rk = np.arange(value_rk.shape[1]) * np.append(
        np.ones((len(value_rk), 1), dtype=bool), sorted_rk[:, 1:] != sorted_rk[:, :-1], axis=1
    )
    rank_rk = np.empty(value_rk.shape, dtype=np.int64)
    np.put_along_axis(rank_rk, order_rk, np.maximum.accumulate(starts_rk, axis=1), axis=-1)
    return rank_rk


def tied_pairs(sorted_rk: np.ndarray) -> np.ndarray:
    """(R,) how many pairs of a sorted row are equal: each position has a pair with every equal one before it."""
    position_k = np.arange(sorted_rk.shape[1])
    starts_rk = np.zeros(sorted_rk.shape, dtype=np.int64)
    starts_rk[:, 1:] = position_k[1:] * (sorted_rk[:, 1:] != sorted_rk[:, :-1])
    return (position_k - np.maximum.accumulate(starts_rk, axis=1)).sum(axis=1)


def inversions(rank_rk: np.ndarray) -> np.ndarray:
    """(R,) how many pairs of a row have the larger rank first; ranks are 0 to below K.

    A merge sort that looks at all runs of one length at once: a response's position is part of its key, so that a run's
    left and right half are told apart after it is sorted, and each left one counts the right ones before it.
    """
    bits = max(1, (rank_rk.shape[1] - 1).bit_length())
    dtype = np.int32 if bits <= 14 else np.int64  # the largest key is below 2 ** (2 * bits + 2)
    key_rk = np.full((len(rank_rk), 2**bits), 2 ** (2 * bits + 1), dtype=dtype)
    key_rk += np.arange(2**bits, dtype=dtype)  # behind the row to its end, and larger: no inversions
    key_rk[:, : rank_rk.shape[1]] = (rank_rk << bits) + np.arange(rank_rk.shape[1])
    found_r = np.zeros(len(rank_rk), dtype=np.int64)
    for bit in range(bits):
        key_rk = np.sort(key_rk.reshape(len(rank_rk), -1, 2 << bit), axis=-1)
        right_rk = (key_rk >> bit) & 1
        found_r += (np.cumsum(right_rk, axis=-1, dtype=np.int32) * (1 - right_rk)).sum(axis=(1, 2))
    return found_r


def over(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The ratio, NaN where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.full(np.shape(numerator), np.nan), where=denominator > 0)


def checked(score_pk: np.ndarray, gold_pk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 of the scores' shape, or DataError."""
    score_pk, gold_pk = finite(score_pk, "score"), finite(gold_pk, "gold reward")
    if score_pk.ndim < 2 or score_pk.shape[-1] < 2 or gold_pk.shape not in (score_pk.shape, score_pk.shape[-2:]):
        raise DataError(
            f"scores {score_pk.shape} and gold rewards {gold_pk.shape}: both must be (prompts, K), K at least 2"
        )
    return score_pk, np.broadcast_to(gold_pk, score_pk.shape)


def within_prompt_spearman(prompt_id_r: np.ndarray, score_r: np.ndarray, gold_r: np.ndarray) -> np.ndarray:
    """(P,) `spearman` of (R,) scores and gold within each prompt, in ascending order of the prompts' ids.

    NaN also for a prompt with fewer than two responses.
    """
    found_p = np.full(len(np.unique(prompt_id_r)), np.nan)
    for at_q, response_qk in by_number_of_responses(prompt_id_r):
        found_p[at_q] = spearman(score_r[response_qk], gold_r[response_qk])
    return found_p


def within_prompt_accuracy(prompt_id_r: np.ndarray, score_r: np.ndarray, gold_r: np.ndarray) -> float:
    """`order_accuracy` over the pairs of unequal gold of all prompts together; NaN if there are none."""
    agreeing = unequal = 0
    for _, response_qk in by_number_of_responses(prompt_id_r):
        agreeing_q, _, unequal_q = pair_signs(*checked(score_r[response_qk], gold_r[response_qk]))
        agreeing, unequal = agreeing + int(agreeing_q.sum()), unequal + int(unequal_q.sum())
    return (unequal + agreeing) / 2 / unequal if unequal else float("nan")


def by_number_of_responses(prompt_id_r: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For every number K of responses from 2 on: (Q,) places of such prompts among all, (Q, K) of their responses."""
    _, prompt_r, number_p = np.unique(prompt_id_r, return_inverse=True, return_counts=True)
    response_r, first_p = np.argsort(prompt_r, kind="stable"), np.cumsum(number_p) - number_p
    for n_responses in np.unique(number_p[number_p > 1]):
        at_q = np.flatnonzero(number_p == n_responses)
        yield at_q, response_r[first_p[at_q][:, None] + np.arange(n_responses)]
