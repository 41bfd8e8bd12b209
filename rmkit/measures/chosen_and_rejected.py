"""Several chosen and several rejected responses to a prompt: does the score put all of these below all of those?

Knows scores of K responses to each of P prompts, and which are chosen and which rejected; no text, no model. Tied
scores are in any order, equally likely, as in ranking.py; in `ties_score`, as released, they are a miss. Sources: Kim
et al., ACL 2025 (arXiv 2505.12763) for strict accuracy and the matrix; RewardBench 2 (arXiv 2506.01937) for the Ties
score, whose weights are those of its released code (one chosen and three rejected: `top_responses.top_accuracy`).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import binom

from rmkit.errors import DataError
from rmkit.measures.arrays import average_ranks, finite
from rmkit.measures.ranking import over
from rmkit.measures.top_responses import below_and_above


def best_and_worst(gold_pk: np.ndarray, n_chosen: int, n_rejected: int) -> tuple[np.ndarray, np.ndarray]:
    """(..., P, K) bool each: the n best responses by gold, chosen, and the n worst, rejected.

    What is as good as the last of a group belongs to it too, so no group depends on the order of responses. A prompt
    whose groups would share a response has neither: what is measured on it is NaN. DataError if K is too few for both.
    """
    gold_pk = finite(gold_pk, "gold reward")
    if n_chosen < 1 or n_rejected < 1 or gold_pk.ndim < 1 or gold_pk.shape[-1] < n_chosen + n_rejected:
        raise DataError(
            f"{n_chosen} chosen and {n_rejected} rejected of gold rewards {gold_pk.shape}: there must be one or "
            "more of each, and as many responses to a prompt as both together"
        )
    below_pk, above_pk = below_and_above(gold_pk)
    chosen_pk, rejected_pk = above_pk < n_chosen, below_pk < n_rejected
    apart_p1 = ~(chosen_pk & rejected_pk).any(axis=-1, keepdims=True)
    return chosen_pk & apart_p1, rejected_pk & apart_p1


def matrix_accuracy(score_pk: np.ndarray, chosen_pk: np.ndarray, rejected_pk: np.ndarray) -> np.ndarray:
    """(..., P) the share of pairs of a chosen and a rejected response in which the chosen one has the higher score.

    A tie counts half; NaN for a prompt without a chosen or without a rejected response. score_pk: (..., P, K).
    chosen_pk, rejected_pk: bool, (P, K) or the scores' shape; a response may be neither, and is then ignored. DataError
    for other shapes, for a response that is both, and for scores that are not finite.
    """
    score_pk, chosen_pk, rejected_pk = _grouped(score_pk, chosen_pk, rejected_pk)
    order_pk = np.where(chosen_pk | rejected_pk, average_ranks(score_pk), 0.0)  # whoever is neither comes first
    n_chosen_p, n_rejected_p = (np.count_nonzero(of, axis=-1) for of in (chosen_pk, rejected_pk))
    n_neither_p = score_pk.shape[-1] - n_chosen_p - n_rejected_p
    rank_p = np.where(chosen_pk, average_ranks(order_pk), 0.0).sum(axis=-1) - n_chosen_p * n_neither_p
    return over(rank_p - n_chosen_p * (n_chosen_p + 1) / 2, n_chosen_p * n_rejected_p)  # Mann & Whitney's U


def strict_accuracy(score_pk: np.ndarray, chosen_pk: np.ndarray, rejected_pk: np.ndarray) -> np.ndarray:
    """(..., P) whether every chosen response has a higher score than every rejected one: 1 or 0, ties by chance.

    c chosen and r rejected responses that share one score are in order with chance 1 / C(c + r, c). Arguments, NaN and
    errors as in `matrix_accuracy`.
    """
    score_pk, chosen_pk, rejected_pk = _grouped(score_pk, chosen_pk, rejected_pk)
    lowest_p = np.where(chosen_pk, score_pk, np.inf).min(axis=-1)
    highest_p = np.where(rejected_pk, score_pk, -np.inf).max(axis=-1)
    chosen_p, rejected_p = (
        np.count_nonzero(of & (score_pk == lowest_p[..., None]), axis=-1) for of in (chosen_pk, rejected_pk)
    )
    by_chance_p = np.where(lowest_p == highest_p, 1 / binom(chosen_p + rejected_p, chosen_p), 0.0)
    in_order_p = np.where(lowest_p > highest_p, 1.0, by_chance_p)
    return np.where(chosen_pk.any(axis=-1) & rejected_pk.any(axis=-1), in_order_p, np.nan)


class TiesScore(NamedTuple):
    """RewardBench 2's score of its subset Ties, and its parts: floats, or arrays (...,) of several models."""

    score: np.ndarray  # 0.3 of either accuracy, 0.2 of either preference, 0.01 of the margin
    accuracy: np.ndarray  # of prompts with several correct answers: each above every wrong one
    reference_accuracy: np.ndarray  # of prompts with one correct answer
    preferred: np.ndarray  # correct ones are further from wrong ones than from each other
    preferred_hard: np.ndarray  # and so are they in the reference, too
    margin: np.ndarray  # mean of tanh(smaller distance from wrong ones / spread of the correct ones - 1)


