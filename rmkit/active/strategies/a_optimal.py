"""Greedy A-optimal choice: the pairs that lower the mean variance of the weights most.

Knows candidates only. Source: measures/designs/other_criteria.py.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates
from rmkit.measures.designs.other_criteria import greedy_linear


@dataclass(frozen=True, kw_only=True)
class AOptimal:
    """The pairs that lower tr M^-1 most, one by one."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        candidates.request(n_pairs)
        order_m = rng.permutation(len(candidates))
        target_dd = np.eye(candidates.feature_md.shape[1])
        return order_m[greedy_linear(candidates.scaled_md[order_m], candidates.known_dd, n_pairs, target_dd)]
