"""A control: D-optimal choice that does not know how sure the model is.

All candidates count as undecided (p (1 - p) = 1/4), so only the other factor of D-optimality is left: new directions.
Beside d_optimal and entropy it tells which of the two makes D-optimal choice win.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates
from rmkit.measures.designs.d_optimal import greedy


@dataclass(frozen=True, kw_only=True)
class DistanceOnly:
    """Greedy D-optimal pairs with the same variance for all; the past counts as it does for d_optimal."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        candidates.request(n_pairs)
        order_m = rng.permutation(len(candidates))
        scaled_md = 0.5 * candidates.feature_md[order_m].astype(np.float64)
        return order_m[greedy(scaled_md, candidates.known_dd.astype(np.float64), n_pairs)].astype(np.int64)
