"""Some of the pairs that the model is least sure of, and the rest at random.

Looks at margins only. Sources: arXiv 2502.04354, an older rule of its code, which draws the random part from two
independent permutations, so that a response may stand beside itself and fewer pairs come out than were asked for; here
they are drawn from what is left, without replacement.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates, largest
from rmkit.errors import ParamsError


@dataclass(frozen=True, kw_only=True)
class NoisyLevelSet:
    """A share of pairs of the smallest |margin|, then random ones."""

    share: float = 0.5  # of the batch, rounded down, that has the smallest |margin|

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ParamsError(f"share: is {self.share}; it must lie between 0 and 1")

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        candidates.request(n_pairs)
        order_m = largest(-np.abs(candidates.margin_sm.mean(axis=0)), len(candidates), rng)
        n_sure = int(n_pairs * self.share)
        return np.concatenate([order_m[:n_sure], rng.permutation(order_m[n_sure:])[: n_pairs - n_sure]])