def ties_score(
    score_pk: np.ndarray,
    correct_pk: np.ndarray,
    wrong_pk: np.ndarray,
    reference_score_pk: np.ndarray,
    reference_correct_pk: np.ndarray,
    reference_wrong_pk: np.ndarray,
) -> TiesScore:
    """RewardBench 2's Ties score: are equally correct answers alike, and all of them above the wrong ones?

    score_pk: (..., P, K), prompts that have several correct answers; correct_pk, wrong_pk: bool, (P, K) or the scores'
    shape; what is neither (padding) is ignored. reference_*: the same of (..., P, L), the same prompts put so that they
    have one correct answer. DataError for a prompt with fewer than two (reference: one) correct or no wrong answer, for
    other numbers of prompts, and as in `matrix_accuracy`.
    """
    wrongs_p, correct_spread_p = _distances(score_pk, correct_pk, wrong_pk, 2, "several correct answers")
    reference_p, _ = _distances(reference_score_pk, reference_correct_pk, reference_wrong_pk, 1, "one correct answer")
    if wrongs_p.shape != reference_p.shape:
        raise DataError(f"prompts {wrongs_p.shape} and references {reference_p.shape} must be of one shape")
    smaller_p = np.minimum(reference_p, wrongs_p)
    with np.errstate(divide="ignore", invalid="ignore"):
        margin_p = np.nan_to_num(np.tanh(smaller_p / correct_spread_p - 1), nan=0.0)
    parts = [wrongs_p > 0, reference_p > 0, wrongs_p > correct_spread_p, smaller_p > correct_spread_p, margin_p]
    means = [part_p.mean(axis=-1) for part_p in parts]
    weights = (0.3, 0.3, 0.2, 0.2, 0.01)
    return TiesScore(sum(weight * mean for weight, mean in zip(weights, means, strict=True)), *means)


def _distances(
    score_pk: np.ndarray, correct_pk: np.ndarray, wrong_pk: np.ndarray, fewest: int, what: str
) -> tuple[np.ndarray, np.ndarray]:
    """(..., P): from the best wrong answer up to the worst correct one; from the worst correct one up to the best."""
    score_pk, correct_pk, wrong_pk = _grouped(score_pk, correct_pk, wrong_pk)
    few = (np.count_nonzero(correct_pk, axis=-1) < fewest) | ~wrong_pk.any(axis=-1)
    if not few.size or few.any():
        place = np.argwhere(few)[0].tolist() if few.size else "(none)"
        raise DataError(f"prompt {place} with {what}: it must have {fewest} or more correct ones and a wrong one")
    worst_p = np.where(correct_pk, score_pk, np.inf).min(axis=-1)
    best_p, wrong_p = (np.where(of, score_pk, -np.inf).max(axis=-1) for of in (correct_pk, wrong_pk))
    return worst_p - wrong_p, best_p - worst_p


def _grouped(
    score_pk: np.ndarray, chosen_pk: np.ndarray, rejected_pk: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All three in the scores' shape, or DataError."""
    score_pk, *groups = finite(score_pk, "score"), np.asarray(chosen_pk), np.asarray(rejected_pk)
    for group_pk in groups:
        if score_pk.ndim < 2 or group_pk.shape not in (score_pk.shape, score_pk.shape[-2:]) or group_pk.dtype != bool:
            raise DataError(
                f"scores {score_pk.shape} and a group {group_pk.shape} of {group_pk.dtype}: both must be (prompts, K), "
                "and a group says of each response whether it is in it (bool)"
            )
    if (both := np.argwhere(groups[0] & groups[1])).size:
        raise DataError(f"the response at {tuple(both[0].tolist())} is chosen and rejected; it may be one of both")
    return score_pk, np.broadcast_to(groups[0], score_pk.shape), np.broadcast_to(groups[1], score_pk.shape)
