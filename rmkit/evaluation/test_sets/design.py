"""What a design of a test set is: it draws rows of responses, and says how they are annotated."""

from typing import Protocol

import numpy as np

from rmkit.evaluation.test_sets.annotation import Annotation, LabelledSet, labelled
from rmkit.evaluation.test_sets.judged import JudgedResponses, Rows


class Design(Protocol):
    """Draws test sets; all that is random comes from the generator."""

    @property
    def annotation(self) -> Annotation:
        """How rows are labelled, and in which unit that is paid."""

    def draw(self, judged: JudgedResponses, rng: np.random.Generator) -> Rows:
        """Rows of different responses to a prompt each, or DataError if these responses do not suffice."""


def draw_test_set(design: Design, judged: JudgedResponses, rng: np.random.Generator) -> LabelledSet:
    """The rows of a design with their labels, without noise and with the design's."""
    return labelled(design.draw(judged, rng), judged, rng, design.annotation)
