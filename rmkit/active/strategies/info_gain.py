"""For each prompt, the best response of a Thompson draw, and the one whose comparison with it is known least.

The second one has the widest interval of the probability against the first (info_max.py). Draws as in thompson.py.
Sources: ActiveUltraFeedback (arXiv 2603.09692); sail-sg/oat, whose rule this is.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.strategies.info_max import probability_widths
from rmkit.active.strategies.thompson import Draws, drawn_rewards
from rmkit.active.within_prompt import Prompt, WithinPrompt


@dataclass(frozen=True, kw_only=True)
class InfoGain(WithinPrompt):
    """One pair a prompt: the winner of a draw, against the response that it is least clear against."""

    draws: Draws = "normal"

    def pick(self, prompt: Prompt, rng: np.random.Generator) -> tuple[int, int, float]:
        """As `WithinPrompt.pick`; the score is the width."""
        drawn_k = drawn_rewards(prompt, rng, self.uncertainty, self.draws, self.c)
        i = int(np.argmax(np.where(prompt.may_kk.any(axis=1), drawn_k, -np.inf)))
        width_k = np.where(prompt.may_kk[i], probability_widths(prompt, self.c)[i], -np.inf)
        return i, int(np.argmax(width_k)), float(width_k.max())
