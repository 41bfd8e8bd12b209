"""m responses to each of n prompts, drawn evenly; all their pairs are compared, or each of them is rated."""

from dataclasses import dataclass

import numpy as np

from rmkit.evaluation.test_sets.annotation import NOISELESS, Annotation
from rmkit.evaluation.test_sets.judged import JudgedResponses, Rows, rows_among


@dataclass(frozen=True)
class ResponsesAPrompt:
    """The plain design; two responses to a prompt are the usual benchmark."""

    n_responses: int
    n_prompts: int | None = None  # None: every prompt
    annotation: Annotation = NOISELESS

    def draw(self, judged: JudgedResponses, rng: np.random.Generator) -> Rows:
        everything_pk = np.ones(judged.gold_pk.shape, dtype=bool)
        return rows_among(everything_pk, self.n_prompts, self.n_responses, rng, "responses")
