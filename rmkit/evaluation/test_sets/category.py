"""Prompts of one category alone: what a test set of one kind says of policies that answer another."""

from dataclasses import dataclass

import numpy as np

from rmkit.evaluation.test_sets.annotation import NOISELESS, Annotation
from rmkit.evaluation.test_sets.judged import JudgedResponses, Rows, rows_among


@dataclass(frozen=True)
class InCategory:
    """m responses to prompts of a category. Policies answer those of another: `judged.is_in` says which they are."""

    category: str
    n_responses: int = 2
    n_prompts: int | None = None
    annotation: Annotation = NOISELESS

    def draw(self, judged: JudgedResponses, rng: np.random.Generator) -> Rows:
        allowed_pk = np.broadcast_to(judged.is_in(self.category)[:, None], judged.gold_pk.shape)
        return rows_among(
            allowed_pk, self.n_prompts, self.n_responses, rng, f"responses in the category {self.category}"
        )
