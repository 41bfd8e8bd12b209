"""For each prompt, the best response of a Thompson draw, and the one whose comparison with it is known least.

The second one has the widest interval of the probability against the first (info_max.py). Draws as in thompson.py.
Sources: ActiveUltraFeedback (arXiv 2603.09692); sail-sg/oat, whose rule this is.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates
from rmkit.active.strategies.info_max import probability_widths
from rmkit.active.strategies.thompson import Draws, drawn_rewards
from rmkit.active.within_prompt import Prompt, Prompts, Uncertainty, select_within


@dataclass(frozen=True, kw_only=True)
class InfoGain:
    """One pair a prompt: the winner of a draw, against the response that it is least clear against."""

    uncertainty: Uncertainty = "joint"
    prompts: Prompts = "ranked"
    draws: Draws = "normal"
    c: float = 1.0  # standard deviations in a bound

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        return select_within(self, candidates, n_pairs, rng, uncertainty=self.uncertainty, prompts=self.prompts)

    def pick(self, prompt: Prompt, rng: np.random.Generator) -> tuple[int, int, float]:
        """As `Rule.pick`; the score is the width."""
        drawn_k = drawn_rewards(prompt, rng, self.uncertainty, self.draws, self.c)
        i = int(np.argmax(np.where(prompt.may_kk.any(axis=1), drawn_k, -np.inf)))
        width_k = np.where(prompt.may_kk[i], probability_widths(prompt, self.c)[i], -np.inf)
        return i, int(np.argmax(width_k)), float(width_k.max())


@dataclass(frozen=True, kw_only=True)
class InfoGainRandomPrompts(InfoGain):
    """With the prompts in random order."""

    prompts: Prompts = "random"


@dataclass(frozen=True, kw_only=True)
class InfoGainPublished(InfoGainRandomPrompts):
    """As published: each response's uncertainty counted apart, too."""

    uncertainty: Uncertainty = "marginal"
    draws: Draws = "uniform"
