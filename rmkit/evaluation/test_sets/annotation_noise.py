"""The rows of another design, annotated in another way: flips, a temperature, several votes."""

from dataclasses import dataclass

import numpy as np

from rmkit.evaluation.test_sets.annotation import Annotation
from rmkit.evaluation.test_sets.design import Design
from rmkit.evaluation.test_sets.judged import JudgedResponses, Rows


@dataclass(frozen=True)
class AnnotationNoise:
    """Of one seed, all annotations are of the same rows."""

    of: Design
    annotation: Annotation

    def draw(self, judged: JudgedResponses, rng: np.random.Generator) -> Rows:
        return self.of.draw(judged, rng)
