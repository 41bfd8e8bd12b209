"""A budget of annotations, traded between prompts and responses to each; the unit that is paid decides which is better.

Source: arXiv 2410.05584, which does not say whether it pays for comparisons or for responses; both are here.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError
from rmkit.evaluation.test_sets.annotation import NOISELESS, Annotation
from rmkit.evaluation.test_sets.judged import JudgedResponses, Rows
from rmkit.evaluation.test_sets.responses_a_prompt import ResponsesAPrompt


@dataclass(frozen=True)
class FixedBudget:
    """m responses to as many prompts as the budget pays for, in the annotation's unit; the rest is not spent."""

    budget: int
    n_responses: int
    annotation: Annotation = NOISELESS

    @property
    def n_prompts(self) -> int:
        return prompts_for(self.budget, self.n_responses, self.annotation)

    def draw(self, judged: JudgedResponses, rng: np.random.Generator) -> Rows:
        return ResponsesAPrompt(self.n_responses, self.n_prompts).draw(judged, rng)


def prompts_for(budget: int, n_responses: int, annotation: Annotation) -> int:
    """How many prompts a budget pays for, or DataError if it does not pay for one."""
    cost = annotation.cost(n_responses)
    if budget < cost:
        raise DataError(
            f"a budget of {budget} {annotation.unit}s: one prompt with {n_responses} responses takes {cost}; "
            "raise the budget or take fewer responses or votes"
        )
    return int(budget // cost)
