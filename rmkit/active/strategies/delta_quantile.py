"""Of each prompt's ordered pairs, those whose possible margin is about a quantile; of them the best-liked first one.

All ordered pairs are sorted by u_i - l_j, u = r + c s and l = r - c s; in a window around the quantile the one of the
largest u_i is taken. At the quantile 1 this is DeltaUCB. Source: ActiveUltraFeedback (arXiv 2603.09692), DeltaQuantile;
marginal as there.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.within_prompt import Prompt, WithinPrompt
from rmkit.errors import ParamsError


@dataclass(frozen=True, kw_only=True)
class DeltaQuantile(WithinPrompt):
    """One pair a prompt, about a quantile of the upper bounds of margins."""

    quantile: float = 0.75  # of the ordered pairs
    window: float = 0.1  # the share of them about it; at least one

    def __post_init__(self) -> None:
        for name in ("quantile", "window"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParamsError(f"{name}: is {getattr(self, name)}; it must lie between 0 and 1")

    def pick(self, prompt: Prompt, rng: np.random.Generator) -> tuple[int, int, float]:
        """As `WithinPrompt.pick`; the score is u_i."""
        bound_kk = prompt.margin_kk + self.c * prompt.sd_kk
        ordered = np.argwhere(prompt.may_kk)  # both orders of each pair
        rank = np.argsort(bound_kk[ordered[:, 0], ordered[:, 1]], kind="stable")
        n = len(rank)
        wide = max(1, round(self.window * n))
        start = min(max(round(self.quantile * (n - 1)) - wide // 2, 0), n - wide)
        inside = ordered[rank[start : start + wide]]
        upper = prompt.reward_k[inside[:, 0]] + self.c * prompt.sd_k[inside[:, 0]]
        i, j = inside[int(np.argmax(upper))]
        return int(i), int(j), float(upper.max())
