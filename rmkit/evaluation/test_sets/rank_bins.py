"""Pairs by the rank of their responses: the chosen one from one bin of gold, the rejected one from another."""

from dataclasses import dataclass

import numpy as np

from rmkit.annotation.pairs import ranked
from rmkit.errors import DataError
from rmkit.evaluation.test_sets.annotation import NOISELESS, Annotation
from rmkit.evaluation.test_sets.judged import JudgedResponses, Rows, drawn_prompts


@dataclass(frozen=True)
class RankBins:
    """A pair a prompt. A prompt's K responses by ascending gold are cut into bins of K / n_bins, 0 the worst.

    Within one bin, the better of two different responses is the chosen one. Equal gold is ranked at random.
    """

    chosen: int
    rejected: int
    n_bins: int = 3
    n_prompts: int | None = None
    annotation: Annotation = NOISELESS

    def __post_init__(self) -> None:
        if self.n_bins < 1 or not 0 <= self.rejected <= self.chosen < self.n_bins:
            raise DataError(
                f"rank bins {self.chosen} (chosen) and {self.rejected} (rejected) of {self.n_bins}: they count from 0, "
                "the worst, and the rejected one is not above the chosen one"
            )

    def draw(self, judged: JudgedResponses, rng: np.random.Generator) -> Rows:
        bin_k = np.arange(judged.n_responses) * self.n_bins // judged.n_responses
        high_k, low_k = (np.flatnonzero(bin_k == wanted) for wanted in (self.chosen, self.rejected))
        if not len(high_k) or not len(low_k) or (self.chosen == self.rejected and len(high_k) < 2):
            raise DataError(
                f"rank bins {self.chosen} and {self.rejected} of {self.n_bins}: {judged.n_responses} responses to a "
                "prompt have no such pair; take fewer bins"
            )
        ranked_pk = ranked(judged.gold_pk, rng) % judged.n_responses
        n_prompts = len(ranked_pk)
        at_p = rng.integers(len(high_k), size=n_prompts)
        step_p = rng.integers(int(self.chosen == self.rejected), len(low_k), size=n_prompts)
        other_p = (at_p + step_p) % len(low_k) if self.chosen == self.rejected else step_p
        rank_p2 = np.sort(np.stack([high_k[at_p], low_k[other_p]], axis=1), axis=1)[:, ::-1]  # the better one first
        response_p2 = np.take_along_axis(ranked_pk, rank_p2, axis=1)
        gold_p2 = np.take_along_axis(judged.gold_pk, response_p2, axis=1)
        what = f"a pair of unequal gold in rank bins {self.chosen} and {self.rejected} of {self.n_bins}"
        prompt_q = drawn_prompts(gold_p2[:, 0] > gold_p2[:, 1], self.n_prompts, rng, what)
        return Rows(prompt_q, response_p2[prompt_q], np.zeros(len(prompt_q), np.int64))
