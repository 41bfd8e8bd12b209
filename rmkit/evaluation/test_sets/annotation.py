"""How a test set is annotated, and at what cost: comparisons of two responses, or a rating of each response.

    comparison   P(i preferred to j) = sigmoid((g_i - g_j) / T), then turned round in a share `flip`; the majority of
                 `votes` such answers
    response     g_i + T * Gumbel, the mean of `votes` such ratings; one vote orders any two as the comparison does

T is the temperature in standard deviations of the gold of all responses; 0 is free of noise. Labels free of noise are
kept beside the noisy ones of the same pairs, so that the two are compared pair by pair. Knows gold alone. Sources:
arXiv 2410.05584 (Bradley-Terry labels); McFadden 1974 (Gumbel noise and the logistic law); annotators.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.special import betainc

from rmkit.annotation.annotators import Annotator
from rmkit.annotation.habits import Habits
from rmkit.errors import DataError, one_of
from rmkit.evaluation.test_sets.judged import JudgedResponses, Rows

UNITS: Mapping[str, str] = {
    "comparison": "every pair of a prompt's responses is compared",
    "response": "every response is rated once",
}


@dataclass(frozen=True)
class Annotation:
    """Who labels a test set: by default nobody errs. DataError with the first value amiss."""

    unit: str = "comparison"  # one of UNITS: what is asked, and what a budget pays for
    flip: float = 0.0  # chance that a comparison's answer is turned round
    temperature: float = 0.0  # in standard deviations of gold
    votes: int = 1  # answers a comparison or response; odd for comparisons, so that there is a majority

    def __post_init__(self) -> None:
        one_of(self.unit, UNITS, "unit", DataError)
        if not 0 <= self.flip < 0.5:
            raise DataError(f"flip: {self.flip}; from 0 to below 0.5, or labels say nothing")
        if not 0 <= self.temperature < np.inf:
            raise DataError(f"temperature: {self.temperature}; it must be 0 or more, and finite")
        if self.votes < 1 or (self.unit == "comparison" and self.votes % 2 == 0):
            raise DataError(f"votes: {self.votes}; give an odd number for comparisons, at least 1 for ratings")
        if self.unit == "response" and self.flip:
            raise DataError(f"flip: {self.flip}, and a rating has no other side; give a temperature, or comparisons")

    @property
    def noiseless(self) -> bool:
        return not self.flip and not self.temperature

    def cost(self, n_responses: int) -> int:
        """What a row of m responses costs in this unit: all its comparisons, or all its ratings."""
        asked = n_responses * (n_responses - 1) // 2 if self.unit == "comparison" else n_responses
        return asked * self.votes

    def chance_first(self, gap_m: np.ndarray, scale: float) -> np.ndarray:
        """(M,) the chance that a comparison's label is 1 at this difference in gold, all votes counted.

        A majority of v = 2h + 1 votes of chance p has that of h + 1 or more of them: I_p(h + 1, h + 1).
        """
        gold_m2 = np.stack([gap_m, np.zeros_like(gap_m)], axis=1)
        half = (self.votes + 1) / 2
        return betainc(half, half, self._annotator(scale).prefers_first(gold_m2))

    def compare(self, gold_m2: np.ndarray, scale: float, rng: np.random.Generator) -> np.ndarray:
        """(M,) int8: the label of each pair, 1 where the first is preferred."""
        annotator = self._annotator(scale)
        votes_vm = np.stack([annotator.label(gold_m2, rng) for _ in range(self.votes)])
        return (votes_vm.sum(axis=0) * 2 > self.votes).astype(np.int8)

    def rate(self, gold_qm: np.ndarray, scale: float, rng: np.random.Generator) -> np.ndarray:
        """(Q, m) what responses are rated, in units of gold."""
        noise_vqm = rng.gumbel(size=(self.votes, *gold_qm.shape))
        return gold_qm + self.temperature * scale * noise_vqm.mean(axis=0)

    def _annotator(self, scale: float) -> Annotator:
        beta = 1 / self.temperature if self.temperature else np.inf
        return Annotator(beta=beta, scale=scale, habits=Habits(flip=self.flip))


NOISELESS = Annotation()


@dataclass(frozen=True, eq=False)
class LabelledSet:
    """Q rows of m responses with what is true and what annotators said; C = m (m - 1) / 2 pairs a row."""

    rows: Rows
    annotation: Annotation
    pair_c2: np.ndarray  # (C, 2) int64 into m, first < second
    gold_qm: np.ndarray  # (Q, m)
    true_qc: np.ndarray  # (Q, C) 1 where gold prefers the first, 0 the second, NaN where gold is equal
    label_qc: np.ndarray  # (Q, C) the same as annotators say, NaN where gold is equal: such pairs have no order
    rating_qm: np.ndarray  # (Q, m) ratings; of comparisons, how many a response wins

    @property
    def cost(self) -> int:
        """In the annotation's unit; a response that is in two rows of a prompt is rated in each."""
        return len(self.gold_qm) * self.annotation.cost(self.gold_qm.shape[1])


def labelled(
    rows: Rows, judged: JudgedResponses, rng: np.random.Generator, annotation: Annotation = NOISELESS
) -> LabelledSet:
    """The rows with their labels. Labels of one seed differ in the noise's law alone, not in its random numbers."""
    if (last := int(rows.wording_q.max())) >= judged.n_wordings:
        raise DataError(f"wording {last}: prompts have {judged.n_wordings}, numbered from 0")
    gold_qm = judged.gold_pk[rows.prompt_q[:, None], rows.response_qm]  # the same in every wording
    pair_c2 = np.array(list(combinations(range(gold_qm.shape[1]), 2)))
    gold_qc2 = gold_qm[:, pair_c2]
    sign_qc = np.sign(gold_qc2[..., 0] - gold_qc2[..., 1])
    true_qc = np.where(sign_qc == 0, np.nan, sign_qc > 0)
    scale = float(judged.gold_pk.std())
    if not annotation.noiseless and not scale > 0:
        raise DataError("noisy labels: all gold rewards are equal; a temperature is in their standard deviations")
    if annotation.unit == "response":
        rating_qm = annotation.rate(gold_qm, scale, rng)
        label_qc = np.heaviside(rating_qm[:, pair_c2[:, 0]] - rating_qm[:, pair_c2[:, 1]], 0.5)
    else:
        label_qc = np.heaviside(sign_qc, 0.5)
        if not annotation.noiseless:
            label_qc = annotation.compare(gold_qc2.reshape(-1, 2), scale, rng).reshape(sign_qc.shape) * 1.0
        rating_qm = wins(label_qc, pair_c2, gold_qm.shape[1])
    label_qc = np.where(sign_qc == 0, np.nan, label_qc)
    return LabelledSet(rows, annotation, pair_c2, gold_qm, true_qc, label_qc, rating_qm)


def wins(label_qc: np.ndarray, pair_c2: np.ndarray, n_responses: int) -> np.ndarray:
    """(Q, m) how many of its comparisons each response wins."""
    wins_qm = np.zeros((len(label_qc), n_responses))
    for label_q, (first, second) in zip(label_qc.T, pair_c2, strict=True):
        wins_qm[:, first] += label_q
        wins_qm[:, second] += 1 - label_q
    return wins_qm


def denoised_accuracy(observed: float, flip: float) -> float:
    """The accuracy behind one that flipped labels show, (observed - flip) / (1 - 2 flip); its error grows as much."""
    if not 0 <= flip < 0.5:
        raise DataError(f"flip: {flip}; from 0 to below 0.5, or labels say nothing")
    return (observed - flip) / (1 - 2 * flip)
