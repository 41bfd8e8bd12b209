"""The pair of each prompt whose margin may be largest: a large gap, or one that nobody knows.

argmax of u_i - l_j, where u = r + c s and l = r - c s: |margin| + c (s_i + s_j), or with joint uncertainty |margin| + c
times the margin's own standard deviation. Source: ActiveUltraFeedback (arXiv 2603.09692), DeltaUCB; marginal as there.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.within_prompt import Prompt, WithinPrompt


@dataclass(frozen=True, kw_only=True)
class DeltaUCB(WithinPrompt):
    """One pair a prompt, that of the largest upper bound of a margin."""

    def pick(self, prompt: Prompt, rng: np.random.Generator) -> tuple[int, int, float]:
        """As `WithinPrompt.pick`."""
        return prompt.best(np.abs(prompt.margin_kk) + self.c * prompt.sd_kk)
