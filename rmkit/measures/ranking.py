"""How well a score orders each prompt's responses as gold does: share of pairs in order, and rank correlations.

Knows scores and gold rewards of K responses to each of P prompts; no text, no model. Functions take score_pk (..., P,
K) and gold_pk (P, K), or gold of the scores' shape, and give (..., P); the last two are for prompts with unequal
numbers of responses, and say for themselves what a constant score counts. Where a prompt's gold rewards are all equal
there is nothing to order: NaN, for every score alike. A score that is the same for all of a prompt's responses orders
them by chance: accuracy 1/2, correlation 0, their expectation under random tie-breaking. DataError for other shapes and
for values that are not finite, with the place of the first. Sources: Kendall 1945 (tau-b); Spearman 1904, ties with
average ranks; arXiv 2410.05584, section 3, for their use.
"""

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
    """(P,) Spearman correlation of two (R,) scores within each prompt, in ascending order of the prompts.

    Ties get average ranks; NaN for a prompt where one of the scores is constant, or with fewer than two responses.
    """
    from scipy.stats import rankdata

    found = []
    for prompt_id in np.unique(prompt_id_r):
        ranks = [rankdata(values[prompt_id_r == prompt_id]) for values in (score_r, gold_r)]
        first, second = (rank - rank.mean() for rank in ranks)
        norm = np.sqrt((first**2).sum() * (second**2).sum())
        found.append(float((first * second).sum() / norm) if norm > 0 else np.nan)
    return np.array(found)


def pair_accuracy(prompt_id_r: np.ndarray, score_r: np.ndarray, gold_r: np.ndarray) -> float:
    """The share of within-prompt pairs of unequal gold that the score orders as gold does; a tied score counts half."""
    right = compared = 0.0
    for prompt_id in np.unique(prompt_id_r):
        here = prompt_id_r == prompt_id
        first, second = np.triu_indices(int(here.sum()), k=1)
        gold_m, score_m = (np.sign(values[here][first] - values[here][second]) for values in (gold_r, score_r))
        unequal = gold_m != 0
        right += float(((1 + gold_m * score_m) / 2)[unequal].sum())
        compared += float(unequal.sum())
    return right / compared if compared else float("nan")
