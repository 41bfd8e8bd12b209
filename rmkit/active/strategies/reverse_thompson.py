"""Double reverse Thompson sampling: for each prompt, the best response of a draw, and the worst of another draw.

Redrawn while both are the same, or no candidate, thirty times; then any pair. Draws as in thompson.py. Source:
ActiveUltraFeedback (arXiv 2603.09692), DRTS.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.strategies.thompson import Thompson, drawn_rewards
from rmkit.active.within_prompt import Prompt


@dataclass(frozen=True, kw_only=True)
class ReverseThompson(Thompson):
    """One pair a prompt: the winner of a draw and the loser of another."""

    tries: int = 30

    def two(self, prompt: Prompt, rng: np.random.Generator) -> tuple[int, int]:
        """The winner of a draw and the loser of another; they may be the same."""
        first_k, second_k = (drawn_rewards(prompt, rng, self.uncertainty, self.draws, self.c) for _ in range(2))
        return int(np.argmax(first_k)), int(np.argmin(second_k))
