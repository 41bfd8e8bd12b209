"""The responses that test sets are drawn from, of stored banks, with what reward models give them.

Knows banks, reward models and which prompts measure; no design. All responses are on the measuring prompts, in the
order of the bank. Source: arXiv 2410.05584, section 4, for what a test set's responses may be.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from rmkit.artifacts.bank import ResponseBank
from rmkit.errors import DataError
from rmkit.evaluation.design_outcomes import CATEGORY
from rmkit.evaluation.design_settings import Responses, beside
from rmkit.evaluation.test_sets.judged import JudgedResponses
from rmkit.reward_models.collection import RewardModels


def scores_of(models: RewardModels, bank: ResponseBank) -> np.ndarray:
    """(F, P, K) float64 rewards of a bank in which every prompt has K responses, or DataError."""
    shape = bank.grid().response_pk.shape
    return models.score(bank.embedding_rd).reshape(-1, *shape).astype(np.float64)


def own_responses(bank: ResponseBank, score_fpk: np.ndarray, measuring_p: np.ndarray) -> Responses:
    """Of the policy's own bank, with the categories of its prompts where the bank has them."""
    category = CATEGORY if CATEGORY in bank.prompts else None
    return Responses(JudgedResponses.of_bank(bank, category=category).only(measuring_p), score_fpk[:, measuring_p])


def writers_responses(
    banks: Mapping[str, ResponseBank], models: RewardModels, measuring_p: np.ndarray
) -> dict[str, Responses]:
    """Of each writer's bank, and of both side by side; the policy's own writer first.

    DataError for banks of other prompts, or that reward models cannot read.
    """
    ids = {writer: bank.prompts["prompt_id"].to_numpy() for writer, bank in banks.items()}
    first = next(iter(ids.values()))
    if other := [writer for writer, id_p in ids.items() if not np.array_equal(id_p, first)]:
        raise DataError(f"writers: {other[0]} answers other prompts than {next(iter(ids))}; sources need the same ones")
    each = {
        writer: (JudgedResponses.of_bank(bank).only(measuring_p), scores_of(models, bank)[:, measuring_p])
        for writer, bank in banks.items()
    }
    return beside(each)


def reworded_responses(own: Responses, n_responses: int, reworded: Sequence[np.ndarray]) -> Responses:
    """The first responses to each prompt in V wordings: as they are, and each of the reworded ones.

    reworded: (F, P, n_responses) scores in each other wording. Gold is the same in all.
    """
    score_fvpk = np.stack([own.score_fvpk[..., :n_responses], *reworded], axis=1)
    judged = JudgedResponses(
        own.judged.gold_pk[:, :n_responses], None, own.judged.category_p, n_wordings=1 + len(reworded)
    )
    return Responses(judged, score_fvpk)
