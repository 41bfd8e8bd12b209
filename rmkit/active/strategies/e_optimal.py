"""Greedy E-optimal choice: the pairs that make the direction that is known least known best.

Knows candidates only. Source: measures/designs/other_criteria.py.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates
from rmkit.measures.designs.other_criteria import greedy_e


@dataclass(frozen=True, kw_only=True)
class EOptimal:
    """The pairs that raise the smallest eigenvalue of M most, one by one."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`."""
        candidates.request(n_pairs)
        order_m = rng.permutation(len(candidates))
        return order_m[greedy_e(candidates.scaled_md[order_m], candidates.known_dd, n_pairs)]
