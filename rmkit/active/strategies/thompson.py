"""Double Thompson sampling: for each prompt, the best response of a draw of all rewards, and that of another draw.

Redrawn while both are the same, or no candidate, ten times; then any pair. The draws are normal, of all responses
jointly or each on its own (marginal). `published` draws r + c s times a uniform number on [-1, 1], as released: a
Thompson draw in name. The rule has no score, so prompts come in random order. Source: ActiveUltraFeedback (arXiv
2603.09692); double Thompson sampling of Wu & Liu 2016.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rmkit.active.within_prompt import Prompt, Uncertainty, WithinPrompt

Draws = Literal["normal", "uniform"]


@dataclass(frozen=True, kw_only=True)
class Thompson(WithinPrompt):
    """One pair a prompt: the winners of two draws."""

    draws: Draws = "normal"
    tries: int = 10

    def pick(self, prompt: Prompt, rng: np.random.Generator) -> tuple[int, int, float]:
        """As `WithinPrompt.pick`."""
        for _ in range(self.tries):
            i, j = self.two(prompt, rng)
            if prompt.may_kk[i, j]:
                return i, j, 0.0
        i, j = rng.choice(np.argwhere(prompt.may_kk))
        return int(i), int(j), 0.0

    def two(self, prompt: Prompt, rng: np.random.Generator) -> tuple[int, int]:
        """The winners of two draws; they may be the same."""
        first_k, second_k = (drawn_rewards(prompt, rng, self.uncertainty, self.draws, self.c) for _ in range(2))
        return int(np.argmax(first_k)), int(np.argmax(second_k))


def drawn_rewards(
    prompt: Prompt, rng: np.random.Generator, uncertainty: Uncertainty, draws: Draws, c: float
) -> np.ndarray:
    """(K,) rewards of a draw."""
    if draws == "uniform":
        moved_k = c * prompt.sd_k * rng.uniform(-1, 1, len(prompt.sd_k))
    elif uncertainty == "joint":
        moved_k = prompt.root_kh @ rng.normal(size=prompt.root_kh.shape[1])
    else:
        moved_k = prompt.sd_k * rng.normal(size=len(prompt.sd_k))
    drawn_k: np.ndarray = prompt.reward_k + moved_k
    return drawn_k
