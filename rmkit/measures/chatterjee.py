"""Chatterjee's xi: how nearly gold is a function of the score, of any form.

Knows scores and gold rewards of K responses to each of P prompts; no text, no model. It has a direction, from the score
to gold: the other way round it is another number. And it has no sign: a score that turns gold's order round has the xi
of one that keeps it. Source: Chatterjee, JASA 2021 (arXiv 1909.10140), the form for ties.
"""

import numpy as np

from rmkit.errors import DataError
from rmkit.measures.arrays import blocks
from rmkit.measures.ranking import checked, over
from rmkit.measures.top_responses import below_and_above

FEWEST = 3  # of two responses it is always 0


def chatterjee_xi(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """(..., P) 1 - K sum |R_(i+1) - R_i| / (2 sum L_i (K - L_i)), responses in ascending order of their scores.

    R_i: how many responses have at most the gold of the i-th, L_i: how many at least. Without ties it is 1 - 3 sum |R_
    (i+1) - R_i| / (K^2 - 1), at most (K - 2) / (K + 1). Responses of equal score are in any order, equally likely, and
    the value is its mean over these orders. NaN where all of a prompt's gold is equal.

    score_pk: (..., P, K), K at least 3; gold_pk: (P, K) or the scores' shape. DataError as in ranking.py.
    """
    score_pk, gold_pk = checked(score_pk, gold_pk)
    n_responses = score_pk.shape[-1]
    if n_responses < FEWEST:
        raise DataError(f"Chatterjee's xi takes at least {FEWEST} responses to a prompt; there are {n_responses}")
    below_pk, above_pk = below_and_above(gold_pk)
    steps_p = mean_steps(score_pk, n_responses - above_pk)
    most_p = 2 * ((n_responses - below_pk) * below_pk).sum(axis=-1)  # L (K - L), with L = K - below
    return 1 - over(n_responses * steps_p, most_p)


def mean_steps(score_pk: np.ndarray, rank_pk: np.ndarray) -> np.ndarray:
    """(..., P) the sum of |R_(i+1) - R_i| in ascending order of the score, its mean over the orders of tied scores."""
    order_pk = np.argsort(score_pk, axis=-1)
    score_rk, rank_rk = (
        np.take_along_axis(of, order_pk, axis=-1).reshape(-1, of.shape[-1]) for of in (score_pk, rank_pk)
    )
    steps_r = np.abs(np.diff(rank_rk, axis=-1)).sum(axis=-1).astype(np.float64)
    tied_r = np.flatnonzero((score_rk[:, 1:] == score_rk[:, :-1]).any(axis=-1))
    n_responses = score_rk.shape[1]
    for rows in blocks(len(tied_r), n_responses**2):
        steps_r[tied_r[rows]] = _mean_steps_of_tied(score_rk[tied_r[rows]], rank_rk[tied_r[rows]])
    return steps_r.reshape(score_pk.shape[:-1])


def _mean_steps_of_tied(score_rk: np.ndarray, rank_rk: np.ndarray) -> np.ndarray:
    """As `mean_steps` of (R, K) rows that are sorted: each two responses, with the chance that they are neighbours.

    Within a block of b tied ones that is 2 / b; of two blocks of a and b that follow each other, 1 / (a b).
    """
    block_rk = np.zeros(score_rk.shape, np.int64)
    block_rk[:, 1:] = np.cumsum(score_rk[:, 1:] != score_rk[:, :-1], axis=-1)
    apart_rkk = np.abs(block_rk[:, :, None] - block_rk[:, None, :])
    size_rk = (apart_rkk == 0).sum(axis=-1)
    chance_rkk = np.where(apart_rkk == 0, 2 / size_rk[:, :, None], 1 / (size_rk[:, :, None] * size_rk[:, None, :]))
    chance_rkk[apart_rkk > 1] = 0
    return (chance_rkk * np.abs(rank_rk[:, :, None] - rank_rk[:, None, :])).sum(axis=(1, 2)) / 2  # each two came twice
