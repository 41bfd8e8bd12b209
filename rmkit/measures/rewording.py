"""How much a score depends on the wording: its change, and the orders that turn, where gold stays the same.

Knows scores of K responses to each of P prompts, in their wording and in another. Gold is equal in both by
construction (worlds/grammar/rewordings.py), so all change is the reward model's. NaN where all scores of a prompt are
equal, by the side that the measure needs. Source: arXiv 2410.05584, section 4 (test prompts in other words).
"""

import numpy as np

from rmkit.errors import DataError
from rmkit.measures.arrays import finite
from rmkit.measures.ranking import over


def score_change(score_pk: np.ndarray, reworded_pk: np.ndarray, changed_pk: np.ndarray | None = None) -> np.ndarray:
    """(..., P) the mean |change| of a prompt's scores, in standard deviations of its K scores as first worded.

    changed_pk: (P, K) bool, which responses have another wording; the others do not count. None: all.
    """
    score_pk, reworded_pk, changed_pk = _checked(score_pk, reworded_pk, changed_pk)
    change_p = over((np.abs(reworded_pk - score_pk) * changed_pk).sum(axis=-1), changed_pk.sum(axis=-1))
    return over(change_p, score_pk.std(axis=-1))


def rank_flips(score_pk: np.ndarray, reworded_pk: np.ndarray, changed_pk: np.ndarray | None = None) -> np.ndarray:
    """(..., P) the share of pairs of unequal score whose order turns when both are reworded; a new tie is half a turn.

    A response without another wording keeps its score; pairs of two such do not count.
    """
    score_pk, reworded_pk, changed_pk = _checked(score_pk, reworded_pk, changed_pk)
    reworded_pk = np.where(changed_pk, reworded_pk, score_pk)
    first_c, second_c = np.triu_indices(score_pk.shape[-1], 1)
    before_pc, after_pc = (np.sign(one[..., first_c] - one[..., second_c]) for one in (score_pk, reworded_pk))
    counts_pc = (before_pc != 0) & (changed_pk[..., first_c] | changed_pk[..., second_c])
    return over((np.abs(after_pc - before_pc) / 2 * counts_pc).sum(axis=-1), counts_pc.sum(axis=-1))


def _checked(
    score_pk: np.ndarray, reworded_pk: np.ndarray, changed_pk: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    score_pk, reworded_pk = finite(score_pk, "score"), finite(reworded_pk, "score in other words")
    if score_pk.shape != reworded_pk.shape or score_pk.ndim < 2:
        raise DataError(
            f"scores {score_pk.shape} and, in other words, {reworded_pk.shape}: both must be (..., prompts, K)"
        )
    changed_pk = np.ones(score_pk.shape[-2:], bool) if changed_pk is None else np.asarray(changed_pk, dtype=bool)
    if changed_pk.shape != score_pk.shape[-2:]:
        raise DataError(f"changed_pk {changed_pk.shape}: it must be (prompts, K) as scores are, {score_pk.shape[-2:]}")
    return score_pk, reworded_pk, np.broadcast_to(changed_pk, score_pk.shape)
