"""D-optimality as the paper's code has it: the gradient of log det at the whole pool, and its largest entries.

Says which pairs one would miss most if all of the pool were labelled; no pick knows of the others. Sources: arXiv
2502.04354 and its released rules_pre_paired.py, by autograd of a pairs x D x D tensor there, exactly and by blocks here
(measures/designs/d_optimal.py).
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates, largest
from rmkit.measures.designs.d_optimal import one_shot

JITTER = 1e-6  # on the diagonal, as released


@dataclass(frozen=True, kw_only=True)
class DOptimalOneShot:
    """The pairs of the largest leverage in the pool."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        candidates.request(n_pairs)
        base_dd = JITTER * np.eye(candidates.feature_md.shape[1])
        return largest(one_shot(candidates.scaled_md, base_dd), n_pairs, rng)
