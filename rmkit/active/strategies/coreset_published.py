"""The coreset as the paper's code has it: in the features' own scale, the pair's order counted, drawn with replacement.

Looks at features only. Pairs that are drawn again are dropped and others drawn, since a label is asked for once.
Sources: arXiv 2502.04354 and its vendored code of Huggins, Campbell & Broderick 2016.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates
from rmkit.active.strategies.coreset import sensitivities


@dataclass(frozen=True, kw_only=True)
class CoresetPublished:
    """Pairs drawn in proportion to their sensitivities, with replacement, until there are enough different ones."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`; the first were drawn first."""
        candidates.request(n_pairs)
        sensitivity_m = sensitivities(candidates.feature_md.astype(np.float64), rng, radius=1.0)
        # to draw with replacement and keep the first of each is to draw without replacement
        chance_m = sensitivity_m / sensitivity_m.sum()
        return rng.choice(len(chance_m), size=n_pairs, replace=False, p=chance_m).astype(np.int64)
