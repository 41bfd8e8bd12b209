"""Past-aware D-optimality as the paper's code has it: one_shot, with the labelled pairs beside the whole pool.

The past hardly counts until it rivals the pool: that is how the rule was released. The past stands here with the prior
that all strategies have. Source: arXiv 2502.04354 and its released rules_pre_paired.py.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates, largest
from rmkit.measures.designs.d_optimal import one_shot


@dataclass(frozen=True, kw_only=True)
class DOptimalPastOneShot:
    """The pairs of the largest leverage in the pool and the labelled pairs together."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        candidates.request(n_pairs)
        return largest(one_shot(candidates.scaled_md, candidates.known_dd.astype(np.float64)), n_pairs, rng)
