"""So many pairs, drawn evenly over prompts: each prompt once before any comes again, no pair twice."""

from dataclasses import dataclass

import numpy as np

from rmkit.annotation.pairs import pairs_within_prompts
from rmkit.evaluation.test_sets.annotation import NOISELESS, Annotation
from rmkit.evaluation.test_sets.judged import JudgedResponses, Rows


@dataclass(frozen=True)
class NumberOfPairs:
    """n random pairs of responses to one prompt. DataError for more than there are."""

    n_pairs: int
    annotation: Annotation = NOISELESS

    def draw(self, judged: JudgedResponses, rng: np.random.Generator) -> Rows:
        pair_m2 = pairs_within_prompts(judged.gold_pk, self.n_pairs, "random", rng)
        prompt_m, response_m2 = pair_m2[:, 0] // judged.n_responses, pair_m2 % judged.n_responses
        return Rows(prompt_m, response_m2, np.zeros(len(prompt_m), np.int64))
