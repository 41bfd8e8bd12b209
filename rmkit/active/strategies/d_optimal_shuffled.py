"""A control: D-optimal choice whose p (1 - p) belong to other pairs.

The spread of directions stays, and the distribution of variances; which pair has which is lost. What d_optimal gains
over this it owes to knowing how sure the model is of each pair.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates
from rmkit.measures.designs.d_optimal import greedy
from rmkit.measures.information import p_variance


@dataclass(frozen=True, kw_only=True)
class DOptimalShuffled:
    """Greedy D-optimal pairs with the candidates' variances in random order."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        candidates.request(n_pairs)
        order_m = rng.permutation(len(candidates))
        variance_m = rng.permutation(p_variance(candidates.margin_sm.mean(axis=0)))
        scaled_md = np.sqrt(variance_m)[:, None] * candidates.feature_md[order_m].astype(np.float64)
        return order_m[greedy(scaled_md, candidates.known_dd.astype(np.float64), n_pairs)].astype(np.int64)
