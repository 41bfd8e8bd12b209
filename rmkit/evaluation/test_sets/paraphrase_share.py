"""A share of the prompts in other words: the same responses, the same gold, other texts for a reward model to read."""

from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError
from rmkit.evaluation.test_sets.annotation import Annotation
from rmkit.evaluation.test_sets.design import Design
from rmkit.evaluation.test_sets.judged import JudgedResponses, Rows


@dataclass(frozen=True)
class ParaphraseShare:
    """The rows of another design, those of a share of the prompts in another wording.

    Of one seed, the prompts of a smaller share are among those of a larger one, and the rows are the same.
    """

    of: Design
    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise DataError(f"share of paraphrases: {self.share}; it lies between 0 and 1")

    @property
    def annotation(self) -> Annotation:
        return self.of.annotation

    def draw(self, judged: JudgedResponses, rng: np.random.Generator) -> Rows:
        if judged.n_wordings < 2:
            raise DataError("a share of paraphrases: these prompts have one wording; give n_wordings and their scores")
        place_p, other_p = rng.permutation(judged.n_prompts), rng.integers(1, judged.n_wordings, judged.n_prompts)
        rows = self.of.draw(judged, rng)
        prompt_d = np.unique(rows.prompt_q)
        turned_d = prompt_d[np.argsort(place_p[prompt_d])][: round(self.share * len(prompt_d))]
        wording_q = np.where(np.isin(rows.prompt_q, turned_d), other_p[rows.prompt_q], 0)
        return Rows(rows.prompt_q, rows.response_qm, wording_q)
