"""How well a score orders each prompt's responses as gold does: share of pairs in order, and rank correlations.

Knows scores and gold rewards of K responses to each of P prompts; no text, no model. Every function takes score_pk
(..., P, K) and gold_pk (P, K), or gold of the scores' shape, and gives (..., P). Where a prompt's gold rewards are all
equal there is nothing to order: NaN, for every score alike. A score that is the same for all of a prompt's responses
orders them by chance: accuracy 1/2, correlation 0, their expectation under random tie-breaking. DataError for other
shapes and for values that are not finite, with the place of the first.
Sources: Kendall 1945 (tau-b); Spearman 1904, ties with average ranks; arXiv 2410.05584, section 3, for their use.
"""

from collections.abc import Iterator

import numpy as np
from scipy.stats import rankdata

from rmkit.best_of_n import finite
from rmkit.errors import DataError

BLOCK_NUMBERS = 2**23  # pairs are compared this many at a time


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
    return correlation(rankdata(score_pk, axis=-1), rankdata(gold_pk, axis=-1))


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
    """Over each prompt's pairs: agreeing minus disagreeing, those of unequal score, those of unequal gold; (..., P)."""
    shape, n_responses = score_pk.shape[:-1], score_pk.shape[-1]
    flat_score, flat_gold = (values.reshape(-1, n_responses) for values in (score_pk, gold_pk))
    agreeing, untied, unequal = (np.empty(len(flat_score)) for _ in range(3))
    for rows in blocks(len(flat_score), n_responses**2):
        of_score, of_gold = (
            np.sign(values[rows, :, None] - values[rows, None, :]).astype(np.int8) for values in (flat_score, flat_gold)
        )
        agreeing[rows] = (of_score * of_gold).sum(axis=(1, 2), dtype=np.int64) / 2
        untied[rows], unequal[rows] = np.count_nonzero(of_score, (1, 2)) / 2, np.count_nonzero(of_gold, (1, 2)) / 2
    return agreeing.reshape(shape), untied.reshape(shape), unequal.reshape(shape)


def blocks(n_rows: int, numbers_a_row: int) -> Iterator[slice]:
    """Slices over the rows of at most BLOCK_NUMBERS numbers each, one row at least."""
    step = max(1, BLOCK_NUMBERS // numbers_a_row)
    yield from (slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step))


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
