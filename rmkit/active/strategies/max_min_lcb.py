"""For each prompt the response whose worst comparison is surest to be won, and the response of that comparison.

Of the responses whose margin may be above 0 against every other one, i has the largest min over j of (r_i - r_j) - c
(s_i + s_j), and j attains it: a rule of dueling bandits. Source: ActiveUltraFeedback (arXiv 2603.09692), MaxMinLCB;
marginal as there.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.within_prompt import Prompt, WithinPrompt


@dataclass(frozen=True, kw_only=True)
class MaxMinLCB(WithinPrompt):
    """One pair a prompt: the best response by its least lower bound, against the one that attains it."""

    def pick(self, prompt: Prompt, rng: np.random.Generator) -> tuple[int, int, float]:
        """As `WithinPrompt.pick`; the score is that least lower bound."""
        upper_kk = prompt.margin_kk + self.c * prompt.sd_kk
        np.fill_diagonal(upper_kk, np.inf)
        lower_kk = np.where(prompt.may_kk, prompt.margin_kk - self.c * prompt.sd_kk, np.inf)
        can = prompt.may_kk.any(axis=1)
        hopeful = can & (upper_kk > 0).all(axis=1)
        least_k = np.where(hopeful if hopeful.any() else can, lower_kk.min(axis=1), -np.inf)
        i = int(np.argmax(least_k))
        return i, int(np.argmin(lower_kk[i])), float(least_k[i])
