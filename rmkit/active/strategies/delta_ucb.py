"""The pair of each prompt whose margin may be largest: a large gap, or one that nobody knows.

argmax of u_i - l_j, where u = r + c s and l = r - c s: |margin| + c (s_i + s_j), or with joint uncertainty |margin| + c
times the margin's own standard deviation. Source: ActiveUltraFeedback (arXiv 2603.09692), DeltaUCB; marginal as there.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates
from rmkit.active.within_prompt import Prompt, Prompts, Uncertainty, select_within


@dataclass(frozen=True, kw_only=True)
class DeltaUCB:
    """One pair a prompt, that of the largest upper bound of a margin."""

    uncertainty: Uncertainty = "joint"
    prompts: Prompts = "ranked"
    c: float = 1.0  # standard deviations in a bound

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        return select_within(self, candidates, n_pairs, rng, uncertainty=self.uncertainty, prompts=self.prompts)

    def pick(self, prompt: Prompt, rng: np.random.Generator) -> tuple[int, int, float]:
        """As `Rule.pick`."""
        return prompt.best(np.abs(prompt.margin_kk) + self.c * prompt.sd_kk)


@dataclass(frozen=True, kw_only=True)
class DeltaUCBRandomPrompts(DeltaUCB):
    """With the prompts in random order."""

    prompts: Prompts = "random"


@dataclass(frozen=True, kw_only=True)
class DeltaUCBPublished(DeltaUCBRandomPrompts):
    """As published: each response's uncertainty counted apart, too."""

    uncertainty: Uncertainty = "marginal"
