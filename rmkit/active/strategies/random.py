"""No choice at all: the strategy that every other one must beat.

Knows how many candidates there are, and looks at none. Source: arXiv 2502.04354.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates


@dataclass(frozen=True, kw_only=True)
class Random:
    """Any pairs, all sets of them equally likely."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        return rng.permutation(len(candidates))[: candidates.request(n_pairs)].astype(np.int64)
