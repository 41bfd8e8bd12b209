"""Of each prompt's ordered pairs, those whose possible margin is about a quantile; of them the best-liked first one.

All ordered pairs are sorted by u_i - l_j, u = r + c s and l = r - c s; in a window around the quantile the one of the
largest u_i is taken. At the quantile 1 this is DeltaUCB. Source: ActiveUltraFeedback (arXiv 2603.09692), DeltaQuantile;
marginal as there.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates
from rmkit.active.within_prompt import Prompt, Prompts, Uncertainty, select_within
from rmkit.errors import ParamsError


@dataclass(frozen=True, kw_only=True)
class DeltaQuantile:
    """One pair a prompt, about a quantile of the upper bounds of margins."""

    uncertainty: Uncertainty = "joint"
    prompts: Prompts = "ranked"
    c: float = 1.0  # standard deviations in a bound
    quantile: float = 0.75  # of the ordered pairs
    window: float = 0.1  # the share of them about it; at least one

    def __post_init__(self) -> None:
        for name in ("quantile", "window"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParamsError(f"{name}: is {getattr(self, name)}; it must lie between 0 and 1")

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        return select_within(self, candidates, n_pairs, rng, uncertainty=self.uncertainty, prompts=self.prompts)

    def pick(self, prompt: Prompt, rng: np.random.Generator) -> tuple[int, int, float]:
        """As `Rule.pick`; the score is u_i."""
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


@dataclass(frozen=True, kw_only=True)
class DeltaQuantileRandomPrompts(DeltaQuantile):
    """With the prompts in random order."""

    prompts: Prompts = "random"


@dataclass(frozen=True, kw_only=True)
class DeltaQuantilePublished(DeltaQuantileRandomPrompts):
    """As published: each response's uncertainty counted apart, too."""

    uncertainty: Uncertainty = "marginal"
