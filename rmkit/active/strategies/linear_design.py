"""The design of a linear regression: leverage in the pool, as if all labels were equally noisy.

Looks at features only. The same as d_optimal_one_shot with v = 1 for every pair, so it asks for spread and ignores how
sure the model is. Source: arXiv 2502.04354, a baseline there (XtX), with its jitter.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates, largest
from rmkit.active.strategies.d_optimal_one_shot import JITTER
from rmkit.measures.designs.d_optimal import one_shot


@dataclass(frozen=True, kw_only=True)
class LinearDesign:
    """The pairs of the largest x^T (sum x x^T)^-1 x."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        candidates.request(n_pairs)
        feature_md = candidates.feature_md.astype(np.float64)
        return largest(one_shot(feature_md, JITTER * np.eye(feature_md.shape[1])), n_pairs, rng)
