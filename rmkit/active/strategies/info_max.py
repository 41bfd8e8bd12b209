"""The pair of each prompt whose chance of being preferred is known least: the widest interval of the probability.

argmax of sigma(u_i - l_j) - sigma(l_i - u_j), where u = r + c s and l = r - c s. Source: ActiveUltraFeedback (arXiv
2603.09692), InfoMax; marginal as there.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from rmkit.active.within_prompt import Prompt, WithinPrompt


@dataclass(frozen=True, kw_only=True)
class InfoMax(WithinPrompt):
    """One pair a prompt, that of the widest interval of its probability."""

    def pick(self, prompt: Prompt, rng: np.random.Generator) -> tuple[int, int, float]:
        """As `WithinPrompt.pick`."""
        return prompt.best(probability_widths(prompt, self.c))


def probability_widths(prompt: Prompt, c: float) -> np.ndarray:
    """(K, K) how wide the interval of each pair's probability is."""
    margin_kk = prompt.margin_kk
    widths: np.ndarray = expit(margin_kk + c * prompt.sd_kk) - expit(margin_kk - c * prompt.sd_kk)
    return widths
