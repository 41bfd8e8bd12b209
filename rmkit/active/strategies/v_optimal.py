"""Greedy V-optimal choice: the pairs that lower the mean variance of the margins of all candidates most.

The margins of a pool are what rank correlation and Best-of-n are made of, so this criterion is the one that is nearest
to what is measured. Knows candidates only. Source: measures/designs/other_criteria.py.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates
from rmkit.measures.designs.other_criteria import greedy_linear


@dataclass(frozen=True, kw_only=True)
class VOptimal:
    """The pairs that lower tr(T M^-1) most, one by one; T is the mean x x^T over the candidates."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        candidates.request(n_pairs)
        order_m = rng.permutation(len(candidates))
        feature_md = candidates.feature_md.astype(np.float64)
        target_dd = feature_md.T @ feature_md / max(len(feature_md), 1)
        return order_m[greedy_linear(candidates.scaled_md[order_m], candidates.known_dd, n_pairs, target_dd)]
